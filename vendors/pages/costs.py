"""What the page of cost figures shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

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


def cost_lines(
    on: dt.date, most: int | None = MOST_EARLIER
) -> tuple[list[CostFigure], list[CostFigure]]:
    """The figures that count on the day `on`, and the `most` newest they replaced; two queries."""
    rows = CostFact.objects.select_related("vendor", "service", "verified_by")
    current = list(rows.current(on))
    earlier = rows.filter(recorded_on__lte=on).exclude(pk__in=[cost.pk for cost in current])
    newest = earlier.order_by("-recorded_on", "-pk")[:most]
    return [_figure(cost, on) for cost in current], [_figure(cost, on) for cost in newest]


def _figure(cost: CostFact, on: dt.date) -> CostFigure:
    stale_on = cost.stale_on(fresh_days=settings.FACT_FRESH_DAYS)
    age = (on - cost.verified_on).days
    return CostFigure(cost, age, on >= stale_on, GRADE_KINDS[cost.grade])


EXPORT_HEADERS = (
    "Capability",
    "Detail",
    "Speaks of",
    "From",
    "To",
    "Currency",
    "Counted in",
    "Grade",
    "Source",
    "As of",
    "Source read",
    "Age in days",
    "Read again",
    "Counts today",
)


def export_rows(on: dt.date) -> Iterator[list[str | int | Decimal | dt.date]]:
    """Every figure in the order of EXPORT_HEADERS: those that count, then all they replaced."""
    current, earlier = cost_lines(on, most=None)
    for lines, counts in ((current, True), (earlier, False)):
        for line in lines:
            cost = line.cost
            yield [
                cost.get_capability_display(),
                cost.detail,
                cost.scope,
                cost.low,
                cost.high,
                cost.currency,
                cost.get_basis_display(),
                cost.get_grade_display(),
                cost.source,
                cost.as_of,
                cost.verified_on,
                line.age_days,
                line.stale,
                counts,
            ]
