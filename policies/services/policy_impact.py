"""What a new version would change for the integrations that go by its policy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from countersign.detection.kinds import KINDS
from countersign.rules import Facts, Policy
from countersign.rules.claims import claim
from policies.models import Integration, PolicyUse
from policies.services.policy_facts import facts_of

# A find is judged at this certainty: that of a value with its label.
CERTAIN = 1.0
FEW = 5
BY_RULES = Integration.Deidentification.RULES
WORDS = {
    "block": "blocked",
    "drop": "dropped",
    "mask": "masked",
    "hash": "hashed",
    "tokenize": "given a token",
    "generalize": "made general",
    "allow": "let through",
}


@dataclass(frozen=True, slots=True)
class Impact:
    """What changes for one integration, in words; empty where nothing does."""

    integration: Integration
    lines: tuple[str, ...]


def impact(
    uses: Sequence[PolicyUse],
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    on: dt.date,
) -> list[Impact]:
    """For each integration what would be done otherwise with each kind in its calls.

    `before` is the document in force, None where there is none: then everything is blocked.
    """
    was = Policy.parse(before) if before is not None else None
    now = Policy.parse(after)
    supports = claim(now).kind == "safe_harbor"
    found = []
    for use in uses:
        facts = facts_of(use.integration, on=on)
        lines = _lines(was, now, facts)
        if use.integration.deidentification == BY_RULES and not supports:
            lines.append("It claims Safe Harbor by data rules, which these rules do not support.")
        found.append(Impact(use.integration, tuple(lines)))
    return sorted(found, key=lambda row: (not row.lines, row.integration.name))


def _lines(was: Policy | None, now: Policy, facts: Facts) -> list[str]:
    if was is None:
        return ["It has no version in force, so all its calls are refused; this would let it go."]
    call = now.decide_call(facts, {})
    if was.decide_call(facts, {}).forbidden is not call.forbidden:
        return ["Every call would be blocked." if call.forbidden else "Its calls would go through."]
    changes: dict[tuple[str, str], list[str]] = {}
    for kind in KINDS:
        before, after = _done(was, facts, kind), _done(now, facts, kind)
        if before != after:
            changes.setdefault((before, after), []).append(kind)
    return [
        f"{_names(kinds)}: {after} instead of {before}"
        for (before, after), kinds in changes.items()
    ]


def _names(kinds: Sequence[str]) -> str:
    """The kinds by their titles; most of the identifiers as what they are not."""
    left = [kind.title for kind in KINDS.values() if kind.letter and kind.name not in kinds]
    others = [KINDS[kind].title for kind in kinds if not KINDS[kind].letter]
    if len(left) > FEW:
        return ", ".join(KINDS[kind].title for kind in kinds)
    but = f" but {', '.join(left)}" if left else ""
    return ", ".join([f"Every identifier{but}", *others])


def _done(policy: Policy, facts: Facts, kind: str) -> str:
    chosen = policy.action(facts, kind, "", CERTAIN, 1)
    word = WORDS[chosen.action]
    return f"{word} ({chosen.scheme})" if chosen.scheme else word
