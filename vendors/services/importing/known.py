"""What the register holds of all that a file of one kind can name."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef
from django.db.models.functions import Lower

from vendors.imports.cells import Value, joined
from vendors.imports.naming import folded
from vendors.imports.planning import Key, Kind, Known, Stored, Values
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

Found = Iterator[tuple[Key, int, Values]]


def known(kind: Kind, on: dt.date) -> Known:
    """The register as a file of this kind meets it on the day `on`; at most six queries."""
    found = Known()
    for slug, name in Vendor.objects.order_by().values_list("slug", "name"):
        found.vendors[slug.casefold()] = slug
        found.vendors[folded(name)] = slug
    if kind.code in ("agreements", "reports", "facts"):
        services = Service.objects.order_by().values_list("vendor__slug", "slug", "name")
        for vendor, slug, name in services:
            found.services[vendor, slug.casefold()] = name
            found.services[vendor, folded(name)] = name
    if any(column.name == "owner" for column in kind.columns):
        people = get_user_model().objects.filter(is_active=True)
        found.people = set(people.values_list(Lower("email"), flat=True))
    if kind.code == "agreements":
        found.held = _held()
    for key, pk, values in STORED[kind.code](on):
        found.stored[key] = Stored(pk, values)
    return found


def _filled(row: dict[str, Any]) -> Values:
    """The values of a row that say something; lists as sorted tuples."""
    kept: dict[str, Value] = {}
    for name, value in row.items():
        if value is None or value in ("", []):
            continue
        kept[name] = tuple(sorted(value)) if isinstance(value, list) else value
    return kept


def _vendors(_on: dt.date) -> Found:
    fields = ("name", "slug", "legal_name", "website", "criticality", "review_interval_days")
    rows = Vendor.objects.order_by().values(
        "pk", *fields, "description", owner_=Lower("owner__email")
    )
    for row in rows:
        row["owner"] = row.pop("owner_")
        yield ("vendor", row["slug"]), row.pop("pk"), _filled(row)


def _services(_on: dt.date) -> Found:
    models: dict[int, list[str]] = defaultdict(list)
    for pk, pattern, lifecycle in ServiceModel.objects.order_by().values_list(
        "service", "pattern", "lifecycle"
    ):
        models[pk].append(f"{pattern} = {lifecycle}")
    regions: dict[int, list[str]] = defaultdict(list)
    for pk, *words in ServiceRegion.objects.order_by().values_list(
        "service", "region", "purpose", "guarantee"
    ):
        regions[pk].append("{} = {}, {}".format(*words))
    fields = ("name", "provider", "deployment", "plan", "endpoint_hosts", "description")
    for row in Service.objects.order_by().values("pk", *fields, vendor_=F("vendor__slug")):
        row["vendor"] = row.pop("vendor_")
        pk = row.pop("pk")
        row |= {"models": models[pk], "regions": regions[pk]}
        yield ("service", row["vendor"], folded(row["name"])), pk, _filled(row)


AGREEMENT_FIELDS = (
    "kind",
    "reference",
    "version",
    "counterparty",
    "our_role",
    "account",
    "signed_by_us",
    "signed_by_vendor",
    "signed_on",
    "vendor_signed_on",
    "starts_on",
    "ends_on",
    "notice_days",
    "breach_notice_days",
    "transfer_mechanism",
    "scc_modules",
    "subprocessor_notice_days",
    "subprocessor_list",
)


def _agreements(_on: dt.date) -> Found:
    covers: dict[int, list[str]] = defaultdict(list)
    for pk, *parts in CoveredScope.objects.order_by().values_list(
        "agreement", "service__name", "model_pattern", "region"
    ):
        covers[pk].append(joined(*parts))
    rows = Agreement.objects.order_by("version").values(
        "pk", *AGREEMENT_FIELDS, vendor_=F("vendor__slug"), owner_=Lower("owner__email")
    )
    for row in rows:
        pk = row.pop("pk")
        row |= {"vendor": row.pop("vendor_"), "owner": row.pop("owner_"), "covers": covers[pk]}
        key = ("agreement", row["vendor"], row["reference"])
        # The newest version comes last, and takes the place of the one without a number.
        yield key, pk, _filled(row)
        yield (*key, str(row["version"])), pk, _filled(row)


def _held() -> dict[Key, list[tuple[dt.date, dt.date]]]:
    held: dict[Key, list[tuple[dt.date, dt.date]]] = defaultdict(list)
    for agreement in Agreement.objects.select_related("vendor").order_by():
        key = (agreement.vendor.slug, agreement.kind, agreement.account)
        last = agreement.last_day() or dt.date.max
        if last >= agreement.starts_on:
            held[key].append((agreement.starts_on, last))
    return held


def _reports(_on: dt.date) -> Found:
    scopes = ReportScope.objects.filter(report=OuterRef("pk")).order_by("service__name")
    inside = ArraySubquery(scopes.filter(in_scope="yes").values("service__name"))
    outside = ArraySubquery(scopes.filter(in_scope="no").values("service__name"))
    rows = AssuranceReport.objects.standing().order_by("pk")
    fields = ("kind", "period_start", "period_end", "as_of", "issued_on", "auditor", "opinion")
    for row in rows.values(
        "pk",
        *fields,
        "categories",
        "exception_count",
        vendor_=F("vendor__slug"),
        in_scope=inside,
        not_in_scope=outside,
    ):
        row["vendor"] = row.pop("vendor_")
        days = (str(row[name] or "") for name in ("period_start", "period_end", "as_of"))
        yield ("report", row["vendor"], row["kind"], *days), row.pop("pk"), _filled(row)


FACT_FIELDS = ("value", "number", "detail", "grade", "source", "page", "expires_on")
FACT_SCOPE = ("model_pattern", "region", "endpoint", "plan")


def _facts(on: dt.date) -> Found:
    rows = Fact.objects.current(on).values(
        "pk", "dimension", *FACT_FIELDS, *FACT_SCOPE, "service__name", "service__vendor__slug"
    )
    for row in rows:
        service, vendor = row.pop("service__name"), row.pop("service__vendor__slug")
        row |= {"service": service, "vendor": vendor}
        scope = (row[name] for name in FACT_SCOPE)
        key = ("fact", vendor, folded(service), row["dimension"], *scope)
        yield key, row.pop("pk"), _filled(row)


STORED: dict[str, Callable[[dt.date], Found]] = {
    "vendors": _vendors,
    "services": _services,
    "agreements": _agreements,
    "reports": _reports,
    "facts": _facts,
}
