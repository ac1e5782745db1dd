"""Records the vendors of Alder Grove Health, their services, papers and facts."""

from __future__ import annotations

from typing import Any

from django.utils.text import slugify

from portal.demo.acting import Company, acting
from portal.demo.knowing import known_at
from portal.demo.papers import paper
from portal.demo.register_plans import (
    AGREEMENTS,
    BAA,
    INVENTED,
    LOOK,
    NARROWED,
    OWN_REGION,
    READ_WHOLE,
    REPORTS,
    SELF_HOSTED,
    VENDORS,
    VERIFIED,
    AgreementPlan,
    ReportPlan,
    SubservicePlan,
    VendorPlan,
)
from portal.demo.report_lines import review_whole
from portal.demo.signing import sign_and_read
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
    Subservice,
    Vendor,
    VendorCondition,
)
from vendors.services.agreements import record_agreement
from vendors.services.catalogue import load_catalogue
from vendors.services.conditions import approve_with_conditions
from vendors.services.facts import record_fact
from vendors.services.register import change_vendor_state, review_vendor, save_service
from vendors.services.reports import add_bridge, record_report, review_report
from vendors.services.saving import save_checked

Kind = AssuranceReport.Kind


def record_register(alder: Company) -> None:
    """Record vendors, services, agreements, reports and facts, oldest day first."""
    _know_vendors(alder)
    for vendor in VENDORS:
        _review(alder, vendor)
    for agreement in sorted(AGREEMENTS, key=lambda each: each.starts):
        _agreement(alder, agreement)
    for report in sorted(REPORTS, key=lambda each: each.end):
        _report(alder, report)
    looks = [(day, slug) for slug, (days, _) in VERIFIED.items() for day in days]
    for day, slug in sorted(looks):
        if day < LOOK:
            _verify(alder, slug, day)
    with known_at(alder.moment(LOOK, 8)):
        load_catalogue(on=alder.day(LOOK))
    for day, slug in sorted(looks):
        if day >= LOOK:
            _read_again(alder, slug, day)
            _verify(alder, slug, day)
    sign_and_read(alder)


def _know_vendors(alder: Company) -> None:
    with acting(alder.officer, alder.moment(-400, 14)):
        for each in INVENTED:
            vendor = Vendor(
                name=each.vendor,
                slug=slugify(each.vendor),
                legal_name=f"{each.vendor}, Inc.",
                description=each.description,
            )
            vendor.full_clean()
            vendor.save()
            service = Service(
                vendor=vendor,
                name=each.service,
                slug=slugify(each.service),
                provider=slugify(each.vendor),
                deployment=each.deployment,
                endpoint_hosts=[f"api.{slugify(each.vendor)}.example"],
                description=each.description,
            )
            save_service(
                service,
                [ServiceModel(pattern=each.model)],
                [ServiceRegion(region="us-east-1", guarantee=ServiceRegion.Guarantee.CONTRACT)],
            )
        own = Service.objects.get(slug=SELF_HOSTED)
        region = ServiceRegion(region=OWN_REGION, guarantee=ServiceRegion.Guarantee.CONTRACT)
        save_service(own, list(own.offered_models.all()), [region])
    alder.vendors = {vendor.slug: vendor for vendor in Vendor.objects.all()}
    alder.services = {s.slug: s for s in Service.objects.select_related("vendor")}


def _review(alder: Company, plan: VendorPlan) -> None:
    vendor = alder.vendors[plan.slug]
    with acting(alder.officer, alder.moment(plan.reviewed, 15)):
        vendor.owner = alder.officer
        vendor.criticality = plan.criticality
        vendor.full_clean()
        vendor.save()
        who: dict[str, Any] = {"by": alder.officer, "at": alder.moment(plan.reviewed, 15)}
        change_vendor_state(vendor, Vendor.State.IN_REVIEW, reason="Asked for by a team.", **who)
        review_vendor(vendor, on=alder.day(plan.reviewed), next_on=alder.day(plan.due))
        if plan.condition:
            text, due = plan.condition
            condition = VendorCondition(
                text=text, due_on=alder.day(due), owner=alder.second_officer
            )
            on = alder.day(plan.reviewed)
            reason = "Good enough to begin with."
            approve_with_conditions(vendor, [condition], reason=reason, on=on, **who)
        else:
            reason = "The papers are in order."
            change_vendor_state(vendor, Vendor.State.APPROVED, reason=reason, **who)
    vendor.refresh_from_db()


def _of(alder: Company, vendor: Vendor) -> list[Service]:
    return [each for each in alder.services.values() if each.vendor_id == vendor.pk]


def _agreement(alder: Company, plan: AgreementPlan) -> None:
    vendor, starts = alder.vendors[plan.vendor], alder.day(plan.starts)
    reference = f"{plan.kind.upper()}-{starts.year}-{plan.number:03}"
    ends = alder.day(plan.ends) if plan.ends is not None else None
    lines = {
        "Between": f"Alder Grove Health and {vendor.legal_name}",
        "Effective": f"{starts:%-d %B %Y}",
        "Ends": f"{ends:%-d %B %Y}" if ends else "Evergreen",
        "Covers": ", ".join(service.name for service in _of(alder, vendor)),
        "Breach notice": "within 30 days of discovery",
    }
    with acting(alder.officer, alder.moment(plan.starts, 16)):
        document = (
            paper(
                f"{Agreement.Kind(plan.kind).label} {reference}",
                lines,
                name=f"{reference}.pdf",
                by=alder.officer,
            )
            if plan.signed_copy
            else None
        )
        agreement = Agreement(
            vendor=vendor,
            kind=plan.kind,
            reference=reference,
            our_role=(
                Agreement.OurRole.COVERED_ENTITY
                if plan.kind == BAA
                else Agreement.OurRole.CONTROLLER
            ),
            counterparty=vendor.legal_name,
            signed_by_us="Olivia Hart",
            signed_by_vendor="Demonstration signatory",
            signed_on=alder.day(plan.starts - 7),
            vendor_signed_on=alder.day(plan.starts - 6),
            starts_on=starts,
            ends_on=ends,
            notice_days=60 if ends is None else 30,
            breach_notice_days=30 if plan.kind == BAA else None,
            transfer_mechanism=plan.transfer,
            scc_modules=["2"] if plan.transfer == Agreement.Transfer.SCC else [],
            subprocessor_notice_days=30 if plan.transfer else None,
            document=document,
            owner=alder.officer,
        )
        narrow = NARROWED.get(plan.vendor, {}) if plan.kind == BAA else {}
        covers = [CoveredScope(service=service, **narrow) for service in _of(alder, vendor)]
        record_agreement(agreement, covers, by=alder.officer)


def _report(alder: Company, plan: ReportPlan) -> None:
    vendor, issued = alder.vendors[plan.vendor], min(plan.end + 30, 0)
    with acting(alder.officer, alder.moment(issued, 16)):
        report = _unsaved_report(alder, plan, issued)
        if plan.end in READ_WHOLE.get(plan.vendor, ()):
            review_whole(alder, plan, report, _of(alder, vendor))
            return
        scopes = [ReportScope(service=service, page="12") for service in _of(alder, vendor)]
        record_report(report, scopes, by=alder.officer)
        for part in plan.subservices:
            _subservice(alder, report, part)
    for first, last in plan.bridges:
        letter = BridgeLetter(
            report=report,
            covers_from=alder.day(first),
            covers_to=alder.day(last),
            signer="Head of compliance, for the management",
        )
        with acting(alder.officer, alder.moment(max(first, issued), 17)):
            add_bridge(letter, by=alder.officer)
    if plan.reviewed is not None:
        with acting(alder.second_officer, alder.moment(plan.reviewed, 11)):
            review_report(
                report,
                plan.review,
                by=alder.second_officer,
                on=alder.day(plan.reviewed),
                note=plan.note,
                type2_due_on=alder.day(plan.type2_due) if plan.type2_due is not None else None,
            )


def _subservice(alder: Company, report: AssuranceReport, plan: SubservicePlan) -> None:
    """A part that the report names; what is carved out is linked to its vendor's newest report."""
    own = AssuranceReport.objects.filter(vendor__slug=plan.vendor).order_by("-period_end").first()
    save_checked(
        Subservice(
            report=report,
            name=alder.vendors[plan.vendor].name if plan.vendor else plan.name,
            function=plan.function,
            method=plan.method,
            needs_own_report=bool(plan.vendor),
            own_report=own,
            page="31",
        )
    )


def _unsaved_report(alder: Company, plan: ReportPlan, issued: int) -> AssuranceReport:
    vendor, end = alder.vendors[plan.vendor], alder.day(plan.end)
    kind = Kind.SOC2_TYPE1 if plan.start is None else Kind.SOC2_TYPE2
    start = alder.day(plan.start) if plan.start is not None else None
    lines = {
        "Of": vendor.legal_name,
        "Describes": f"{start:%-d %B %Y} to {end:%-d %B %Y}" if start else f"{end:%-d %B %Y}",
        "Auditor": plan.auditor,
        "Opinion": "Unqualified",
        "Exceptions": str(plan.exceptions),
    }
    document = paper(
        f"{kind.label} report, {vendor.name}",
        lines,
        name=f"{plan.vendor}-{kind}-{end:%Y-%m}.pdf",
        by=alder.officer,
    )
    return AssuranceReport(
        vendor=vendor,
        kind=kind,
        as_of=None if start else end,
        period_start=start,
        period_end=end if start else None,
        issued_on=alder.day(issued),
        auditor=plan.auditor,
        categories=["security", "availability", "confidentiality"],
        exception_count=plan.exceptions,
        document=document,
    )


def _verify(alder: Company, slug: str, day: int) -> None:
    """An officer reads the contract of a service and records what the gate asks for."""
    service = alder.services[slug]
    found = {
        "training_use": ("no", None),
        "retention_days": ("days", VERIFIED[slug][1]),
        "tls_minimum": ("1.2", None),
        "encryption_at_rest": ("aes-256", None),
    }
    with acting(alder.officer, alder.moment(day, 9)):
        for dimension, (value, number) in found.items():
            fact = Fact(
                service=service,
                dimension=dimension,
                value=value,
                number=number,
                grade="contract",
                source="Demonstration: the contract of Alder Grove Health",
                page="4",
            )
            record_fact(fact, by=alder.officer, on=alder.day(day))


def _read_again(alder: Company, slug: str, day: int) -> None:
    """An officer reads the source of everything that is known of a service, and finds it so."""
    on = alder.day(day)
    with acting(alder.officer, alder.moment(day, 8)):
        for known in alder.services[slug].facts.current(on):
            fact = Fact(
                service=known.service,
                dimension=known.dimension,
                value=known.value,
                number=known.number,
                detail=known.detail,
                model_pattern=known.model_pattern,
                grade=known.grade,
                source=known.source,
                page=known.page,
            )
            record_fact(fact, by=alder.officer, on=on)
