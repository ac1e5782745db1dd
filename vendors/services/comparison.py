"""Reads the register for the comparison of services."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from vendors.comparison import Asked, Line, Look, compare
from vendors.models import Fact, Service
from vendors.services.postures import postures


def comparison(
    services: Sequence[Service], dimensions: Collection[str], asked: Asked, on: dt.date
) -> list[Line]:
    """The lines of these services on the day `on`; five queries whatever their number."""
    known = postures(services, on)
    shown = {
        fact.fact_id
        for posture in known.values()
        for fact in posture.facts
        if fact.dimension in dimensions
    }
    looks = {
        pk: Look(verified_on, source, endpoint, plan)
        for pk, verified_on, source, endpoint, plan in Fact.objects.filter(
            pk__in=shown
        ).values_list("pk", "verified_on", "source", "endpoint", "plan")
    }
    return compare([known[service.pk] for service in services], looks, dimensions, asked, on)
