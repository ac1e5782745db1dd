"""Calls as files: what the list shows under the same filters, all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from audits.pages.calls import CALL_LIST
from audits.services import ocsf, reading
from audits.services.reads import Read
from audits.services.records import call_record
from audits.views.calls import filtered, note_read
from vendors import as_of
from vendors.exports import table_response
from vendors.tables.columns import file_rows, headers

JSON_LINES = "application/jsonl"
# What each line is, of the kinds that have one JSON value a line.
LINES: dict[str, Callable[[Any], object]] = {"jsonl": call_record, "ocsf": ocsf.event}
KINDS = ("csv", "xlsx", "jsonl", "ocsf")


@require_safe
@permission_required("audits.export_call", raise_exception=True)
def call_export(request: HttpRequest) -> HttpResponseBase:
    """The filtered calls, oldest first, as CSV, XLSX, JSON lines or OCSF; it is recorded."""
    kind = request.GET.get("kind", "csv")
    found = filtered(request)
    if kind not in KINDS or not found.is_valid():
        raise BadRequest
    count = found.qs.count()
    applied = {**found.applied(), "kind": kind}
    note_read(request, Read("export", "audits.call", count, filters=applied))
    name = f"calls-{as_of.reading_day():%Y-%m-%d}"
    if kind in LINES:
        calls = reading.each(found.qs, proven=True)
        response = StreamingHttpResponse(_lines(calls, LINES[kind]), content_type=JSON_LINES)
        suffix = "ocsf.jsonl" if kind == "ocsf" else kind
        response["Content-Disposition"] = f'attachment; filename="{name}.{suffix}"'
        response["Cache-Control"] = "no-store, private"
        return response
    columns = CALL_LIST.chosen(request.GET)
    return table_response(kind, name, headers(columns), file_rows(columns, reading.each(found.qs)))


def _lines(calls: Iterator[reading.CallRow], line: Callable[[Any], object]) -> Iterator[bytes]:
    for call in calls:
        yield msgspec.json.encode(line(call)) + b"\n"
