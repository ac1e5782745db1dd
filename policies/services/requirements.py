"""Changes what the gate asks of a data class, and says beforehand what that would do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from policies.gate import CHAINS, ClassTerms, effect
from policies.models import DataClass, Integration, Requirement
from policies.reasons import REASONS
from policies.services.deciding import class_terms, class_terms_of
from policies.services.starter import CHOICES
from policies.services.verdicts import for_gate, judge_all

RANK = ("off", "warn", "block")


def effects_of(data_class: DataClass) -> dict[str, str]:
    """What each reason that a policy may choose does to the class now; unset ones block."""
    stored = dict(data_class.requirements.values_list("reason", "effect")) if data_class.pk else {}
    return {code: stored.get(code, "block") for code in CHOICES}


def contradictions(effects: Mapping[str, str]) -> dict[str, str]:
    """Reasons that are milder than a lesser lack, each with a sentence that says so.

    To have no BAA cannot be milder than to have one that ended: the gate would not follow it.
    """
    found = {}
    for chain in CHAINS:
        for worse, code in enumerate(chain):
            for milder in chain[:worse]:
                if RANK.index(effects[code]) < RANK.index(effects[milder]):
                    title = REASONS[milder].title
                    found[code] = f"At least as strict as “{title}”, which is the lesser lack."
    return found


@transaction.atomic
def save_class(data_class: DataClass, effects: Mapping[str, str]) -> DataClass:
    """Store a class with its effects; each row that changes is saved, so that history sees it.

    Raises: ValueError if an effect is given that no policy chooses, or one contradicts another.
    """
    if set(effects) != set(CHOICES) or contradictions(effects):
        raise ValueError("the effects are not complete or contradict each other")
    data_class.save()
    stored = {r.reason: r for r in data_class.requirements.all()}
    for reason, chosen in effects.items():
        row = stored.get(reason, Requirement(data_class=data_class, reason=reason))
        if row.effect != chosen:
            row.effect = chosen
            row.save()
    return data_class


@dataclass(frozen=True, slots=True)
class Impact:
    """Integrations whose answer would change, by name; `judged` were looked at."""

    denied: tuple[Integration, ...]
    allowed: tuple[Integration, ...]
    judged: int


def impact(data_class: DataClass, effects: Mapping[str, str], on: dt.date) -> Impact:
    """What saving the class with these effects would change today, nothing saved.

    Only active integrations can be allowed, so only their answers can change.
    """
    before = class_terms()
    changed = class_terms_of(data_class, dict(effects))
    after = (*(c for c in before if c.slug != changed.slug), changed)
    live = list(for_gate(Integration.objects.live()))
    was, becomes = judge_all(live, before, on), judge_all(live, after, on)
    return Impact(
        denied=tuple(i for i in live if was[i.pk] and not becomes[i.pk]),
        allowed=tuple(i for i in live if becomes[i.pk] and not was[i.pk]),
        judged=len(live),
    )


def strictness(terms: ClassTerms) -> dict[str, int]:
    """How many reasons block, warn or do not apply to a class, for the list."""
    counts = dict.fromkeys(reversed(RANK), 0)
    for code in CHOICES:
        counts[effect(terms, code)] += 1
    return counts
