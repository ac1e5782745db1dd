"""Day by day, how assurance reports cover services over our own audit period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from vendors.coverage import Assurance, Coverage, Stretch, assess, red_on
from vendors.models import Service
from vendors.services.assurance import AuditedService, audit_period, coverage_over
from vendors.services.report_facts import limits
from vendors.tables import ASSURANCE_WORDS

CAUSES = {
    Assurance.NONE: "no accepted report",
    Assurance.GAP: "between two reports",
    Assurance.STALE: "the last report is too old",
    Assurance.TYPE1_OVERDUE: "type II overdue",
    Assurance.QUALIFIED: "opinion qualified",
}


@dataclass(frozen=True, slots=True)
class GapLine:
    """Days in a row that nothing covers, and why."""

    first: dt.date
    last: dt.date
    days: int
    cause: str


@dataclass(frozen=True, slots=True)
class CoverageLine:
    """A service: where it stands today, and its days over the period.

    `red_on` is the day since which a successor of the newest report is missing, once it has come.
    """

    service: Service
    today: Coverage
    kind: str
    word: str
    days: int
    covered_days: int
    attested_days: int
    contingent_days: int
    gaps: tuple[GapLine, ...]
    red_on: dt.date | None

    @property
    def full(self) -> bool:
        return self.covered_days == self.days


def coverage_card(services: Collection[Service], on: dt.date) -> dict[str, Any]:
    """The period and a line for each service; one query."""
    period = audit_period(on)
    lines = [_line(audited, on) for audited in coverage_over(services, period)]
    return {"period": period, "coverage_lines": lines}


def _line(audited: AuditedService, on: dt.date) -> CoverageLine:
    rules, found = limits(), audited.coverage
    today = assess(audited.reports, on, rules)
    kind, word = ASSURANCE_WORDS[today.state]
    red = red_on(audited.reports, rules)
    return CoverageLine(
        service=audited.service,
        today=today,
        kind=kind,
        word=word,
        days=found.days,
        covered_days=found.covered_days,
        attested_days=found.attested_days,
        contingent_days=found.contingent_days,
        gaps=tuple(_gap(stretch) for stretch in found.stretches if not stretch.covered),
        red_on=red if red is not None and red <= on else None,
    )


def _gap(stretch: Stretch) -> GapLine:
    cause = CAUSES.get(stretch.state) or f"carved out: {', '.join(stretch.missing)}"
    return GapLine(stretch.first, stretch.last, stretch.days, cause)
