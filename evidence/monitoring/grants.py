"""Checks of grants: those that end, and emergency access that nobody has looked at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db.models import Q
from django.utils import timezone

from evidence.monitoring.sightings import Asked, Check, Sighting, answering, gentle, pressing
from policies.models import Grant
from policies.services.prompt_grants import INSTANT

# Days after its end within which an emergency access is to be reviewed.
REVIEW_DAYS = 3


def grants_ending(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Grants whose last day is near, unless the same is granted on from then."""
    last_moment = timezone.make_aware(dt.datetime.combine(until, dt.time.max))
    rows = (
        Grant.objects.standing(asked.at)
        .filter(kind=Grant.Kind.STANDING, ends_at__lte=last_moment)
        .select_related("integration__owner", "integration__service", "principal", "group")
        .order_by("ends_at", "pk")
    )
    for grant in rows:
        if not _goes_on(grant):
            yield _sighting(grant, _last_day(grant))


def emergencies_unreviewed(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Emergency access that ended and waits for its review. Source: 45 CFR 164.312(a)(2)(ii)."""
    rows = (
        Grant.objects.unreviewed()
        .exclude(state=Grant.State.STANDING, ends_at__gt=asked.at)
        .select_related("integration__service", "principal", "group")
        .order_by("ends_at", "pk")
    )
    for grant in rows:
        due_on = _last_day(grant) + dt.timedelta(days=REVIEW_DAYS)
        if due_on <= until:
            # For the officers: who took it may own the integration.
            yield _sighting(grant, due_on, owned=False)


def _last_day(grant: Grant) -> dt.date:
    return timezone.localdate(grant.ends_at - INSTANT)


def _goes_on(grant: Grant) -> bool:
    whose = Q(principal=grant.principal) if grant.principal else Q(group=grant.group)
    return Grant.objects.filter(
        whose,
        integration=grant.integration,
        permission=grant.permission,
        state=Grant.State.STANDING,
        kind=Grant.Kind.STANDING,
        starts_at=grant.ends_at,
    ).exists()


def _sighting(grant: Grant, due_on: dt.date, *, owned: bool = True) -> Sighting:
    of = grant.integration
    whose = grant.principal.actor if grant.principal else f"group {grant.holder}"
    return Sighting(
        subject=grant,
        label=f"{of.name}: {grant.get_permission_display().lower()}, {whose}"[:200],
        due_on=due_on,
        detail=grant.get_kind_display(),
        owner_id=answering(of.owner) if owned else None,
        vendor_id=of.service.vendor_id,
        integration_id=of.pk,
    )


CHECKS = [
    Check(
        code="grant-ending",
        title="Grant ends",
        control="45 CFR 164.308(a)(4)(ii)(C); AICPA TSC CC6.2, CC6.3",
        remedy="Ask for it again if it is still needed; else let it end.",
        find=grants_ending,
        severity=gentle,
        horizon_days=14,
    ),
    Check(
        code="emergency-unreviewed",
        title="Emergency access to review",
        control="45 CFR 164.312(a)(2)(ii); AICPA TSC CC6.1, CC6.3",
        remedy="Look at what was done in that time, and write down what you found.",
        find=emergencies_unreviewed,
        severity=pressing,
        horizon_days=30,
    ),
]
