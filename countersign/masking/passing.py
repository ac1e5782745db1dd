"""One body's way through the engine: harvest, look, decide, change, look again, count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from countersign.detection.detector import Detector
from countersign.detection.hits import Hit, KnownValue
from countersign.detection.kinds import letter
from countersign.detection.sweeping import Sweeper
from countersign.masking.changing import Changed, changed, taken_back, widened, windows
from countersign.masking.deciding import Decider, Find, resolved, settled
from countersign.masking.expanding import Node, expand
from countersign.masking.keys import Keys
from countersign.masking.outcomes import FieldSpan, Limits, Opaque, Outcome, Reason, Refusal
from countersign.masking.scanning import Memory, Scanner, outside, tokens_in
from countersign.masking.schemes import replacement
from countersign.masking.tokens import Session
from countersign.rules.facts import Facts, classes_of
from countersign.rules.policy import Policy
from countersign.shapes.slots import Document, OpaquePart, Sizes, Slot, shown

_ROUNDS = 3
_PLACE = "place"
# Names that detection is so sure of are looked for in all other texts, if they have two words.
_SURE = 0.8
# Values so short are found by words alone, and not searched for in the bytes that go out.
_SEARCHED = 6
_HIDES = frozenset({"block", "drop", "mask", "hash", "tokenize"})
_EMPTY = frozenset({"", "-", "n/a", "na", "none", "null", "unknown", "yes", "no", "true", "false"})


class Refused(Exception):
    """The policy lets the body not go, or what goes wrong must not let it."""

    def __init__(self, reason: Reason, rule_ids: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.rule_ids = rule_ids


class Pass:
    """State of one body. Its parts hold text, so nothing of it outlives the call."""

    def __init__(
        self, policy: Policy, detector: Detector, memory: Memory, limits: Limits, sizes: Sizes
    ) -> None:
        self.changed = False
        self._policy = policy
        self._detector = detector
        self._memory = memory
        self._limits = limits
        self._sizes = sizes
        self._counts: Counter[str] = Counter()
        self._masked: Counter[str] = Counter()
        self._spans: list[FieldSpan] = []
        self._opaque: list[tuple[OpaquePart, str]] = []
        self._characters = 0
        self._searched: list[bytes] = []
        self._hidden: set[str] = set()

    def __repr__(self) -> str:
        return "Pass()"

    def run(
        self,
        document: Document,
        facts: Facts,
        means: tuple[Session, Keys | None],
        known: Sequence[KnownValue],
        ends_at: float,
    ) -> None:
        """Change the document as the policy says. Raises: Unreadable, TimedOut, Refused."""
        defaults = self._policy.defaults
        self._scanner = Scanner(
            self._detector,
            self._memory,
            strict=defaults.strict,
            min_score=defaults.min_score,
            ends_at=ends_at,
        )
        self._decider = Decider(self._policy, facts)
        self._means = means
        self._forbid(facts)
        nodes, opaque = expand(document, self._limits, self._sizes)
        self._characters = sum(len(node.slot.text) for node in nodes)
        self._leave_out(opaque)
        dropped = self._whole_fields(nodes)
        nodes = [node for node in nodes if node.slot not in dropped]
        hits = self._find(nodes, known)
        self._count(nodes, hits)
        self._forbid(facts)
        # Those inside come after those that hold them: last first, each is ready for its holder.
        for node, found in zip(reversed(nodes), reversed(hits), strict=True):
            self._change(node, found)

    def check(self, body: bytes) -> None:
        """A last look at the bytes: no value that had to go may stand in them. Raises: Refused."""
        for value in self._searched:
            if value in body:
                raise Refused("left-after-masking")

    def outcome(self, body: bytes) -> Outcome:
        """What became of the body."""
        return self._outcome(body, None)

    def refused(self, reason: Reason, rule_ids: tuple[str, ...] = ()) -> Outcome:
        """The same for one that does not go; counts say what was found until then."""
        return self._outcome(None, Refusal(reason, rule_ids))

    def _outcome(self, body: bytes | None, refusal: Refusal | None) -> Outcome:
        classes = {name for kind in self._counts for name in classes_of(kind)}
        return Outcome(
            body=body,
            refusal=refusal,
            masked=dict(sorted(self._masked.items())),
            spans=tuple(self._spans),
            data_classes=tuple(sorted(classes)),
            opaque=tuple(
                Opaque(shown(part.path, self._hidden), part.media, part.size, action)
                for part, action in self._opaque
            ),
            scanned=self._characters,
            counts=dict(sorted(self._counts.items())),
        )

    def _forbid(self, facts: Facts) -> None:
        decision = self._policy.decide_call(facts, self._counts)
        if decision.forbidden:
            raise Refused("blocked-by-rule", decision.rule_ids)

    def _leave_out(self, opaque: list[OpaquePart]) -> None:
        blocked: tuple[str, ...] = ()
        for part in opaque:
            chosen = self._decider.opaque(part)
            action = chosen.action
            if action != "allow":
                if action != "block" and part.drop():
                    action, self.changed = "drop", True
                    self._masked.update(chosen.rule_ids)
                else:
                    action, blocked = "block", blocked or chosen.rule_ids
            self._opaque.append((part, action))
        if blocked:
            raise Refused("opaque-content", blocked)

    def _whole_fields(self, nodes: list[Node]) -> set[Slot]:
        """Fields that the policy hides whatever they hold. Returns: those that are done with."""
        done = set()
        for node in nodes:
            slot = node.slot
            if slot.is_name:
                continue
            chosen = self._decider.field(slot) if slot.looked or slot.kind else None
            if chosen is None:
                self._decider.place(slot)
                continue
            if chosen.action == "block":
                raise Refused("blocked-by-rule", chosen.rule_ids)
            find = Find(0, len(slot.text), slot.kind or "UNIQUE_ID", chosen)
            slot.new = self._replaced(find, slot.text)
            self.changed = True
            self._note(slot, [find])
            done.add(slot)
        return done

    def _find(self, nodes: list[Node], known: Sequence[KnownValue]) -> list[list[Hit]]:
        """All hits of each node, overlapping ones too."""
        values = [*known, *harvested(nodes)]
        detected = [
            self._scanner.detected(node.looked_at) if node.slot.looked else [] for node in nodes
        ]
        self._scanner.sweep_for(Sweeper(values, _names(nodes, detected)))
        self._remember(values)
        hits = [
            self._cleaned(node, [*found, *self._scanner.swept(node.looked_at), *_by_place(node)])
            for node, found in zip(nodes, detected, strict=True)
        ]
        named = (
            node.slot.text
            for node, found in zip(nodes, hits, strict=True)
            if found and node.slot.is_name
        )
        self._hidden = set(named)
        return hits

    def _remember(self, values: list[KnownValue]) -> None:
        """Values whose kind may never pass are searched for in the bytes at the end."""
        anywhere = Slot("", "", "")
        for known in values:
            plain = known.value.strip()
            if len(plain) < _SEARCHED or known.kind == "DATE":
                continue
            hit = Hit(0, 1, known.kind, 1.0, _PLACE)
            if self._decider.hit(anywhere, hit).action in _HIDES:
                self._searched.append(plain.encode("utf-8", "surrogatepass"))

    def _cleaned(self, node: Node, hits: list[Hit]) -> list[Hit]:
        if not hits:
            return hits
        text = node.slot.text
        return widened(outside(hits, tokens_in(text), text), node.segments)

    def _count(self, nodes: list[Node], hits: list[list[Hit]]) -> None:
        for node, found in zip(nodes, hits, strict=True):
            for hit in resolved(found, node.slot.text):
                self._counts[hit.kind] += 1
        self._decider.counts = self._counts

    def _change(self, node: Node, hits: list[Hit]) -> None:
        """Replace, look again, and replace what showed itself only then."""
        slot = node.slot
        for _ in range(_ROUNDS):
            finds, stay = settled(hits, slot, self._decider)
            blocked = [find for find in finds if find.chosen.action == "block"]
            if blocked:
                self._note(slot, blocked)
                ids = dict.fromkeys(rule for find in blocked for rule in find.chosen.rule_ids)
                raise Refused("blocked-by-rule", tuple(ids))
            new = changed(node, finds, self._replaced)
            more = self._left(node, new) if new.changes else []
            if not more:
                self._note(slot, [*finds, *stay])
                if new.changes:
                    slot.new = new.text
                    self.changed = True
                return
            hits = [*hits, *more]
        raise Refused("left-after-masking")

    def _left(self, node: Node, new: Changed) -> list[Hit]:
        """What may not leave and is found in the changed text, as hits of the old one."""
        hits: list[Hit] = []
        if len(new.changes) == 1 and new.changes[0].new_end - new.changes[0].new_start == len(
            new.text
        ):
            return hits
        for start, end in windows(new):
            text = new.text[start:end]
            found = self._scanner.detected(text) if node.slot.looked else []
            kept = outside([*found, *self._scanner.swept(text)], tokens_in(text), text)
            hits += [Hit(h.start + start, h.end + start, h.kind, h.score, h.rule) for h in kept]
        back = widened(taken_back(hits, new), node.segments)
        return [hit for hit in back if self._decider.hit(node.slot, hit).action != "allow"]

    def _replaced(self, find: Find, value: str) -> str:
        session, keys = self._means
        chosen = find.chosen
        return replacement(chosen.action, chosen.scheme, find.kind, value, session, keys)

    def _note(self, slot: Slot, finds: list[Find]) -> None:
        if not finds:
            return
        path = shown(slot.path, self._hidden)
        for find in sorted(finds, key=lambda each: each.start):
            chosen = find.chosen
            rule = chosen.rule_ids[0] if chosen.rule_ids else ""
            if chosen.action not in ("allow", "block"):
                self._masked.update(chosen.rule_ids)
            self._spans.append(
                FieldSpan(
                    path, find.start, find.end, find.kind, letter(find.kind), rule, chosen.action
                )
            )


def harvested(nodes: list[Node]) -> list[KnownValue]:
    """The values that stand where their place says what they are, each once, sorted."""
    found = {
        (node.slot.kind, node.slot.text.strip())
        for node in nodes
        if node.slot.kind is not None and node.slot.harvested and not node.segments
    }
    return [
        KnownValue(text, kind)
        for kind, text in sorted(found)
        if text.lower() not in _EMPTY and not tokens_in(text)
    ]


def _by_place(node: Node) -> list[Hit]:
    slot = node.slot
    if slot.kind is None or slot.text.strip().lower() in _EMPTY:
        return []
    return [Hit(0, len(slot.text), slot.kind, 1.0, _PLACE)]


def _names(nodes: list[Node], detected: list[list[Hit]]) -> list[str]:
    """Names of two words and more that detection is sure of, each once, sorted."""
    found = {
        node.slot.text[hit.start : hit.end]
        for node, hits in zip(nodes, detected, strict=True)
        for hit in hits
        if hit.kind == "NAME" and hit.score >= _SURE and hit.rule != "strict"
    }
    return sorted(name for name in found if " " in name.strip() and len(name) < 60)
