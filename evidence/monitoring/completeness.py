"""Checks of completeness: what providers counted and nobody recorded, and counts that are late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from audits.completeness.comparing import Balance, Compared, State
from audits.models import UsageSource
from audits.services.completeness import Completeness
from audits.services.usage_imports import last_day
from evidence.models import Finding
from evidence.monitoring.sightings import Asked, Sighting, about, answering, counted
from policies.models import Integration

# From so many requests or tokens, or this share of what was counted, or any with PHI, it is grave.
GRAVE_REQUESTS, GRAVE_TOKENS, GRAVE_PERCENT = 100, 250_000, 5


def unrecorded(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Integrations of which the provider counted more than was recorded, with by how much."""
    for integration, balance in _integrations(asked.completeness):
        days = balance.of(State.UNRECORDED)
        if days:
            yield about(integration, _missing(balance, days), _gravity(integration, balance))


def _integrations(found: Completeness) -> Iterator[tuple[Integration, Balance]]:
    rows = Integration.objects.filter(pk__in=found.by_integration).order_by("name", "pk")
    for integration in rows.select_related("owner", "service").prefetch_related("data_classes"):
        yield integration, found.by_integration[integration.pk]


def _missing(balance: Balance, days: tuple[Compared, ...]) -> str:
    parts = []
    if balance.missing:
        parts.append(counted(balance.missing, "request"))
    if balance.missing_tokens:
        parts.append(counted(balance.missing_tokens, "token"))
    worst = max(days, key=lambda day: (day.missing, day.missing_tokens))
    seen = f"most on {worst.day:%-d %b %Y}"
    if worst.missing and worst.counted:
        seen += f": {worst.counted.requests} counted, {worst.recorded.allowed} recorded"
    return f"{' and '.join(parts)} unrecorded on {counted(len(days), 'day')}, {seen}"


def _gravity(integration: Integration, balance: Balance) -> Finding.Severity:
    share = balance.missing * 100 >= balance.counted * GRAVE_PERCENT and balance.missing > 0
    large = balance.missing >= GRAVE_REQUESTS or balance.missing_tokens >= GRAVE_TOKENS
    phi = any(each.is_phi for each in integration.data_classes.all())
    return Finding.Severity.HIGH if large or share or phi else Finding.Severity.MEDIUM


def uncounted(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Integrations of which more calls succeeded here than the provider counted."""
    for integration, balance in _integrations(asked.completeness):
        days = balance.of(State.UNBILLED)
        if days:
            detail = f"{counted(balance.surplus, 'call')} on {counted(len(days), 'day')}"
            yield about(integration, detail, Finding.Severity.LOW)


def unassigned(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Sources with counts that are no integration's: calls that nobody registered."""
    found = asked.completeness
    for source in UsageSource.objects.filter(is_active=True).select_related("owner"):
        days = found.unassigned(source.pk)
        requests = sum(each.requests or 0 for each in days.values())
        tokens = sum(each.tokens or 0 for each in days.values())
        if requests or tokens:
            parts = [counted(requests, "request"), counted(tokens, "token")]
            detail = f"{' and '.join(parts)} on {counted(len(days), 'day')} are no integration's"
            yield Sighting(
                subject=source,
                label=source.name,
                detail=detail,
                owner_id=answering(source.owner),
                severity=Finding.Severity.HIGH,
            )


def late(_asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Sources in use whose counts end too long before the last day to look at."""
    for source in UsageSource.objects.filter(is_active=True).select_related("owner"):
        counted_until = last_day(source)
        since = counted_until or source.created_at.date()
        due_on = since + dt.timedelta(days=source.due_after_days)
        if due_on <= until:
            yield Sighting(
                subject=source,
                label=source.name,
                due_on=due_on,
                detail=(
                    f"Counts until {counted_until:%-d %b %Y}" if counted_until else "No counts yet"
                ),
                owner_id=answering(source.owner),
            )
