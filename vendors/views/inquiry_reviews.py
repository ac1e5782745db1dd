"""The review of a vendor's answers: verdicts, asking again, facts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from vendors import as_of
from vendors.forms.inquiries import AnswerReviewForm, FactsForm, SendBackForm
from vendors.forms.refusals import show_refusal
from vendors.models import Answer, Inquiry
from vendors.pages.answering import answer_lines, section_lines
from vendors.pages.inquiries import REVIEW_KINDS, inquiry_lines
from vendors.services.answering import as_submitted, sheet_of
from vendors.services.inquiry_reviews import (
    UNDER_REVIEW,
    accept_rest,
    counts,
    fact_changes,
    finish_review,
    record_facts,
    review_answer,
    send_back,
    shown_answers,
)
from vendors.views.inquiries import deliver

ROWS = Inquiry.objects.select_related(
    "questionnaire", "vendor", "service", "sent_by", "reviewed_by"
)


@require_safe
@permission_required("vendors.view_answer", raise_exception=True)
def inquiry_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """An inquiry with its progress, its answers and what was made of them."""
    inquiry = get_object_or_404(ROWS, pk=pk)
    sheet = sheet_of(inquiry)
    progress = section_lines(sheet)
    # What a vendor has not submitted is its own.
    sheet = as_submitted(sheet)
    answers = shown_answers(sheet)
    under_review = inquiry.state in UNDER_REVIEW
    changes = fact_changes(inquiry, as_of.reading_day()) if sheet.submitted else []
    context: dict[str, Any] = {
        "inquiry": inquiry,
        "vendor": inquiry.vendor,
        "line": inquiry_lines([inquiry], as_of.reading_moment())[0],
        "progress": progress,
        "sections": answer_lines(sheet) if sheet.submitted else [],
        "under_review": under_review,
        "can_review": under_review and request.user.has_perm("vendors.review_inquiry"),
        "counts": counts(answers),
        "kinds": REVIEW_KINDS,
        "changes": len(changes),
        "submissions": inquiry.submissions.all(),
        "openings": inquiry.openings.all()[:20],
        "openings_count": inquiry.openings.count(),
        "facts": _facts_of(inquiry),
        "with_vendor": inquiry.state in (Inquiry.State.SENT, Inquiry.State.OPENED),
    }
    return render(request, "vendors/inquiry_detail.html", context)


def _facts_of(inquiry: Inquiry) -> list[Any]:
    answers = Answer.objects.filter(inquiry=inquiry, facts__isnull=False).distinct()
    rows = answers.prefetch_related("facts__fact__service").order_by("question__position")
    return [made.fact for answer in rows for made in answer.facts.all()]


@require_POST
@permission_required("vendors.review_inquiry", raise_exception=True)
def answer_review(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept or reject one answer, or ask again."""
    assert request.user.is_authenticated
    answer = get_object_or_404(Answer.objects.select_related("inquiry", "question"), pk=pk)
    form = AnswerReviewForm(request.POST)
    back = reverse("vendors:inquiry-detail", args=[answer.inquiry_id]) + f"#answer-{pk}"
    if not form.is_valid():
        messages.error(request, "Choose a verdict; a note has at most 500 characters.")
        return redirect(back)
    try:
        review_answer(
            answer,
            form.cleaned_data["review"],
            note=form.cleaned_data["note"],
            by=request.user,
            on=timezone.localdate(),
        )
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    return redirect(back)


@require_POST
@permission_required("vendors.review_inquiry", raise_exception=True)
def inquiry_accept_rest(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept every answer that was not reviewed one by one."""
    assert request.user.is_authenticated
    inquiry = get_object_or_404(Inquiry, pk=pk)
    try:
        number = accept_rest(inquiry, by=request.user, on=timezone.localdate())
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, f"{number} answers accepted.")
    return redirect("vendors:inquiry-detail", pk)


@require_POST
@permission_required("vendors.review_inquiry", raise_exception=True)
def inquiry_finish(request: HttpRequest, pk: int) -> HttpResponse:
    """Close the review."""
    assert request.user.is_authenticated
    inquiry = get_object_or_404(Inquiry, pk=pk)
    try:
        finish_review(inquiry, by=request.user, on=timezone.localdate())
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, "The review is closed.")
    return redirect("vendors:inquiry-detail", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.review_inquiry", raise_exception=True)
@never_cache
def inquiry_return(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the answers that are asked again to the vendor."""
    inquiry = get_object_or_404(ROWS, pk=pk)
    form = SendBackForm(request.POST or None, today=timezone.localdate())
    if request.method == "POST" and form.is_valid():
        try:
            inquiry = send_back(inquiry, at=timezone.now(), expires_at=form.expires_at())
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            return deliver(request, inquiry, form.cleaned_data["delivery"])
    context = {
        "form": form,
        "title": "Ask again",
        "vendor": inquiry.vendor,
        "inquiry": inquiry,
        "submit": "Ask again",
        "lede": "The vendor sees your notes beside the marked questions; other answers stay shut.",
    }
    return render(request, "vendors/vendor_form.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_fact", raise_exception=True)
def inquiry_facts(request: HttpRequest, pk: int) -> HttpResponse:
    """What accepted answers would change in the register; recorded once it is confirmed."""
    assert request.user.is_authenticated
    inquiry = get_object_or_404(ROWS, pk=pk)
    today = timezone.localdate()
    form = FactsForm(request.POST or None, changes=fact_changes(inquiry, today))
    if request.method == "POST" and form.is_valid():
        try:
            made = record_facts(inquiry, form.confirmed(), by=request.user, on=today)
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"{len(made)} facts recorded.")
            return redirect("vendors:inquiry-detail", pk)
    context = {"form": form, "inquiry": inquiry, "vendor": inquiry.vendor}
    return render(request, "vendors/inquiry_facts.html", context)
