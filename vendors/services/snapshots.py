"""What the register says of a vendor, as one value to digest, to keep and to compare."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models

from vendors.models import Agreement, AssuranceReport, Fact, Service, Vendor

# Part, then object, then field: each value is text, a number, true or false, a list of text, null.
Snapshot = dict[str, dict[str, dict[str, Any]]]

PARTS = {
    "services": "Service",
    "agreements": "Agreement",
    "reports": "Report",
    "facts": "Fact",
}
# Who recorded a row, and when it was looked at again, is not what the vendor promises.
LEFT_OUT = frozenset(
    {
        "id",
        "vendor",
        "service",
        "agreement",
        "report",
        "owner",
        "recorded_by",
        "recorded_at",
        "recorded_on",
        "verified_by",
        "verified_on",
        "amends",
        "replaces",
    }
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two snapshots do not agree on; an empty `field` is the object as a whole."""

    part: str
    name: str
    field: str
    before: str
    after: str


def snapshot(vendor: Vendor, on: dt.date) -> Snapshot:
    """Services, agreements, reports and current facts of a vendor on the day `on`."""
    services = vendor.services.prefetch_related("offered_models", "regions").order_by("slug")
    agreements = vendor.agreements.select_related("document").prefetch_related("scopes__service")
    reports = vendor.reports.standing().select_related("document")
    facts = Fact.objects.filter(service__vendor=vendor).current(on).select_related("service")
    return {
        "services": {service.slug: _service(service) for service in services},
        "agreements": {f"{each} v{each.version}": _agreement(each) for each in agreements},
        "reports": {
            f"{each} (no. {each.pk})": _report(each)
            for each in reports.prefetch_related("scopes__service", "bridges")
        },
        "facts": {_fact_name(fact): _row(fact) for fact in facts},
    }


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What changed from one snapshot to the other, part by part; empty if they say the same."""
    found = []
    for part, label in PARTS.items():
        old, new = before.get(part, {}), after.get(part, {})
        for name in sorted({*old, *new}):
            if name not in new:
                found.append(Difference(label, name, "", "recorded", "gone"))
            elif name not in old:
                found.append(Difference(label, name, "", "not recorded", "new"))
            else:
                found += _fields(label, name, old[name], new[name])
    return found


def _fields(
    label: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> list[Difference]:
    return [
        Difference(label, name, field.replace("_", " "), _words(was), _words(now))
        for field in sorted({*old, *new})
        if (was := old.get(field)) != (now := new.get(field))
    ]


def _words(value: Any) -> str:
    if value in (None, "", []):
        return "nothing"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(value)


def _row(row: models.Model) -> dict[str, Any]:
    """The fields of a row that are content, whatever fields it has: a new one counts by itself."""
    return {
        field.name: _value(getattr(row, field.attname))
        for field in row._meta.concrete_fields
        if field.name not in LEFT_OUT and not field.is_relation
    }


def _value(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return value if value is None or isinstance(value, bool | int) else str(value)


def _line(row: models.Model, first: str) -> str:
    """A row in one line: what it is of, then each field that says something."""
    said = [
        f"{name.replace('_', ' ')} {_words(value)}"
        for name, value in _row(row).items()
        if value not in (None, "", [], False)
    ]
    return ", ".join([first, *said])


def _service(service: Service) -> dict[str, Any]:
    models_ = [f"{each.pattern} ({each.lifecycle})" for each in service.offered_models.all()]
    regions = [_line(each, each.get_purpose_display()) for each in service.regions.all()]
    return {**_row(service), "models": sorted(models_), "regions": sorted(regions)}


def _agreement(agreement: Agreement) -> dict[str, Any]:
    covers = sorted(_line(scope, scope.service.slug) for scope in agreement.scopes.all())
    paper = agreement.document.sha256 if agreement.document else None
    return {**_row(agreement), "covers": covers, "document_sha256": paper}


def _report(report: AssuranceReport) -> dict[str, Any]:
    return {
        **_row(report),
        "scopes": sorted(_line(scope, scope.service.slug) for scope in report.scopes.all()),
        "bridge_letters": sorted(_line(letter, "letter") for letter in report.bridges.all()),
        "document_sha256": report.document.sha256 if report.document else None,
    }


def _fact_name(fact: Fact) -> str:
    scope = [fact.model_pattern, fact.region, fact.endpoint, fact.plan]
    name = f"{fact.service.slug}: {fact.get_dimension_display()}"
    return ", ".join([name, *filter(None, scope)])
