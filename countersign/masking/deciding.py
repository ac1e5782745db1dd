"""What is done with each hit: the policy is asked once for all hits that it cannot tell apart."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from countersign.detection.hits import Hit
from countersign.detection.resolving import resolve
from countersign.rules.actions import STRICTNESS
from countersign.rules.conditions import asked
from countersign.rules.facts import Facts
from countersign.rules.policy import Chosen, Policy
from countersign.rules.reading import UNMATCHED
from countersign.shapes.slots import OpaquePart, Slot

_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Find:
    """A stretch of a text with what is done to it."""

    start: int
    end: int
    kind: str
    chosen: Chosen


class Decider:
    """A policy with the facts of one call."""

    def __init__(self, policy: Policy, facts: Facts) -> None:
        self.policy = policy
        questions = frozenset(fact for rule in policy.rules for fact in asked(rule.when))
        self._by_path = "path" in questions
        self._by_score = "score" in questions
        # What stands in a tool's call or answer passes the rules for the whole body and those
        # for tools.
        self._facts = (facts, replace(facts, direction="tool"))
        self._known: dict[tuple[object, ...], Chosen] = {}
        self.counts: Mapping[str, int] = {}

    def hit(self, slot: Slot, hit: Hit) -> Chosen:
        """What is done with a hit in a slot."""
        path = slot.path if self._by_path else ""
        score = hit.score if self._by_score else None
        key = (hit.kind, slot.of_tool, path, score)
        chosen = self._known.get(key)
        if chosen is None:
            chosen = self._ask(hit.kind, slot.of_tool, slot.path, hit.score)
            if len(self._known) < _KEPT:
                self._known[key] = chosen
        return chosen

    def field(self, slot: Slot) -> Chosen | None:
        """What is done with a whole field, whatever stands in it; None: it is only looked at."""
        if self.policy.keep is not None and not self.policy.kept(slot.path):
            return Chosen("drop", "", ("keep",))
        if not self._by_path:
            return None
        chosen = self._ask(None, slot.of_tool, slot.path, None)
        return None if chosen.action == "allow" else chosen

    def place(self, slot: Slot) -> None:
        """Let the slot hold by its place what the policy says, rather than what its form does."""
        if self.policy.fields and (said := self.policy.field_kind(slot.path)):
            slot.kind = said
            slot.looked = slot.harvested = True

    def opaque(self, part: OpaquePart) -> Chosen:
        """What is done with a part that nobody can read: as an image or a voice, or by default."""
        sort = part.media.partition("/")[0]
        kind = {"image": "PHOTO", "audio": "BIOMETRIC", "video": "BIOMETRIC"}.get(sort)
        if kind is not None:
            chosen = self._ask(kind, False, part.path, 1.0)  # noqa: FBT003
            if chosen.rule_ids != (UNMATCHED,):
                return chosen
        return Chosen(self.policy.defaults.opaque, "", ("opaque",))

    def _ask(self, kind: str | None, of_tool: bool, path: str, score: float | None) -> Chosen:  # noqa: FBT001
        count = self.counts.get(kind) if kind is not None else None
        answers = [
            self.policy.action(facts, kind, path, score, count)
            for facts in (self._facts if of_tool else self._facts[:1])
        ]
        said = [each for each in answers if each.rule_ids != (UNMATCHED,)] or answers
        return min(said, key=lambda each: STRICTNESS[each.action])


def settled(hits: Sequence[Hit], slot: Slot, decider: Decider) -> tuple[list[Find], list[Find]]:
    """The finds of a slot that change it, none overlapping another; and those that stay.

    Of hits that overlap the longest stays, and gets the strictest action of all that it stands for.
    What an allowed hit covers beside them is allowed.
    """
    if not hits:
        return [], []
    chosen = [(hit, decider.hit(slot, hit)) for hit in hits]
    active = [(hit, each) for hit, each in chosen if each.action != "allow"]
    allowed = [hit for hit, each in chosen if each.action == "allow"]
    kept = resolved([hit for hit, _ in active], slot.text)
    strictest = _strictest(kept, active)
    finds = [
        Find(hit.start, hit.end, hit.kind, each) for hit, each in zip(kept, strictest, strict=True)
    ]
    stay = [
        Find(hit.start, hit.end, hit.kind, decider.hit(slot, hit))
        for hit in resolved(allowed, slot.text)
        if not _overlaps(hit, kept)
    ]
    return finds, stay


def resolved(hits: list[Hit], text: str) -> list[Hit]:
    """As `resolve`, which see. Most texts have one hit or none."""
    return resolve(hits, text) if len(hits) > 1 else hits


def _strictest(kept: list[Hit], active: list[tuple[Hit, Chosen]]) -> list[Chosen]:
    """For each hit that stays, the strictest of what was chosen for it and all it overlaps."""
    starts = [hit.start for hit in kept]
    found: list[Chosen | None] = [None] * len(kept)
    for hit, chosen in active:
        at = max(bisect_right(starts, hit.start) - 1, 0)
        while at < len(kept) and kept[at].start < hit.end:
            known = found[at]
            if kept[at].end > hit.start and (known is None or _stricter(chosen, known)):
                found[at] = chosen
            at += 1
    return [each for each in found if each is not None]


def _stricter(one: Chosen, other: Chosen) -> bool:
    """Whether it is stricter; equal ones are told apart by their rules, never by their order."""
    return (STRICTNESS[one.action], one.scheme, one.rule_ids) < (
        STRICTNESS[other.action],
        other.scheme,
        other.rule_ids,
    )


def _overlaps(hit: Hit, kept: list[Hit]) -> bool:
    at = bisect_right([each.start for each in kept], hit.start)
    before = at > 0 and kept[at - 1].end > hit.start
    return before or (at < len(kept) and kept[at].start < hit.end)
