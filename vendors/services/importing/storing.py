"""Stores the lines of a plan through the services that the forms use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import models

from vendors.imports.naming import folded
from vendors.imports.planning import Line, Outcome, Plan
from vendors.models import (
    Agreement,
    AssuranceReport,
    CoveredScope,
    Fact,
    ReportScope,
    Service,
    ServiceModel,
    ServiceRegion,
    Vendor,
)
from vendors.services.agreements import record_agreement
from vendors.services.facts import record_fact
from vendors.services.register import save_service
from vendors.services.reports import record_report
from vendors.services.saving import save_checked
from vendors.services.slugs import free_slug

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


@dataclass(frozen=True, slots=True)
class Storing:
    """Who stores on which day, and what the lines name: read once, not for each line."""

    by: User
    on: dt.date
    vendors: dict[str, Vendor] = field(default_factory=dict)
    services: dict[tuple[int, str], Service] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, *, by: User, on: dt.date) -> Storing:
        """Ready for the lines of `plan`; three queries."""
        made = cls(by, on)
        lines = plan.of(Outcome.NEW, Outcome.CHANGED)
        slugs = {str(line.given.get("vendor", "")) for line in lines}
        made.vendors.update(Vendor.objects.in_bulk(slugs, field_name="slug"))
        for service in Service.objects.filter(vendor__in=made.vendors.values()):
            made.services[service.vendor_id, folded(service.name)] = service
        emails = {str(line.given["owner"]) for line in lines if "owner" in line.given}
        for person in get_user_model().objects.filter(email__in=emails):
            made.people[person.email] = person
        return made

    def vendor(self, slug: object) -> Vendor:
        return self.vendors[str(slug)]

    def service(self, vendor: Vendor, name: str) -> Service:
        return self.services[vendor.pk, folded(name)]


def row_of(kind: str, line: Line, storing: Storing) -> models.Model:
    """The line's row without what stands beside it, not saved: new, or the stored one changed."""
    return ROWS[kind](line, storing)


def store(kind: str, line: Line, storing: Storing) -> int:
    """Store the line; returns the row's id. Raises: ValidationError."""
    return STORE[kind](line, storing)


def _plain(line: Line, storing: Storing, *beside: str) -> dict[str, Any]:
    """The line's own fields, lists as lists, the owner as a person, without those in `beside`."""
    values: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in line.values.items()
        if name not in beside
    }
    if "owner" in values:
        values["owner"] = storing.people[values["owner"]]
    return values


def _target(line: Line) -> int:
    """The stored row that a line changes."""
    assert line.target is not None
    return line.target


def _vendor_row(line: Line, storing: Storing) -> Vendor:
    values = _plain(line, storing)
    if line.outcome == Outcome.NEW:
        return Vendor(**values)
    vendor: Vendor = _changed(Vendor.objects.get(pk=_target(line)), values)
    return vendor


def _changed(row: Any, values: dict[str, Any]) -> Any:
    for name, value in values.items():
        setattr(row, name, value)
    return row


def _store_vendor(line: Line, storing: Storing) -> int:
    row = _vendor_row(line, storing)
    row.slug = row.slug or free_slug(Vendor, row.name)
    save_checked(row)
    return row.pk


def _service_row(line: Line, storing: Storing) -> Service:
    values = _plain(line, storing, "vendor", "models", "regions")
    if line.outcome == Outcome.NEW:
        return Service(vendor=storing.vendor(line.values["vendor"]), **values)
    service: Service = _changed(Service.objects.get(pk=_target(line)), values)
    return service


def _parts(entry: object) -> tuple[str, list[str]]:
    name, _, rest = str(entry).partition(" = ")
    return name, rest.split(", ")


def _store_service(line: Line, storing: Storing) -> int:
    row = _service_row(line, storing)
    row.slug = row.slug or free_slug(Service, row.name)
    models_, regions = line.values.get("models"), line.values.get("regions")
    if isinstance(models_, tuple):
        offered = [ServiceModel(pattern=n, lifecycle=w[0]) for n, w in map(_parts, models_)]
    else:
        offered = list(row.offered_models.all()) if row.pk else []
    if isinstance(regions, tuple):
        places = [
            ServiceRegion(region=n, purpose=w[0], guarantee=w[1]) for n, w in map(_parts, regions)
        ]
    else:
        places = list(row.regions.all()) if row.pk else []
    return save_service(row, offered, places).pk


def _agreement_row(line: Line, storing: Storing) -> Agreement:
    values = _plain(line, storing, "vendor", "covers")
    if line.outcome == Outcome.NEW:
        return Agreement(vendor=storing.vendor(line.values["vendor"]), **values)
    agreement: Agreement = _changed(Agreement.objects.get(pk=_target(line)), values)
    return agreement


def _store_agreement(line: Line, storing: Storing) -> int:
    row = _agreement_row(line, storing)
    if line.outcome == Outcome.CHANGED:
        save_checked(row)
        return row.pk
    covers = line.values.get("covers", ())
    assert isinstance(covers, tuple)
    scopes = []
    for entry in covers:
        name, model_pattern, region = [*entry.split(" | "), "", ""][:3]
        service = storing.service(row.vendor, name)
        scopes.append(CoveredScope(service=service, model_pattern=model_pattern, region=region))
    return record_agreement(row, scopes, by=storing.by).pk


def _report_row(line: Line, storing: Storing) -> AssuranceReport:
    values = _plain(line, storing, "vendor", "in_scope", "not_in_scope")
    return AssuranceReport(vendor=storing.vendor(line.values["vendor"]), **values)


def _store_report(line: Line, storing: Storing) -> int:
    row = _report_row(line, storing)
    scopes = []
    for column, answer in (("in_scope", "yes"), ("not_in_scope", "no")):
        names = line.values.get(column, ())
        assert isinstance(names, tuple)
        scopes += [
            ReportScope(service=storing.service(row.vendor, name), in_scope=answer)
            for name in names
        ]
    return record_report(row, scopes, by=storing.by).pk


def _fact_row(line: Line, storing: Storing) -> Fact:
    values = {n: v for n, v in line.given.items() if n not in ("vendor", "service")}
    vendor = storing.vendor(line.given["vendor"])
    return Fact(service=storing.service(vendor, str(line.given["service"])), **values)


def _store_fact(line: Line, storing: Storing) -> int:
    return record_fact(_fact_row(line, storing), by=storing.by, on=storing.on).pk


ROWS: dict[str, Callable[[Line, Storing], models.Model]] = {
    "vendors": _vendor_row,
    "services": _service_row,
    "agreements": _agreement_row,
    "reports": _report_row,
    "facts": _fact_row,
}
STORE: dict[str, Callable[[Line, Storing], int]] = {
    "vendors": _store_vendor,
    "services": _store_service,
    "agreements": _store_agreement,
    "reports": _store_report,
    "facts": _store_fact,
}
