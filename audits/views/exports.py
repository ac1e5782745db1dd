"""Calls as files: what the list shows under the same filters, all of it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from audits.services import reading
from audits.services.answers import call_record
from audits.services.reads import Read
from audits.views.calls import filtered, note_read
from vendors import as_of
from vendors.exports import Cell, table_response

KINDS = ("csv", "xlsx", "jsonl")
HEADERS = [
    "Record",
    "Call id",
    "Received at",
    "Log",
    "Integration",
    "Provider",
    "Model",
    "Operation",
    "Region",
    "Actor",
    "Session",
    "Purpose",
    "Data classes",
    "PHI",
    "Input digest",
    "Decision",
    "Reasons",
    "Warnings",
    "BAA reference",
    "Policy SHA-256",
    "Terms SHA-256",
    "Outcome",
    "HTTP status",
    "Input tokens",
    "Output tokens",
    "Latency ms",
    "Ended at",
    "Swept",
    "Late",
]


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
    return table_response(kind, name, HEADERS, map(_cells, calls))


def _lines(calls: Iterator[reading.CallRow]) -> Iterator[bytes]:
    for call in calls:
        yield msgspec.json.encode(call_record(call)) + b"\n"


def _cells(call: reading.CallRow) -> list[Cell]:
    row, end = call.row, call.completion or {}
    return [
        call.record_id,
        str(row["call_id"]),
        row["received_at"],
        "live" if row["livemode"] else "test",
        call.integration,
        row["provider"],
        row["model"],
        row["operation"],
        row["region"],
        f"{row['actor_type']}:{row['actor_id']}",
        row["session_id"],
        row["purpose"],
        " ".join(row["data_classes"]),
        row["phi_present"],
        row["input_digest"],
        row["decision"],
        " ".join(row["reasons"]),
        " ".join(row["warnings"]),
        row["baa_reference"],
        row["policy_digest"],
        row["terms_digest"],
        end.get("outcome", ""),
        end.get("http_status"),
        end.get("input_tokens"),
        end.get("output_tokens"),
        end.get("latency_ms"),
        end.get("ended_at"),
        end.get("swept"),
        end.get("late"),
    ]
