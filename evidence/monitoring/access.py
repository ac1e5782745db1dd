"""Checks of who may do what: duties in one hand, and keys that somebody who left has seen."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator

from django.contrib.auth import get_user_model
from django.db.models import Count

from evidence.monitoring.sightings import (
    Asked,
    Check,
    Severity,
    Sighting,
    always,
    counted,
    integrations_of,
    weighed,
)
from policies.models import IntegrationKey
from policies.services import duties


def duties_in_one_hand(_asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Active people who hold both of a pair that is kept apart; one for each person."""
    both: dict[int, list[str]] = defaultdict(list)
    for pk, pair in duties.conflicts():
        both[pk].append(f"{duties.in_words(pair.first)} and {duties.in_words(pair.second)}")
    for person in get_user_model().objects.filter(pk__in=both).order_by("email"):
        yield Sighting(subject=person, label=str(person), detail="; ".join(both[person.pk])[:300])


def keys_seen_by_who_left(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Integrations with usable keys that were shown to a person who has left since.

    Such a key is the integration's, which calls with it: it does not end with the person.
    """
    keys = IntegrationKey.objects.usable(asked.at).filter(created_by__is_active=False)
    counts = dict(
        keys.order_by()
        .values("integration_id")
        .annotate(n=Count("pk"))
        .values_list("integration_id", "n")
    )
    for integration in integrations_of(counts):
        count = counts[integration.pk]
        yield weighed(integration, f"{counted(count, 'key')} made by people who have left")


CHECKS = [
    Check(
        code="key-of-who-left",
        title="Key was shown to somebody who left",
        control="45 CFR 164.308(a)(3)(ii)(C); AICPA TSC CC6.2, CC6.3",
        remedy="Rotate the key: the old one goes on for the hours you give it, then ends.",
        find=keys_seen_by_who_left,
        severity=always(Severity.MEDIUM),
    ),
    Check(
        code="duties-in-one-hand",
        title="One person holds what must be apart",
        control="AICPA TSC CC5.1, CC6.3; 45 CFR 164.308(a)(3)(i)",
        remedy="Take one of the two roles or grants away, or end the pair for a reason.",
        find=duties_in_one_hand,
        severity=always(Severity.HIGH),
    ),
]
