"""Rows of periods and days over months."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vendors.charts.shapes import (
    BAR,
    FOOT,
    RIGHT,
    ROOM_A_TICK,
    ROW,
    Caption,
    DrawnBar,
    Key,
    Table,
    Tick,
    day_text,
)

TOP = 40  # room for the months over the first row
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """Days from `starts_on` to `ends_on`, both count; `None` is open at that end."""

    starts_on: dt.date | None
    ends_on: dt.date | None
    kind: str
    label: str


@dataclass(frozen=True)
class Marker:
    """One day, drawn as a diamond."""

    on: dt.date
    kind: str
    label: str


@dataclass(frozen=True)
class Row:
    label: str
    spans: tuple[Span, ...] = ()
    markers: tuple[Marker, ...] = ()
    url: str = ""


@dataclass(frozen=True)
class Axis:
    """The days that a timeline shows, both ends count, and what it marks among them."""

    first: dt.date
    last: dt.date
    today: dt.date
    period: tuple[dt.date, dt.date] | None = None


@dataclass(frozen=True)
class DrawnMarker:
    x: float
    y: float
    kind: str
    title: str


@dataclass(frozen=True)
class DrawnRow:
    label: str
    url: str
    y: float
    text_y: float
    striped: bool
    bars: tuple[DrawnBar, ...]
    markers: tuple[DrawnMarker, ...]


@dataclass(frozen=True)
class Timeline:
    caption: Caption
    width: float
    height: float
    plot_x: float
    bottom: float
    ticks: tuple[Tick, ...]
    rows: tuple[DrawnRow, ...]
    today_x: float | None
    period: DrawnBar | None
    legend: tuple[Key, ...]
    table: Table

    @property
    def role(self) -> str:
        """ARIA: what an image contains is not told, so a figure with links is a group."""
        return "group" if any(row.url for row in self.rows) else "img"


@dataclass(frozen=True)
class _Scale:
    """Days to x: a day's bar starts at its own x and ends at the next day's."""

    axis: Axis
    left: float
    right: float

    def x(self, day: dt.date) -> float:
        days = (self.axis.last - self.axis.first).days + 1
        passed = min(max((day - self.axis.first).days, 0), days)
        return round(self.left + (self.right - self.left) * passed / days, 1)

    def span(self, starts_on: dt.date, ends_on: dt.date) -> tuple[float, float]:
        """x and width of the days, as far as the axis shows them."""
        start = self.x(starts_on)
        end = self.x(ends_on if ends_on == dt.date.max else ends_on + ONE_DAY)
        return start, round(end - start, 1)


def months_between(first: dt.date, last: dt.date, *, step: int) -> list[dt.date]:
    """The first days of months in `first`..`last`, each `step` months, counted from January."""
    found = []
    year, month = first.year, first.month
    while (day := dt.date(year, month, 1)) <= last:
        if day >= first and (month - 1) % step == 0:
            found.append(day)
        if (year, month) == (dt.MAXYEAR, 12):
            break
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


def _month_ticks(scale: _Scale) -> tuple[Tick, ...]:
    axis = scale.axis
    months = max(((axis.last - axis.first).days + 1) / 30.4, 1)
    room = (scale.right - scale.left) / months
    wanted = math.ceil(ROOM_A_TICK / room)
    step = next((step for step in (1, 2, 3, 6, 12) if step >= wanted), 12)
    shown: set[int] = set()
    ticks = []
    for day in months_between(axis.first, axis.last, step=step):
        x = scale.x(day)
        strong = "" if day.year in shown else str(day.year)
        shown.add(day.year)
        ticks.append(Tick(x, f"{day:%b}", strong))
    return tuple(ticks)


def _span_words(span: Span) -> str:
    starts = day_text(span.starts_on, open_end="an unknown day")
    return f"{span.label}: {starts} to {day_text(span.ends_on)}"


def _draw_row(row: Row, index: int, scale: _Scale) -> DrawnRow:
    y = TOP + index * ROW
    bars = []
    for span in row.spans:
        starts_on, ends_on = span.starts_on or dt.date.min, span.ends_on or dt.date.max
        x, width = scale.span(starts_on, ends_on)
        if width > 0:
            bars.append(DrawnBar(x, y + (ROW - BAR) / 2, width, BAR, span.kind, _span_words(span)))
    markers = [
        DrawnMarker(scale.x(m.on), y + ROW / 2, m.kind, f"{m.label}: {day_text(m.on)}")
        for m in row.markers
        if scale.axis.first <= m.on <= scale.axis.last
    ]
    return DrawnRow(
        row.label, row.url, y, y + ROW / 2 + 4, index % 2 == 1, tuple(bars), tuple(markers)
    )


def _legend(rows: Iterable[Row]) -> tuple[Key, ...]:
    """The colours and diamonds in use, once each, in the order in which they appear."""
    rows = list(rows)
    spans = [Key(span.kind, span.label) for row in rows for span in row.spans]
    markers = [Key("", marker.label, marker=True) for row in rows for marker in row.markers]
    return tuple(dict.fromkeys(spans + markers))


def _timeline_table(rows: Iterable[Row]) -> Table:
    lines = [
        (
            row.label,
            "; ".join(_span_words(span) for span in row.spans) or "none",
            "; ".join(f"{m.label}: {day_text(m.on)}" for m in row.markers) or "none",
        )
        for row in rows
    ]
    return Table(("Row", "Periods", "Days"), tuple(lines))


def timeline(
    rows: Sequence[Row], *, axis: Axis, caption: Caption, width: float = 1140, label: float = 190
) -> Timeline:
    """Rows of bars and diamonds over months. `label` is the room for the names on the left.

    Raises: ValueError when the axis ends before it begins.
    """
    if axis.last < axis.first:
        raise ValueError("The axis ends before it begins.")
    scale = _Scale(axis, label, width - RIGHT)
    bottom = TOP + len(rows) * ROW
    period = None
    if axis.period is not None:
        x, wide = scale.span(*axis.period)
        words = f"Period: {day_text(axis.period[0])} to {day_text(axis.period[1])}"
        period = DrawnBar(x, TOP - 4, wide, bottom - TOP + 4, "period", words)
    return Timeline(
        caption=caption,
        width=width,
        height=bottom + FOOT,
        plot_x=label,
        bottom=bottom,
        ticks=_month_ticks(scale),
        rows=tuple(_draw_row(row, index, scale) for index, row in enumerate(rows)),
        today_x=scale.x(axis.today) if axis.first <= axis.today <= axis.last else None,
        period=period,
        legend=_legend(rows),
        table=_timeline_table(rows),
    )
