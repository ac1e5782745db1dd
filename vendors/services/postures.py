"""Reads the register into the facts that the gate decides on."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypedDict

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef
from django.db.models.functions import JSONObject

from vendors.coverage import Limits, ReportFacts
from vendors.models import (
    Agreement,
    AssuranceReport,
    BridgeLetter,
    CoveredScope,
    Fact,
    ReportScope,
    Service,
    ServiceModel,
    ServiceRegion,
)
from vendors.posture import AgreementFacts, FactValue, Scope, ServicePosture

ACCEPTED = (AssuranceReport.Review.ACCEPT, AssuranceReport.Review.CONDITIONS)


def limits() -> Limits:
    """The organization's rules of thumb for reports, in days."""
    return Limits(stale_days=settings.REPORT_STALE_DAYS, bridge_days=settings.BRIDGE_MAX_DAYS)


def postures(services: Collection[Service], on: dt.date) -> dict[int, ServicePosture]:
    """The posture of each service on the day `on`, by the service's id; four queries in all."""
    models = ServiceModel.objects.filter(service=OuterRef("pk")).values_list("pattern")
    regions = ServiceRegion.objects.filter(
        service=OuterRef("pk"), purpose=ServiceRegion.Purpose.PROCESSING
    ).values_list("region")
    rows = list(
        Service.objects.filter(pk__in={s.pk for s in services})
        .select_related("vendor")
        .annotate(patterns=ArraySubquery(models), processing=ArraySubquery(regions))
    )
    ids = {row.pk for row in rows}
    baas = _baas({row.vendor_id for row in rows}, ids)
    reports = service_reports(ids)
    facts = _facts(ids, on)
    rules = limits()
    return {
        service.pk: ServicePosture(
            service_id=service.pk,
            service=service.name,
            vendor=service.vendor.name,
            vendor_state=service.vendor.state,
            review_due_on=service.vendor.next_review_on,
            deployment=service.deployment,
            regions=tuple(service.processing),
            models=tuple(service.patterns),
            baas=tuple(_for_service(baa, service.pk) for baa in baas[service.vendor_id]),
            reports=tuple(reports[service.pk]),
            facts=tuple(facts[service.pk]),
            limits=rules,
        )
        for service in rows
    }


class _Baa(TypedDict):
    """A BAA as `_baas` reads it, with the scopes that name one of the services asked for."""

    facts: AgreementFacts
    scopes: list[dict[str, Any]]


def _baas(vendor_ids: set[int], service_ids: set[int]) -> dict[int, list[_Baa]]:
    scopes = CoveredScope.objects.filter(
        agreement=OuterRef("pk"), service_id__in=service_ids
    ).values(
        found=JSONObject(
            service="service_id",
            model_pattern="model_pattern",
            region="region",
            features_excluded="features_excluded",
        )
    )
    found: dict[int, list[_Baa]] = defaultdict(list)
    for agreement in Agreement.objects.filter(
        vendor_id__in=vendor_ids, kind=Agreement.Kind.BAA
    ).annotate(named=ArraySubquery(scopes)):
        facts = AgreementFacts(
            agreement_id=agreement.pk,
            reference=agreement.reference,
            first_day=agreement.starts_on,
            last_day=agreement.last_day(),
            scopes=(),
        )
        found[agreement.vendor_id].append({"facts": facts, "scopes": agreement.named})
    return found


def _for_service(baa: _Baa, service_id: int) -> AgreementFacts:
    scopes = tuple(
        Scope(s["model_pattern"], s["region"], tuple(s["features_excluded"]))
        for s in baa["scopes"]
        if s["service"] == service_id
    )
    return replace(baa["facts"], scopes=scopes)


def service_reports(service_ids: set[int]) -> dict[int, list[ReportFacts]]:
    """SOC 2 reports that have the service in scope; a corrected row does not count."""
    scopes = ReportScope.objects.filter(
        report=OuterRef("pk"), service_id__in=service_ids, in_scope=ReportScope.InScope.YES
    )
    bridges = BridgeLetter.objects.filter(report=OuterRef("pk")).values(
        found=JSONObject(first="covers_from", last="covers_to")
    )
    rows = AssuranceReport.objects.filter(
        Exists(scopes),
        kind__in=[AssuranceReport.Kind.SOC2_TYPE1, AssuranceReport.Kind.SOC2_TYPE2],
        replaced_by__isnull=True,
    ).annotate(
        service_ids=ArraySubquery(scopes.values_list("service_id")), letters=ArraySubquery(bridges)
    )
    found: dict[int, list[ReportFacts]] = defaultdict(list)
    for row in rows:
        facts = report_facts(row, [(_day(b["first"]), _day(b["last"])) for b in row.letters])
        for service_id in row.service_ids:
            found[service_id].append(facts)
    return found


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def report_facts(
    report: AssuranceReport, bridges: Collection[tuple[dt.date, dt.date]] | None = None
) -> ReportFacts:
    """A stored report in the form that coverage is computed from.

    `bridges` holds the first and last day of each bridge letter, where they were read with it.
    """
    if bridges is None:
        bridges = [(b.covers_from, b.covers_to) for b in report.bridges.all()]
    type2 = report.kind == AssuranceReport.Kind.SOC2_TYPE2
    first = report.period_start if type2 else report.as_of
    last = report.period_end if type2 else report.as_of
    assert first is not None  # held by report_type2_has_a_period and report_type1_has_a_day
    assert last is not None
    return ReportFacts(
        report_id=report.pk,
        type2=type2,
        first_day=first,
        last_day=last,
        clean=report.opinion == AssuranceReport.Opinion.UNQUALIFIED,
        accepted=report.review in ACCEPTED,
        type2_due_on=report.type2_due_on,
        bridges=tuple(sorted(bridges)),
    )


def _facts(service_ids: set[int], on: dt.date) -> dict[int, list[FactValue]]:
    found: dict[int, list[FactValue]] = defaultdict(list)
    for fact in Fact.objects.filter(service_id__in=service_ids).current(on):
        found[fact.service_id].append(
            FactValue(
                fact_id=fact.pk,
                dimension=fact.dimension,
                value=fact.value,
                number=fact.number,
                grade=fact.grade,
                stale_on=fact.stale_on(fresh_days=settings.FACT_FRESH_DAYS),
                model_pattern=fact.model_pattern,
                region=fact.region,
            )
        )
    return found
