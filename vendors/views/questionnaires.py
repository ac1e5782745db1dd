"""Sets of questions: drafts, their questions, versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from vendors import as_of
from vendors.exports import Cell, table_response
from vendors.forms.questionnaires import QuestionForm, QuestionnaireForm, free_slug
from vendors.forms.refusals import show_refusal
from vendors.models import Question, Questionnaire
from vendors.services.questionnaires import (
    discard_draft,
    draft_questionnaire,
    problems,
    publish_questionnaire,
    remove_question,
    retire_questionnaire,
    revise_questionnaire,
    save_question,
)
from vendors.services.saving import save_checked

STATE_KINDS = {"draft": "info", "published": "ok", "retired": "neutral"}
EXPORT_HEADERS = (
    "Set",
    "Version",
    "State",
    "From",
    "Name of the source",
    "Questions",
    "Sent",
    "Published",
)


@require_safe
@permission_required("vendors.view_questionnaire", raise_exception=True)
def questionnaire_list(request: HttpRequest) -> HttpResponse:
    """Every version of every set of questions."""
    lines = [(row, STATE_KINDS[row.state]) for row in _versions()]
    return render(request, "vendors/questionnaire_list.html", {"lines": lines})


def _versions() -> QuerySet[Any]:
    return Questionnaire.objects.annotate(
        question_count=Count("questions", distinct=True),
        inquiry_count=Count("inquiries", distinct=True),
    )


@require_safe
@permission_required("vendors.view_questionnaire", raise_exception=True)
def questionnaire_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The versions of the list as a file."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    name = f"questionnaires-{as_of.reading_day().isoformat()}"
    return table_response(kind, name, EXPORT_HEADERS, _export_rows())


def _export_rows() -> Iterator[list[Cell]]:
    for row in _versions():
        yield [
            row.title,
            row.version,
            row.get_state_display(),
            row.get_source_display(),
            row.source_name,
            row.question_count,
            row.inquiry_count,
            row.published_on,
        ]


@require_safe
@permission_required("vendors.view_questionnaire", raise_exception=True)
def questionnaire_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The questions of a version, by section; of a draft also what keeps it from being sent."""
    questionnaire = get_object_or_404(Questionnaire.objects.select_related("created_by"), pk=pk)
    questions = list(questionnaire.questions.all())
    sections: dict[str, list[Question]] = {}
    for question in questions:
        sections.setdefault(question.section, []).append(question)
    is_draft = questionnaire.state == Questionnaire.State.DRAFT
    context = {
        "questionnaire": questionnaire,
        "kind": STATE_KINDS[questionnaire.state],
        "sections": sections.items(),
        "count": len(questions),
        "editable": is_draft and request.user.has_perm("vendors.change_questionnaire"),
        "problems": problems(questions) if is_draft else [],
    }
    return render(request, "vendors/questionnaire_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_questionnaire", raise_exception=True)
def questionnaire_create(request: HttpRequest) -> HttpResponse:
    """An empty draft."""
    assert request.user.is_authenticated
    today = timezone.localdate()
    form = QuestionnaireForm(request.POST or None, instance=Questionnaire(created_on=today))
    if request.method == "POST" and form.is_valid():
        made = form.instance
        made.slug = free_slug(made.title)
        try:
            draft_questionnaire(made, [], by=request.user, on=today)
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            return redirect("vendors:questionnaire-detail", made.pk)
    return _form(request, form, None, "Write a questionnaire")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_questionnaire", raise_exception=True)
def questionnaire_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Title and introduction of a draft."""
    questionnaire = get_object_or_404(Questionnaire, pk=pk)
    form = QuestionnaireForm(request.POST or None, instance=questionnaire)
    if request.method == "POST" and form.is_valid():
        if questionnaire.state != Questionnaire.State.DRAFT:
            form.add_error(None, "This version is published. Make a new version to change it.")
        else:
            save_checked(form.instance)
            return redirect("vendors:questionnaire-detail", pk)
    return _form(request, form, questionnaire, "Edit the draft")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_questionnaire", raise_exception=True)
def question_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a question at the end of a draft."""
    questionnaire = get_object_or_404(Questionnaire, pk=pk)
    last = questionnaire.questions.last()
    question = Question(questionnaire=questionnaire, section=last.section if last else "")
    return _question(request, question, "Add a question")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_questionnaire", raise_exception=True)
def question_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a question of a draft."""
    question = get_object_or_404(Question.objects.select_related("questionnaire"), pk=pk)
    return _question(request, question, "Edit a question")


def _question(request: HttpRequest, question: Question, title: str) -> HttpResponse:
    questionnaire = question.questionnaire
    others = list(questionnaire.questions.exclude(pk=question.pk))
    form = QuestionForm(request.POST or None, instance=question, others=others)
    if request.method == "POST" and form.is_valid():
        try:
            save_question(form.instance)
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The question is saved.")
            return redirect("vendors:questionnaire-detail", questionnaire.pk)
    return _form(request, form, questionnaire, title)


def _form(
    request: HttpRequest,
    form: QuestionForm | QuestionnaireForm,
    questionnaire: Questionnaire | None,
    title: str,
) -> HttpResponse:
    stored = Questionnaire.objects.get(pk=questionnaire.pk) if questionnaire else None
    context = {"form": form, "title": title, "questionnaire": stored, "submit": "Save"}
    return render(request, "vendors/vendor_form.html", context)


@require_POST
@permission_required("vendors.change_questionnaire", raise_exception=True)
def question_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a question out of a draft."""
    question = get_object_or_404(Question.objects.select_related("questionnaire"), pk=pk)
    back = question.questionnaire_id
    return _step(request, lambda: remove_question(question), "The question is gone.", back)


@require_POST
@permission_required("vendors.change_questionnaire", raise_exception=True)
def questionnaire_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Freeze a draft, so that it can be sent."""
    row = get_object_or_404(Questionnaire, pk=pk)
    today = timezone.localdate()
    said = "Published: it can be sent, and never changes."
    return _step(request, lambda: publish_questionnaire(row, on=today), said, pk)


@require_POST
@permission_required("vendors.change_questionnaire", raise_exception=True)
def questionnaire_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Send this version no more."""
    row = get_object_or_404(Questionnaire, pk=pk)
    return _step(request, lambda: retire_questionnaire(row), "It is not offered any more.", pk)


@require_POST
@permission_required("vendors.add_questionnaire", raise_exception=True)
def questionnaire_revise(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft of the next version."""
    assert request.user.is_authenticated
    row = get_object_or_404(Questionnaire, pk=pk)
    try:
        made = revise_questionnaire(row, by=request.user, on=timezone.localdate())
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect("vendors:questionnaire-detail", pk)
    return redirect("vendors:questionnaire-detail", made.pk)


@require_POST
@permission_required("vendors.change_questionnaire", raise_exception=True)
def questionnaire_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Drop a draft."""
    row = get_object_or_404(Questionnaire, pk=pk)
    return _step(request, lambda: discard_draft(row), "The draft is gone.", None, pk)


def _step(
    request: HttpRequest,
    step: Callable[[], object],
    said: str,
    then: int | None,
    back: int | None = None,
) -> HttpResponse:
    """Take a step, say what became of it, and go to `then`, or to the list without it."""
    try:
        step()
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect("vendors:questionnaire-detail", then or back)
    messages.success(request, said)
    if then is None:
        return redirect("vendors:questionnaire-list")
    return redirect("vendors:questionnaire-detail", then)
