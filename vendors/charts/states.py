"""The states a thing can be in, and which may follow which, as boxes and arrows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vendors.charts.shapes import Caption, Table

WIDTH, HEIGHT = 156, 34
MARGIN = 24


@dataclass(frozen=True, slots=True)
class Place:
    """A state and where the middle of its box stands."""

    state: str
    label: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Box:
    """A drawn state; `kind` is current, next (may follow) or idle."""

    x: float
    y: float
    middle_x: int
    middle_y: int
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class Arrow:
    """A drawn step; `strong` if it begins at the present state."""

    path: str
    strong: bool


@dataclass(frozen=True, slots=True)
class StateMachine:
    """`box` is the drawing's viewBox."""

    caption: Caption
    box: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    table: Table


def state_machine(
    places: tuple[Place, ...],
    steps: Mapping[str, tuple[str, ...]],
    current: str,
    *,
    caption: Caption,
    bends: Mapping[tuple[str, str], int] | None = None,
) -> StateMachine:
    """Draw every state at its place and every step between them.

    `bends` names steps that go round by a curve, and how far above (negative) or below.
    """
    at = {place.state: place for place in places}
    follow = steps.get(current, ())
    boxes = tuple(
        Box(
            place.x - WIDTH / 2,
            place.y - HEIGHT / 2,
            place.x,
            place.y,
            place.label,
            "current" if place.state == current else "next" if place.state in follow else "idle",
        )
        for place in places
    )
    pairs = [(begin, end) for begin, ends in steps.items() for end in ends]
    # Strong arrows last, so that they lie above the others.
    pairs.sort(key=lambda pair: pair[0] == current)
    arrows = tuple(
        Arrow(_path(at[begin], at[end], (bends or {}).get((begin, end), 0)), begin == current)
        for begin, end in pairs
    )
    rows = tuple(
        (place.label, ", ".join(at[end].label for end in steps.get(place.state, ())) or "Nothing")
        for place in places
    )
    top, bottom = _reach(places, at, bends or {})
    right = max(p.x for p in places) + WIDTH // 2 + 10
    return StateMachine(
        caption,
        f"0 {top} {right} {bottom - top}",
        right,
        bottom - top,
        boxes,
        arrows,
        Table(("State", "May be followed by"), rows),
    )


def _reach(
    places: tuple[Place, ...], at: Mapping[str, Place], bends: Mapping[tuple[str, str], int]
) -> tuple[int, int]:
    """The highest and the lowest that anything stands, curves included."""
    heights = [float(place.y) for place in places]
    for (begin, _), bend in bends.items():
        # A cubic curve reaches three quarters of the way to its control points.
        heights.append(at[begin].y + bend * 0.75)
    return int(min(heights)) - MARGIN - HEIGHT // 2, int(max(heights)) + MARGIN + HEIGHT // 2


def _path(begin: Place, end: Place, bend: int) -> str:
    if bend:
        edge = HEIGHT / 2 if bend > 0 else -HEIGHT / 2
        y1, y2 = begin.y + edge, end.y + edge
        return f"M{begin.x},{y1:g} C{begin.x},{y1 + bend:g} {end.x},{y2 + bend:g} {end.x},{y2:g}"
    x1, y1 = _edge(begin, end, 3)
    x2, y2 = _edge(end, begin, 3)
    return f"M{x1:g},{y1:g} L{x2:g},{y2:g}"


def _edge(of: Place, towards: Place, room: int) -> tuple[float, float]:
    """Where the line to the other box leaves this one, with a little room."""
    across, down = towards.x - of.x, towards.y - of.y
    sides = [
        (WIDTH / 2 + room) / abs(across) if across else None,
        (HEIGHT / 2 + room) / abs(down) if down else None,
    ]
    part = min(side for side in sides if side is not None)
    return round(of.x + across * part, 1), round(of.y + down * part, 1)
