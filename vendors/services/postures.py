"""Reads the register into the facts that the gate decides on."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection

from django.conf import settings

from vendors.coverage import Limits, ReportFacts
from vendors.models import Agreement, AssuranceReport, Fact, Service, ServiceRegion
from vendors.posture import AgreementFacts, FactValue, Scope, ServicePosture

ACCEPTED = (AssuranceReport.Review.ACCEPT, AssuranceReport.Review.CONDITIONS)


def limits() -> Limits:
    """The organization's rules of thumb for reports, in days."""
    return Limits(stale_days=settings.REPORT_STALE_DAYS, bridge_days=settings.BRIDGE_MAX_DAYS)


def postures(services: Collection[Service], on: dt.date) -> dict[int, ServicePosture]:
    """The posture of each service on the day `on`, by the service's id; seven queries in all."""
    services = list(
        Service.objects.filter(pk__in=[s.pk for s in services])
        .select_related("vendor")
        .prefetch_related("offered_models", "regions")
    )
    baas = _baas({s.vendor_id for s in services})
    reports = service_reports({s.pk for s in services})
    facts = _facts({s.pk for s in services}, on)
    rules = limits()
    return {
        service.pk: ServicePosture(
            service_id=service.pk,
            service=service.name,
            vendor=service.vendor.name,
            vendor_state=service.vendor.state,
            review_due_on=service.vendor.next_review_on,
            deployment=service.deployment,
            regions=tuple(
                r.region
                for r in service.regions.all()
                if r.purpose == ServiceRegion.Purpose.PROCESSING
            ),
            models=tuple(m.pattern for m in service.offered_models.all()),
            baas=tuple(_for_service(baa, service.pk) for baa in baas[service.vendor_id]),
            reports=tuple(reports[service.pk]),
            facts=tuple(facts[service.pk]),
            limits=rules,
        )
        for service in services
    }


def _baas(vendor_ids: set[int]) -> dict[int, list[Agreement]]:
    found: dict[int, list[Agreement]] = defaultdict(list)
    for agreement in Agreement.objects.filter(
        vendor_id__in=vendor_ids, kind=Agreement.Kind.BAA
    ).prefetch_related("scopes"):
        found[agreement.vendor_id].append(agreement)
    return found


def _for_service(agreement: Agreement, service_id: int) -> AgreementFacts:
    return AgreementFacts(
        agreement_id=agreement.pk,
        reference=agreement.reference,
        first_day=agreement.starts_on,
        last_day=agreement.last_day(),
        scopes=tuple(
            Scope(s.model_pattern, s.region, tuple(s.features_excluded))
            for s in agreement.scopes.all()
            if s.service_id == service_id
        ),
    )


def service_reports(service_ids: set[int]) -> dict[int, list[ReportFacts]]:
    """SOC 2 reports that have the service in scope; a corrected row does not count."""
    found: dict[int, list[ReportFacts]] = defaultdict(list)
    rows = (
        AssuranceReport.objects.filter(
            kind__in=[AssuranceReport.Kind.SOC2_TYPE1, AssuranceReport.Kind.SOC2_TYPE2],
            scopes__service_id__in=service_ids,
            scopes__in_scope="yes",
            replaced_by__isnull=True,
        )
        .distinct()
        .prefetch_related("scopes", "bridges")
    )
    for row in rows:
        facts = report_facts(row)
        for scope in row.scopes.all():
            if scope.in_scope == "yes":
                found[scope.service_id].append(facts)
    return found


def report_facts(
    report: AssuranceReport, bridges: tuple[tuple[dt.date, dt.date], ...] | None = None
) -> ReportFacts:
    """A stored report in the form that coverage is computed from.

    `bridges`: first and last day of each of its bridge letters, where they were read already.
    """
    if bridges is None:
        bridges = tuple((b.covers_from, b.covers_to) for b in report.bridges.all())
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
        bridges=bridges,
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
