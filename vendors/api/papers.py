"""Agreements and assurance reports: never changed, but amended, terminated and corrected."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from vendors.api import answers, describing, filtering, naming
from vendors.api.base import Made, RegisterView
from vendors.api.register import set_members
from vendors.bodies.register import (
    AgreementBody,
    AmendmentBody,
    CorrectionBody,
    ReportBody,
    Scope,
    Spoken,
    TerminationBody,
)
from vendors.models import Agreement, AssuranceReport, CoveredScope, ReportScope, Vendor
from vendors.services.agreements import amend_agreement, record_agreement, terminate_agreement
from vendors.services.reports import correct_report, record_report

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

AGREEMENT_FILTERS = {
    "vendor": filtering.slug("vendor__slug", "Slug of a vendor."),
    "kind": filtering.word_of("kind", Agreement.Kind.values, "BAA or DPA."),
    "starts_before": filtering.day("starts_on__lt", "Effective before this day."),
    "ends_before": filtering.day("ends_on__lt", "Last day before this day."),
}
REPORT_FILTERS = {
    "vendor": filtering.slug("vendor__slug", "Slug of a vendor."),
    "kind": filtering.word_of("kind", AssuranceReport.Kind.values, "Kind of the report."),
    "review": filtering.word_of("review", AssuranceReport.Review.values, "Whether we rely on it."),
    "period_ends_after": filtering.day("period_end__gt", "Period ends after this day."),
}
AGREEMENT_EXAMPLE = {
    "vendor": "larkspur-ai",
    "kind": "baa",
    "reference": "BAA-2026-014",
    "counterparty": "Larkspur AI, Inc.",
    "starts_on": "2026-01-15",
    "ends_on": "2027-01-14",
    "covers": [{"service": "larkspur-api", "model_pattern": "lark-*", "region": "us-east-1"}],
}
REPORT_EXAMPLE = {
    "vendor": "larkspur-ai",
    "kind": "soc2_type2",
    "auditor": "Example Audit LLP",
    "period_start": "2025-07-01",
    "period_end": "2026-06-30",
    "categories": ["security", "confidentiality"],
    "scopes": [{"service": "larkspur-api"}],
}


def agreements_read() -> QuerySet[Agreement]:
    return Agreement.objects.select_related(
        "vendor", "owner", "document", "recorded_by"
    ).prefetch_related("scopes__service")


def _covers(vendor: Vendor, given: list[Scope]) -> list[CoveredScope]:
    services = naming.services(vendor, (scope.service for scope in given), "covers")
    rows = []
    for scope in given:
        row = CoveredScope(service=services[scope.service])
        set_members(row, scope, "service")
        rows.append(row)
    return rows


def _agreement_made(row: Agreement) -> Made:
    return Made(
        answers.agreement_answer(agreements_read().get(pk=row.pk)),
        reverse("vendors-api:agreement-detail", args=[row.pk]),
    )


class AgreementListView(RegisterView):
    subject = "vendors.agreement"
    permissions = {"GET": "vendors.view_agreement", "POST": "vendors.add_agreement"}

    @extend_schema(
        operation_id="list_agreements",
        summary="List agreements",
        description="Every version is a row; newest first, each with what it covers.",
        parameters=[describing.REQUEST_ID, *filtering.parameters(AGREEMENT_FILTERS)],
        **describing.told(answers.AgreementList, "A page; Link names the next.", "agreements"),
    )
    def get(self, request: Request) -> HttpResponse:
        return self.listed(
            request,
            agreements_read(),
            AGREEMENT_FILTERS,
            lambda found: answers.AgreementList([answers.agreement_answer(r) for r in found]),
        )

    @extend_schema(
        operation_id="create_agreement",
        summary="Record a signed agreement",
        description="Its PDF is attached on its page. Without a scope it covers nothing.",
        **describing.stored(
            AgreementBody, answers.AgreementAnswer, "agreements", example=AGREEMENT_EXAMPLE
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        return self.create(request, AgreementBody, self._make)

    @staticmethod
    def _make(body: AgreementBody, by: User, on: dt.date) -> Made:
        row = Agreement(vendor=naming.vendor(body.vendor))
        set_members(row, body, "vendor", "covers")
        return _agreement_made(record_agreement(row, _covers(row.vendor, body.covers), by=by))


class AgreementView(RegisterView):
    subject = "vendors.agreement"
    permissions = {"GET": "vendors.view_agreement"}

    @extend_schema(
        operation_id="get_agreement",
        summary="Show a version of an agreement",
        **describing.shown(answers.AgreementAnswer, "The agreement.", "agreements"),
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        row = get_object_or_404(agreements_read(), pk=pk)
        self.read(request, "detail", 1, subject_id=str(pk))
        return self.shown(request, answers.agreement_answer(row))


class AmendmentView(RegisterView):
    subject = "vendors.agreement"
    permissions = {"POST": "vendors.add_agreement"}

    @extend_schema(
        operation_id="amend_agreement",
        summary="Record the next version of an agreement",
        description=(
            "Vendor, kind, reference and account stay; all else is as the body says, so name "
            "again what goes on. The version before holds until the day before."
        ),
        **describing.stored(AmendmentBody, answers.AgreementAnswer, "agreements", "not-found"),
    )
    def post(self, request: Request, pk: int) -> HttpResponse:
        old = get_object_or_404(Agreement.objects.select_related("vendor"), pk=pk)

        def make(body: AmendmentBody, by: User, on: dt.date) -> Made:
            row = Agreement(account=old.account)
            set_members(row, body, "covers")
            covers = _covers(old.vendor, body.covers)
            return _agreement_made(amend_agreement(old, row, covers, by=by))

        return self.create(request, AmendmentBody, make)


class TerminationView(RegisterView):
    subject = "vendors.agreement"
    permissions = {"POST": "vendors.terminate_agreement"}

    @extend_schema(
        operation_id="terminate_agreement",
        summary="End an agreement",
        description="terminated_on is the first day on which the gate stops counting on it.",
        **describing.stored(TerminationBody, answers.AgreementAnswer, "agreements", "not-found"),
    )
    def post(self, request: Request, pk: int) -> HttpResponse:
        old = get_object_or_404(Agreement.objects.select_related("vendor"), pk=pk)

        def make(body: TerminationBody, by: User, on: dt.date) -> Made:
            terminate_agreement(old, on=body.terminated_on, reason=body.reason)
            return _agreement_made(old)

        return self.create(request, TerminationBody, make)


def reports_read() -> QuerySet[AssuranceReport]:
    return AssuranceReport.objects.select_related(
        "vendor", "document", "recorded_by"
    ).prefetch_related("scopes__service", "bridges")


def _spoken(vendor: Vendor, given: list[Spoken]) -> list[ReportScope]:
    services = naming.services(vendor, (each.service for each in given), "scopes")
    return [
        ReportScope(service=services[each.service], in_scope=each.in_scope, page=each.page)
        for each in given
    ]


def _report_made(row: AssuranceReport) -> Made:
    return Made(
        answers.report_answer(reports_read().get(pk=row.pk)),
        reverse("vendors-api:report-detail", args=[row.pk]),
    )


class ReportListView(RegisterView):
    subject = "vendors.assurancereport"
    permissions = {"GET": "vendors.view_assurancereport", "POST": "vendors.add_assurancereport"}

    @extend_schema(
        operation_id="list_reports",
        summary="List assurance reports",
        description="Newest first, with the services they speak of and their bridge letters.",
        parameters=[describing.REQUEST_ID, *filtering.parameters(REPORT_FILTERS)],
        **describing.told(answers.ReportList, "A page; Link names the next one.", "reports"),
    )
    def get(self, request: Request) -> HttpResponse:
        return self.listed(
            request,
            reports_read(),
            REPORT_FILTERS,
            lambda found: answers.ReportList([answers.report_answer(row) for row in found]),
        )

    @extend_schema(
        operation_id="create_report",
        summary="Record an assurance report",
        description="It counts once a person has reviewed it on its page.",
        **describing.stored(ReportBody, answers.ReportAnswer, "reports", example=REPORT_EXAMPLE),
    )
    def post(self, request: Request) -> HttpResponse:
        return self.create(request, ReportBody, self._make)

    @staticmethod
    def _make(body: ReportBody, by: User, on: dt.date) -> Made:
        row = AssuranceReport(vendor=naming.vendor(body.vendor))
        set_members(row, body, "vendor", "scopes")
        return _report_made(record_report(row, _spoken(row.vendor, body.scopes), by=by))


class ReportView(RegisterView):
    subject = "vendors.assurancereport"
    permissions = {"GET": "vendors.view_assurancereport"}

    @extend_schema(
        operation_id="get_report",
        summary="Show an assurance report",
        **describing.shown(answers.ReportAnswer, "The report.", "reports"),
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        row = get_object_or_404(reports_read(), pk=pk)
        self.read(request, "detail", 1, subject_id=str(pk))
        return self.shown(request, answers.report_answer(row))


class CorrectionView(RegisterView):
    subject = "vendors.assurancereport"
    permissions = {"POST": "vendors.add_assurancereport"}

    @extend_schema(
        operation_id="correct_report",
        summary="Correct an assurance report",
        description="Stores a row in its place; the review starts again.",
        **describing.stored(CorrectionBody, answers.ReportAnswer, "reports", "not-found"),
    )
    def post(self, request: Request, pk: int) -> HttpResponse:
        old = get_object_or_404(AssuranceReport.objects.select_related("vendor"), pk=pk)

        def make(body: CorrectionBody, by: User, on: dt.date) -> Made:
            row = AssuranceReport()
            set_members(row, body, "scopes")
            scopes = _spoken(old.vendor, body.scopes)
            return _report_made(correct_report(old, row, scopes, by=by))

        return self.create(request, CorrectionBody, make)
