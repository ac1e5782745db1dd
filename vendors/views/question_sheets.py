"""The wizard that makes a draft of a customer's own sheet: upload, columns, draft."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from vendors.forms.question_sheets import ColumnsForm, SheetForm
from vendors.forms.questionnaires import free_slug
from vendors.forms.refusals import show_refusal
from vendors.models import Questionnaire, QuestionSheet
from vendors.services.question_sheets import draft_from_sheet, store_sheet
from vendors.sheets import TableRefused

SHOWN = 12


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_questionnaire", raise_exception=True)
def questionnaire_import(request: HttpRequest) -> HttpResponse:
    """Upload a sheet of questions."""
    assert request.user.is_authenticated
    form = SheetForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            stored = store_sheet(file.name, file.read(), by=request.user, at=timezone.now())
        except TableRefused as refused:
            form.add_error("file", refused.message)
        else:
            return redirect("vendors:questionsheet-columns", stored.pk)
    context = {
        "form": form,
        "title": "Import a sheet of questions",
        "submit": "Read it",
        "lede": "Your own SIG, CAIQ or list. It becomes a draft that you check before it is sent.",
    }
    return render(request, "vendors/vendor_form.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_questionnaire", raise_exception=True)
def questionsheet_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Say which columns hold what, look at the first questions, make the draft."""
    assert request.user.is_authenticated
    stored = get_object_or_404(QuestionSheet.objects.filter(uploaded_by=request.user), pk=pk)
    sheet = request.POST.get("sheet") or request.GET.get("sheet") or ""
    form = ColumnsForm(request.POST or None, stored=stored, sheet=sheet)
    drafted = form.drafted()
    if request.method == "POST" and form.is_valid() and "make" in request.POST:
        title = form.cleaned_data["title"]
        fresh = Questionnaire(slug=free_slug(title), title=title)
        try:
            made = draft_from_sheet(
                stored, fresh, drafted, by=request.user, on=timezone.localdate()
            )
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"A draft with {made.questions.count()} questions.")
            return redirect("vendors:questionnaire-detail", made.pk)
    context = {
        "form": form,
        "stored": stored,
        "drafted": drafted,
        "first": drafted.questions[:SHOWN],
    }
    return render(request, "vendors/questionsheet_columns.html", context)
