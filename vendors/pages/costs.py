"""What the page of cost figures shows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings

from vendors.models import CostFact

# How many replaced figures the page shows.
MOST_EARLIER = 200


@dataclass(frozen=True, slots=True)
class CostFigure:
    """A stored cost with its age; `kind` is the colour of its grade."""

    cost: CostFact
    age_days: int
    stale: bool
    kind: str


GRADE_KINDS = {"contract": "ok", "quote": "ok", "list_price": "info", "estimate": "neutral"}


def cost_lines(on: dt.date) -> tuple[list[CostFigure], list[CostFigure]]:
    """The figures that count on the day `on`, and the newest they replaced; two queries."""
    rows = CostFact.objects.select_related("vendor", "service", "verified_by")
    current = list(rows.current(on))
    earlier = rows.filter(recorded_on__lte=on).exclude(pk__in=[cost.pk for cost in current])
    newest = earlier.order_by("-recorded_on", "-pk")[:MOST_EARLIER]
    return [_figure(cost, on) for cost in current], [_figure(cost, on) for cost in newest]


def _figure(cost: CostFact, on: dt.date) -> CostFigure:
    stale_on = cost.stale_on(fresh_days=settings.FACT_FRESH_DAYS)
    age = (on - cost.verified_on).days
    return CostFigure(cost, age, on >= stale_on, GRADE_KINDS[cost.grade])
