"""Security events: the list that officers look at, and the same as a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import msgspec
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits.filters import SecurityEventFilter
from audits.models import SecurityEvent
from audits.services import ocsf_security
from audits.services.reads import Read
from audits.views.calls import note_read
from vendors import as_of
from vendors.exports import Row, table_response

PER_PAGE = 25
JSON_LINES = "application/jsonl"
LATELY = dt.timedelta(days=1)
HEADERS = (
    "At",
    "What happened",
    "Outcome",
    "About",
    "By",
    "Key",
    "How",
    "Reason",
    "Object",
    "Network",
    "Client",
)
Kind = SecurityEvent.Kind


def _found(request: HttpRequest) -> tuple[SecurityEventFilter, QuerySet[SecurityEvent]]:
    """The filter and what it leaves, the newest first; nothing where it does not fit.

    By their moments: what a job finds, such as a grant that ended, is noted some time after it.
    """
    events = SecurityEvent.objects.select_related("user", "by", "key__integration")
    events = events.order_by("-at", "-pk")
    found = SecurityEventFilter(request.GET, events)
    return found, found.qs if found.is_valid() else events.none()


@require_safe
@permission_required("audits.view_securityevent", raise_exception=True)
def securityevent_list(request: HttpRequest) -> HttpResponse:
    found, events = _found(request)
    valid = found.is_valid()
    page = Paginator(events, PER_PAGE).get_page(request.GET.get("page"))
    filters = found.applied() if valid else {}
    note_read(request, Read("list", "audits.securityevent", len(page), filters=filters))
    context = {"filter": found, "page_obj": page, "figures": _figures()}
    return render(request, "audits/securityevent_list.html", context, status=200 if valid else 400)


@require_safe
@permission_required("audits.view_securityevent", raise_exception=True)
def securityevent_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the list shows as a file."""
    if kind not in ("csv", "xlsx", "ocsf"):
        raise Http404
    found, events = _found(request)
    filters = found.applied() if found.is_valid() else {}
    filters["kind_of_file"] = kind
    note_read(request, Read("export", "audits.securityevent", events.count(), filters=filters))
    if kind == "ocsf":
        response = StreamingHttpResponse(_lines(events), content_type=JSON_LINES)
        response["Content-Disposition"] = 'attachment; filename="security-events.ocsf.jsonl"'
        response["Cache-Control"] = "no-store, private"
        return response
    return table_response(kind, "security-events", HEADERS, _rows(events))


def _rows(events: QuerySet[SecurityEvent]) -> Iterator[Row]:
    for event in events.iterator(chunk_size=2000):
        yield (
            event.at,
            event.get_kind_display(),
            event.get_outcome_display(),
            str(event.user or ""),
            str(event.by or ""),
            event.key.public_id if event.key else "",
            event.get_method_display() if event.method else "",
            event.reason,
            event.subject,
            event.network,
            event.get_client_display() if event.client else "",
        )


def _lines(events: QuerySet[SecurityEvent]) -> Iterator[bytes]:
    for event in events.iterator(chunk_size=2000):
        yield msgspec.json.encode(ocsf_security.event(event)) + b"\n"


def _figures() -> dict[str, int]:
    """Counts of the last day."""
    lately = SecurityEvent.objects.filter(at__gt=as_of.reading_moment() - LATELY)
    return lately.aggregate(
        sign_ins=Count("pk", filter=Q(kind=Kind.SIGN_IN)),
        failures=Count("pk", filter=Q(outcome=SecurityEvent.Outcome.FAILURE)),
        locked_out=Count("pk", filter=Q(kind=Kind.LOCKED_OUT)),
        new_networks=Count("pk", filter=Q(kind=Kind.KEY_NEW_NETWORK)),
    )
