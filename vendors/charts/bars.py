"""Counts by day, by name, and as shares of a whole."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from vendors.charts.shapes import (
    BAR,
    FOOT,
    LEFT,
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


@dataclass(frozen=True)
class Series:
    """One colour of a bar chart: a count for each day, in the order of the days."""

    label: str
    kind: str
    values: tuple[int, ...]


@dataclass(frozen=True)
class StackedBars:
    caption: Caption
    width: float
    height: float
    plot_x: float
    bottom: float
    right: float
    bars: tuple[DrawnBar, ...]
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    legend: tuple[Key, ...]
    table: Table


def round_steps(highest: float, *, most: int = 4) -> list[int]:
    """Whole numbers from 0 past `highest` in equal steps of 1, 2 or 5 times a power of ten."""
    step = max(1, highest / most)
    power = 10 ** math.floor(math.log10(step))
    unit = next(factor for factor in (1, 2, 5, 10) if factor * power >= step)
    size = int(unit * power)
    return [size * index for index in range(math.ceil(max(highest, 1) / size) + 1)]


def _stack(days: Sequence[dt.date], series: Sequence[Series], plot: "_Plot") -> list[DrawnBar]:
    bars = []
    for index, day in enumerate(days):
        y = plot.bottom
        for one in series:
            height = round(one.values[index] * plot.unit, 1)
            if height > 0:
                y = round(y - height, 1)
                title = f"{day_text(day)}, {one.label}: {one.values[index]:,}"
                x = round(plot.left + plot.slot * (index + (1 - plot.fill) / 2), 1)
                width = round(plot.slot * plot.fill, 1)
                bars.append(DrawnBar(x, y, width, height, one.kind, title))
    return bars


@dataclass(frozen=True)
class _Plot:
    left: float
    bottom: float
    slot: float
    unit: float
    fill: float = 0.72


def stacked_bars(
    days: Sequence[dt.date],
    series: Sequence[Series],
    *,
    caption: Caption,
    width: float = 1140,
    height: float = 220,
) -> StackedBars:
    """One bar a day, its series upon each other, the first at the bottom.

    Raises: ValueError when a series has not one value for each day.
    """
    if any(len(one.values) != len(days) for one in series):
        raise ValueError("Each series needs one value for each day.")
    totals = [sum(one.values[index] for one in series) for index in range(len(days))]
    steps = round_steps(max(totals, default=0))
    left = LEFT + 8 + 7.2 * len(f"{steps[-1]:,}")
    top, bottom, right = 14.0, height - FOOT, width - RIGHT
    plot = _Plot(left, bottom, (right - left) / max(len(days), 1), (bottom - top) / steps[-1])
    every = math.ceil(len(days) * 1.5 * ROOM_A_TICK / (right - left)) if days else 1
    return StackedBars(
        caption=caption,
        width=width,
        height=height,
        plot_x=left,
        bottom=bottom,
        right=right,
        bars=tuple(_stack(days, series, plot)),
        y_ticks=tuple(Tick(round(bottom - step * plot.unit, 1), f"{step:,}") for step in steps),
        x_ticks=tuple(
            Tick(round(left + plot.slot * (index + 0.5), 1), f"{day.day} {day:%b}")
            for index, day in enumerate(days)
            if index % every == 0
        ),
        legend=tuple(Key(one.kind, one.label) for one in series),
        table=Table(
            ("Day", *(one.label for one in series), "Total"),
            tuple(
                (day_text(day), *(f"{one.values[i]:,}" for one in series), f"{totals[i]:,}")
                for i, day in enumerate(days)
            ),
        ),
    )


@dataclass(frozen=True)
class Part:
    """One share of a whole, or one line of a list of bars."""

    label: str
    value: int
    kind: str = "main"


@dataclass(frozen=True)
class DrawnPart:
    label: str
    text: str
    kind: str
    title: str
    y: float = 0
    text_y: float = 0
    width: float = 0
    path: str = ""


@dataclass(frozen=True)
class BarList:
    caption: Caption
    width: float
    height: float
    plot_x: float
    plot_width: float
    parts: tuple[DrawnPart, ...]
    table: Table


def _parts_table(parts: Sequence[Part], caption: Caption) -> Table:
    return Table((caption.title, "Count"), tuple((p.label, f"{p.value:,}") for p in parts))


def bar_list(
    parts: Sequence[Part], *, caption: Caption, width: float = 400, label: float = 150
) -> BarList:
    """One line a part: its name, a bar in proportion to the longest, its number."""
    longest = max((part.value for part in parts), default=0) or 1
    room = width - label - 20 - 8 * len(f"{longest:,}")
    drawn = [
        DrawnPart(
            label=part.label,
            text=f"{part.value:,}",
            kind=part.kind,
            title=f"{part.label}: {part.value:,}",
            y=index * ROW + (ROW - BAR) / 2,
            text_y=index * ROW + ROW / 2 + 4,
            width=round(room * part.value / longest, 1),
        )
        for index, part in enumerate(parts)
    ]
    table = _parts_table(parts, caption)
    return BarList(caption, width, ROW * len(parts), label, room, tuple(drawn), table)


@dataclass(frozen=True)
class Donut:
    caption: Caption
    size: float
    centre: float
    total: str
    parts: tuple[DrawnPart, ...]
    legend: tuple[Key, ...]
    table: Table


@dataclass(frozen=True)
class _Ring:
    centre: float
    outer: float
    inner: float
    gap: float = field(default=0.012)

    def sector(self, start: float, end: float) -> str:
        """The path of the ring between two shares of the turn, 0 at the top, clockwise."""
        if end - start > 0.9999:
            return self._half(0, 0.5) + self._half(0.5, 1)
        gap = min(self.gap, (end - start) / 3)
        return self._half(start + gap / 2, end - gap / 2)

    def _half(self, start: float, end: float) -> str:
        large = int(end - start > 0.5)
        out, back = self._point(self.outer, start), self._point(self.inner, end)
        return (
            f"M{out}A{self.outer} {self.outer} 0 {large} 1 {self._point(self.outer, end)}"
            f"L{back}A{self.inner} {self.inner} 0 {large} 0 {self._point(self.inner, start)}Z"
        )

    def _point(self, radius: float, share: float) -> str:
        angle = 2 * math.pi * share
        x = self.centre + radius * math.sin(angle)
        y = self.centre - radius * math.cos(angle)
        return f"{x:.1f} {y:.1f}"


def donut(parts: Sequence[Part], *, caption: Caption, size: float = 160) -> Donut:
    """A ring cut into shares, with the total inside; parts of nothing are left out."""
    total = sum(part.value for part in parts)
    ring = _Ring(size / 2, size / 2 - 2, size / 2 - 22)
    drawn, before = [], 0
    for part in parts:
        if part.value > 0:
            path = ring.sector(before / total, (before + part.value) / total)
            words = f"{part.label}: {part.value:,} of {total:,}"
            drawn.append(DrawnPart(part.label, f"{part.value:,}", part.kind, words, path=path))
            before += part.value
    legend = tuple(Key(part.kind, f"{part.label}: {part.value:,}") for part in parts)
    table = _parts_table(parts, caption)
    return Donut(caption, size, size / 2, f"{total:,}", tuple(drawn), legend, table)
