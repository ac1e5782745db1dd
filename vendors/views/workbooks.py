"""The offline round trip: a workbook goes out, comes back, and is compared before it is kept."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AbstractBaseUser
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from vendors.exports import XLSX_TYPE
from vendors.forms.answering import WorkbookForm
from vendors.models import Inquiry
from vendors.pages.answering import value_text
from vendors.services.answering import (
    AnswersRefused,
    Given,
    Sheet,
    as_submitted,
    save_answers,
    sheet_of,
    submit,
)
from vendors.services.workbooks import (
    Comparison,
    WorkbookRefused,
    compare_workbook,
    decided,
    questionnaire_workbook,
)
from vendors.views.answering import answer_page, shut_page
from vendors.views.links import by_link, may_upload

# How long what was compared may wait to be kept.
WAIT_SECONDS = 3600


def _download(sheet: Sheet) -> HttpResponse:
    response = HttpResponse(questionnaire_workbook(sheet), content_type=XLSX_TYPE)
    response["Content-Disposition"] = 'attachment; filename="questionnaire.xlsx"'
    response["Cache-Control"] = "no-store, private"
    return response


def _salt(inquiry: Inquiry) -> str:
    return f"vendors.workbook.{inquiry.public_id}"


def _compare(inquiry: Inquiry, form: WorkbookForm) -> dict[str, Any]:
    """What the page shows of an uploaded workbook: the differences, or why it is not read."""
    sheet = sheet_of(inquiry)
    try:
        found = compare_workbook(sheet, form.cleaned_data["workbook"])
    except WorkbookRefused as refused:
        form.add_error("workbook", str(refused))
        return {}
    return {"found": found, "lines": _lines(found), "decision": _decision(sheet, found)}


def _lines(found: Comparison) -> list[tuple[Any, str, str]]:
    return [
        (each, value_text(each.question, each.old), value_text(each.question, each.new))
        for each in found.changes
    ]


def _decision(sheet: Sheet, found: Comparison) -> str:
    """The differences, signed, so that they can be kept without the file; empty with errors."""
    if found.errors or not found.changes:
        return ""
    said = {code: [each.value, each.comment] for code, each in decided(found).items()}
    return signing.dumps(said, salt=_salt(sheet.inquiry), compress=True)


def _keep(request: HttpRequest, inquiry: Inquiry, by: AbstractBaseUser | None) -> bool:
    """Keep what was compared and confirmed. Returns: whether it was."""
    try:
        said = signing.loads(
            request.POST.get("decision", ""), salt=_salt(inquiry), max_age=WAIT_SECONDS
        )
        given = {code: Given(value, comment) for code, (value, comment) in said.items()}
        save_answers(inquiry, given, at=timezone.now(), by=by)
    except (signing.BadSignature, AnswersRefused, ValidationError):
        messages.error(request, "Nothing was kept: upload the workbook again.")
        return False
    messages.success(request, f"{len(given)} answers kept.")
    return True


@by_link
@require_http_methods(["GET", "HEAD", "POST"])
def answer_workbook(request: HttpRequest, inquiry: Inquiry, token: str) -> HttpResponseBase:
    """The vendor takes the questions out as a workbook, or brings it back."""
    if (shut := shut_page(request, inquiry, token)) is not None:
        return shut
    if request.method != "POST" and "download" in request.GET:
        return _download(sheet_of(inquiry))
    form = WorkbookForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {}
    if request.method == "POST" and "decision" in request.POST:
        if _keep(request, inquiry, None):
            return redirect("vendors:answer-submit", token)
        form = WorkbookForm()
    elif request.method == "POST" and may_upload(inquiry, request) and form.is_valid():
        context = _compare(inquiry, form)
    back = reverse("vendors:answer-workbook", args=[token])
    return answer_page(request, "workbook", inquiry, token, form=form, action=back, **context)


@require_safe
@permission_required("vendors.view_answer", raise_exception=True)
def inquiry_workbook(request: HttpRequest, pk: int) -> HttpResponse:
    """The questions with the answers as they were submitted, as a workbook."""
    inquiry = get_object_or_404(Inquiry.objects.select_related("questionnaire"), pk=pk)
    return _download(as_submitted(sheet_of(inquiry)))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_inquiry", raise_exception=True)
def inquiry_answers(request: HttpRequest, pk: int) -> HttpResponse:
    """An officer brings back a workbook that the vendor answered offline, and may submit it."""
    assert request.user.is_authenticated
    rows = Inquiry.objects.select_related("questionnaire", "vendor", "service")
    inquiry = get_object_or_404(rows, pk=pk)
    form = WorkbookForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {}
    if not inquiry.open_to_vendor(timezone.now()):
        messages.error(request, "This questionnaire is not open to the vendor.")
        return redirect("vendors:inquiry-detail", pk)
    if request.method == "POST" and "decision" in request.POST:
        if _keep(request, inquiry, request.user):
            return _submitted(request, inquiry, request.user)
        form = WorkbookForm()
    elif request.method == "POST" and form.is_valid():
        context = _compare(inquiry, form)
    context |= {"inquiry": inquiry, "vendor": inquiry.vendor, "form": form, "ours": True}
    context["action"] = reverse("vendors:inquiry-answers", args=[pk])
    return render(request, "vendors/inquiry_workbook.html", context)


def _submitted(request: HttpRequest, inquiry: Inquiry, by: AbstractBaseUser) -> HttpResponse:
    """Submit in the vendor's name where that was asked for and nothing is missing."""
    if "submit" in request.POST:
        try:
            submit(inquiry, at=timezone.now(), by=by)
        except ValidationError as refused:
            messages.warning(request, " ".join(refused.messages))
    return redirect("vendors:inquiry-detail", inquiry.pk)
