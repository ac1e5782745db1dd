"""Assurance reports: recorded, read, reviewed, corrected, bridged."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from vendors import as_of
from vendors.forms.papers import BridgeForm, ReportForm, ReportReviewForm
from vendors.forms.refusals import show_refusal
from vendors.models import AssuranceReport, BridgeLetter, Vendor
from vendors.pages.report import report_page
from vendors.services.documents import storing
from vendors.services.reports import add_bridge, correct_report, record_report, review_report
from vendors.uploads import UploadRefused


@require_safe
@permission_required("vendors.view_assurancereport", raise_exception=True)
def report_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A report with all its lines, our review, and what differs from the one before."""
    report = get_object_or_404(
        AssuranceReport.objects.select_related(
            "vendor", "document", "recorded_by", "reviewed_by", "replaces", "replaced_by"
        ),
        pk=pk,
    )
    context = report_page(report, as_of.reading_day())
    return render(request, "vendors/report_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_assurancereport", raise_exception=True)
def report_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Record a report with its PDF and the services it speaks of."""
    vendor = get_object_or_404(Vendor, slug=slug)
    form = ReportForm(
        request.POST or None,
        request.FILES or None,
        instance=AssuranceReport(vendor=vendor),
        vendor=vendor,
    )
    return _edit(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_assurancereport", raise_exception=True)
def report_correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Record a row that takes the place of one with a mistake in it."""
    old = get_object_or_404(AssuranceReport.objects.select_related("vendor"), pk=pk)
    form = ReportForm(request.POST or None, request.FILES or None, instance=old, vendor=old.vendor)
    return _edit(request, form, old.pk)


def _edit(request: HttpRequest, form: ReportForm, old_pk: int | None) -> HttpResponse:
    vendor = form.instance.vendor
    if request.method == "POST" and form.is_valid():
        stored = _store(request, form, old_pk)
        if stored is not None:
            messages.success(request, "The report is recorded. It counts once it is reviewed.")
            return redirect("vendors:report-detail", stored.pk)
    context = {"form": form, "vendor": vendor, "old": old_pk}
    return render(request, "vendors/report_form.html", context)


def _store(request: HttpRequest, form: ReportForm, old_pk: int | None) -> AssuranceReport | None:
    """The stored report; None where it was refused, and then the form says why."""
    assert request.user.is_authenticated
    values = {name: form.cleaned_data[name] for name in ReportForm.Meta.fields}
    report = AssuranceReport(**values)
    try:
        with storing(form.cleaned_data["document"], by=request.user) as document:
            report.document = document
            if old_pk is None:
                return record_report(report, form.scopes(), by=request.user)
            old = AssuranceReport.objects.get(pk=old_pk)
            report.document = document or old.document
            return correct_report(old, report, form.scopes(), by=request.user)
    except UploadRefused as refused:
        form.add_error("document", refused.message)
    except ValidationError as refused:
        show_refusal(form, refused)
    return None


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.review_assurancereport", raise_exception=True)
def report_review(request: HttpRequest, pk: int) -> HttpResponse:
    """Say whether we rely on a report."""
    report = get_object_or_404(AssuranceReport.objects.select_related("vendor"), pk=pk)
    said = "" if report.review == AssuranceReport.Review.PENDING else report.review
    initial = {
        "review": said,
        "review_note": report.review_note,
        "type2_due_on": report.type2_due_on,
    }
    form = ReportReviewForm(request.POST or None, report=report, initial=initial)
    if request.method == "POST" and form.is_valid():
        assert request.user.is_authenticated
        try:
            review_report(
                report,
                form.cleaned_data["review"],
                by=request.user,
                on=timezone.localdate(),
                note=form.cleaned_data["review_note"],
                type2_due_on=form.cleaned_data.get("type2_due_on"),
            )
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The review is recorded.")
            return redirect("vendors:report-detail", pk)
    context = {
        "form": form,
        "title": f"Review {report}",
        "vendor": report.vendor,
        "report": report,
        "submit": "Record the review",
        "lede": "Read the opinion, the exceptions and whether our services are in scope.",
    }
    return render(request, "vendors/vendor_form.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_bridgeletter", raise_exception=True)
def bridge_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Attach a bridge letter to a report."""
    report = get_object_or_404(AssuranceReport.objects.select_related("vendor"), pk=pk)
    form = BridgeForm(
        request.POST or None,
        request.FILES or None,
        instance=BridgeLetter(report=report),
        initial={"report": report},
    )
    if request.method == "POST" and form.is_valid():
        assert request.user.is_authenticated
        try:
            with storing(form.cleaned_data["document"], by=request.user) as document:
                form.instance.document = document
                add_bridge(form.instance, by=request.user)
        except UploadRefused as refused:
            form.add_error("document", refused.message)
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The bridge letter is recorded.")
            return redirect("vendors:report-detail", pk)
    context = {
        "form": form,
        "title": f"Bridge letter for {report}",
        "vendor": report.vendor,
        "report": report,
        "submit": "Record the letter",
        "lede": "The vendor's management speaks for the days after the period, never the auditor.",
    }
    return render(request, "vendors/vendor_form.html", context)
