"""Findings: the list, one with its history, assigning, notes, and running the checks now."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from evidence.filters import FindingFilter
from evidence.forms.findings import AssignForm, NoteForm
from evidence.models import CheckRun, Finding, Notice
from evidence.monitoring import CHECKS
from evidence.pages.findings import FINDING_LIST
from evidence.services import findings as services
from evidence.tasks import run_checks
from policies.models import Integration
from vendors import as_of
from vendors.exports import table_response
from vendors.models import Agreement, Vendor
from vendors.tables.columns import file_rows, headers
from vendors.views.saved_views import ListPage, list_tools, views_of

PER_PAGE = 25
# As many notices of an agreement as its page shows.
NOTICES = 25
# After this long a run that has not finished is not waited for any more.
RUN_PATIENCE = dt.timedelta(minutes=10)


def finding_filter(request: HttpRequest, query: QueryDict) -> FindingFilter:
    """The list's FilterSet for an address."""
    rows = Finding.objects.with_days_left(as_of.reading_day())
    rows = rows.select_related("owner", "vendor", "integration")
    return FindingFilter(query, rows, request=request)


finding_views = permission_required("evidence.view_finding", raise_exception=True)(
    views_of(ListPage(FINDING_LIST, finding_filter))
)


@require_safe
@permission_required("evidence.view_finding", raise_exception=True)
def finding_list(request: HttpRequest) -> HttpResponse:
    now = as_of.reading_moment()
    tools = list_tools(request, FINDING_LIST)
    if beginning := tools.beginning(request):
        return redirect(beginning)
    chosen = finding_filter(request, request.GET)
    page = Paginator(chosen.qs, PER_PAGE).get_page(request.GET.get("page"))
    run = CheckRun.objects.select_related("requested_by").first()
    waiting = run is not None and run.finished_at is None
    return render(
        request,
        "evidence/finding_list.html",
        {
            "filter": chosen,
            "page_obj": page,
            "columns": tools.columns,
            "tools": tools,
            "figures": Finding.objects.figures(timezone.localdate(now)),
            "run": run,
            "run_waiting": waiting and now - run.started_at < RUN_PATIENCE if run else False,
            "run_lost": waiting and now - run.started_at >= RUN_PATIENCE if run else False,
        },
    )


@require_safe
@permission_required("evidence.view_finding", raise_exception=True)
def finding_export(request: HttpRequest) -> HttpResponseBase:
    """What the list shows under the same filters, all its pages, as CSV or XLSX."""
    kind = request.GET.get("kind", "csv")
    if kind not in ("csv", "xlsx"):
        raise Http404
    name = f"findings-{as_of.reading_day():%Y-%m-%d}"
    columns = FINDING_LIST.chosen(request.GET)
    found = finding_filter(request, request.GET).qs.iterator(chunk_size=1000)
    return table_response(kind, name, headers(columns), file_rows(columns, found))


@require_safe
@permission_required("evidence.view_finding", raise_exception=True)
def finding_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _detail(request, _finding(pk), assign=None, note=None)


def _finding(pk: int) -> Finding:
    rows = Finding.objects.with_days_left(as_of.reading_day())
    rows = rows.select_related("owner", "vendor", "integration", "subject_type")
    return get_object_or_404(rows, pk=pk)


def _detail(
    request: HttpRequest, finding: Finding, *, assign: AssignForm | None, note: NoteForm | None
) -> HttpResponse:
    may_change = request.user.has_perm("evidence.change_finding") and not finding.closed_at
    context = {
        "finding": finding,
        "check": CHECKS.get(finding.check_code),
        "events": finding.events.select_related("actor"),
        "earlier": Finding.objects.filter(
            check_code=finding.check_code,
            subject_type=finding.subject_type,
            subject_id=finding.subject_id,
        ).exclude(pk=finding.pk)[:20],
        "notices": finding.notices.filter(sent_at__isnull=False),
        "assign_form": (assign or AssignForm(instance=finding)) if may_change else None,
        "note_form": (note or NoteForm()) if may_change else None,
    }
    bad = any(form is not None and form.errors for form in (assign, note))
    return render(request, "evidence/finding_detail.html", context, status=400 if bad else 200)


@require_POST
@permission_required("evidence.change_finding", raise_exception=True)
def finding_assign(request: HttpRequest, pk: int) -> HttpResponse:
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    finding = _finding(pk)
    form = AssignForm(request.POST)
    if not form.is_valid():
        return _detail(request, finding, assign=form, note=None)
    owner = form.cleaned_data["owner"]
    try:
        services.assign(finding, to=owner, by=request.user, at=timezone.now())
    except services.FindingClosed:
        messages.error(request, "This finding has closed meanwhile, so nothing was changed.")
    else:
        messages.success(request, f"{owner} answers for this finding." if owner else "Given back.")
    return redirect("evidence:finding-detail", pk)


@require_POST
@permission_required("evidence.change_finding", raise_exception=True)
def finding_note(request: HttpRequest, pk: int) -> HttpResponse:
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    finding = _finding(pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _detail(request, finding, assign=None, note=form)
    try:
        text = form.cleaned_data["note"]
        services.note(finding, text=text, by=request.user, at=timezone.now())
    except services.FindingClosed:
        messages.error(request, "This finding has closed meanwhile, so nothing was added.")
    else:
        messages.success(request, "The note is in the history.")
    return redirect("evidence:finding-detail", pk)


@require_POST
@permission_required("evidence.run_checks", raise_exception=True)
def checkrun_create(request: HttpRequest) -> HttpResponse:
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    now = timezone.now()
    waiting = CheckRun.objects.filter(finished_at=None, started_at__gt=now - RUN_PATIENCE)
    if not waiting.exists():
        run = services.start_run(on=timezone.localdate(now), at=now, by=request.user)
        run_checks.delay_on_commit(run.pk)
    return redirect("evidence:finding-list")


@require_safe
@permission_required("evidence.view_finding", raise_exception=True)
def subject_findings(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Open findings of a vendor or an integration; their pages take #subject-findings of it."""
    rows = Finding.objects.open().with_days_left(as_of.reading_day()).select_related("owner")
    subject: Vendor | Integration
    if kind == "vendor":
        subject = get_object_or_404(Vendor, pk=pk)
        rows = rows.filter(vendor=subject, integration=None)
    elif kind == "integration":
        subject = get_object_or_404(Integration, pk=pk)
        rows = rows.filter(integration=subject)
    else:
        raise Http404
    context = {"subject": subject, "findings": rows}
    return render(request, "evidence/subject_findings.html", context)


@require_safe
@permission_required("evidence.view_finding", raise_exception=True)
def agreement_notices(request: HttpRequest, pk: int) -> HttpResponse:
    """What was sent about an agreement, newest first; its page takes #agreement-notices of it."""
    agreement = get_object_or_404(Agreement.objects.select_related("vendor"), pk=pk)
    sent = Notice.objects.filter(
        finding__subject_type=ContentType.objects.get_for_model(Agreement), finding__subject_id=pk
    )
    context = {
        "agreement": agreement,
        "notices": sent.select_related("finding").order_by("-sent_at", "-pk")[:NOTICES],
    }
    return render(request, "evidence/agreement_notices.html", context)
