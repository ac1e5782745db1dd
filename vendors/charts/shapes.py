"""What every figure is made of: caption, legend, table, ticks, bars."""

import datetime as dt
from dataclasses import dataclass

ROW = 30
BAR = 10
FOOT = 28  # room for "today", and for the days under a bar chart
RIGHT = 18
LEFT = 18
ROOM_A_TICK = 44


@dataclass(frozen=True)
class Caption:
    """What a figure is called. `name` is unique in its page and a valid HTML id."""

    name: str
    title: str
    description: str = ""


@dataclass(frozen=True)
class Key:
    """One entry of the legend."""

    kind: str
    label: str
    marker: bool = False


@dataclass(frozen=True)
class Table:
    """The figure in words."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Tick:
    """A place on an axis; `strong` is the year over the first month that shows it."""

    at: float
    label: str
    strong: str = ""


@dataclass(frozen=True)
class DrawnBar:
    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


def day_text(day: dt.date | None, *, open_end: str = "no end") -> str:
    """A day as people write it: 5 Jan 2027."""
    return open_end if day is None else f"{day.day} {day:%b %Y}"
