"""Grants to send prompts, as the gate takes them, where only known actors may call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TypeAlias

from django.db.models import QuerySet
from django.utils import timezone

from policies.models import Integration, PromptGrant
from policies.terms import GrantTerms

# By the integration's id, then by actor.
Granted: TypeAlias = "dict[int, dict[str, tuple[GrantTerms, ...]]]"
INSTANT = dt.timedelta(microseconds=1)


def everybodys(integrations: Iterable[Integration]) -> Granted:
    """All grants that stand, those to come and those past their end too; at most one query."""
    pks = [i.pk for i in integrations if i.known_actors_only and i.pk]
    return _read(PromptGrant.objects.filter(integration_id__in=pks)) if pks else {}


def foremost(integrations: Iterable[Integration], on: dt.date) -> Granted:
    """Of each integration the grant that ends last of those on the day `on`; at most one query.

    A page asks whether anybody may call, not who of thousands.
    """
    pks = [i.pk for i in integrations if i.known_actors_only and i.pk]
    if not pks:
        return {}
    midnight = timezone.make_aware(dt.datetime.combine(on, dt.time()))
    following = timezone.make_aware(dt.datetime.combine(on + dt.timedelta(days=1), dt.time()))
    rows = PromptGrant.objects.filter(
        integration_id__in=pks, starts_at__lt=following, ends_at__gt=midnight
    )
    return _read(rows.order_by("integration_id", "-ends_at", "actor").distinct("integration_id"))


def _read(rows: QuerySet[PromptGrant]) -> Granted:
    found: Granted = {}
    for pk, actor, grant_id, starts_at, ends_at in rows.values_list(
        "integration_id", "actor", "grant_id", "starts_at", "ends_at"
    ):
        terms = GrantTerms(
            grant_id=grant_id,
            actor=actor,
            starts_at=starts_at,
            ends_at=ends_at,
            since=timezone.localdate(starts_at),
            until=timezone.localdate(ends_at - INSTANT),
        )
        grants = found.setdefault(pk, {})
        grants[actor] = (*grants.get(actor, ()), terms)
    return found
