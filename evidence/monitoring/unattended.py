"""Checks of what clients did while the portal was away: without a record, or before its verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db.models import Count, Exists, OuterRef, Sum

from audits.models import Call, Completion, Gap
from evidence.monitoring.sightings import Asked, Sighting, counted, integrations_of, weighed
from policies.models import BreakGlass

PERIOD = dt.timedelta(days=30)


def gaps(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Integrations whose clients made calls in the last 30 days that nobody recorded."""
    told = Gap.objects.filter(livemode=True, received_at__gt=asked.at - PERIOD)
    sums = dict(
        told.order_by()
        .values("integration_id")
        .annotate(n=Sum("calls"))
        .values_list("integration_id", "n")
    )
    for integration in integrations_of(sums):
        count = sums[integration.pk]
        yield weighed(
            integration, f"{counted(count, 'call')} in observe mode without a record in 30 days"
        )


def broken_glass(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Integrations that were let go on without the portal in the last 30 days."""
    opened = BreakGlass.objects.filter(opened_at__gt=asked.at - PERIOD, opened_at__lte=asked.at)
    times = dict(
        opened.order_by()
        .values("integration_id")
        .annotate(n=Count("pk"))
        .values_list("integration_id", "n")
    )
    for integration in integrations_of(times):
        count = times[integration.pk]
        yield weighed(integration, f"{counted(count, 'time')} in 30 days")


def denied_later(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Integrations with calls that went out on a journal's line and were denied when it came."""
    ends = {"ledger_id": OuterRef("ledger_id"), "call_id": OuterRef("call_id")}
    made = Completion.objects.filter(**ends).exclude(outcome=Completion.Outcome.BLOCKED)
    calls = Call.objects.live().within(asked.at - PERIOD, asked.at)
    denied = calls.filter(
        Exists(made), source=Call.Source.EVENTS, mode="spool", decision=Call.Decision.DENY
    )
    counts = dict(
        denied.order_by()
        .values("integration_id")
        .annotate(n=Count("index"))
        .values_list("integration_id", "n")
    )
    for integration in integrations_of(counts):
        count = counts[integration.pk]
        detail = f"{counted(count, 'call')} in 30 days sent before the portal denied them"
        yield weighed(integration, detail)
