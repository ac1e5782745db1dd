"""Where the parts of a figure stand: days and numbers in, positions out.

Nothing here draws: `templates/components/_*.svg.html` do, with these positions, the same in a page
and in a PDF. All lengths are units of the drawing's own `viewBox`; y grows downwards. Every figure
also gives the table that says the same in words, for whom a drawing says nothing.

A `kind` is a colour by its meaning: main, ok, soon, bad, neutral, info.
"""

from vendors.charts.bars import (
    BarList,
    Donut,
    Part,
    Series,
    StackedBars,
    bar_list,
    donut,
    stacked_bars,
)
from vendors.charts.shapes import Caption, Key, Table, day_text
from vendors.charts.states import Place, StateMachine, state_machine
from vendors.charts.timelines import Axis, Marker, Row, Span, Timeline, timeline

__all__ = [
    "Axis",
    "BarList",
    "Caption",
    "Donut",
    "Key",
    "Marker",
    "Part",
    "Place",
    "Row",
    "Series",
    "Span",
    "StackedBars",
    "StateMachine",
    "Table",
    "Timeline",
    "bar_list",
    "day_text",
    "donut",
    "stacked_bars",
    "state_machine",
    "timeline",
]
