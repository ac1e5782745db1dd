"""A version that is tried beside the one in force: how many of its decisions differ.

Counts alone, under ids that no rule can have, so that they fit into the record of the call that
they were counted in. Neither text nor places are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from countersign.masking.outcomes import Outcome
from countersign.rules.actions import STRICTNESS

SAME = "shadow:same"
STRICTER = "shadow:stricter"
MILDER = "shadow:milder"
BLOCKED = "shadow:blocked"
LET_THROUGH = "shadow:let-through"
FAILED = "shadow:failed"
IDS = (SAME, STRICTER, MILDER, BLOCKED, LET_THROUGH, FAILED)


def differences(in_force: Outcome, shadow: Outcome) -> Mapping[str, int]:
    """What the shadow would have done otherwise, of one body that both have seen.

    `blocked` and `let-through` say that the whole body would have been refused, or sent; where
    both send it, each find counts as the same, stricter or milder.
    """
    if in_force.ok is not shadow.ok:
        return {BLOCKED if in_force.ok else LET_THROUGH: 1}
    if not in_force.ok:
        return {SAME: 1}
    ours, theirs = _actions(in_force), _actions(shadow)
    found: Counter[str] = Counter()
    for place in ours.keys() | theirs.keys():
        one = STRICTNESS[ours.get(place, "allow")]
        two = STRICTNESS[theirs.get(place, "allow")]
        found[SAME if one == two else STRICTER if two < one else MILDER] += 1
    return dict(found) or {SAME: 1}


def _actions(outcome: Outcome) -> dict[tuple[str, int, int], str]:
    return {(span.path, span.start, span.end): span.action for span in outcome.spans}
