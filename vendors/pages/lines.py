"""The lines that pages of a vendor and of a service show: facts, papers, services."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from vendors.clauses import Completeness
from vendors.coverage import relied_until
from vendors.lifecycle import Standing, standing
from vendors.models import (
    Agreement,
    AssuranceReport,
    CoveredScope,
    Dimension,
    Fact,
    Service,
    Vendor,
)
from vendors.services.assurance import coverage_of
from vendors.services.clauses import clause_sums
from vendors.services.report_facts import limits, report_facts
from vendors.tables import ASSURANCE_WORDS

GRADE_KINDS = {"contract": "ok", "gated": "ok", "public": "info", "self_attested": "neutral"}
REVIEW_KINDS = {
    "pending": "soon",
    "accept": "ok",
    "accept_with_conditions": "soon",
    "reject": "bad",
}


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
    sums: Completeness | None = None


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
        lines += [fact_line(dimension, fact, on) for fact in facts]
        if not facts:
            lines.append(FactLine(dimension.value, dimension.label))
    return lines


def fact_line(dimension: Dimension, fact: Fact, on: dt.date) -> FactLine:
    """A current fact with its age on the day `on`."""
    stale_on = fact.stale_on(fresh_days=settings.FACT_FRESH_DAYS)
    age = (on - fact.verified_on).days if fact.verified_on else None
    stale = stale_on is None or on >= stale_on
    return FactLine(dimension.value, dimension.label, fact, stale, age, GRADE_KINDS[fact.grade])


def agreement_lines(vendor: Vendor, on: dt.date) -> list[AgreementLine]:
    """Every version of every agreement, those in force first."""
    found = vendor.agreements.select_related("document", "owner").prefetch_related(
        "scopes__service"
    )
    sums = clause_sums(list(found))
    lines = [AgreementLine(each, standing(each, on), sums[each.pk]) for each in found]
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
