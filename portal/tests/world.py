"""One of everything, and somebody in each role, for tests that go through every address."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from audits.models import Call, LegalHold, UsageSource
from audits.services.holds import set_hold
from audits.tests import make_records, make_usage
from evidence.models import EvidencePack, Finding
from evidence.services.findings import flag_findings, start_run
from policies.models import (
    AccessReview,
    CostPlan,
    DataPolicy,
    ExclusiveRoles,
    Grant,
    Integration,
    IntegrationDraft,
    IntegrationKey,
    PrincipalGroup,
)
from policies.services import directory, duties, granting, versions
from policies.services.principals import principal_of
from policies.tests import make
from portal.models import DirectoryGroup, PersonalToken, User
from portal.services.directory_tokens import issue_token as issue_directory_token
from portal.services.directory_tokens import make_directory
from portal.services.reviewing import Plan, start_review
from portal.services.tokens import issue_token
from vendors.models import (
    Agreement,
    AgreementRequest,
    Answer,
    AssuranceReport,
    Cuec,
    Document,
    Fact,
    Inquiry,
    Offboarding,
    OffboardingStep,
    QuestionSheet,
    RegisterImport,
    ReportCondition,
    ReportDraft,
    Service,
    Vendor,
    VendorCondition,
    VendorReview,
)
from vendors.services.importing.imports import begin
from vendors.tests import make as register
from vendors.tests import make_inquiries
from vendors.tests.make import TODAY

ROLES = ("officer", "engineer", "auditor", "viewer", "administrator")


@dataclass
class World:
    """`owner` is the engineer who owns `integration`; `people` has one more in each role."""

    people: dict[str, User]
    vendor: Vendor
    service: Service
    agreement: Agreement
    agreement_request: AgreementRequest
    report: AssuranceReport
    document: Document
    integration: Integration
    key: IntegrationKey
    secret: str
    draft: IntegrationDraft
    report_draft: ReportDraft
    cuec: Cuec
    report_condition: ReportCondition
    call: Call
    finding: Finding
    pack: EvidencePack
    review: VendorReview
    condition: VendorCondition
    step: OffboardingStep
    imported: RegisterImport
    plan: CostPlan
    policy: DataPolicy
    inquiry: Inquiry
    link: str
    usage: UsageSource
    hold: LegalHold
    answer: Answer
    sheet: QuestionSheet
    token: PersonalToken
    fact: Fact
    pair: ExclusiveRoles
    grant: Grant
    group: PrincipalGroup
    emergency: Grant
    access_review: AccessReview
    directory_group: DirectoryGroup


def build() -> World:
    people = {role: make.person(role) for role in ROLES} | {"nobody": make.person()}
    owner = people["owner"] = make.person("engineer", "owner@example.com")
    officer = people["officer"]
    known = _known(officer)
    vendor, service = known["vendor"], known["service"]
    integration = make.active_integration(service=service, slug="claims-triage", owner=owner)
    key, secret = make.key(integration)
    return World(
        people=people,
        **known,
        integration=integration,
        key=key,
        secret=secret,
        draft=IntegrationDraft.objects.create(author=owner, answers={}),
        call=_call(integration, key),
        finding=_finding(),
        pack=_pack(people["auditor"]),
        fact=service.facts.earliest("pk"),
        **_begun(vendor, known["report"], officer),
        token=issue_token(officer, "export", scopes=["register:read"], days=7, at=make.NOON)[0],
        access_review=_access_review(people),
        imported=begin("vendors", "list.csv", b"Vendor\nMarigold\n", by=officer, at=make.NOON),
        plan=_plan(integration, owner),
        policy=_policy(officer),
        usage=_usage(integration),
        hold=_hold(),
        answer=_answer(vendor, service, officer),
        sheet=_sheet(officer),
        pair=_pair(officer),
        grant=_grant(integration, people["engineer"]),
        group=directory.add_group("Clinicians", source="csv", at=timezone.now()),
        emergency=_emergency(integration, people["engineer"]),
        directory_group=_directory_group(people["administrator"]),
    )


def _known(officer: User) -> dict[str, Any]:
    """A vendor with all that is known of it."""
    document = _document()
    vendor = register.vendor("Larkspur", slug="larkspur", owner=officer)
    service = register.service(vendor, slug="larkspur-chat")
    report = register.report(vendor, by=officer)
    inquiry, link = make_inquiries.linked(
        vendor=vendor, service=service, by=officer, at=timezone.now()
    )
    return {
        "vendor": vendor,
        "service": service,
        "document": document,
        "agreement": register.baa(vendor, document=document),
        "report": report,
        "inquiry": inquiry,
        "link": link,
    }


def _begun(vendor: Vendor, report: AssuranceReport, officer: User) -> dict[str, Any]:
    """What somebody has begun or asked of a vendor, after the checks of the day."""
    return {
        "agreement_request": register.agreement_request(vendor),
        "cuec": Cuec.objects.create(report=report, text="Users revoke keys of people who leave."),
        "report_condition": _report_condition(report),
        "report_draft": ReportDraft.objects.create(
            vendor=vendor, author=officer, changed_by=officer
        ),
        "review": VendorReview.objects.create(vendor=vendor, started_on=TODAY),
        "step": _step(vendor),
        "condition": _condition(vendor),
    }


def _directory_group(administrator: User) -> DirectoryGroup:
    at = timezone.now()
    made = make_directory("Staff", kind="people", by=administrator, at=at)
    issue_directory_token(made, days=9, by=administrator, at=at)
    return DirectoryGroup.objects.create(
        directory=made, display_name="Claims", created_at=at, changed_at=at
    )


def _pair(officer: User) -> ExclusiveRoles:
    reason = "Who hands out roles does not examine them."
    return duties.keep_pair(
        "role:Administrator", "role:Auditor", reason=reason, by=officer, at=make.NOON
    )


def _grant(integration: Integration, engineer: User) -> Grant:
    """A request that waits for a decision."""
    at = timezone.now()
    wanted = granting.Wanted(
        permission="send_prompt",
        purpose="Triage of claims.",
        ends_at=at + dt.timedelta(days=30),
        principal=principal_of(engineer, at=at),
    )
    return granting.request_grant(integration, wanted, by=engineer, at=at)


def _emergency(integration: Integration, engineer: User) -> Grant:
    """An emergency access that has ended and waits for a review."""
    at = timezone.now() - dt.timedelta(hours=6)
    reason = "The desk cannot read outputs."
    return granting.break_in(
        integration, permission="view_output", by=engineer, at=at, reason=reason
    )


def _access_review(people: dict[str, User]) -> AccessReview:
    plan = Plan("Quarter", timezone.localdate(), people["officer"], people["administrator"])
    return start_review(plan, by=people["officer"], at=timezone.now())


def _document() -> Document:
    document = Document(
        name="paper.pdf", sha256="0" * 64, size_bytes=4, content_type="application/pdf"
    )
    document.file.save("paper.pdf", ContentFile(b"%PDF"), save=False)
    document.save()
    return document


def _finding() -> Finding:
    """What the checks say an hour later: the integration has calls without an end."""
    later = make.NOON + dt.timedelta(hours=1)
    flag_findings(start_run(on=TODAY, at=later), at=later)
    finding = Finding.objects.first()
    assert finding is not None
    return finding


def _report_condition(report: AssuranceReport) -> ReportCondition:
    return ReportCondition.objects.create(
        report=report, text="The next report has no gap.", due_on=TODAY
    )


def _condition(vendor: Vendor) -> VendorCondition:
    return VendorCondition.objects.create(
        vendor=vendor, text="Send the Type II.", set_on=TODAY, due_on=TODAY
    )


def _policy(officer: User) -> DataPolicy:
    """A policy with a version that waits for a second person."""
    at = timezone.now()
    policy = versions.create_policy(name="Notes", slug="notes", by=officer, at=at)
    document = versions.starter_document()
    draft = versions.save_draft(policy, document, change="First version.", by=officer, at=at)
    versions.submit(draft, by=officer, at=at)
    return policy


def _plan(integration: Integration, author: User) -> CostPlan:
    return CostPlan.objects.create(
        integration=integration, monthly_spend=1000, capabilities=["baa"], author=author
    )


def _sheet(officer: User) -> QuestionSheet:
    return QuestionSheet.objects.create(
        name="ours.csv",
        sheets={"CSV": [["Id", "Question"], ["1", "Well?"]]},
        uploaded_by=officer,
        uploaded_at=make.NOON,
    )


def _hold() -> LegalHold:
    """One that none of the people of the world has set: who set it cannot release it."""
    hold = LegalHold(scope="all", reason="audit", reference="2026-1")
    return set_hold(hold, by=make.person(), at=make.NOON)


def _usage(integration: Integration) -> UsageSource:
    source = make_usage.source()
    make_usage.mapping(source, integration, project="proj_1")
    make_usage.imported(source, days=(make_usage.day(3), make_usage.day(1)))
    return source


def _call(integration: Integration, key: IntegrationKey) -> Call:
    return make_records.call(integration, key, at=make.NOON)


def _answer(vendor: Vendor, service: Service, officer: User) -> Answer:
    """An answer under review."""
    made = make_inquiries.submitted(vendor=vendor, service=service, by=officer, at=timezone.now())
    return made.answers.get(question__code="R1")


def _pack(auditor: User) -> EvidencePack:
    return EvidencePack.objects.create(
        title="Quarter",
        period_start=TODAY,
        period_end=TODAY,
        datasets=["vendors"],
        requested_by=auditor,
        requested_at=make.NOON,
        as_of=make.NOON,
    )


def _step(vendor: Vendor) -> OffboardingStep:
    begun = Offboarding.objects.create(
        vendor=vendor, started_on=TODAY, reason="Replaced.", planned_last_day=TODAY
    )
    return OffboardingStep.objects.create(offboarding=begun, kind="keys")
