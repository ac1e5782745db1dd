"""Checks of telemetry: content that was sent along with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db.models import Count, Max

from audits.models import Observation
from evidence.monitoring.sightings import Asked, Sighting, about, counted
from policies.models import Integration

PERIOD = dt.timedelta(days=7)


def content_exported(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Integrations whose telemetry of the last seven days carried what was said in calls."""
    told = (
        Observation.objects.filter(livemode=True, received_at__gt=asked.at - PERIOD)
        .filter(received_at__lte=asked.at, content__len__gt=0)
        .values("integration")
        .annotate(calls=Count("pk"), last_at=Max("received_at"))
    )
    by_pk = {row["integration"]: row for row in told}
    rows = Integration.objects.filter(pk__in=by_pk).select_related("owner", "service")
    for integration in rows.order_by("name", "pk"):
        row = by_pk[integration.pk]
        told_of = f"Content of {counted(row['calls'], 'call')} in a week"
        yield about(integration, f"{told_of}, last on {row['last_at']:%-d %b %Y}; none kept")
