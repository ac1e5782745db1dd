"""Checks of what vendors promise: agreements, reports, facts, reviews."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from django.conf import settings

from evidence.models import Finding
from evidence.monitoring.sightings import Asked, Sighting, answering, services_in_use
from evidence.monitoring.signing import of_agreement
from vendors.coverage import Assurance, relied_until
from vendors.models import (
    Agreement,
    AssuranceReport,
    Fact,
    Offboarding,
    Service,
    Vendor,
    VendorCondition,
)
from vendors.services.report_facts import limits

ONE_DAY = dt.timedelta(days=1)


def _of_vendor(vendor: Vendor, due_on: dt.date | None, detail: str = "") -> Sighting:
    return Sighting(
        subject=vendor,
        label=vendor.name,
        due_on=due_on,
        detail=detail,
        owner_id=answering(vendor.owner),
        vendor_id=vendor.pk,
    )


def _of_service(service: Service, due_on: dt.date | None, detail: str = "") -> Sighting:
    vendor = service.vendor
    return Sighting(
        subject=service,
        label=f"{vendor.name}: {service.name}",
        due_on=due_on,
        detail=detail,
        owner_id=answering(vendor.owner),
        vendor_id=vendor.pk,
    )


def _lapsing(kind: str, asked: Asked, until: dt.date) -> Iterator[Sighting]:
    engaged = Vendor.objects.engaged()
    rows = (
        Agreement.objects.lapsing(asked.on, until=until)
        .filter(kind=kind, vendor__in=engaged)
        .select_related("vendor__owner", "owner")
    )
    for row in rows:
        verb = "terminated" if row.terminated_on else "expires"
        yield of_agreement(row, row.last_day(), f"{row.get_kind_display()} {verb}, nothing follows")


def baas_ending(asked: Asked, until: dt.date) -> Iterable[Sighting]:
    return _lapsing(Agreement.Kind.BAA, asked, until)


def dpas_ending(asked: Asked, until: dt.date) -> Iterable[Sighting]:
    return _lapsing(Agreement.Kind.DPA, asked, until)


def _newest_ended(kind: str, vendor_ids: set[int], on: dt.date) -> dict[int, Agreement]:
    """Per vendor without one of the kind in force, the one that ended last."""
    of_kind = Agreement.objects.filter(kind=kind, vendor_id__in=vendor_ids)
    held = set(of_kind.in_force(on).values_list("vendor_id", flat=True))
    newest: dict[int, Agreement] = {}
    for row in of_kind.filter(starts_on__lte=on).exclude(vendor_id__in=held):
        before = newest.get(row.vendor_id)
        if before is None or _end(before) < _end(row):
            newest[row.vendor_id] = row
    return newest


def _end(agreement: Agreement) -> dt.date:
    return agreement.last_day() or dt.date.max


def baas_not_in_force(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Vendors that live integrations send PHI to without any BAA in force."""
    sent_phi = Vendor.objects.filter(services__in=asked.phi_services).distinct()
    vendors = {vendor.pk: vendor for vendor in sent_phi.select_related("owner")}
    held = Agreement.objects.in_force(asked.on).filter(kind=Agreement.Kind.BAA)
    without = set(vendors) - set(held.values_list("vendor_id", flat=True))
    ended = _newest_ended(Agreement.Kind.BAA, without, asked.on)
    for pk in sorted(without):
        old = ended.get(pk)
        detail = f"{old.reference} has ended" if old else "No BAA was ever recorded"
        yield _of_vendor(vendors[pk], old.last_day() if old else None, detail)


def dpas_ended(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Vendors of integrations in use that had a DPA and have none now."""
    had_one = Vendor.objects.filter(
        services__in=services_in_use(), agreements__kind=Agreement.Kind.DPA
    ).distinct()
    vendors = {vendor.pk: vendor for vendor in had_one.select_related("owner")}
    for pk, old in sorted(_newest_ended(Agreement.Kind.DPA, set(vendors), asked.on).items()):
        yield _of_vendor(vendors[pk], old.last_day(), f"{old.reference} has ended")


def agreements_without_document(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    rows = Agreement.objects.in_force(asked.on).filter(
        document__isnull=True, vendor__in=Vendor.objects.engaged()
    )
    for row in rows.select_related("vendor__owner", "owner"):
        detail = f"{row.get_kind_display()} in force, its signed copy was never uploaded"
        yield of_agreement(row, None, detail)


ENDING = {
    Assurance.CURRENT: "The period is relied on until then",
    Assurance.BRIDGED: "A bridge letter reaches until then",
    Assurance.QUALIFIED: "The period is relied on until then; the opinion is qualified",
}


def reports_ending(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Services in use whose last covered day by a type II is near or past."""
    rules = limits()
    for rested in asked.uncovered(until):
        coverage = rested.coverage
        if coverage.state in ENDING and coverage.until and coverage.until <= until:
            yield _of_service(rested.service, coverage.until, ENDING[coverage.state])
        elif coverage.state is Assurance.CARVE_OUT:
            detail = f"Carved out, with no report of its own: {', '.join(coverage.missing)}"
            yield _of_service(rested.service, None, detail[:300])
        elif coverage.state in (Assurance.STALE, Assurance.GAP):
            last = max(
                relied_until(report, rules)[1]
                for report in rested.reports
                if report.type2 and report.accepted
            )
            detail = "No accepted report or bridge letter covers today"
            yield _of_service(rested.service, last, detail)


def reports_missing(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Services in use that no accepted SOC 2 report has in scope, but our own on premises."""
    for rested in asked.uncovered(until):
        ours = rested.service.deployment == Service.Deployment.ON_PREM
        if rested.coverage.state is Assurance.NONE and not ours:
            phi = rested.service.pk in asked.phi_services
            yield replace(
                _of_service(rested.service, None, "PHI is sent to it" if phi else ""),
                severity=Finding.Severity.HIGH if phi else Finding.Severity.MEDIUM,
            )


def type2_due(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Type I reports that services in use rest on, whose type II is due; one for each report."""
    rests: dict[int, list[str]] = defaultdict(list)
    for rested in asked.uncovered(until):
        coverage = rested.coverage
        overdue = coverage.state is Assurance.TYPE1_OVERDUE
        due = coverage.until
        if coverage.report_id and (
            overdue or (coverage.state is Assurance.TYPE1_ONLY and due and due <= until)
        ):
            rests[coverage.report_id].append(rested.service.name)
    rows = AssuranceReport.objects.filter(pk__in=rests).select_related("vendor__owner")
    for row in rows:
        yield Sighting(
            subject=row,
            label=f"{row.vendor.name}: {row}",
            due_on=row.type2_due_on,
            detail=f"Relied on by {', '.join(sorted(rests[row.pk]))}"[:300],
            owner_id=answering(row.vendor.owner),
            vendor_id=row.vendor_id,
        )


def facts_to_verify(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Services in use with facts to verify again; one for each service, not for each fact."""
    fresh_days = int(settings.FACT_FRESH_DAYS)
    stale = (
        Fact.objects.filter(service__in=services_in_use())
        .stale(until + ONE_DAY, fresh_days=fresh_days)
        .select_related("service__vendor__owner")
    )
    for _, rows in groupby(stale, key=lambda fact: fact.service_id):
        facts = list(rows)
        days = [day for fact in facts if (day := fact.stale_on(fresh_days=fresh_days))]
        names = list(dict.fromkeys(fact.get_dimension_display() for fact in facts))
        yield _of_service(
            facts[0].service, min(days) - ONE_DAY if days else None, ", ".join(names)[:300]
        )


def reviews_due(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    within = (until - asked.on).days
    for vendor in Vendor.objects.review_due(asked.on, within_days=within).select_related("owner"):
        last = vendor.last_reviewed_on
        detail = f"Last reviewed on {last:%-d %b %Y}" if last else "Never reviewed"
        yield _of_vendor(vendor, vendor.next_review_on, detail)


def conditions_due(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Open conditions of engaged vendors; the approval ends with the first that is due."""
    within = (until - asked.on).days
    rows = VendorCondition.objects.due(asked.on, within_days=within).filter(
        vendor__in=Vendor.objects.engaged()
    )
    for row in rows.select_related("vendor__owner", "owner"):
        ends = row.vendor.conditional_until == row.due_on
        yield Sighting(
            subject=row,
            label=f"{row.vendor.name}: {row.text}"[:200],
            due_on=row.due_on,
            detail="The approval of the vendor ends with this day" if ends else "",
            owner_id=answering(row.owner) or answering(row.vendor.owner),
            vendor_id=row.vendor_id,
        )


def offboardings_due(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Offboardings that go on near or past their planned last day, with the steps to do."""
    within = (until - asked.on).days
    rows = Offboarding.objects.due(asked.on, within_days=within)
    for row in rows.select_related("vendor__owner").prefetch_related("steps"):
        left = [step.get_kind_display() for step in row.steps.all() if step.done_on is None]
        yield Sighting(
            subject=row,
            label=f"{row.vendor.name}: {row}",
            due_on=row.planned_last_day,
            detail=(", ".join(left) or "Every step is done: finish it")[:300],
            owner_id=answering(row.vendor.owner),
            vendor_id=row.vendor_id,
        )
