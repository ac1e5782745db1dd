"""Which days a service is covered by assurance reports; pure: no query, no clock, no settings.

What is asked is one day (`assess`) or a period of ours (`cover`); both read the same parts of each
report, so they never differ. What always holds, and is held by `vendors/tests/test_coverage.py`:

- the state of a day in a period is what `assess` says of that day;
- covered days and days in gaps are all days of the period, each once;
- a report, bridge letter or own report of a carve-out less never adds a covered day;
- the order of reports, letters and carve-outs never matters; the first and the last day count.

Why it is so: `docs/decisions/0011-coverage.md`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple

Span = tuple[dt.date, dt.date]
ONE_DAY = dt.timedelta(days=1)


class Assurance(StrEnum):
    """How well a service is covered on a day, best first."""

    CURRENT = "current"
    BRIDGED = "bridged"
    TYPE1_ONLY = "type1_only"
    TYPE1_OVERDUE = "type1_overdue"
    QUALIFIED = "qualified"
    CARVE_OUT = "carve_out"
    GAP = "gap"
    STALE = "stale"
    NONE = "none"


# Days in these states are covered. A type I covers contingently: until its type II is due.
COVERED = frozenset({Assurance.CURRENT, Assurance.BRIDGED, Assurance.TYPE1_ONLY})
_RANK = {state: rank for rank, state in enumerate(Assurance)}
# States of one level are as good as each other: what holds until a day may pass among them.
_LEVEL = {state: 0 if state in COVERED else rank for state, rank in _RANK.items()}


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """A SOC 2 report as it counts for one service; every day given counts itself.

    `first_day` and `last_day` are the period of a type II, or twice the day of a type I.
    `bridges` holds the first and last day of each bridge letter. `carve_outs` are only those that
    need a report of their own; an inclusive subservice needs nothing.
    """

    report_id: int
    type2: bool
    first_day: dt.date
    last_day: dt.date
    clean: bool
    accepted: bool
    type2_due_on: dt.date | None = None
    bridges: tuple[Span, ...] = ()
    carve_outs: tuple[CarveOut, ...] = ()


@dataclass(frozen=True, slots=True)
class CarveOut:
    """A subservice that a report leaves out, with the reports it has of its own.

    Carve-outs of those reports are not followed: that subservice answers for its own.
    """

    name: str
    reports: tuple[ReportFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Rules of thumb, in days: how long a period is relied on, how far a bridge may reach, and
    how long after a period the lack of a successor is an alarm."""

    stale_days: int
    bridge_days: int
    red_days: int = 457


@dataclass(frozen=True, slots=True)
class Coverage:
    """The state on a day, the last day on which it stays so good, and the report it rests on.

    `missing` names the carve-outs without a report of their own, where that is the state.
    """

    state: Assurance
    until: dt.date | None
    report_id: int | None
    missing: tuple[str, ...] = ()

    @property
    def covered(self) -> bool:
        return self.state in COVERED


NOTHING = Coverage(Assurance.NONE, None, None)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in a row on which the same holds; both ends count."""

    first: dt.date
    last: dt.date
    state: Assurance
    report_id: int | None
    missing: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def covered(self) -> bool:
        return self.state in COVERED


@dataclass(frozen=True, slots=True)
class PeriodCoverage:
    """How a period of ours is covered: `stretches` follow each other and leave no day out.

    `attested_days` are those covered days that a clean type II period or its bridge letters
    themselves speak of; on the others an older report is relied on by our rule of thumb.
    """

    first: dt.date
    last: dt.date
    stretches: tuple[Stretch, ...]
    attested_days: int

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def covered_days(self) -> int:
        return sum(s.days for s in self.stretches if s.covered)

    @property
    def contingent_days(self) -> int:
        """Covered days that rest on a type I alone."""
        return sum(s.days for s in self.stretches if s.state is Assurance.TYPE1_ONLY)

    @property
    def gaps(self) -> list[Span]:
        """The stretches that are not covered, whatever the cause; neighbours are one."""
        return gaps(tuple((s.first, s.last) for s in self.stretches if s.covered), *self.span)

    @property
    def span(self) -> Span:
        return self.first, self.last


def _plus(day: dt.date, days: int) -> dt.date:
    """`day` and so many days more; the last day there is, if that is past it."""
    try:
        return day + dt.timedelta(days)
    except OverflowError:
        return dt.date.max


def chained(report: ReportFacts) -> dt.date:
    """The last day its bridge letters reach, each of which leaves no gap to what is before it."""
    reach = report.last_day
    for first, last in sorted(report.bridges):
        if last > reach and first <= reach + ONE_DAY:
            reach = last
    return reach


def relied_until(report: ReportFacts, limits: Limits) -> tuple[dt.date, dt.date]:
    """The last day a report is relied on by itself, and with its bridge letters.

    A type II is relied on for `stale_days` after its period. A bridge letter counts only if it
    leaves no gap, and reaches at most `bridge_days` past what it is attached to. Carve-outs are
    not looked at here.
    """
    if not report.type2:
        last = report.type2_due_on or report.last_day
        return last, last
    alone = _plus(report.last_day, limits.stale_days)
    return alone, max(alone, min(chained(report), _plus(alone, limits.bridge_days)))


def red_on(reports: Iterable[ReportFacts], limits: Limits) -> dt.date | None:
    """The first day on which the newest accepted type II has had no successor for too long.

    None without one: then there is nothing to succeed.
    """
    ends = [r.last_day for r in reports if r.accepted and r.type2]
    return _plus(max(ends), limits.red_days + 1) if ends else None


def _whole(report: ReportFacts, limits: Limits) -> list[tuple[dt.date, Assurance]]:
    """What a report gives from which day on, its carve-outs aside."""
    first, due = report.first_day, report.type2_due_on
    if report.type2:
        alone, bridged = relied_until(report, limits)
        steps = [(first, Assurance.CURRENT if report.clean else Assurance.QUALIFIED)]
        if report.clean and bridged > alone:
            steps.append((_plus(alone, 1), Assurance.BRIDGED))
        return [*steps, (_plus(bridged, 1), Assurance.STALE)]
    if not report.clean:
        return [(first, Assurance.QUALIFIED)]
    if due is None or due < first:
        return [(first, Assurance.TYPE1_OVERDUE)]
    return [(first, Assurance.TYPE1_ONLY), (_plus(due, 1), Assurance.TYPE1_OVERDUE)]


def _holes(carve_out: CarveOut, since: dt.date, limits: Limits) -> list[Span]:
    """The days from `since` on that no report of the carve-out's own covers."""
    covered = []
    for report in carve_out.reports:
        if report.accepted:
            steps = [*_whole(report, limits), (dt.date.max, Assurance.NONE)]
            for (first, state), (after, _) in pairwise(steps):
                if state in COVERED and first < after:
                    covered.append((first, after - ONE_DAY))
    return gaps(tuple(covered), since, dt.date.max)


_Part = tuple[dt.date, Assurance, tuple[str, ...]]


@lru_cache(maxsize=8192)
def _parts(report: ReportFacts, limits: Limits) -> tuple[tuple[dt.date, Coverage], ...]:
    """What a report gives from its first day on: the last day of each part, and the coverage."""
    steps = _whole(report, limits)
    ends = [*(first - ONE_DAY for first, _ in steps[1:]), dt.date.max]
    found: list[_Part] = [(end, state, ()) for end, (_, state) in zip(ends, steps, strict=True)]
    if report.carve_outs:
        found = _carved(report, found, limits)
    return tuple(
        (last, Coverage(state, _until(found[i:]), report.report_id, missing))
        for i, (last, state, missing) in enumerate(found)
    )


def _carved(report: ReportFacts, parts: Sequence[_Part], limits: Limits) -> list[_Part]:
    """The same parts, cut where a carve-out begins or ceases to have a report of its own."""
    first = report.first_day
    holes = [
        (part.name, hole) for part in report.carve_outs for hole in _holes(part, first, limits)
    ]
    cuts = {end for end, _, _ in parts}
    cuts |= {a - ONE_DAY for _, (a, _) in holes if a > first} | {b for _, (_, b) in holes}
    found: list[_Part] = []
    rest = iter(parts)
    end, state, _ = next(rest)
    for last in sorted(cuts):
        if last > end:
            end, state, _ = next(rest)
        missing = tuple(sorted({name for name, (a, b) in holes if a <= last <= b}))
        worse = missing and _RANK[state] < _RANK[Assurance.CARVE_OUT]
        found.append((last, Assurance.CARVE_OUT, missing) if worse else (last, state, ()))
    return found


def _until(parts: Sequence[_Part]) -> dt.date | None:
    """The last day of the parts in a row that are as good as the first; None if they never end."""
    level, until = _LEVEL[parts[0][1]], parts[0][0]
    for last, state, _ in parts[1:]:
        if _LEVEL[state] > level:
            return until
        until = last
    return None


def _order(coverage: Coverage) -> tuple[int, int, int]:
    """Sorts the best first: the state, then how long it holds, then the report."""
    until = coverage.until or dt.date.min
    return _RANK[coverage.state], -until.toordinal(), coverage.report_id or 0


def assess(reports: tuple[ReportFacts, ...], on: dt.date, limits: Limits) -> Coverage:
    """The best that accepted reports give for the day `on`.

    Reports not accepted, or whose period begins after `on`, do not count; only whether one
    follows, which makes a gap of what else is stale. Among equals the one that reaches furthest is
    taken, so another report never makes the answer worse.
    """
    found = [
        next(coverage for last, coverage in _parts(r, limits) if on <= last)
        for r in reports
        if r.accepted and r.first_day <= on
    ]
    if not found:
        return NOTHING
    best = min(found, key=_order)
    if best.state is Assurance.STALE and any(r.accepted and r.first_day > on for r in reports):
        return Coverage(Assurance.GAP, None, best.report_id)
    return best


def cover(
    reports: Iterable[ReportFacts], first: dt.date, last: dt.date, limits: Limits
) -> PeriodCoverage:
    """How accepted reports cover the period `first`..`last`, both days counting.

    One sweep over the days on which anything begins or ends. Raises: ValueError if the period
    ends before it begins.
    """
    if last < first:
        raise ValueError("the period ends before it begins")
    accepted = [r for r in reports if r.accepted]
    newest = max((r.first_day for r in accepted), default=first)
    waiting = _events(accepted, first, last, limits)
    starts = sorted({first, *(event.first for event in waiting)})
    ends = [*(day - ONE_DAY for day in starts[1:]), last]
    stretches: list[Stretch] = []
    live: list[tuple[tuple[int, int, int], int, _Event]] = []
    at = 0
    for day, end in zip(starts, ends, strict=True):
        while at < len(waiting) and waiting[at].first <= day:
            heappush(live, (_order(waiting[at].coverage), at, waiting[at]))
            at += 1
        while live and live[0][2].last < day:
            heappop(live)
        best = live[0][2].coverage if live else NOTHING
        gap = best.state is Assurance.STALE and newest > day
        state = Assurance.GAP if gap else best.state
        _append(stretches, Stretch(day, end, state, best.report_id, best.missing))
    return PeriodCoverage(first, last, tuple(stretches), _attested(accepted, stretches, limits))


class _Event(NamedTuple):
    """The days, from a day of the period on, on which a report gives one coverage."""

    first: dt.date
    last: dt.date
    coverage: Coverage


def _events(
    reports: Iterable[ReportFacts], first: dt.date, last: dt.date, limits: Limits
) -> list[_Event]:
    found = []
    for report in reports:
        start = max(report.first_day, first)
        for end, coverage in _parts(report, limits):
            if start > last:
                break
            if end >= start:
                found.append(_Event(start, end, coverage))
                start = _plus(end, 1)
    return sorted(found, key=lambda event: event.first)


def _append(stretches: list[Stretch], new: Stretch) -> None:
    """Add a stretch, or lengthen the one before it where nothing else changes."""
    old = stretches[-1] if stretches else None
    if old and (old.state, old.report_id, old.missing) == (new.state, new.report_id, new.missing):
        stretches[-1] = Stretch(old.first, new.last, old.state, old.report_id, old.missing)
    else:
        stretches.append(new)


def _attested(reports: Iterable[ReportFacts], stretches: Sequence[Stretch], limits: Limits) -> int:
    """How many covered days lie in a clean type II period or in what its bridge letters add."""
    first, last = stretches[0].first, stretches[-1].last
    spoken = [
        (r.first_day, min(chained(r), _plus(r.last_day, limits.bridge_days)))
        for r in reports
        if r.type2 and r.clean
    ]
    silent = gaps(tuple(spoken), first, last)
    bare = [(s.first, s.last) for s in stretches if not s.covered]
    return sum((b - a).days + 1 for a, b in gaps((*silent, *bare), first, last))


def gaps(spans: tuple[Span, ...], first: dt.date, last: dt.date) -> list[Span]:
    """The stretches of `first`..`last` that no span covers; every end counts itself."""
    found = []
    day = first
    for start, end in sorted(spans):
        if start > last:
            break
        if start > day:
            found.append((day, start - ONE_DAY))
        if end >= last:
            return found
        day = max(day, end + ONE_DAY)
    if day <= last:
        found.append((day, last))
    return found
