"""The vendors of Alder Grove Health with their papers, as tables of days around today.

Real vendors come from the catalogue and are shown with everything in order. Whose papers have
run out, are contingent or stale, is invented. Every number is days after today.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vendors.models import Agreement, AssuranceReport, Service, Subservice, Vendor

Review = AssuranceReport.Review


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
    Invented(
        "Marlow Text",
        "Marlow Complete",
        "marlow-*",
        Service.Deployment.PUBLIC_API,
        "Wrote letters to patients; left for another vendor.",
    ),
)
SELF_HOSTED = "self-hosted-models"
OWN_REGION = "own-datacenter"


@dataclass(frozen=True)
class VendorPlan:
    """When a vendor was reviewed and is due again; a condition has its text and its day."""

    slug: str
    criticality: str
    reviewed: int
    due: int
    condition: tuple[str, int] | None = None


VENDORS = (
    VendorPlan("amazon-web-services", Vendor.Criticality.CRITICAL, -95, 270),
    VendorPlan("microsoft", Vendor.Criticality.CRITICAL, -160, 205),
    VendorPlan("google", Vendor.Criticality.HIGH, -110, 255),
    VendorPlan("openai", Vendor.Criticality.HIGH, -356, 9),
    VendorPlan("anthropic", Vendor.Criticality.HIGH, -100, 265),
    VendorPlan("snowflake", Vendor.Criticality.MEDIUM, -200, 165),
    VendorPlan("self-hosted", Vendor.Criticality.MEDIUM, -120, 245),
    VendorPlan("larkspur-speech", Vendor.Criticality.HIGH, -130, 235),
    VendorPlan(
        "quillwork",
        Vendor.Criticality.HIGH,
        -92,
        88,
        condition=("Send the SOC 2 Type II report that is under way.", 40),
    ),
    VendorPlan("fernhill-analytics", Vendor.Criticality.LOW, -369, -4),
)


@dataclass(frozen=True)
class AgreementPlan:
    """The first and last day of an agreement; no last day if it is evergreen.

    `transfer` is what transfers rest on, for a DPA.
    """

    vendor: str
    kind: str
    number: int
    starts: int
    ends: int | None
    signed_copy: bool = True
    transfer: str = ""


BAA, DPA = Agreement.Kind.BAA, Agreement.Kind.DPA
AGREEMENTS = (
    AgreementPlan("amazon-web-services", BAA, 1, -400, 330),
    AgreementPlan("amazon-web-services", DPA, 2, -400, None, transfer=Agreement.Transfer.SCC),
    AgreementPlan("microsoft", BAA, 3, -700, None),
    AgreementPlan("google", BAA, 4, -300, 65),
    AgreementPlan("openai", BAA, 5, -317, 48),
    AgreementPlan("openai", DPA, 6, -317, 48, signed_copy=False, transfer=Agreement.Transfer.DPF),
    AgreementPlan("anthropic", BAA, 7, -120, 245),
    AgreementPlan("snowflake", BAA, 8, -500, 200),
    AgreementPlan("larkspur-speech", BAA, 9, -383, -18),
    AgreementPlan("quillwork", BAA, 10, -92, 273),
    AgreementPlan("fernhill-analytics", DPA, 11, -340, 25),
)


# What a BAA is narrowed to, where it does not cover all of a service.
NARROWED: dict[str, dict[str, Any]] = {
    "microsoft": {
        "general_availability_only": True,
        "features_excluded": ["web-search"],
        "settings_required": ["modified-abuse-monitoring"],
        "page": "7",
    },
}


@dataclass(frozen=True)
class SubservicePlan:
    """A subservice that a report names; one of our vendors is carved out, with its own report."""

    function: str
    method: str
    vendor: str = ""
    name: str = ""


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
    subservices: tuple[SubservicePlan, ...] = ()


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
    ReportPlan(
        "anthropic",
        -411,
        -46,
        "Corwin Peake LLP",
        -20,
        subservices=(
            SubservicePlan("Hosting", Subservice.Method.CARVE_OUT, vendor="amazon-web-services"),
            SubservicePlan("Support desk", Subservice.Method.INCLUSIVE, name="Meadowlark Desk"),
        ),
    ),
    ReportPlan("snowflake", -640, -275, "Corwin Peake LLP", -230),
    ReportPlan("larkspur-speech", -866, -501, "Corwin Peake LLP", -460),
    ReportPlan("larkspur-speech", -500, -135, "Corwin Peake LLP", -100),
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

# Reports that were read line by line, by the last day of their period.
READ_WHOLE = {"larkspur-speech": (-501, -135)}

# The day of the last round: officers take what the catalogue says, and read each source again.
LOOK = -10

# Days on which an officer read the terms of a service, and the retention they found, in days.
VERIFIED = {
    "amazon-bedrock": ((-135, -50, LOOK), 0),
    "azure-openai": ((-135, -50, LOOK), 0),
    "google-vertex-ai": ((-135, -50, LOOK), 0),
    "openai-api": ((-135, -50, LOOK), 30),
    "claude-api": ((-135, -50, LOOK), 30),
    "snowflake-cortex": ((-135,), 0),
    SELF_HOSTED: ((-135, -50, 0), 0),
    "larkspur-transcribe": ((-135, -48), 14),
    "quillwork-scribe": ((-92, -12), 7),
    "fernhill-insights": ((-130, -46), 30),
}
