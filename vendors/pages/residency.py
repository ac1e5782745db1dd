"""Where a service's data may be, by what for: a matrix with what to know of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vendors.models import ServiceRegion
from vendors.residency import Place, Remark, area, remarks

GUARANTEE_KINDS = {"contract": "ok", "configurable": "ok", "default": "soon", "none": "bad"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A region under one purpose; `row` is None where it is not said."""

    row: ServiceRegion | None
    kind: str


@dataclass(frozen=True, slots=True)
class RegionRow:
    region: str
    area: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Residency:
    """Regions by purposes, and what a reader should know."""

    purposes: list[str]
    rows: list[RegionRow]
    remarks: list[Remark]


def residency(regions: Iterable[ServiceRegion]) -> Residency:
    """The regions of a service, those of processing first."""
    found = {(row.region, row.purpose): row for row in regions}
    purposes = list(ServiceRegion.Purpose)
    names = sorted(
        {region for region, _ in found}, key=lambda name: ((name, purposes[0]) not in found, name)
    )
    rows = [
        RegionRow(name, area(name), [_cell(found.get((name, each))) for each in purposes])
        for name in names
    ]
    places = [Place(row.region, row.purpose, row.guarantee) for row in found.values()]
    return Residency([each.label for each in purposes], rows, remarks(places) if places else [])


def _cell(row: ServiceRegion | None) -> Cell:
    return Cell(row, GUARANTEE_KINDS[row.guarantee] if row else "neutral")
