"""What the comparison shows: headings, and a line of cells for each service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vendors.comparison import (
    GATE_DIMENSIONS,
    Asked,
    BaaStanding,
    BaaState,
    Cell,
    Line,
    differing,
)
from vendors.models import Dimension, Grade, Service
from vendors.services.comparison import comparison
from vendors.tables import ASSURANCE_WORDS, SOON_DAYS

MOST = 100
BAA_WORDS = {
    BaaState.IN_FORCE: ("ok", "In force"),
    BaaState.NOT_COVERED: ("bad", "Does not cover it"),
    BaaState.STARTS: ("info", "Starts"),
    BaaState.ENDED: ("bad", "Ended"),
    BaaState.NONE: ("neutral", "None"),
}


@dataclass(frozen=True, slots=True)
class Heading:
    """A dimension as a column; `gate`: the gate decides on it."""

    dimension: str
    label: str
    gate: bool


@dataclass(frozen=True, slots=True)
class PaperCell:
    """A paper that carries the service, in words and colour; `day` is the one the words name."""

    kind: str
    words: str
    day: dt.date | None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ComparedCell:
    """A cell with its age in words; `late`: somebody has to verify it again."""

    heading: Heading
    cell: Cell
    grade: str
    age: str
    late: bool


@dataclass(frozen=True, slots=True)
class ComparedRow:
    service: Service
    baa: PaperCell
    coverage: PaperCell
    cells: list[ComparedCell]


@dataclass(frozen=True, slots=True)
class Compared:
    headings: list[Heading]
    rows: list[ComparedRow]


def compared(
    services: Sequence[Service],
    chosen: Sequence[str],
    show: str,
    asked: Asked,
    on: dt.date,
) -> Compared:
    """The services side by side on the day `on`.

    `show` is "gate" for what the gate needs, "differ" for where they differ; else the `chosen`
    dimensions, or all of them where none is chosen.
    """
    names = [d.value for d in Dimension if not chosen or d.value in chosen]
    if show == "gate":
        names = list(GATE_DIMENSIONS)
    lines = comparison(services, names, asked, on)
    if show == "differ" and len(lines) > 1:
        names = list(differing(lines, names))
    headings = [Heading(n, Dimension(n).label, n in GATE_DIMENSIONS) for n in names]
    rows = [
        _row(service, line, headings, on) for service, line in zip(services, lines, strict=True)
    ]
    return Compared(headings, rows)


def _row(service: Service, line: Line, headings: list[Heading], on: dt.date) -> ComparedRow:
    kind, words = ASSURANCE_WORDS[line.coverage.state]
    cells = [_cell(heading, line.cells[heading.dimension]) for heading in headings]
    coverage = PaperCell(kind, words, line.coverage.until)
    return ComparedRow(service, _baa(line.baa, on), coverage, cells)


def _cell(heading: Heading, cell: Cell) -> ComparedCell:
    if cell.fact_id is None:
        return ComparedCell(heading, cell, "", "", late=False)
    age = "never verified"
    if cell.age_days is not None:
        age = f"{cell.age_days:,} day" + "s" * (cell.age_days != 1)
        age += ", verify again" * cell.stale
    return ComparedCell(heading, cell, Grade(cell.grade).label, age, late=cell.stale)


def _baa(standing: BaaStanding, on: dt.date) -> PaperCell:
    kind, words = BAA_WORDS[standing.state]
    if standing.state == BaaState.IN_FORCE and standing.day:
        kind = "soon" if (standing.day - on).days <= SOON_DAYS else kind
    return PaperCell(kind, words, standing.day, standing.reference)


def headers(found: Compared) -> list[str]:
    """The first line of the file: each dimension with its grade, its age and what differs."""
    fixed = ["Vendor", "Service", "Deployment", "BAA", "BAA day", "BAA reference"]
    fixed += ["SOC 2 coverage", "Covered until"]
    for heading in found.headings:
        label = heading.label
        fixed += [label, f"{label}: grade", f"{label}: source read", f"{label}: age in days"]
        fixed += [f"{label}: verify again", f"{label}: differs for"]
    return fixed


def file_rows(found: Compared) -> Iterator[list[str | int | bool | dt.date | None]]:
    """The same as the page shows, a row for each service."""
    for row in found.rows:
        cells: list[str | int | bool | dt.date | None] = [
            row.service.vendor.name,
            row.service.name,
            row.service.get_deployment_display(),
            row.baa.words,
            row.baa.day,
            row.baa.reference,
            row.coverage.words,
            row.coverage.day,
        ]
        for each in row.cells:
            cell = each.cell
            known = cell.fact_id is not None
            others = "; ".join(f"{other.scope}: {other.words}" for other in cell.others)
            cells += [cell.words, each.grade, cell.verified_on, cell.age_days]
            cells += [cell.stale if known else None, others]
        yield cells
