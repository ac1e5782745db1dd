"""What the pages of a vendor and of a service show, read tab by tab."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Prefetch
from django.urls import reverse

from vendors import charts
from vendors.coverage import relied_until
from vendors.models import (
    Agreement,
    AssuranceReport,
    CoveredScope,
    Dimension,
    Fact,
    ReportScope,
    Service,
    Vendor,
)
from vendors.services.assurance import coverage_of
from vendors.services.postures import limits, report_facts
from vendors.tables import ASSURANCE_WORDS, SOON_DAYS, STATE_KINDS, Standing, standing

GRADE_KINDS = {"contract": "ok", "gated": "ok", "public": "info", "self_attested": "neutral"}
REVIEW_KINDS = {
    "pending": "soon",
    "accept": "ok",
    "accept_with_conditions": "soon",
    "reject": "bad",
}
YEAR = dt.timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    url: str
    current: bool
    count: int | None = None


@dataclass(frozen=True, slots=True)
class FactLine:
    """One dimension of a service: the current fact of a scope, or none at all."""

    dimension: str
    label: str
    fact: Fact | None = None
    stale: bool = True
    age_days: int | None = None
    grade_kind: str = "neutral"


@dataclass(frozen=True, slots=True)
class AgreementLine:
    agreement: Agreement
    standing: Standing


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A report with the last day it is relied on; None where it is not a SOC 2 report."""

    report: AssuranceReport
    kind: str
    until: dt.date | None
    days: int | None
    replaced: bool


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """A service with its coverage and how many of its facts must be verified again."""

    service: Service
    kind: str
    word: str
    until: dt.date | None
    baa: Agreement | None
    stale: int


def fact_lines(service: Service, on: dt.date) -> list[FactLine]:
    """Every dimension of a service as it is known on the day `on`; one query."""
    current: dict[str, list[Fact]] = {}
    for fact in service.facts.current(on).select_related("verified_by"):
        current.setdefault(fact.dimension, []).append(fact)
    lines = []
    for dimension in Dimension:
        facts = sorted(current.get(dimension, []), key=lambda f: (f.model_pattern, f.region))
        lines += [_fact_line(dimension, fact, on) for fact in facts]
        if not facts:
            lines.append(FactLine(dimension.value, dimension.label))
    return lines


def _fact_line(dimension: Dimension, fact: Fact, on: dt.date) -> FactLine:
    stale_on = fact.stale_on(fresh_days=settings.FACT_FRESH_DAYS)
    age = (on - fact.verified_on).days if fact.verified_on else None
    stale = stale_on is None or on >= stale_on
    return FactLine(dimension.value, dimension.label, fact, stale, age, GRADE_KINDS[fact.grade])


def agreement_lines(vendor: Vendor, on: dt.date) -> list[AgreementLine]:
    """Every version of every agreement, those in force first."""
    found = vendor.agreements.select_related("document", "owner").prefetch_related(
        "scopes__service"
    )
    lines = [AgreementLine(agreement, standing(agreement, on)) for agreement in found]
    return sorted(lines, key=lambda line: line.standing.kind in ("bad", "neutral"))


def report_lines(reports: Any, on: dt.date) -> list[ReportLine]:
    """Reports with how long each is relied on; corrected rows last."""
    rules = limits()
    lines = []
    soc2 = (AssuranceReport.Kind.SOC2_TYPE1, AssuranceReport.Kind.SOC2_TYPE2)
    for report in reports.select_related("document", "replaced_by").prefetch_related(
        "bridges", "scopes__service"
    ):
        until = relied_until(report_facts(report), rules)[1] if report.kind in soc2 else None
        days = (until - on).days if until else None
        replaced = hasattr(report, "replaced_by")
        lines.append(ReportLine(report, REVIEW_KINDS[report.review], until, days, replaced))
    return sorted(lines, key=lambda line: line.replaced)


def service_lines(vendor: Vendor, on: dt.date) -> list[ServiceLine]:
    """The vendor's services, offered ones first."""
    services = list(vendor.services.prefetch_related("offered_models", "regions"))
    covers = Agreement.objects.in_force(on).filter(vendor=vendor, kind=Agreement.Kind.BAA)
    baas = {
        scope.service_id: scope.agreement
        for scope in CoveredScope.objects.filter(agreement__in=covers).select_related("agreement")
    }
    stale: dict[int, int] = {}
    for fact in Fact.objects.stale(on, fresh_days=settings.FACT_FRESH_DAYS).filter(
        service__in=services
    ):
        stale[fact.service_id] = stale.get(fact.service_id, 0) + 1
    lines = []
    for covered in coverage_of(services, on):
        kind, word = ASSURANCE_WORDS[covered.coverage.state]
        service = covered.service
        lines.append(
            ServiceLine(
                service,
                kind,
                word,
                covered.coverage.until,
                baas.get(service.pk),
                stale.get(service.pk, 0),
            )
        )
    return sorted(lines, key=lambda line: bool(line.service.retired_on))


def vendor_timeline(vendor: Vendor, on: dt.date) -> charts.Timeline | None:
    """Reports, bridge letters and agreements of a vendor on one axis; None if it has none."""
    rows = [
        _report_row(line, on)
        for line in report_lines(vendor.reports.standing(), on)
        if line.until and line.report.review != AssuranceReport.Review.REJECT
    ]
    rows += [_agreement_row(line, on) for line in agreement_lines(vendor, on)]
    if not rows:
        return None
    return charts.timeline(
        rows,
        axis=charts.Axis(on - YEAR, on + YEAR + dt.timedelta(days=60), on),
        caption=charts.Caption(
            "papers",
            "What carries this vendor",
            "The days on which each report is relied on, bridge letters included, and the days "
            "on which each agreement is in force.",
        ),
        label=230,
    )


def _report_row(line: ReportLine, on: dt.date) -> charts.Row:
    report, facts = line.report, report_facts(line.report)
    assert line.until is not None
    alone = relied_until(facts, limits())[0]
    kind, label = "main", "Report relied on"
    if report.review == "pending":
        kind, label = "neutral", "Not reviewed yet"
    elif line.until < on:
        kind, label = "bad", "No longer relied on"
    elif (line.until - on).days <= SOON_DAYS:
        kind, label = "soon", f"Within {SOON_DAYS} days"
    spans = [charts.Span(facts.first_day, alone, kind, label)]
    if line.until > alone:
        first = alone + dt.timedelta(days=1)
        spans.append(charts.Span(first, line.until, "info", "Bridge letter"))
    url = reverse("vendors:report-detail", args=[report.pk])
    return charts.Row(str(report), tuple(spans), (), url)


def _agreement_row(line: AgreementLine, on: dt.date) -> charts.Row:
    agreement, last = line.agreement, line.agreement.last_day()
    kind, label = {
        "bad": ("bad", "Agreement ended"),
        "neutral": ("neutral", "Replaced by a newer version"),
        "soon": ("soon", f"Within {SOON_DAYS} days"),
    }.get(line.standing.kind, ("ok", "Agreement in force"))
    spans: tuple[charts.Span, ...] = ()
    if last is None or last >= agreement.starts_on:
        spans = (charts.Span(agreement.starts_on, last, kind, label),)
    markers: tuple[charts.Marker, ...] = ()
    if last is not None and spans and line.standing.kind != "neutral":
        tone = {"bad": "bad", "soon": "soon"}.get(line.standing.kind, "main")
        markers = (charts.Marker(last, tone, "Agreement ends"),)
    url = reverse("vendors:agreement-detail", args=[agreement.pk])
    version = f" v{agreement.version}" if agreement.version > 1 else ""
    return charts.Row(f"{agreement}{version}", spans, markers, url)


def _overview(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    return {"services": service_lines(vendor, on), "timeline": vendor_timeline(vendor, on)}


def _services(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    return {"services": service_lines(vendor, on)}


def _agreements(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    return {"agreements": agreement_lines(vendor, on)}


def _reports(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    return {"reports": report_lines(vendor.reports.all(), on)}


def _facts(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    services = vendor.services.filter(retired_on__isnull=True)
    return {"facts": [(service, fact_lines(service, on)) for service in services]}


def _history(_vendor: Vendor, _on: dt.date) -> dict[str, Any]:
    return {}


VENDOR_TABS: dict[str, tuple[str, Callable[[Vendor, dt.date], dict[str, Any]]]] = {
    "overview": ("Overview", _overview),
    "services": ("Services", _services),
    "agreements": ("Agreements", _agreements),
    "reports": ("Reports", _reports),
    "facts": ("Facts", _facts),
    "history": ("History", _history),
}


def vendor_page(vendor: Vendor, tab: str, on: dt.date) -> dict[str, Any]:
    """What a tab of the vendor's page needs, and the colour of its state."""
    return {
        "state_kind": STATE_KINDS[Vendor.State(vendor.state)],
        "review_days": (vendor.next_review_on - on).days if vendor.next_review_on else None,
        **VENDOR_TABS[tab][1](vendor, on),
    }


def service_page(service: Service, on: dt.date) -> dict[str, Any]:
    """What the page of a service needs."""
    covered = coverage_of([service], on)[0].coverage
    kind, word = ASSURANCE_WORDS[covered.state]
    agreements = (
        Agreement.objects.filter(scopes__service=service)
        .distinct()
        .prefetch_related(
            Prefetch("scopes", CoveredScope.objects.filter(service=service), to_attr="covering")
        )
    )
    scopes = ReportScope.objects.filter(service=service, report__replaced_by__isnull=True)
    return {
        "facts": fact_lines(service, on),
        "coverage": covered,
        "coverage_kind": kind,
        "coverage_word": word,
        "agreements": [AgreementLine(a, standing(a, on)) for a in agreements],
        "scopes": scopes.select_related("report").order_by("-report__period_end"),
        "state_kind": STATE_KINDS[Vendor.State(service.vendor.state)],
    }
