"""Calls as files: what the list shows under the same filters, all of it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from audits.pages.calls import CALL_LIST
from audits.services import reading
from audits.services.answers import call_record
from audits.services.reads import Read
from audits.views.calls import filtered, note_read
from vendors import as_of
from vendors.exports import table_response
from vendors.tables.columns import file_rows, headers

KINDS = ("csv", "xlsx", "jsonl")


@require_safe
@permission_required("audits.export_call", raise_exception=True)
def call_export(request: HttpRequest) -> HttpResponseBase:
    """The filtered calls, oldest first, as CSV, XLSX or JSON lines; the export is recorded."""
    kind = request.GET.get("kind", "csv")
    found = filtered(request)
    if kind not in KINDS or not found.is_valid():
        raise BadRequest
    count = found.qs.count()
    applied = {**found.applied(), "kind": kind}
    note_read(request, Read("export", "audits.call", count, filters=applied))
    name = f"calls-{as_of.reading_day():%Y-%m-%d}"
    calls = reading.each(found.qs)
    if kind == "jsonl":
        response = StreamingHttpResponse(_lines(calls), content_type="application/jsonl")
        response["Content-Disposition"] = f'attachment; filename="{name}.jsonl"'
        response["Cache-Control"] = "no-store, private"
        return response
    columns = CALL_LIST.chosen(request.GET)
    return table_response(kind, name, headers(columns), file_rows(columns, calls))


def _lines(calls: Iterator[reading.CallRow]) -> Iterator[bytes]:
    for call in calls:
        yield msgspec.json.encode(call_record(call)) + b"\n"
