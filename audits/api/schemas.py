"""The API's description, made of the structures that decode and encode."""

from __future__ import annotations

from typing import Any, get_args

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from audits.bodies import CallBody, CompletionBody, LeaseBody, Outcome, SeedRecord
from audits.services import answers
from policies.reasons import REASONS
from vendors.api.describing import (
    HEADERS,
    JSON,
    REQUEST_ID,
    ProblemAnswer,
    answered,
    either,
    problems,
    schema,
)

__all__ = ["HEADERS", "JSON", "REQUEST_ID", "answered", "either", "problems"]

ID = "0198d5c2-6a70-7c3e-9a41-5d2f8b6c1e07"


KEY_PROBLEMS = (
    "not-authenticated",
    "key-invalid",
    "key-expired",
    "key-revoked",
    "key-scope",
    "key-network",
    "https-required",
)
POST_PROBLEMS = (
    *KEY_PROBLEMS,
    "malformed-json",
    "invalid-body",
    "invalid-header",
    "body-too-large",
    "unsupported-media-type",
    "rate-limited",
    "audit-unavailable",
)
READ_PROBLEMS = (
    *KEY_PROBLEMS[:-1],
    "permission-denied",
    "not-acceptable",
    "rate-limited",
    "audit-unavailable",
)


def _query(name: str, kind: dict[str, Any], description: str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=description)


_TEXT = {"type": "string", "minLength": 1}
_FLAG = {"type": "string", "enum": ["true", "false"]}
_MOMENT = {"type": "string", "format": "date-time"}
LIST_PARAMETERS = [
    _query("integration", _TEXT, "Slug of an integration."),
    _query("vendor", _TEXT, "Slug of a vendor."),
    _query("decision", {"type": "string", "enum": ["allow", "deny"]}, "The verdict."),
    _query("reason", {"type": "string", "enum": list(REASONS)}, "A reason that denied it."),
    _query("phi_present", _FLAG, "Whether the caller said that PHI is in it."),
    _query("provider", _TEXT, "Provider, as OpenTelemetry names it."),
    _query("model", _TEXT, "Model, as the provider names it."),
    _query("outcome", {"type": "string", "enum": list(get_args(Outcome))}, "How it ended."),
    _query("orphan", _FLAG, "Allowed, lease over, and nobody said how it ended."),
    _query("received_after", _MOMENT, "Received at this moment or later."),
    _query("received_before", _MOMENT, "Received before this moment."),
    _query(
        "log",
        {"type": "string", "enum": ["live", "test"]},
        "Which log a person reads; live if not said. A key reads its own.",
    ),
    _query("cursor", _TEXT, "From the header Link of the page before."),
    _query("limit", {"type": "integer", "minimum": 1, "maximum": 200}, "At most so many; 50."),
]
CALL = schema(CallBody)
COMPLETION = schema(CompletionBody)
LEASE = schema(LeaseBody)
RECORD = schema(SeedRecord)
CALL_EXAMPLE = {
    "call_id": ID,
    "provider": "openai",
    "operation": "chat",
    "model": "gpt-4.1",
    "region": "us-east-1",
    "phi_present": True,
    "data_classes": ["phi"],
    "actor": {"type": "user", "id": "u-1042"},
    "purpose": "treatment",
    "input_bytes": 2048,
}
COMPLETION_EXAMPLE = {
    "event_id": "0198d5c2-7b10-7f02-8a55-0c9be41d7a31",
    "outcome": "succeeded",
    "http_status": 200,
    "usage": {"input": 512, "output": 128},
    "usage_source": "provider",
    "latency_ms": 830,
}
RECORD_EXAMPLE = {
    "event_id": "7d0a6f5e-51c8-4b8f-9f60-2f8f5d1c3b52",
    "timestamp_utc": 1795219200.25,
    "user_id": "u-1042",
    "session_id": "s-77",
    "api_provider": "openai",
    "model": "gpt-4.1",
    "input_token_count": 0,
    "output_token_count": 0,
    "phi_present": True,
    "phi_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "response_status": 0,
    "latency_ms": 0.0,
    "data_residency_region": "us-east-1",
    "baa_reference_id": "BAA-2026-014",
}

NDJSON = "application/x-ndjson"
# What one line of a body, and of an answer, is. OpenAPI 3.1 has no word for lines.
LINE = {
    "oneOf": [
        {
            "type": "object",
            "required": ["type", "body"],
            "properties": {"type": {"const": "call"}, "body": CALL},
            "additionalProperties": False,
        },
        {
            "type": "object",
            "required": ["type", "call_id", "body"],
            "properties": {
                "type": {"const": "completion"},
                "call_id": {"type": "string", "format": "uuid"},
                "body": COMPLETION,
            },
            "additionalProperties": False,
        },
        {
            "type": "object",
            "required": ["type", "call_id"],
            "properties": {
                "type": {"const": "lease"},
                "call_id": {"type": "string", "format": "uuid"},
                "body": LEASE,
            },
            "additionalProperties": False,
        },
    ]
}
RESULTS = OpenApiResponse(
    {
        "type": "object",
        "required": ["status", "body"],
        "properties": {
            "status": {"type": "integer"},
            "body": {
                "anyOf": [
                    schema(answers.CallAnswer),
                    schema(answers.CompletionAnswer),
                    schema(answers.LeaseAnswer),
                    schema(ProblemAnswer),
                ]
            },
        },
        "additionalProperties": False,
    },
    description="A line for each line of the body; this is the schema of one.",
)
LINE_EXAMPLES = [
    OpenApiExample(name, value={"type": name, **members}, request_only=True, media_type=NDJSON)
    for name, members in (
        ("call", {"body": CALL_EXAMPLE}),
        ("completion", {"call_id": ID, "body": COMPLETION_EXAMPLE}),
        ("lease", {"call_id": ID}),
    )
]


def body(example: dict[str, Any]) -> list[OpenApiExample]:
    return [OpenApiExample("example", value=example, request_only=True, media_type=JSON)]
