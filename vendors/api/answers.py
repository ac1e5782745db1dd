"""The register as programs read it: the same structures that the API's description is made of."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

from vendors.models import Agreement, AssuranceReport, Fact, Service, Vendor

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


class Shown(msgspec.Struct):
    """A structure of an answer; days as YYYY-MM-DD, moments in UTC."""


class VendorAnswer(Shown):
    slug: str
    name: str
    legal_name: str
    website: str
    owner: str | None
    criticality: str
    state: str
    description: str
    review_interval_days: int
    last_reviewed_on: dt.date | None
    next_review_on: dt.date | None
    created_at: dt.datetime


class ModelAnswer(Shown):
    pattern: str
    lifecycle: str


class RegionAnswer(Shown):
    region: str
    purpose: str
    guarantee: str


class ServiceAnswer(Shown):
    slug: str
    vendor: str
    name: str
    provider: str
    deployment: str
    plan: str
    endpoint_hosts: list[str]
    description: str
    retired_on: dt.date | None
    models: list[ModelAnswer]
    regions: list[RegionAnswer]


class ScopeAnswer(Shown):
    service: str
    model_pattern: str
    region: str
    plan: str
    account: str
    endpoint: str
    features: list[str]
    features_excluded: list[str]
    settings_required: list[str]
    general_availability_only: bool
    page: str


class AgreementAnswer(Shown):
    """`version` counts from 1; `terminated_on` and `superseded_on` are days it no longer holds."""

    id: int
    vendor: str
    kind: str
    reference: str
    version: int
    amends: int | None
    account: str
    our_role: str
    counterparty: str
    signed_by_us: str
    signed_by_vendor: str
    signed_on: dt.date | None
    vendor_signed_on: dt.date | None
    starts_on: dt.date
    ends_on: dt.date | None
    notice_days: int
    breach_notice_days: int | None
    transfer_mechanism: str
    scc_modules: list[str]
    subprocessor_notice_days: int | None
    subprocessor_list: str
    owner: str | None
    terminated_on: dt.date | None
    termination_reason: str
    superseded_on: dt.date | None
    document_sha256: str | None
    covers: list[ScopeAnswer]
    recorded_by: str | None
    recorded_at: dt.datetime


class SpokenAnswer(Shown):
    service: str
    in_scope: str
    page: str


class BridgeAnswer(Shown):
    covers_from: dt.date
    covers_to: dt.date
    signer: str
    discloses_changes: bool


class ReportAnswer(Shown):
    """`replaces` is the row that this one corrects."""

    id: int
    vendor: str
    kind: str
    as_of: dt.date | None
    period_start: dt.date | None
    period_end: dt.date | None
    issued_on: dt.date | None
    auditor: str
    opinion: str
    categories: list[str]
    exception_count: int
    replaces: int | None
    review: str
    reviewed_on: dt.date | None
    type2_due_on: dt.date | None
    document_sha256: str | None
    scopes: list[SpokenAnswer]
    bridges: list[BridgeAnswer]
    recorded_by: str | None
    recorded_at: dt.datetime


class FactAnswer(Shown):
    """`words` is the value as a person reads it."""

    id: int
    service: str
    dimension: str
    value: str
    number: int | None
    words: str
    detail: str
    model_pattern: str
    region: str
    endpoint: str
    plan: str
    grade: str
    source: str
    page: str
    verified_on: dt.date | None
    verified_by: str | None
    expires_on: dt.date | None
    recorded_on: dt.date


class VendorList(msgspec.Struct, frozen=True):
    data: list[VendorAnswer]


class ServiceList(msgspec.Struct, frozen=True):
    data: list[ServiceAnswer]


class AgreementList(msgspec.Struct, frozen=True):
    data: list[AgreementAnswer]


class ReportList(msgspec.Struct, frozen=True):
    data: list[ReportAnswer]


class FactList(msgspec.Struct, frozen=True):
    data: list[FactAnswer]


def moment(at: dt.datetime) -> dt.datetime:
    """In UTC to the millisecond."""
    utc = at.astimezone(dt.UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def _mail(person: User | None) -> str | None:
    return person.email if person else None


def vendor_answer(vendor: Vendor) -> VendorAnswer:
    return VendorAnswer(
        slug=vendor.slug,
        name=vendor.name,
        legal_name=vendor.legal_name,
        website=vendor.website,
        owner=_mail(vendor.owner),
        criticality=vendor.criticality,
        state=vendor.state,
        description=vendor.description,
        review_interval_days=vendor.review_interval_days,
        last_reviewed_on=vendor.last_reviewed_on,
        next_review_on=vendor.next_review_on,
        created_at=moment(vendor.created_at),
    )


def service_answer(service: Service) -> ServiceAnswer:
    return ServiceAnswer(
        slug=service.slug,
        vendor=service.vendor.slug,
        name=service.name,
        provider=service.provider,
        deployment=service.deployment,
        plan=service.plan,
        endpoint_hosts=service.endpoint_hosts,
        description=service.description,
        retired_on=service.retired_on,
        models=[
            ModelAnswer(pattern=m.pattern, lifecycle=m.lifecycle)
            for m in service.offered_models.all()
        ],
        regions=[
            RegionAnswer(region=r.region, purpose=r.purpose, guarantee=r.guarantee)
            for r in service.regions.all()
        ],
    )


SCOPE_FIELDS = tuple(name for name in ScopeAnswer.__struct_fields__ if name != "service")
# Members that an answer takes as they stand in the row.
AGREEMENT_FIELDS = (
    "id",
    "kind",
    "reference",
    "version",
    "account",
    "our_role",
    "counterparty",
    "signed_by_us",
    "signed_by_vendor",
    "signed_on",
    "vendor_signed_on",
    "starts_on",
    "ends_on",
    "notice_days",
    "breach_notice_days",
    "transfer_mechanism",
    "scc_modules",
    "subprocessor_notice_days",
    "subprocessor_list",
    "terminated_on",
    "termination_reason",
    "superseded_on",
)


def agreement_answer(agreement: Agreement) -> AgreementAnswer:
    return AgreementAnswer(
        **{name: getattr(agreement, name) for name in AGREEMENT_FIELDS},
        vendor=agreement.vendor.slug,
        amends=agreement.amends_id,
        owner=_mail(agreement.owner),
        document_sha256=agreement.document.sha256 if agreement.document else None,
        covers=[
            ScopeAnswer(
                service=scope.service.slug,
                **{name: getattr(scope, name) for name in SCOPE_FIELDS},
            )
            for scope in agreement.scopes.all()
        ],
        recorded_by=_mail(agreement.recorded_by),
        recorded_at=moment(agreement.recorded_at),
    )


REPORT_FIELDS = (
    "id",
    "kind",
    "as_of",
    "period_start",
    "period_end",
    "issued_on",
    "auditor",
    "opinion",
    "categories",
    "exception_count",
    "review",
    "reviewed_on",
    "type2_due_on",
)
BRIDGE_FIELDS = BridgeAnswer.__struct_fields__


def report_answer(report: AssuranceReport) -> ReportAnswer:
    return ReportAnswer(
        **{name: getattr(report, name) for name in REPORT_FIELDS},
        vendor=report.vendor.slug,
        replaces=report.replaces_id,
        document_sha256=report.document.sha256 if report.document else None,
        scopes=[
            SpokenAnswer(service=s.service.slug, in_scope=s.in_scope, page=s.page)
            for s in report.scopes.all()
        ],
        bridges=[
            BridgeAnswer(**{name: getattr(letter, name) for name in BRIDGE_FIELDS})
            for letter in report.bridges.all()
        ],
        recorded_by=_mail(report.recorded_by),
        recorded_at=moment(report.recorded_at),
    )


FACT_FIELDS = tuple(
    name for name in FactAnswer.__struct_fields__ if name not in ("service", "verified_by")
)


def fact_answer(fact: Fact) -> FactAnswer:
    return FactAnswer(
        service=fact.service.slug,
        verified_by=_mail(fact.verified_by),
        **{name: getattr(fact, name) for name in FACT_FIELDS},
    )
