"""The address that OpenTelemetry's exporters post to."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from audits.api import otlp, schemas
from audits.api.views import IngestView
from audits.api.wsgi import request_of

PROBLEMS = (
    *schemas.KEY_PROBLEMS,
    "malformed-traces",
    "malformed-encoding",
    "events-too-large",
    "unsupported-media-type",
    "unsupported-encoding",
    "rate-limited",
    "audit-unavailable",
)
EXAMPLE = {
    "resourceSpans": [
        {
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "5b8efff798038103d269b633813fc60c",
                            "spanId": "eee19b7ec3c1b174",
                            "startTimeUnixNano": "1795219200250000000",
                            "endTimeUnixNano": "1795219201080000000",
                            "attributes": [
                                {"key": "gen_ai.provider.name", "value": {"stringValue": "openai"}},
                                {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "512"}},
                            ],
                        }
                    ]
                }
            ]
        }
    ]
}
_ATTRIBUTES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"key": {"type": "string"}, "value": {"type": "object"}},
    },
}
_NANOSECONDS = {"type": ["string", "integer"]}
_SPAN = {
    "type": "object",
    "properties": {
        "traceId": {"type": "string"},
        "spanId": {"type": "string"},
        "startTimeUnixNano": _NANOSECONDS,
        "endTimeUnixNano": _NANOSECONDS,
        "attributes": _ATTRIBUTES,
        "events": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "attributes": _ATTRIBUTES},
            },
        },
    },
}


def _listed(name: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "array", "items": item}}}


# As far as it is looked at: OTLP has more members, which are let go.
REQUEST = _listed("resourceSpans", _listed("scopeSpans", _listed("spans", _SPAN)))
ANSWER = {
    "type": "object",
    "properties": {
        "partialSuccess": {
            "type": "object",
            "properties": {
                "rejectedSpans": {"type": "string"},
                "errorMessage": {"type": "string"},
            },
        }
    },
    "additionalProperties": False,
}


class TraceView(IngestView):
    @extend_schema(
        operation_id="export_traces",
        summary="Tell of calls by OpenTelemetry",
        description=(
            "An export of traces, protobuf or JSON, packed by gzip or zstd or not; the key needs "
            "the scope otlp:write. Of spans of AI calls ids, names of models, counts and moments "
            "are kept; all else is dropped unread and counted. What is told so was observed: no "
            "gate was asked, and it is no record made ahead of a call."
        ),
        tags=["telemetry"],
        parameters=[schemas.REQUEST_ID],
        request={
            schemas.JSON: REQUEST,
            otlp.PROTOBUF: {"type": "string", "format": "binary"},
        },
        examples=schemas.body(EXAMPLE),
        responses={
            (200, schemas.JSON): OpenApiResponse(ANSWER, description="What was not taken, if any."),
            **schemas.problems(*PROBLEMS),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        return self.respond(otlp.answer(request_of(request.META)))
