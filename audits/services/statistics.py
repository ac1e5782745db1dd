"""Counts of calls for pages and packs; each one query over the moments of receipt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, F, Func, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from audits.models import Call

if TYPE_CHECKING:
    from audits.models.calls import CallQuerySet


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many calls of a day were allowed and denied."""

    day: dt.date
    allowed: int
    denied: int


def of_days(
    start: dt.date, end: dt.date, *, integrations: Collection[int] | None = None
) -> CallQuerySet:
    """Live calls received from the day `start` to the day `end`, both counted.

    Days are the organization's (TIME_ZONE); `integrations` are ids, None for all.
    """
    calls = inside(Call.objects.live(), start, end)
    return calls if integrations is None else calls.filter(integration_id__in=integrations)


def inside(calls: CallQuerySet, start: dt.date, end: dt.date) -> CallQuerySet:
    """Those of `calls` received from the day `start` to the day `end`, both counted."""
    return calls.within(midnight(start), midnight(end + dt.timedelta(days=1)))


def calls_by_day(
    start: dt.date,
    end: dt.date,
    *,
    integrations: Collection[int] | None = None,
    calls: CallQuerySet | None = None,
) -> list[DayCount]:
    """Every day from `start` to `end` with its counts, days without calls too.

    `calls` may be given instead: those are counted, whatever they were filtered by.
    """
    chosen = of_days(start, end, integrations=integrations) if calls is None else calls
    rows = (
        chosen.order_by()
        .annotate(day=TruncDate("received_at"))
        .values("day")
        .annotate(allowed=_count("allow"), denied=_count("deny"))
    )
    found = {row["day"]: DayCount(row["day"], row["allowed"], row["denied"]) for row in rows}
    days = [start + dt.timedelta(days=n) for n in range((end - start).days + 1)]
    return [found.get(day, DayCount(day, 0, 0)) for day in days]


def denials_by_reason(calls: CallQuerySet) -> list[tuple[str, int]]:
    """Each reason with how many of the calls it denied, most frequent first."""
    rows = (
        calls.filter(decision=Call.Decision.DENY)
        .order_by()
        .annotate(reason=Func(F("reasons"), function="unnest"))
        .values_list("reason")
        .annotate(calls=Count("index"))
    )
    return sorted(((code, count) for code, count in rows), key=lambda row: (-row[1], row[0]))


def calls_by_vendor(calls: CallQuerySet) -> list[tuple[str, int]]:
    """Each vendor's name with its calls, most calls first."""
    rows = (
        calls.order_by()
        .values_list("integration__service__vendor__name")
        .annotate(n=Count("index"))
    )
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def calls_by_model(calls: CallQuerySet) -> list[tuple[str, int]]:
    """Each model as its provider names it with its calls, most calls first."""
    rows = calls.order_by().values_list("model").annotate(n=Count("index"))
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def calls_by_phi(calls: CallQuerySet) -> list[tuple[bool, int]]:
    """How many calls carried PHI as their callers said, and how many did not."""
    rows = calls.order_by().values_list("phi_present").annotate(n=Count("index"))
    return sorted(rows, key=lambda row: not row[0])


def _count(decision: str) -> Count:
    return Count("index", filter=Q(decision=decision))


def midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))
