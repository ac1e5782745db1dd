"""Which day a service is covered by assurance reports; pure: no query, no clock, no settings."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class Assurance(StrEnum):
    """How well a service is covered on a day, best first."""

    CURRENT = "current"
    BRIDGED = "bridged"
    TYPE1_ONLY = "type1_only"
    TYPE1_OVERDUE = "type1_overdue"
    QUALIFIED = "qualified"
    STALE = "stale"
    GAP = "gap"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """A SOC 2 report as it counts for one service; every day given counts itself.

    `first_day` and `last_day` are the period of a type II, or twice the day of a type I.
    `bridges` holds the first and last day of each bridge letter.
    """

    report_id: int
    type2: bool
    first_day: dt.date
    last_day: dt.date
    clean: bool
    accepted: bool
    type2_due_on: dt.date | None = None
    bridges: tuple[tuple[dt.date, dt.date], ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Rules of thumb, in days: how long a period is relied on, how far a bridge may reach."""

    stale_days: int
    bridge_days: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The state on a day, the last day on which it stays so good, and the report it rests on."""

    state: Assurance
    until: dt.date | None
    report_id: int | None


def relied_until(report: ReportFacts, limits: Limits) -> tuple[dt.date, dt.date]:
    """The last day a report is relied on by itself, and with its bridge letters.

    A type II is relied on for `stale_days` after its period. A bridge letter counts only if it
    leaves no gap, and reaches at most `bridge_days` past what it is attached to.
    """
    if not report.type2:
        last = report.type2_due_on or report.last_day
        return last, last
    alone = report.last_day + dt.timedelta(days=limits.stale_days)
    reach = report.last_day
    for first, last in sorted(report.bridges):
        if first <= reach + dt.timedelta(days=1):
            reach = max(reach, last)
    cap = alone + dt.timedelta(days=limits.bridge_days)
    return alone, max(alone, min(reach, cap))


def _grade(report: ReportFacts, on: dt.date, limits: Limits) -> Coverage:
    alone, bridged = relied_until(report, limits)
    if not report.type2:
        overdue = report.type2_due_on is None or on > report.type2_due_on
        state = Assurance.TYPE1_OVERDUE if overdue else Assurance.TYPE1_ONLY
        return Coverage(state, None if overdue else report.type2_due_on, report.report_id)
    if on > bridged:
        return Coverage(Assurance.STALE, None, report.report_id)
    if not report.clean:
        return Coverage(Assurance.QUALIFIED, bridged, report.report_id)
    if on <= alone:
        return Coverage(Assurance.CURRENT, bridged, report.report_id)
    return Coverage(Assurance.BRIDGED, bridged, report.report_id)


def assess(reports: tuple[ReportFacts, ...], on: dt.date, limits: Limits) -> Coverage:
    """The best that accepted reports give for the day `on`.

    Reports not accepted, or whose period begins after `on`, do not count. Among equals the one
    that reaches furthest is taken, so another report never makes the answer worse.
    """
    counted = [r for r in reports if r.accepted and r.first_day <= on]
    if not counted:
        return Coverage(Assurance.NONE, None, None)
    order = list(Assurance)
    return min(
        (_grade(r, on, limits) for r in counted),
        key=lambda c: (order.index(c.state), -(c.until or dt.date.min).toordinal()),
    )


def gaps(
    spans: tuple[tuple[dt.date, dt.date], ...], first: dt.date, last: dt.date
) -> list[tuple[dt.date, dt.date]]:
    """The stretches of `first`..`last` that no span covers; every end counts itself."""
    found = []
    day = first
    for start, end in sorted(spans):
        if start > last:
            break
        if start > day:
            found.append((day, start - dt.timedelta(days=1)))
        day = max(day, end + dt.timedelta(days=1))
    if day <= last:
        found.append((day, last))
    return found
