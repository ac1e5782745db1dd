"""What a vendor sees behind the link: the questions, its own answers, and our name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from vendors.forms.answering import SectionForm
from vendors.models import Inquiry
from vendors.network import peer_of
from vendors.pages.answering import answer_lines, section_lines
from vendors.services.answering import AnswersRefused, Sheet, save_answers, sheet_of, submit
from vendors.services.inquiries import note_opening
from vendors.views.links import by_link, closed, may_upload


def answer_page(
    request: HttpRequest, name: str, inquiry: Inquiry, token: str, **context: Any
) -> HttpResponse:
    """A page of the vendor's, with what all of them show."""
    return render(
        request,
        f"vendors/answer_{name}.html",
        {"inquiry": inquiry, "token": token, "contact": inquiry.sent_by, **context},
    )


def shut_page(request: HttpRequest, inquiry: Inquiry, token: str) -> HttpResponse | None:
    """The page of a link that lets nobody answer; None where it does."""
    if closed(inquiry):
        organization = {"organization": settings.ORGANIZATION_NAME}
        return render(request, "vendors/answer_closed.html", organization, status=410)
    if not inquiry.open_to_vendor(timezone.now()):
        lines = answer_lines(sheet_of(inquiry))
        return answer_page(request, "thanks", inquiry, token, sections=lines)
    return None


@by_link
@require_safe
def answer_form(request: HttpRequest, inquiry: Inquiry, token: str) -> HttpResponseBase:
    """The sections with what is done of each; after the submission what was answered."""
    if request.method == "GET" and not request.user.is_authenticated and not closed(inquiry):
        note_opening(inquiry, peer=peer_of(request.META), at=timezone.now())
    if (shut := shut_page(request, inquiry, token)) is not None:
        return shut
    sheet = sheet_of(inquiry)
    context = {"sections": section_lines(sheet), "again": sheet.submitted > 0}
    return answer_page(request, "form", inquiry, token, **context)


@by_link
@require_http_methods(["GET", "HEAD", "POST"])
def answer_section(
    request: HttpRequest, inquiry: Inquiry, token: str, number: int
) -> HttpResponseBase:
    """The questions of a section; each save is a draft and shows what the answers call for."""
    if (shut := shut_page(request, inquiry, token)) is not None:
        return shut
    sheet = sheet_of(inquiry)
    sections = section_lines(sheet)
    chosen = next((line for line in sections if line.number == number), None)
    if chosen is None:
        raise Http404
    form = SectionForm(
        request.POST or None, request.FILES or None, sheet=sheet, questions=chosen.questions
    )
    if request.method == "POST" and not may_upload(inquiry, request):
        form.add_error(None, "Too many files in a minute. Wait, then send the others.")
    elif request.method == "POST" and form.is_valid() and _kept(inquiry, form):
        return _after(request, inquiry, token, number)
    context = {"section": chosen, "sections": section_lines(sheet), "form": form}
    return answer_page(request, "section", inquiry, token, **context)


def _kept(inquiry: Inquiry, form: SectionForm) -> bool:
    try:
        save_answers(inquiry, form.given(), at=timezone.now())
    except AnswersRefused as refused:
        form.refuse(refused.problems)
    except ValidationError as refused:
        form.add_error(None, refused.messages)
    else:
        return True
    return False


def _after(request: HttpRequest, inquiry: Inquiry, token: str, number: int) -> HttpResponseBase:
    """The same page again where branches were tried or it was only saved, else the next one."""
    if "next" not in request.POST:
        if "save" in request.POST:
            messages.success(request, "Saved. You can come back by the same link.")
        return redirect("vendors:answer-section", token, number)
    later = [line for line in section_lines(sheet_of(inquiry)) if line.number > number]
    if later:
        return redirect("vendors:answer-section", token, later[0].number)
    return redirect("vendors:answer-submit", token)


@by_link
@require_http_methods(["GET", "HEAD", "POST"])
def answer_submit(request: HttpRequest, inquiry: Inquiry, token: str) -> HttpResponseBase:
    """All answers on one page with what is missing; then they are handed over."""
    if (shut := shut_page(request, inquiry, token)) is not None:
        return shut
    refused: list[str] = []
    if request.method == "POST":
        try:
            submit(inquiry, at=timezone.now())
        except ValidationError as error:
            refused = error.messages
        else:
            return redirect("vendors:answer-form", token)
    sheet: Sheet = sheet_of(inquiry)
    context = {
        "sections": answer_lines(sheet),
        "missing": bool(sheet.missing()),
        "refused": refused,
    }
    return answer_page(request, "submit", inquiry, token, **context)
