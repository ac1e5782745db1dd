"""The call explorer: the list, and all that is known of one call."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from audits.filters import CallPageFilter
from audits.models import Call
from audits.pages.calls import CALL_LIST
from audits.services import entry_log, reading
from audits.services.reads import Read, record_read
from audits.views.figures import by_day
from policies.models import Integration
from policies.reasons import REASONS
from vendors import as_of
from vendors.models import Agreement, AssuranceReport, Fact
from vendors.views.saved_views import ListPage, list_tools, views_of

PER_PAGE = 25


def own_integrations(request: HttpRequest) -> set[int] | None:
    """The integrations whose calls the person may read, None for all.

    Raises: PermissionDenied if there are none.
    """
    user = request.user
    assert isinstance(user, PermissionsMixin)
    integrations = reading.readable_integrations(user)
    if integrations is not None and not integrations:
        raise PermissionDenied
    return integrations


def note_read(request: HttpRequest, read: Read) -> None:
    assert isinstance(request.user, AbstractBaseUser)
    day = as_of.day_read()
    if day:
        read = replace(read, filters={**read.filters, "as_of": day.isoformat()})
    record_read(read, by=request.user, at=timezone.now())


def filtered(request: HttpRequest) -> CallPageFilter:
    """The list's filter over what the person may read; of the live log unless told."""
    return call_filter(request, request.GET)


def call_filter(request: HttpRequest, address: QueryDict) -> CallPageFilter:
    """As `filtered`, for another address than the one asked for."""
    query = address.copy()
    query.setdefault("log", "live")
    own = own_integrations(request)
    names = Integration.objects.order_by("name")
    if own is not None:
        # No names of what the person has nothing to do with.
        names = names.filter(pk__in=own)
    return CallPageFilter(
        query,
        reading.of_integrations(own),
        request=request,
        integrations=names.values_list(
            "slug", "name", "service__vendor__slug", "service__vendor__name"
        ),
    )


_views = views_of(ListPage(CALL_LIST, call_filter))


def call_views(request: HttpRequest) -> HttpResponse:
    """The views of the list, for whoever may read some calls."""
    own_integrations(request)
    return _views(request)


@require_safe
def call_list(request: HttpRequest) -> HttpResponse:
    found = filtered(request)
    tools = list_tools(request, CALL_LIST)
    if beginning := tools.beginning(request):
        return redirect(beginning)
    valid = found.is_valid()
    calls = found.qs if valid else Call.objects.none()
    try:
        page = reading.page(calls, limit=PER_PAGE, cursor=request.GET.get("cursor", ""))
    except reading.BadCursor:
        raise BadRequest from None
    note_read(
        request,
        Read("list", "audits.call", len(page.rows), filters=found.applied() if valid else {}),
    )
    context = {
        "filter": found,
        "rows": page.rows,
        "page": page,
        "columns": tools.columns,
        "tools": tools,
        "paged": "cursor" in request.GET,
        "reasons": REASONS,
        "chart": by_day(found, calls) if valid else None,
        "test_log": found.form.data.get("log") == "test",
        "may_export": request.user.has_perm("audits.export_call"),
    }
    return render(request, "audits/call_list.html", context, status=200 if valid else 400)


@require_safe
def call_detail(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """All of one call: what was said, what was decided on which papers, how it ended."""
    call = reading.one(reading.of_integrations(own_integrations(request)), call_id)
    if call is None:
        raise Http404
    note_read(request, Read("detail", "audits.call", 1, subject_id=str(call_id)))
    entries = entry_log.of_call(call.row)
    completions = reading.completions_of(call_id)
    return render(
        request,
        "audits/call_detail.html",
        {
            "call": call,
            "row": call.row,
            "reasons": [REASONS[code] for code in call.row["reasons"]],
            "warnings": [REASONS[code] for code in call.row["warnings"]],
            "papers": papers(call.row),
            "completions": completions,
            "entries": entries,
            "log_slug": "live" if call.row["livemode"] else "test",
            "overdue": call.completion is None
            and call.row["lease_until"] <= as_of.reading_moment(),
            "integration_url": link("policies:integration-detail", call.integration),
            "permalink": request.build_absolute_uri(request.path),
        },
    )


def papers(row: dict[str, Any]) -> list[dict[str, Any]]:
    """What a verdict rested on: kind, name and address of each paper that is still known."""
    found: list[dict[str, Any]] = []
    for agreement in Agreement.objects.filter(pk=row["agreement_id"]).select_related("vendor"):
        url = link("vendors:agreement-detail", agreement.pk)
        name = f"{agreement.reference}, {agreement.vendor}"
        found.append({"kind": agreement.get_kind_display(), "name": name, "url": url})
    for report in AssuranceReport.objects.filter(pk=row["report_id"]).select_related("vendor"):
        url = link("vendors:report-detail", report.pk)
        name = f"{report.vendor}, {report.auditor}"
        found.append({"kind": report.get_kind_display(), "name": name, "url": url})
    for fact in Fact.objects.filter(pk__in=row["fact_ids"]).select_related("service"):
        url = link("vendors:service-detail", fact.service.slug)
        name = f"{fact.get_dimension_display()}: {fact.value}"
        if fact.number is not None:
            name = f"{fact.get_dimension_display()}: {fact.number}"
        found.append({"kind": "Fact", "name": name, "url": url})
    return found


def link(name: str, *args: object) -> str:
    """The address of a page, or "" where this site has none of that name."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
