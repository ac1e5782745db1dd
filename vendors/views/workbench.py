"""The workbench: a vendor's report is read beside the form, section by section."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from vendors.forms.review_parts import Filled, as_posted_of, fill, report_of, wrong_sections
from vendors.forms.sections import SECTIONS, row_count
from vendors.forms.workbench import BeginForm
from vendors.models import AssuranceReport, Document, DocumentReading, ReportDraft, Vendor
from vendors.numbers import whole
from vendors.pages.proposals import Offer
from vendors.pages.workbench import next_section, section_page
from vendors.services import report_reviews as reviews
from vendors.services.documents import storing
from vendors.services.readings import ask_reading
from vendors.tasks import read_document
from vendors.uploads import UploadRefused

# Whoever reviews a report records it, too.
PERMISSIONS = ("vendors.add_assurancereport", "vendors.review_assurancereport")
LAST = "verdict"


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(PERMISSIONS, raise_exception=True)
def reportdraft_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin the review of a new report with its PDF, which is read in the background."""
    vendor = get_object_or_404(Vendor, slug=slug)
    form = BeginForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            with storing(form.cleaned_data["document"], by=_person(request)) as document:
                draft = reviews.begin_draft(vendor, document=document, by=_person(request))
                _ask(document)
        except UploadRefused as refused:
            form.add_error("document", refused.message)
        else:
            return redirect("vendors:reportdraft-section", draft.pk, "report")
    drafts = vendor.report_drafts.open().select_related("changed_by", "replaces")
    context = {"form": form, "vendor": vendor, "drafts": drafts}
    return render(request, "vendors/reportdraft_form.html", context)


@require_POST
@permission_required(PERMISSIONS, raise_exception=True)
def report_workbench(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a recorded report to the workbench; what is recorded then takes its place."""
    report = get_object_or_404(AssuranceReport.objects.select_related("vendor", "document"), pk=pk)
    try:
        draft = reviews.open_draft(report, by=_person(request))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect("vendors:report-detail", pk)
    _ask(draft.document)
    if draft.changed_by_id != request.user.pk:
        messages.info(request, f"{draft.changed_by} has begun this review. You go on with it.")
    return redirect("vendors:reportdraft-section", draft.pk, "report")


@require_POST
@permission_required(PERMISSIONS, raise_exception=True)
def reportdraft_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a review away; what was recorded before stays as it is."""
    draft = get_object_or_404(ReportDraft.objects.select_related("vendor"), pk=pk)
    try:
        reviews.discard_draft(draft)
    except reviews.Finished as finished:
        return _finished_already(request, finished.report)
    messages.success(request, "The review is thrown away.")
    url = reverse("vendors:vendor-detail", args=[draft.vendor.slug])
    return redirect(f"{url}?tab=reports")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(PERMISSIONS, raise_exception=True)
def reportdraft_section(request: HttpRequest, pk: int, section: str) -> HttpResponse:
    """One section: shown, added to, stored; the last one records the report."""
    if section not in SECTIONS:
        raise Http404
    draft = get_object_or_404(
        ReportDraft.objects.select_related("vendor", "document", "finished_as", "changed_by"), pk=pk
    )
    if draft.finished_as is not None:
        return _finished_already(request, draft.finished_as)
    if request.method != "POST":
        return _show(request, draft, section, fill(section, draft), None)
    posted = request.POST.copy()
    try:
        refused = _take_uploads(request, draft, posted)
        return _answer(request, draft, section, posted, refused)
    except reviews.Finished as finished:
        return _finished_already(request, finished.report)


def _answer(
    request: HttpRequest, draft: ReportDraft, section: str, posted: QueryDict, refused: str
) -> HttpResponse:
    """Do what the pressed button asks for."""
    if not refused and posted.get("action") in ("save", "finish"):
        return _save(request, draft, section, posted)
    _change(draft, section, posted)
    filled = fill(section, draft, posted)
    filled.hush()
    if refused:
        filled.section.add_error(None, refused)
    return _show(request, draft, section, filled, posted)


def _change(draft: ReportDraft, section: str, posted: QueryDict) -> None:
    """What is not saving: take proposals over, set them aside, add a row, read again."""
    chosen = [*posted.getlist("use"), *(posted.getlist("chosen") if "use-chosen" in posted else [])]
    if chosen:
        offered = section_page(draft, section, posted, page=1)["offers"]
        for offer in offered:
            if offer.key in chosen and not (offer.used and offer.row):
                _take_over(posted, offer)
                posted["page"] = str(offer.page or posted.get("at") or 1)
    for name, aside in (("aside", True), ("back", False)):
        if key := posted.get(name):
            draft.answers = reviews.set_aside(draft, key, aside=aside).answers
    if posted.get("action") == "add":
        posted["form-TOTAL_FORMS"] = str(row_count(posted) + 1)
    if posted.get("action") == "read" and draft.document is not None:
        _ask(draft.document, again=True)


def _save(
    request: HttpRequest, draft: ReportDraft, section: str, posted: QueryDict
) -> HttpResponse:
    filled = fill(section, draft, posted)
    if not filled.is_valid():
        return _show(request, draft, section, filled, posted)
    by, at = _person(request), timezone.now()
    seen = whole(posted.get("seen"), draft.revision, digits=7)
    try:
        stored = reviews.keep_section(
            draft,
            section,
            filled.stored(),
            revision=whole(posted.get("revision"), 0, digits=7),
            by=by,
            at=at,
        )
    except reviews.Stale as stale:
        filled.section.add_error(None, _stale_words(stale))
        draft.refresh_from_db()
        return _show(request, draft, section, filled, posted)
    if posted.get("action") == "finish":
        stored.revision = seen + 1
        return _finish(request, stored, filled, posted)
    messages.success(request, f"Saved: {SECTIONS[section].title}.")
    page = whole(posted.get("at"), 1, digits=7)
    target = reverse("vendors:reportdraft-section", args=[draft.pk, next_section(section)])
    return redirect(f"{target}?page={page}")


def _stale_words(stale: reviews.Stale) -> str:
    when = timezone.localtime(dt.datetime.fromisoformat(stale.at))
    return (
        f"{stale.by} stored this at {when:%H:%M} while you were writing. What you wrote is below "
        "and not stored. Open the review in another window to compare; save again to keep yours."
    )


def _finish(
    request: HttpRequest, draft: ReportDraft, filled: Filled, posted: QueryDict
) -> HttpResponse:
    wrong = wrong_sections(draft)
    if wrong:
        names = ", ".join(SECTIONS[slug].title for slug in wrong)
        filled.section.add_error(None, f"Not complete yet: {names}. Open each and save it.")
        return _show(request, draft, LAST, filled, posted)
    report, parts, verdict = report_of(draft)
    try:
        finished = reviews.finish_review(
            draft, report, parts, verdict, by=_person(request), on=timezone.localdate()
        )
    except ValidationError as refused:
        for text in refused.messages:
            filled.section.add_error(None, text)
        return _show(request, draft, LAST, filled, posted)
    except reviews.Stale as stale:
        draft.refresh_from_db()
        filled.section.add_error(
            None, f"{stale.by} has changed the review since you opened this page. Look again first."
        )
        return _show(request, draft, LAST, filled, posted)
    messages.success(request, "The report and its review are recorded.")
    return redirect("vendors:report-detail", finished.pk)


def _show(
    request: HttpRequest,
    draft: ReportDraft,
    section: str,
    filled: Filled,
    posted: QueryDict | None,
) -> HttpResponse:
    said = request.GET if posted is None else posted
    page = whole(said.get("page") or said.get("at"), 1, digits=7)
    current: Any = as_posted_of(draft, section) if posted is None else posted
    words = str(said.get("find") or "")[:80]
    context = section_page(draft, section, current, page=page, words=words)
    context |= {"form": filled.section, "rows": filled.rows, "seen": draft.revision}
    return render(request, "vendors/reportdraft_section.html", context)


def _take_uploads(request: HttpRequest, draft: ReportDraft, posted: QueryDict) -> str:
    """Keep every PDF that came along at once: a file field cannot be shown filled again.

    Returns: why one was refused; empty if none was.
    """
    for name in request.FILES:
        uploaded: Any = request.FILES[name]
        try:
            with storing(uploaded, by=_person(request)) as document:
                assert document is not None
                _attach(draft, name, document, posted, _person(request))
        except UploadRefused as refused:
            return refused.message
    return ""


def _attach(draft: ReportDraft, name: str, document: Document, posted: QueryDict, by: Any) -> None:
    if name == "document":
        draft.document = reviews.attach_document(draft, document, by=by).document
        _ask(document)
    elif name.startswith("form-") and name.endswith("-document"):
        draft.answers = reviews.note_attachment(draft, document).answers
        posted[f"{name}_id"] = str(document.pk)


def _ask(document: Document | None, *, again: bool = False) -> None:
    if document is None:
        return
    reading = ask_reading(document, at=timezone.now(), again=again)
    if reading.state == DocumentReading.State.WAITING:
        read_document.delay_on_commit(reading.pk)


def _finished_already(request: HttpRequest, report: AssuranceReport) -> HttpResponse:
    who = report.reviewed_by or report.recorded_by
    messages.warning(request, f"{who} has finished this review. This is what was recorded.")
    return redirect("vendors:report-detail", report.pk)


def _person(request: HttpRequest) -> Any:
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    return request.user


def _take_over(posted: QueryDict, offer: Offer) -> None:
    """Write a proposal into what was posted, in a new row where it is one."""
    if not offer.row:
        _write(posted, "", offer.values)
        return
    count = row_count(posted)
    _write(posted, f"form-{count}-", offer.values)
    posted["form-TOTAL_FORMS"] = str(count + 1)
    posted.setdefault("form-INITIAL_FORMS", "0")
    if "sample_size" in offer.values:
        # An exception concerns us until a person says that it does not.
        posted[f"form-{count}-relevant"] = "on"
    if "method" in offer.values and "needs_own_report" not in offer.values:
        posted[f"form-{count}-needs_own_report"] = "on"


def _write(posted: QueryDict, prefix: str, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, list):
            posted.setlist(f"{prefix}{name}", [str(v) for v in value])
        elif value is True:
            posted[f"{prefix}{name}"] = "on"
        elif value is not None and value is not False:
            posted[f"{prefix}{name}"] = str(value)
