"""The register as programs write it; what a body leaves out takes the default or stays."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from vendors.bodies.reading import Reader
from vendors.models import Agreement, AssuranceReport, Dimension, Grade, Service, Vendor
from vendors.models.register import ServiceModel, ServiceRegion

# One line without control characters that begins and ends with something that can be seen. Each
# pattern ends in \Z: a $ would let a line break through.
LINE = r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?\Z"
MAYBE_LINE = r"^(?:[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?)?\Z"
PROSE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*\Z"
SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}\Z"

Slug: TypeAlias = Annotated[str, Meta(pattern=SLUG)]
Name: TypeAlias = Annotated[str, Meta(pattern=LINE, max_length=120)]
LegalName: TypeAlias = Annotated[str, Meta(pattern=MAYBE_LINE, max_length=200)]
Party: TypeAlias = Annotated[str, Meta(pattern=LINE, max_length=200)]
Person: TypeAlias = Annotated[str, Meta(pattern=MAYBE_LINE, max_length=120)]
Short: TypeAlias = Annotated[str, Meta(pattern=MAYBE_LINE, max_length=80)]
Page: TypeAlias = Annotated[str, Meta(pattern=MAYBE_LINE, max_length=40)]
Website: TypeAlias = Annotated[str, Meta(pattern=r"^(?:https?://[!-~]{1,190})?\Z")]
Mail: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[!-?A-~]{1,64}@[!-?A-~]{1,190}\Z",
        description="E-mail address of a person who can sign in.",
    ),
]
Text: TypeAlias = Annotated[str, Meta(pattern=PROSE, max_length=2000)]
Provider: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}\Z")]
Host: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9*](?:[a-z0-9.*-]{0,251}[a-z0-9])?\Z")]
MaybeHost: TypeAlias = Annotated[
    str, Meta(pattern=r"^(?:[a-z0-9*](?:[a-z0-9.*-]{0,251}[a-z0-9])?)?\Z")
]
Pattern: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9*][A-Za-z0-9*.:/_@-]{0,119}\Z")]
MaybePattern: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(?:[A-Za-z0-9*][A-Za-z0-9*.:/_@-]{0,119})?\Z",
        description="Model as the provider names it, * for any characters; empty for all.",
    ),
]
Region: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}\Z")]
MaybeRegion: TypeAlias = Annotated[
    str, Meta(pattern=r"^(?:[a-z0-9][a-z0-9-]{0,39})?\Z", description="Empty for all.")
]
Word: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.:-]{0,59}\Z")]
Words: TypeAlias = Annotated[list[Word], Meta(max_length=60)]
Reference: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,79}\Z")]
Days: TypeAlias = Annotated[int, Meta(ge=0, le=3650)]
Interval: TypeAlias = Annotated[int, Meta(ge=1, le=3650)]
BreachDays: TypeAlias = Annotated[
    int, Meta(ge=0, le=60, description="Days to report a breach; 45 CFR 164.410: at most 60.")
]
Day: TypeAlias = dt.date
Source: TypeAlias = Annotated[str, Meta(pattern=LINE, max_length=500)]
Auditor: TypeAlias = Annotated[str, Meta(pattern=LINE, max_length=160)]
Plan: TypeAlias = Annotated[str, Meta(pattern=MAYBE_LINE, max_length=80)]

Criticality: TypeAlias = Literal["low", "medium", "high", "critical"]
Deployment: TypeAlias = Literal["public_api", "private_endpoint", "vpc", "on_prem"]
Lifecycle: TypeAlias = Literal["ga", "preview", "deprecated"]
Purpose: TypeAlias = Literal["processing", "at_rest", "support_access", "failover"]
Guarantee: TypeAlias = Literal["contract", "configurable", "default", "none"]
AgreementKind: TypeAlias = Literal["baa", "dpa"]
OurRole: TypeAlias = Literal[
    "covered_entity", "business_associate", "subcontractor", "controller", "processor"
]
Transfer: TypeAlias = Literal["", "not_needed", "adequacy", "dpf", "scc_2021", "uk", "bcr"]
SccModule: TypeAlias = Literal["1", "2", "3", "4"]
ReportKind: TypeAlias = Literal["soc2_type2", "soc2_type1", "soc1", "soc3", "iso27001", "hitrust"]
Opinion: TypeAlias = Literal["unqualified", "qualified", "adverse", "disclaimer", "none"]
Category: TypeAlias = Literal[
    "security", "availability", "processing_integrity", "confidentiality", "privacy"
]
InScope: TypeAlias = Literal["yes", "no", "unclear"]
DimensionWord: TypeAlias = Literal[
    "baa",
    "soc2_type2",
    "gdpr_dpa",
    "training_use",
    "retention_days",
    "zero_retention",
    "residency",
    "tls_minimum",
    "encryption_at_rest",
    "byok",
    "access_logs",
    "content_logs",
    "log_retention_control",
    "private_endpoint",
    "posture_api",
]
GradeWord: TypeAlias = Literal["contract", "gated", "public", "self_attested"]
# The words above are written out for the type checker; a test holds them to the models' choices.
WORDS = {
    Criticality: Vendor.Criticality,
    Deployment: Service.Deployment,
    Lifecycle: ServiceModel.Lifecycle,
    Purpose: ServiceRegion.Purpose,
    Guarantee: ServiceRegion.Guarantee,
    AgreementKind: Agreement.Kind,
    OurRole: Agreement.OurRole,
    SccModule: Agreement.Module,
    ReportKind: AssuranceReport.Kind,
    Opinion: AssuranceReport.Opinion,
    Category: AssuranceReport.Category,
    DimensionWord: Dimension,
    GradeWord: Grade,
}


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A structure that refuses what it does not know."""


class VendorBody(Strict):
    """A new vendor; it begins as a prospect."""

    name: Name
    slug: Slug | UnsetType = UNSET
    legal_name: LegalName = ""
    website: Website = ""
    owner: Mail | None = None
    criticality: Criticality = "medium"
    description: Text = ""
    review_interval_days: Interval = 365


class VendorChange(Strict):
    """What changes of a vendor; its state and its reviews are steps of their own."""

    name: Name | UnsetType = UNSET
    legal_name: LegalName | UnsetType = UNSET
    website: Website | UnsetType = UNSET
    owner: Mail | UnsetType | None = UNSET
    criticality: Criticality | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    review_interval_days: Interval | UnsetType = UNSET


class OfferedModel(Strict):
    pattern: Pattern
    lifecycle: Lifecycle = "ga"


class OfferedRegion(Strict):
    region: Region
    purpose: Purpose = "processing"
    guarantee: Guarantee = "configurable"


Models: TypeAlias = Annotated[list[OfferedModel], Meta(max_length=60)]
Regions: TypeAlias = Annotated[list[OfferedRegion], Meta(max_length=60)]
Hosts: TypeAlias = Annotated[list[Host], Meta(max_length=60)]


class ServiceBody(Strict):
    """A new service of a vendor, with the models and regions it offers."""

    vendor: Slug
    name: Name
    provider: Provider
    slug: Slug | UnsetType = UNSET
    deployment: Deployment = "public_api"
    plan: Plan = ""
    endpoint_hosts: Hosts = msgspec.field(default_factory=list)
    description: Text = ""
    models: Models = msgspec.field(default_factory=list)
    regions: Regions = msgspec.field(default_factory=list)


class ServiceChange(Strict):
    """What changes of a service; models and regions given take the place of all that stand."""

    name: Name | UnsetType = UNSET
    provider: Provider | UnsetType = UNSET
    deployment: Deployment | UnsetType = UNSET
    plan: Plan | UnsetType = UNSET
    endpoint_hosts: Hosts | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    models: Models | UnsetType = UNSET
    regions: Regions | UnsetType = UNSET


class Scope(Strict):
    """What an agreement covers; empty members mean any."""

    service: Slug
    model_pattern: MaybePattern = ""
    region: MaybeRegion = ""
    plan: Plan = ""
    account: Short = ""
    endpoint: MaybeHost = ""
    features: Words = msgspec.field(default_factory=list)
    features_excluded: Words = msgspec.field(default_factory=list)
    settings_required: Words = msgspec.field(default_factory=list)
    general_availability_only: bool = False
    page: Page = ""


Scopes: TypeAlias = Annotated[list[Scope], Meta(max_length=60)]


class AmendmentBody(Strict):
    """The next version of an agreement; the last one holds until the day before."""

    starts_on: Day
    counterparty: Party
    our_role: OurRole = "business_associate"
    ends_on: Day | None = None
    signed_by_us: Person = ""
    signed_by_vendor: Person = ""
    signed_on: Day | None = None
    vendor_signed_on: Day | None = None
    notice_days: Days = 0
    breach_notice_days: BreachDays | None = None
    transfer_mechanism: Transfer = ""
    scc_modules: Annotated[list[SccModule], Meta(max_length=4)] = msgspec.field(
        default_factory=list
    )
    subprocessor_notice_days: Days | None = None
    subprocessor_list: Website = ""
    owner: Mail | None = None
    covers: Scopes = msgspec.field(default_factory=list)


class AgreementBody(AmendmentBody, kw_only=True):
    """A signed agreement; without a scope it covers nothing."""

    vendor: Slug
    kind: AgreementKind
    reference: Reference
    account: Short = ""


class TerminationBody(Strict):
    """The end of an agreement: `terminated_on` is the first day on which it no longer holds."""

    terminated_on: Day
    reason: Annotated[str, Meta(pattern=LINE, max_length=300)]


class Spoken(Strict):
    """What a report says of a service."""

    service: Slug
    in_scope: InScope = "yes"
    page: Page = ""


Spokens: TypeAlias = Annotated[list[Spoken], Meta(max_length=200)]
Categories: TypeAlias = Annotated[list[Category], Meta(max_length=5)]


class CorrectionBody(Strict):
    """A report as it should have been recorded; the review starts again."""

    kind: ReportKind
    auditor: Auditor
    as_of: Day | None = None
    period_start: Day | None = None
    period_end: Day | None = None
    issued_on: Day | None = None
    opinion: Opinion = "unqualified"
    categories: Categories = msgspec.field(default_factory=list)
    exception_count: Annotated[int, Meta(ge=0, le=9999)] = 0
    scopes: Spokens = msgspec.field(default_factory=list)


class ReportBody(CorrectionBody, kw_only=True):
    """An assurance report; it counts once a person has reviewed it."""

    vendor: Slug


class FactBody(Strict):
    """What a source says of a service today: recorded as verified by the caller on this day."""

    service: Slug
    dimension: DimensionWord
    value: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}\Z")]
    grade: GradeWord
    source: Source
    number: Annotated[int, Meta(ge=0, le=99_999)] | None = None
    detail: Text = ""
    model_pattern: MaybePattern = ""
    region: MaybeRegion = ""
    endpoint: MaybeHost = ""
    plan: Plan = ""
    page: Page = ""
    expires_on: Day | None = None


READER = Reader(
    (
        VendorBody,
        VendorChange,
        ServiceBody,
        ServiceChange,
        AgreementBody,
        AmendmentBody,
        TerminationBody,
        ReportBody,
        CorrectionBody,
        FactBody,
    ),
    (OfferedModel, OfferedRegion, Scope, Spoken),
)
