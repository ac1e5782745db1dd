"""A recorded report as the answers of the workbench, and as what two reports are compared by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import F
from django.db.models.functions import Coalesce

from vendors.differences import Difference, Summary, differences
from vendors.models import AssuranceReport, ReportCondition, Vendor

SOC2 = (AssuranceReport.Kind.SOC2_TYPE1, AssuranceReport.Kind.SOC2_TYPE2)
REPORT = ("kind", "period_start", "period_end", "as_of", "issued_on", "auditor")
EXCEPTION = [
    "control",
    "criterion",
    "failed",
    "sample_failed",
    "sample_size",
    "response",
    "relevant",
    "compensating",
    "disposition",
    "page",
]
SUBSERVICE = ["name", "method", "function", "needs_own_report", "own_report", "page"]
CUEC = ["reference", "text", "page", "our_control", "owner", "evidence", "state"]
BRIDGE = [
    "covers_from",
    "covers_to",
    "signer",
    "signer_role",
    "signed_on",
    "discloses_changes",
    "changes",
    "incidents",
]
CONDITION = ["text", "due_on", "owner"]


def plain(value: Any) -> Any:
    """A value as JSON holds it: days as ISO 8601, rows by their id."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _values(row: models.Model, names: list[str] | tuple[str, ...]) -> dict[str, Any]:
    """The named fields of a row; foreign keys by id, without a query."""
    return {n: plain(getattr(row, row._meta.get_field(n).attname)) for n in names}  # type: ignore[union-attr]


def answers_of(report: AssuranceReport) -> dict[str, Any]:
    """A recorded report as the answers of each section; conditions that are still open too."""
    pages = {f"{name}_page": page for name, page in report.pages.items()}
    scope = {f"scope_{s.service_id}": s.in_scope for s in report.scopes.all()}
    scope |= {f"page_{s.service_id}": s.page for s in report.scopes.all()}
    reviewed = report.review != AssuranceReport.Review.PENDING
    open_ones = report.conditions.filter(state=ReportCondition.State.OPEN)
    letters = list(report.bridges.all())
    return {
        "attached": [letter.document_id for letter in letters if letter.document_id],
        "report": {"values": _values(report, REPORT) | _some(pages, *REPORT, "period")},
        "opinion": {"values": {"opinion": report.opinion} | _some(pages, "opinion")},
        "scope": {"values": scope},
        "categories": {"values": {"categories": report.categories} | _some(pages, "categories")},
        "exceptions": {
            "values": {},
            "rows": [_values(r, EXCEPTION) for r in report.exceptions.all()],
        },
        "subservices": {
            "values": {},
            "rows": [_values(r, SUBSERVICE) for r in report.subservices.all()],
        },
        "cuecs": {
            "values": {},
            "rows": [_values(r, CUEC) | {"carried_from": r.pk} for r in report.cuecs.all()],
        },
        "bridges": {
            "values": {},
            "rows": [_values(r, BRIDGE) | {"document_id": r.document_id} for r in letters],
        },
        "verdict": {
            "values": {
                "review": report.review if reviewed else "",
                "review_note": report.review_note,
                "type2_due_on": plain(report.type2_due_on),
            },
            "rows": [_values(r, CONDITION) for r in open_ones],
        },
    }


def _some(pages: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {f"{n}_page": pages[f"{n}_page"] for n in names if f"{n}_page" in pages}


def previous_report(
    vendor: Vendor, kind: str, *, before: dt.date | None, without: tuple[int | None, ...] = ()
) -> AssuranceReport | None:
    """The vendor's newest standing report of the kind, or of the other SOC 2 type, before a day.

    `before` is the last day of the report that it precedes; `without` are ids not to find.
    """
    kinds = SOC2 if kind in SOC2 else (kind,)
    found = (
        vendor.reports.standing()
        .filter(kind__in=kinds)
        .exclude(pk__in=[pk for pk in without if pk])
        .exclude(review=AssuranceReport.Review.REJECT)
        .annotate(last=Coalesce("period_end", "as_of"))
    )
    if before is not None:
        found = found.filter(last__lt=before)
    newest: AssuranceReport | None = found.order_by(F("last").desc(nulls_last=True), "-pk").first()
    return newest


def summary_of(report: AssuranceReport) -> Summary:
    """A recorded report as it is compared; four queries."""
    return Summary(
        first_day=report.period_start or report.as_of,
        last_day=report.period_end or report.as_of,
        auditor=report.auditor,
        opinion=report.opinion,
        categories=frozenset(report.categories),
        scopes={s.service.name: s.in_scope for s in report.scopes.select_related("service")},
        exceptions={e.control: e.failed for e in report.exceptions.all()},
        subservices={s.name: s.method for s in report.subservices.all()},
        cuecs=tuple((c.reference, c.text) for c in report.cuecs.all()),
    )


def differences_of(report: AssuranceReport) -> tuple[AssuranceReport | None, list[Difference]]:
    """The report before this one, and what differs; nothing where there is none before."""
    last = report.period_end or report.as_of
    before = previous_report(
        report.vendor, report.kind, before=last, without=(report.pk, report.replaces_id)
    )
    if before is None:
        return None, []
    return before, differences(summary_of(before), summary_of(report))
