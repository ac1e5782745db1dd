"""A policy: which data may go where, and in what form. Rules are data; see docs/decisions/0021.

- Any forbid that matches wins. What no rule matches is `unmatched`, which is never allowed.
- Of the rules that match a find the strictest action is done; the order of rules never matters.
- A permit lets a find pass only until its last day, and only where nothing stricter matches.
- A rule that does not ask for the direction speaks of what goes out (request, tool, log). Answers
  concern those rules alone that ask for the direction, and pass where none of them matches.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from countersign.canonical import Json, canonical, digest
from countersign.rules.actions import ACTIONS, STRICTNESS, Action
from countersign.rules.conditions import (
    Every,
    Known,
    Test,
    asked,
    compiled,
    pattern,
    possibly,
    simplified,
)
from countersign.rules.facts import ABOUT_A_KIND, NO_FIND, OF_A_FIND, Facts, Find
from countersign.rules.kinds import GENERAL
from countersign.rules.reading import (
    KINDS,
    MAX_RULES,
    MAX_TESTS,
    PATH,
    UNMATCHED,
    Defaults,
    FieldKind,
    Node,
    OwnPattern,
    PolicyError,
    Rule,
    read_defaults,
    read_field,
    read_pattern,
    read_rule,
)
from countersign.rules.testing import PolicyTest, read_test

VERSION = 1
# So many answers for call facts are kept; an integration has few, for they are its own.
KEPT = 256


@dataclass(frozen=True, slots=True)
class CallDecision:
    """Whether a call is forbidden as a whole: by which rules, the first one's reason."""

    forbidden: bool
    reason: str = ""
    rule_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is done with a find, and the rules that asked for it (`unmatched` where none did)."""

    action: Action
    scheme: str
    rule_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A rule ready to be asked; of rules that agree the first in `order` gives its scheme.

    `strictness` is for kinds that have a coarser form, `otherwise` for all others.
    """

    rule: Rule
    test: Test
    asks: frozenset[str]
    strictness: int
    otherwise: int
    order: tuple[int, str]

    def matches(self, facts: Facts, find: Find) -> bool:
        if facts.direction == "response" and "direction" not in self.asks:
            return False
        expires = self.rule.expires
        if expires is not None and (facts.on is None or facts.on > expires):
            return False
        return self.test(facts, find)


ALLOWED = CallDecision(forbidden=False)


class Policy:
    """One version's rules, checked and ready to decide. Safe to share between threads."""

    def __init__(self, document: Mapping[str, Json]) -> None:
        """As `parse`."""
        node = Node(document)
        node.closed(["v", "defaults", "rules", "tests"], ["patterns", "fields", "keep"])
        if node.member("v").value is True or node.member("v").value != VERSION:
            raise node.member("v").error("The form of this policy is not known here.")
        self.document = document
        self.defaults: Defaults = read_defaults(node.member("defaults"))
        self.patterns: tuple[OwnPattern, ...] = tuple(
            read_pattern(each) for each in _listed(node, "patterns", 100)
        )
        kinds = KINDS | {each.kind for each in self.patterns}
        self.fields: tuple[FieldKind, ...] = tuple(
            read_field(each, kinds) for each in _listed(node, "fields", 500)
        )
        rules = node.member("rules").items(1, MAX_RULES)
        self.rules: tuple[Rule, ...] = tuple(read_rule(each, kinds) for each in rules)
        _once(rules, [rule.id for rule in self.rules])
        _once(_listed(node, "patterns", 100), [each.id for each in self.patterns])
        self.keep: tuple[str, ...] | None = _kept(node)
        ids = frozenset(rule.id for rule in self.rules)
        tests = node.member("tests").items(0, MAX_TESTS)
        self.tests: tuple[PolicyTest, ...] = tuple(read_test(each, ids) for each in tests)
        _once(tests, [test.id for test in self.tests])
        self._canonical = _canonical(document)
        self._compiled = tuple(sorted(map(_compile, self.rules), key=lambda each: each.order))
        self._forbids = tuple(c for c in self._compiled if c.rule.effect == "forbid")
        # Those that may match a call as a whole, of which no find is known.
        nothing = dict.fromkeys(OF_A_FIND)
        self._call_forbids = tuple(_narrowed(self._forbids, nothing))
        self._by_kind: dict[str | None, tuple[_Compiled, ...]] = {}
        self._forbids_by_kind: dict[str, tuple[_Compiled, ...]] = {}

    @classmethod
    def parse(cls, document: Mapping[str, Json]) -> Policy:
        """The policy of a document as `schema.json` describes it.

        Raises: PolicyError, which names the place and quotes no value.
        """
        return cls(document)

    def __repr__(self) -> str:
        return f"Policy({self.digest[:12]}, {len(self.rules)} rules)"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the document's canonical JSON, in hex."""
        return digest(self.document)

    def decide_call(self, facts: Facts, counts: Mapping[str, int]) -> CallDecision:
        """Whether a forbid matches the call as a whole, or one that asks about kinds alone.

        `counts` says how many finds of each kind the call holds; empty before it was scanned.
        Forbids that ask for a path or score are answered by `action` of each find.
        """
        matched = [each for each in self._call_forbids if each.matches(facts, NO_FIND)]
        for kind, count in counts.items():
            if count > 0:
                find = Find(kind=kind, count=count)
                matched += (e for e in self._forbids_for(kind) if e.matches(facts, find))
        if not matched:
            return ALLOWED
        matched.sort(key=lambda each: each.order)
        ids = tuple(dict.fromkeys(each.rule.id for each in matched))
        return CallDecision(forbidden=True, reason=matched[0].rule.reason, rule_ids=ids)

    def action(
        self,
        facts: Facts,
        kind: str | None,
        path: str | None = None,
        score: float | None = None,
        count: int | None = None,
    ) -> Chosen:
        """What is done with one find: a span of `kind`, or with None a whole field by its path.

        `path` is a JSON pointer, `score` 0 to 1, `count` how many of the kind the call holds.
        A whole field that no rule matches passes: its text is still looked through (`field`).
        """
        find = Find(kind, path, score, count)
        matched = [each for each in self._for(kind) if each.matches(facts, find)]
        if not matched:
            return self._unmatched(facts, kind)
        # What has no coarser form is masked where it was to be made coarser.
        coarser = kind in GENERAL
        levels = [each.strictness if coarser else each.otherwise for each in matched]
        strictest = min(levels)
        winners = [e for e, level in zip(matched, levels, strict=True) if level == strictest]
        scheme = winners[0].rule.scheme
        ids = tuple(each.rule.id for each in winners if each.rule.scheme == scheme)
        return Chosen(ACTIONS[strictest], scheme, ids)

    def field(self, facts: Facts, path: str) -> Chosen | None:
        """What is done with a whole field, whatever it holds; None: its text is looked through.

        Without a rule that asks for its path a field that the keep-list lacks is dropped.
        """
        chosen = self.action(facts, None, path)
        if chosen.action != "allow":
            return chosen
        return None if self.kept(path) else Chosen("drop", "", (UNMATCHED,))

    def _unmatched(self, facts: Facts, kind: str | None) -> Chosen:
        passes = kind is None or facts.direction == "response"
        return Chosen("allow" if passes else self.defaults.unmatched, "", (UNMATCHED,))

    def matching(self, facts: Facts, find: Find) -> tuple[str, ...]:
        """The ids of every rule that matches, whatever comes of it; for tests and pages."""
        return tuple(each.rule.id for each in self._compiled if each.matches(facts, find))

    def kept(self, path: str) -> bool:
        """Whether a field may go out at all: any, where the policy lists none to keep."""
        return self._keeps is None or self._keeps.fullmatch(path) is not None

    def field_kind(self, path: str) -> str | None:
        """The kind that the policy says the field at this path holds, if it says one."""
        for fits, kind in self._fields:
            if fits.fullmatch(path):
                return kind
        return None

    @cached_property
    def _keeps(self) -> re.Pattern[str] | None:
        return None if self.keep is None else pattern("path", self.keep)

    @cached_property
    def _fields(self) -> list[tuple[re.Pattern[str], str]]:
        return [(pattern("path", (each.path,)), each.kind) for each in self.fields]

    @cached_property
    def reads_answers(self) -> bool:
        """Whether any rule speaks of answers, so that they have to be looked through."""
        known = {"direction": "response"}
        return any(
            "direction" in each.asks and possibly(each.rule.when, known) is not False
            for each in self._compiled
        )

    @property
    def opaque(self) -> Action:
        """What is done with images, sound and PDF: allow, drop or block."""
        return self.defaults.opaque

    @property
    def on_error(self) -> Action:
        """What is done where looking through a body fails: block."""
        return self.defaults.on_error

    @property
    def min_score(self) -> float:
        """Below it, 0 to 1, a find does not count."""
        return self.defaults.min_score

    @property
    def strict(self) -> bool:
        """Whether every word that is in no vocabulary is hidden too."""
        return self.defaults.strict

    def rule(self, rule_id: str) -> Rule:
        """Raises: KeyError where the policy has no such rule."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError("the policy has no rule of this id")

    def ends(self, on: dt.date) -> dt.date | None:
        """The next day on which a permit ends, `on` included; None where none does."""
        days = [rule.expires for rule in self.rules if rule.expires and rule.expires >= on]
        return min(days, default=None)

    def canonical(self) -> bytes:
        """The document's canonical JSON."""
        return self._canonical

    def _for(self, kind: str | None) -> tuple[_Compiled, ...]:
        """The rules that may match a find of the kind, with what is left to be asked of it.

        A whole field is the concern of rules that ask for its path, and of no others: a rule that
        hides what is found in it does not hide all of it.
        """
        found = self._by_kind.get(kind)
        if found is None:
            about = self._compiled if kind else [e for e in self._compiled if "path" in e.asks]
            found = tuple(_narrowed(about, {"kind": kind}))
            if len(self._by_kind) < KEPT:
                self._by_kind[kind] = found
        return found

    def _forbids_for(self, kind: str) -> tuple[_Compiled, ...]:
        found = self._forbids_by_kind.get(kind)
        if found is None:
            about = [each for each in self._forbids if each.asks & ABOUT_A_KIND]
            known = {"kind": kind, "path": None, "score": None}
            found = tuple(_narrowed(about, known))
            if len(self._forbids_by_kind) < KEPT:
                self._forbids_by_kind[kind] = found
        return found


def _compile(rule: Rule) -> _Compiled:
    strictness = STRICTNESS[rule.action]
    return _Compiled(
        rule,
        compiled(rule.when),
        asked(rule.when),
        strictness,
        STRICTNESS["mask"] if rule.action == "generalize" else strictness,
        (-rule.priority, rule.id),
    )


def _narrowed(rules: Iterable[_Compiled], known: Known) -> Iterable[_Compiled]:
    """The rules that may match where some facts are known, with what is left of their questions."""
    for each in rules:
        left = simplified(each.rule.when, known)
        if left is False:
            continue
        yield replace(each, test=compiled(Every(()) if left is True else left))


def _listed(node: Node, name: str, most: int) -> list[Node]:
    return node.member(name).items(0, most) if node.has(name) else []


def _kept(node: Node) -> tuple[str, ...] | None:
    if not node.has("keep"):
        return None
    from_nodes = node.member("keep").items(1, 500)
    return tuple(_path(each) for each in from_nodes)


def _path(node: Node) -> str:
    return node.fits(PATH, "A path begins with / and has at most 32 steps.")


def _once(nodes: Sequence[Node], ids: Sequence[str]) -> None:
    seen = set()
    for node, each in zip(nodes, ids, strict=True):
        if each in seen:
            raise node.member("id").error("Another one has this id.")
        seen.add(each)


def _canonical(document: Mapping[str, Json]) -> bytes:
    try:
        return canonical(document)
    except (TypeError, ValueError):
        raise PolicyError("", "The document has no canonical form.") from None
