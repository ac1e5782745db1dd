"""What may be claimed of text that went through a policy: Safe Harbor, or limited.

Safe Harbor (45 CFR 164.514(b)(2)) asks that all eighteen identifiers are removed, and a code in
their place that is not derived from them (164.514(c)). So only dropping, masking, random tokens
and the coarser forms that the rule itself allows count; anything that keeps or derives leaves
limited data, for which a BAA is still required. Software alone never establishes de-identification:
what is not found is not removed, and nobody may know that what is left identifies somebody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from countersign.rules.actions import STRICTNESS
from countersign.rules.conditions import AtLeast, asked, possibly
from countersign.rules.facts import Direction, classes_of
from countersign.rules.kinds import GENERAL, IDENTIFIERS
from countersign.rules.policy import Policy
from countersign.rules.reading import UNMATCHED, Rule

Kind: TypeAlias = Literal["safe_harbor", "limited"]
# What goes to the vendor; answers come from there.
SENT: tuple[Direction, ...] = ("request", "tool")
TITLES = {"safe_harbor": "Safe Harbor", "limited": "Limited: a BAA is still required"}
CAVEAT = (
    "This says what the rules do with what is found. Software alone does not establish "
    "de-identification: 45 CFR 164.514(b)(2)(ii) also asks that nobody knows that what is left "
    "could identify a person."
)
SENTENCES = {
    "allow": "lets it pass",
    "hash": "puts a code in its place that is derived from it",
    "tokenize": "puts a code in its place that is derived from it, or can be turned back by a key",
    "opaque": "Images, sound and PDF pass, and may show a face or hold a voice.",
}


@dataclass(frozen=True, slots=True)
class Why:
    """One thing that stands against Safe Harbor: a rule, what it does, and with which kinds."""

    rule_id: str
    kinds: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What the rules support; `whys` is empty for Safe Harbor."""

    kind: Kind
    whys: tuple[Why, ...]

    @property
    def title(self) -> str:
        return TITLES[self.kind]


def claim(policy: Policy) -> Claim:
    """What may be claimed of what goes out under the policy, whatever the call is."""
    against: dict[tuple[str, str], list[str]] = {}
    for kind in sorted(IDENTIFIERS):
        for rule in _may_win(policy, kind):
            if not _removes(rule, kind):
                against.setdefault((rule.id, rule.action), []).append(kind)
    whys = [
        Why(rule_id, tuple(kinds), f"The rule {rule_id} {SENTENCES[action]}.")
        for (rule_id, action), kinds in against.items()
    ]
    if policy.opaque == "allow":
        whys.append(Why(UNMATCHED, ("BIOMETRIC", "PHOTO"), SENTENCES["opaque"]))
    return Claim("limited" if whys else "safe_harbor", tuple(whys))


def mildest(policy: Policy, kind: str) -> str:
    """The mildest that may happen to a find of the kind that goes out; for comparisons."""
    winning = [_level(rule, kind) for rule in _may_win(policy, kind)]
    if not _floor(policy, kind):
        winning.append(STRICTNESS[policy.defaults.unmatched])
    return tuple(STRICTNESS)[max(winning)]


def _may_win(policy: Policy, kind: str) -> Iterable[Rule]:
    """The rules whose action may be the one that is done with a find of the kind."""
    floor = _floor(policy, kind)
    for rule in policy.rules:
        if not _may_match(rule, kind):
            continue
        if floor is None or _level(rule, kind) <= _level(floor, kind):
            yield rule


def _floor(policy: Policy, kind: str) -> Rule | None:
    """The strictest rule that matches every find of the kind, whatever else is true."""
    always = [rule for rule in policy.rules if _must_match(rule, kind)]
    return min(always, key=lambda rule: _level(rule, kind), default=None)


def _must_match(rule: Rule, kind: str) -> bool:
    return rule.expires is None and all(_answer(rule, kind, each) is True for each in SENT)


def _may_match(rule: Rule, kind: str) -> bool:
    return any(_answer(rule, kind, each) is not False for each in SENT)


def _answer(rule: Rule, kind: str, direction: Direction) -> bool | None:
    known: dict[str, object] = {"kind": kind, "direction": direction}
    if "data_class" in asked(rule.when):
        known["data_class"] = AtLeast(classes_of(kind))
    return possibly(rule.when, known)


def _level(rule: Rule, kind: str) -> int:
    coarser = rule.action == "generalize" and kind not in GENERAL
    return STRICTNESS["mask" if coarser else rule.action]


def _removes(rule: Rule, kind: str) -> bool:
    if rule.action == "tokenize":
        return rule.scheme == "random"
    return rule.action in ("block", "drop", "mask", "generalize")
