"""Checks of what we use: integrations, their approvals, keys and calls."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone

from audits.models import Call
from evidence.models import Finding
from evidence.monitoring.sightings import Asked, Sighting, about, answering
from policies.models import Approval, Integration, IntegrationKey
from policies.models.uses import IntegrationQuerySet
from policies.reasons import REASONS
from policies.services.verdicts import allowed_ids, for_gate, verdicts

CALLS_PERIOD = dt.timedelta(days=7)
# From so many unanswered calls and this share of all on, it is more than a lost script.
GRAVE_COUNT, GRAVE_SHARE = 5, 0.05


def approvals_expiring(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    rows = (
        Approval.objects.standing()
        .filter(expires_on__lte=until)
        .select_related("integration__owner", "integration__service")
        .defer("terms", "note")
    )
    for row in rows:
        yield about(row.integration, f"Approved {row.decided_at:%-d %b %Y}", due_on=row.expires_on)


def keys_expiring(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Live keys of live integrations that run out and have no successor.

    One that ran out is told only while its integration has no other live key.
    """
    last_moment = timezone.make_aware(dt.datetime.combine(until, dt.time.max))
    other = IntegrationKey.objects.usable(asked.at).filter(
        integration=OuterRef("integration"), livemode=True
    )
    rows = (
        IntegrationKey.objects.filter(
            Q(expires_at__gt=asked.at) | ~Exists(other),
            integration__in=Integration.objects.live(),
            livemode=True,
            revoked_at__isnull=True,
            replaced_by__isnull=True,
            expires_at__lte=last_moment,
        )
        .select_related("integration__owner", "integration__service")
        .order_by("expires_at")
    )
    for row in rows:
        of = row.integration
        yield Sighting(
            subject=row,
            label=f"{of.name}: {row.name}",
            due_on=timezone.localdate(row.expires_at),
            detail=f"Key {row.public_id}",
            owner_id=answering(of.owner),
            vendor_id=of.service.vendor_id,
            integration_id=of.pk,
        )


def _in_use() -> IntegrationQuerySet:
    return Integration.objects.in_use().select_related("owner", "service")


def determinations_expiring(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    without = Integration.Deidentification.NONE
    ending = _in_use().filter(deidentification_expires_on__lte=until)
    for integration in ending.exclude(deidentification=without):
        last = integration.deidentification_expires_on
        yield about(integration, integration.get_deidentification_display(), due_on=last)


def without_owner(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    for integration in _in_use().unowned():
        left = "Its owner's account is closed" if integration.owner else "Nobody was named"
        yield about(integration, detail=left)


def blocked(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Live integrations whose typical call the gate denies on the day."""
    denied = set(Integration.objects.live().values_list("pk", flat=True)) - allowed_ids(asked.on)
    live = list(for_gate(Integration.objects.filter(pk__in=denied).select_related("owner")))
    answers = verdicts(live, asked.on)
    for integration in live:
        reasons = answers[integration.pk].reasons
        if reasons:
            yield about(integration, detail=", ".join(REASONS[code].title for code in reasons))


def calls_unanswered(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Integrations with calls of the last seven days that nobody closed; counted, not listed."""
    calls = Call.objects.live().within(asked.at - CALLS_PERIOD, asked.at)
    counts = dict(
        calls.unanswered(asked.at)
        .order_by()
        .values("integration_id")
        .annotate(n=Count("index"))
        .values_list("integration_id", "n")
    )
    if not counts:
        return
    allowed = dict(
        calls.filter(decision=Call.Decision.ALLOW, integration_id__in=counts)
        .order_by()
        .values("integration_id")
        .annotate(n=Count("index"))
        .values_list("integration_id", "n")
    )
    rows = Integration.objects.filter(pk__in=counts).select_related("owner", "service")
    for integration in rows.order_by(F("name").asc()):
        count, total = counts[integration.pk], allowed[integration.pk]
        grave = count >= GRAVE_COUNT and count > GRAVE_SHARE * total
        yield about(
            integration,
            detail=f"{count} of {total} allowed calls in the last 7 days",
            severity=Finding.Severity.HIGH if grave else Finding.Severity.MEDIUM,
        )
