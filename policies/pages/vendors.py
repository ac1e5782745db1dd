"""What this app adds to the list of vendors: PHI by the gate, and the uses of each vendor."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, QuerySet

from policies.models import Integration
from policies.services.phi import PhiSummary, phi_by_service, phi_summary
from vendors.models import Service, Vendor
from vendors.tables import VendorRow, in_chunks
from vendors.tables.columns import Column


@dataclass(frozen=True, slots=True)
class VendorStanding:
    """Whether PHI may go to a vendor today, and how many open integrations use it."""

    phi: PhiSummary
    uses: int
    days: int | None

    @property
    def kind(self) -> str:
        if not self.phi.total:
            return "neutral"
        return "ok" if self.phi.allowed == self.phi.total else "soon" if self.phi.allowed else "bad"

    @property
    def words(self) -> str:
        if not self.phi.total:
            return "No service"
        if self.phi.allowed == self.phi.total:
            return "Yes"
        return f"{self.phi.allowed} of {self.phi.total}" if self.phi.allowed else "No"


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A line of the vendor list with what this app knows of the vendor."""

    row: VendorRow
    standing: VendorStanding


def vendor_standings(vendors: Sequence[Vendor], on: dt.date) -> dict[int, VendorStanding]:
    """Of each vendor, by its id; a fixed number of queries."""
    of_vendor: dict[int, list[Service]] = defaultdict(list)
    services = list(Service.objects.offered(on).filter(vendor__in=vendors))
    for service in services:
        of_vendor[service.vendor_id].append(service)
    found = phi_by_service(services, on) if services else {}
    open_uses = Integration.objects.open().filter(service__vendor__in=vendors)
    counts = open_uses.order_by().values_list("service__vendor").annotate(number=Count("pk"))
    uses = dict(counts)
    standings = {}
    for vendor in vendors:
        phi = phi_summary([found[service.pk] for service in of_vendor[vendor.pk]])
        days = (phi.until - on).days if phi.until else None
        standings[vendor.pk] = VendorStanding(phi, uses.get(vendor.pk, 0), days)
    return standings


OWN: dict[str, tuple[tuple[str, Callable[[JudgedRow], Any]], ...]] = {
    "phi": (
        ("PHI", lambda judged: judged.standing.words),
        ("PHI until", lambda judged: judged.standing.phi.until),
    ),
    "uses": (("Integrations", lambda judged: judged.standing.uses),),
}


def with_own_cells(columns: Sequence[Column]) -> list[Column]:
    """The columns of the vendor list for rows that are a `JudgedRow`."""
    return [
        replace(column, cells=OWN[column.key])
        if column.key in OWN
        else replace(column, cells=tuple((h, _of_row(value)) for h, value in column.cells))
        for column in columns
    ]


def _of_row(value: Callable[[Any], Any]) -> Callable[[JudgedRow], Any]:
    return lambda judged: value(judged.row)


def judged_rows(vendors: QuerySet[Vendor], on: dt.date) -> Iterator[JudgedRow]:
    """All lines of the list for a file, some hundreds at a time."""
    for chunk in in_chunks(vendors, on):
        found = vendor_standings([row.vendor for row in chunk], on)
        for row in chunk:
            yield JudgedRow(row, found[row.vendor.pk])
