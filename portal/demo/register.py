"""The vendors of Alder Grove Health with their papers, as tables of days around today.

Real vendors come from the catalogue and are shown with everything in order. Whose papers have
run out, are contingent or stale, is invented. Every number is days after today.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.text import slugify

from portal.demo.acting import Company, acting
from portal.demo.papers import paper
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
    Vendor,
)
from vendors.services.agreements import record_agreement
from vendors.services.facts import record_fact
from vendors.services.register import change_vendor_state, review_vendor, save_service
from vendors.services.reports import add_bridge, record_report, review_report

Kind, Review = AssuranceReport.Kind, AssuranceReport.Review


@dataclass(frozen=True)
class Invented:
    """A vendor that is in no catalogue, with its one service."""

    vendor: str
    service: str
    model: str
    deployment: str
    description: str


INVENTED = (
    Invented(
        "Larkspur Speech",
        "Larkspur Transcribe",
        "larkspur-medical-*",
        Service.Deployment.PUBLIC_API,
        "Turns recorded calls into text and summaries.",
    ),
    Invented(
        "Quillwork",
        "Quillwork Scribe",
        "scribe-*",
        Service.Deployment.PRIVATE_ENDPOINT,
        "Writes visit notes from what is said in the room; a young company.",
    ),
    Invented(
        "Fernhill Analytics",
        "Fernhill Insights",
        "fernhill-*",
        Service.Deployment.PUBLIC_API,
        "Answers questions about tables of claims.",
    ),
)
SELF_HOSTED = "self-hosted-models"
OWN_REGION = "own-datacenter"


@dataclass(frozen=True)
class VendorPlan:
    """When a vendor was reviewed and is due again, and in which state that left it."""

    slug: str
    criticality: str
    reviewed: int
    due: int
    conditions: bool = False


VENDORS = (
    VendorPlan("amazon-web-services", Vendor.Criticality.CRITICAL, -95, 270),
    VendorPlan("microsoft", Vendor.Criticality.CRITICAL, -160, 205),
    VendorPlan("google", Vendor.Criticality.HIGH, -110, 255),
    VendorPlan("openai", Vendor.Criticality.HIGH, -356, 9),
    VendorPlan("anthropic", Vendor.Criticality.HIGH, -100, 265),
    VendorPlan("snowflake", Vendor.Criticality.MEDIUM, -200, 165),
    VendorPlan("self-hosted", Vendor.Criticality.MEDIUM, -120, 245),
    VendorPlan("larkspur-speech", Vendor.Criticality.HIGH, -130, 235),
    VendorPlan("quillwork", Vendor.Criticality.HIGH, -92, 88, conditions=True),
    VendorPlan("fernhill-analytics", Vendor.Criticality.LOW, -369, -4),
)


@dataclass(frozen=True)
class AgreementPlan:
    """The first and last day of an agreement; no last day if it is evergreen."""

    vendor: str
    kind: str
    number: int
    starts: int
    ends: int | None
    signed_copy: bool = True


BAA, DPA = Agreement.Kind.BAA, Agreement.Kind.DPA
AGREEMENTS = (
    AgreementPlan("amazon-web-services", BAA, 1, -400, 330),
    AgreementPlan("amazon-web-services", DPA, 2, -400, None),
    AgreementPlan("microsoft", BAA, 3, -700, None),
    AgreementPlan("google", BAA, 4, -300, 65),
    AgreementPlan("openai", BAA, 5, -317, 48),
    AgreementPlan("openai", DPA, 6, -317, 48, signed_copy=False),
    AgreementPlan("anthropic", BAA, 7, -120, 245),
    AgreementPlan("snowflake", BAA, 8, -500, 200),
    AgreementPlan("larkspur-speech", BAA, 9, -383, -18),
    AgreementPlan("quillwork", BAA, 10, -92, 273),
    AgreementPlan("fernhill-analytics", DPA, 11, -340, 25),
)


@dataclass(frozen=True)
class ReportPlan:
    """A SOC 2 report: its period, or for a type I the one day in `end`, and our review.

    `bridges` are first and last days of letters; `type2_due` belongs to a type I.
    """

    vendor: str
    start: int | None
    end: int
    auditor: str
    reviewed: int | None
    review: str = Review.ACCEPT
    note: str = ""
    exceptions: int = 0
    bridges: tuple[tuple[int, int], ...] = ()
    type2_due: int | None = None


REPORTS = (
    ReportPlan("amazon-web-services", -835, -471, "Ridgeline Assurance LLP", -430),
    ReportPlan("amazon-web-services", -470, -105, "Ridgeline Assurance LLP", -70, exceptions=2),
    ReportPlan("microsoft", -430, -65, "Ridgeline Assurance LLP", -31),
    ReportPlan(
        "google",
        -745,
        -380,
        "Halden & Moss LLP",
        -340,
        bridges=((-379, -290), (-289, -200), (-199, -110), (-109, -20), (-19, 70)),
    ),
    ReportPlan("openai", -460, -96, "Halden & Moss LLP", -60, exceptions=1, bridges=((-95, -5),)),
    ReportPlan("anthropic", -411, -46, "Corwin Peake LLP", -20),
    ReportPlan("snowflake", -640, -275, "Corwin Peake LLP", -230),
    ReportPlan("larkspur-speech", -500, -135, "Corwin Peake LLP", -100, exceptions=3),
    ReportPlan(
        "quillwork",
        None,
        -140,
        "Halden & Moss LLP",
        -91,
        Review.CONDITIONS,
        "Relied on until the type II arrives; no bulk uploads before.",
        type2_due=40,
    ),
    ReportPlan("fernhill-analytics", -765, -400, "Corwin Peake LLP", -338),
    ReportPlan("anthropic", -45, -1, "Corwin Peake LLP", None),
)

# Days on which an officer read the terms of a service, and the retention they found, in days.
VERIFIED = {
    "amazon-bedrock": ((-135, -50, 0), 0),
    "azure-openai": ((-135, -50, 0), 0),
    "google-vertex-ai": ((-135, -50, 0), 0),
    "openai-api": ((-135, -50, 0), 30),
    "claude-api": ((-135, -50, 0), 30),
    "snowflake-cortex": ((-135,), 0),
    SELF_HOSTED: ((-135, -50, 0), 0),
    "larkspur-transcribe": ((-135, -48), 14),
    "quillwork-scribe": ((-92, -12), 7),
    "fernhill-insights": ((-130, -46), 30),
}


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
        _verify(alder, slug, day)


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
        change_vendor_state(vendor, Vendor.State.IN_REVIEW)
        review_vendor(vendor, on=alder.day(plan.reviewed), next_on=alder.day(plan.due))
        approved = Vendor.State.CONDITIONS if plan.conditions else Vendor.State.APPROVED
        change_vendor_state(vendor, approved)
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
            starts_on=starts,
            ends_on=ends,
            notice_days=60 if ends is None else 30,
            breach_notice_days=30 if plan.kind == BAA else None,
            document=document,
            owner=alder.officer,
        )
        covers = [CoveredScope(service=service) for service in _of(alder, vendor)]
        record_agreement(agreement, covers, by=alder.officer)


def _report(alder: Company, plan: ReportPlan) -> None:
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
    issued = min(plan.end + 30, 0)
    with acting(alder.officer, alder.moment(issued, 16)):
        document = paper(
            f"{kind.label} report, {vendor.name}",
            lines,
            name=f"{plan.vendor}-{kind}-{end:%Y-%m}.pdf",
            by=alder.officer,
        )
        report = AssuranceReport(
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
        scopes = [ReportScope(service=service, page="12") for service in _of(alder, vendor)]
        record_report(report, scopes, by=alder.officer)
    for first, last in plan.bridges:
        letter = BridgeLetter(
            report=report,
            covers_from=alder.day(first),
            covers_to=alder.day(last),
            signer="Head of compliance, for the management",
        )
        with acting(alder.officer, alder.moment(first, 10)):
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
