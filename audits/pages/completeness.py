"""What the pages on completeness show: balances in words, charts, rows of files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Q, Sum

from audits.completeness.comparing import Balance, Compared, Counted, State
from audits.models import UsageCost, UsageImport, UsageSource
from audits.services.completeness import Completeness, Period
from policies.models import Integration
from vendors import charts
from vendors.exports import Cell

# Kind of pill and word of each state.
STATES = {
    State.EQUAL: ("ok", "Equal"),
    State.UNRECORDED: ("bad", "Unrecorded"),
    State.UNBILLED: ("soon", "Not counted"),
    State.NO_DATA: ("neutral", "No data"),
}
HEADERS = (
    "Integration",
    "Slug",
    "State",
    "Days compared",
    "Days without data",
    "Requests counted",
    "Calls recorded",
    "Requests unrecorded",
    "Tokens unrecorded",
    "Calls not counted",
)
DAY_HEADERS = (
    "Day (UTC)",
    "State",
    "Requests counted",
    "Calls allowed",
    "Calls succeeded",
    "Difference",
    "Tokens counted",
    "Tokens recorded",
    "Requests unrecorded",
    "Tokens unrecorded",
    "Calls not counted",
)


@dataclass(frozen=True, slots=True)
class Row:
    """An integration with its balance."""

    integration: Integration
    balance: Balance
    kind: str
    word: str


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source with how far its counts go, and what of them is nobody's."""

    source: UsageSource
    last_day: dt.date | None
    late: bool
    imports: int
    unassigned: int


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day of an integration as a table shows it."""

    compared: Compared
    kind: str
    word: str


def rows(found: Completeness) -> list[Row]:
    """Integrations with their balances, the worst first."""
    integrations = Integration.objects.filter(pk__in=found.by_integration).order_by("name", "pk")
    made = [
        Row(use, balance, *STATES[balance.state])
        for use in integrations.select_related("service__vendor")
        for balance in (found.by_integration[use.pk],)
    ]
    return sorted(made, key=lambda row: (-row.balance.missing, -row.balance.missing_tokens))


def file_rows(some: Iterable[Row]) -> Iterator[Sequence[Cell]]:
    """The list as a file, in the order of HEADERS."""
    for row in some:
        balance = row.balance
        yield (
            row.integration.name,
            row.integration.slug,
            row.word,
            balance.covered,
            len(balance.days) - balance.covered,
            balance.counted,
            balance.recorded,
            balance.missing,
            balance.missing_tokens,
            balance.surplus,
        )


def day_rows(balance: Balance) -> list[DayRow]:
    """The days, newest first."""
    return [DayRow(day, *STATES[day.state]) for day in reversed(balance.days)]


def day_file_rows(balance: Balance) -> Iterator[Sequence[Cell]]:
    """The days of an integration as a file, in the order of DAY_HEADERS."""
    for day in balance.days:
        counted = day.counted or Counted(None, None)
        yield (
            day.day,
            STATES[day.state][1],
            counted.requests,
            day.recorded.allowed,
            day.recorded.succeeded,
            day.difference,
            counted.tokens,
            day.recorded.tokens,
            day.missing,
            day.missing_tokens,
            day.surplus,
        )


def chart(balance: Balance, period: Period) -> charts.StackedBars:
    """Requests of each day: recorded ones, those nobody recorded, those only we know of."""
    days = balance.days
    return charts.stacked_bars(
        [day.day for day in days],
        (
            charts.Series("Recorded", "main", tuple(_agreed(day) for day in days)),
            charts.Series("Counted, not recorded", "bad", tuple(day.missing for day in days)),
            charts.Series("Recorded, not counted", "soon", tuple(day.surplus for day in days)),
            charts.Series("Recorded, no data yet", "neutral", tuple(_alone(day) for day in days)),
        ),
        caption=charts.Caption(
            "completeness-by-day",
            "Requests by day",
            f"{charts.day_text(period.first)} to {charts.day_text(period.last)}, days in UTC.",
        ),
    )


def _agreed(day: Compared) -> int:
    return day.recorded.allowed - day.surplus if day.counted else 0


def _alone(day: Compared) -> int:
    return 0 if day.counted else day.recorded.allowed


def source_rows(found: Completeness, on: dt.date) -> list[SourceRow]:
    """Every source, those in use first, with how late its counts are on the day `on`."""
    sources = (
        UsageSource.objects.select_related("owner")
        .annotate(last_day=Max("imports__last_day"), count=Count("imports"))
        .order_by("-is_active", "name")
    )
    made = []
    for source in sources:
        nobodys = found.unassigned(source.pk).values()
        made.append(
            SourceRow(
                source,
                source.last_day,
                source.is_active and is_late(source, source.last_day, on),
                source.count,
                sum(each.requests or 0 for each in nobodys),
            )
        )
    return made


def is_late(source: UsageSource, last_day: dt.date | None, on: dt.date) -> bool:
    """Whether counts are missed on the day `on`."""
    since = last_day or source.created_at.date()
    return (on - since).days > source.due_after_days


def imports_of(source: UsageSource) -> list[dict[str, Any]]:
    """The imports of a source, newest first, with what they hold."""
    rows = (
        UsageImport.objects.filter(source=source)
        .select_related("imported_by")
        .annotate(
            requests=Sum("counts__requests"),
            projects=Count("counts__project", distinct=True),
            models=Count("counts__model", distinct=True, filter=~Q(counts__model="")),
        )
    )
    return [{"import": row, "title": str(row)} for row in rows[:50]]


def costs_of(imports: Iterable[int]) -> list[tuple[str, Any]]:
    """What the provider charged by these imports, by currency."""
    rows = UsageCost.objects.filter(usage_import__in=imports).order_by("currency")
    return list(rows.values_list("currency").annotate(total=Sum("amount")))
