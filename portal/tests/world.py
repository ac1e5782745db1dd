"""One of everything, and somebody in each role, for tests that go through every address."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.utils import timezone

from audits.models import Call
from evidence.models import EvidencePack, Finding
from evidence.services.findings import flag_findings, start_run
from policies.models import CostPlan, Integration, IntegrationDraft, IntegrationKey
from policies.tests import make
from portal.models import PersonalToken, User
from portal.services.tokens import issue_token
from vendors.models import (
    Agreement,
    AgreementRequest,
    Answer,
    AssuranceReport,
    Cuec,
    Document,
    Epoch,
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
    inquiry: Inquiry
    link: str
    answer: Answer
    sheet: QuestionSheet
    token: PersonalToken
    fact: Fact


def build() -> World:
    people = {role: make.person(role) for role in ROLES} | {"nobody": make.person()}
    owner = people["owner"] = make.person("engineer", "owner@example.com")
    officer = people["officer"]
    document = Document(
        name="paper.pdf", sha256="0" * 64, size_bytes=4, content_type="application/pdf"
    )
    document.file.save("paper.pdf", ContentFile(b"%PDF"), save=False)
    document.save()
    vendor = register.vendor("Larkspur", slug="larkspur", owner=people["officer"])
    service = register.service(vendor, slug="larkspur-chat")
    agreement = register.baa(vendor, document=document)
    report = register.report(vendor, by=people["officer"])
    integration = make.active_integration(service=service, slug="claims-triage", owner=owner)
    key, secret = make.key(integration)
    call = _call(integration, key)
    later = make.NOON + dt.timedelta(hours=1)
    flag_findings(start_run(on=TODAY, at=later), at=later)
    finding = Finding.objects.first()
    assert finding is not None  # the integration has calls without an end
    inquiry, link = make_inquiries.linked(
        vendor=vendor, service=service, by=people["officer"], at=timezone.now()
    )
    return World(
        people=people,
        vendor=vendor,
        service=service,
        agreement=agreement,
        agreement_request=register.agreement_request(vendor),
        report=report,
        document=document,
        integration=integration,
        key=key,
        secret=secret,
        draft=IntegrationDraft.objects.create(author=owner, answers={}),
        cuec=Cuec.objects.create(report=report, text="Users revoke keys of people who leave."),
        report_condition=ReportCondition.objects.create(
            report=report, text="The next report has no gap.", due_on=TODAY
        ),
        report_draft=ReportDraft.objects.create(vendor=vendor, author=officer, changed_by=officer),
        call=call,
        finding=finding,
        pack=_pack(people["auditor"]),
        review=VendorReview.objects.create(vendor=vendor, started_on=TODAY),
        step=_step(vendor),
        condition=VendorCondition.objects.create(
            vendor=vendor, text="Send the Type II.", set_on=TODAY, due_on=TODAY
        ),
        token=issue_token(
            people["officer"], "export", scopes=["register:read"], days=7, at=make.NOON
        )[0],
        fact=service.facts.earliest("pk"),
        imported=begin(
            "vendors", "list.csv", b"Vendor\nMarigold\n", by=people["officer"], at=make.NOON
        ),
        plan=CostPlan.objects.create(
            integration=integration, monthly_spend=1000, capabilities=["baa"], author=owner
        ),
        inquiry=inquiry,
        link=link,
        answer=_answer(vendor, service, people["officer"]),
        sheet=QuestionSheet.objects.create(
            name="ours.csv",
            sheets={"CSV": [["Id", "Question"], ["1", "Well?"]]},
            uploaded_by=people["officer"],
            uploaded_at=make.NOON,
        ),
    )


def _call(integration: Integration, key: IntegrationKey) -> Call:
    return Call.objects.create(
        epoch=Epoch.objects.get().value,
        call_id=uuid.uuid4(),
        body_sha256=bytes(32),
        received_at=make.NOON,
        lease_until=make.NOON,
        provider="openai",
        operation="chat",
        region="us-east-1",
        model="gpt-4.1",
        phi_present=True,
        actor_type="user",
        actor_id="u-1",
        integration=integration,
        key=key,
        decision="allow",
        terms_digest="0" * 64,
        policy_digest="0" * 64,
    )


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
