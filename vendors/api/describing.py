"""Pieces of the API's description, made of the structures that decode and encode."""

from __future__ import annotations

from typing import Any

import msgspec
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from countersign.problems import PROBLEMS, TYPE
from vendors.api.filtering import SLUG

JSON = "application/json"
PROBLEM = "application/problem+json"


class WrongField(msgspec.Struct, frozen=True):
    """One field that a body or a query has wrong."""

    field: str
    error: str


class ProblemAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457; `errors` where a field is wrong."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[WrongField] = []


def schema(kind: type) -> dict[str, Any]:
    """JSON Schema of a structure, its parts written in place."""
    found, parts = msgspec.json.schema_components([kind], ref_template="{name}")
    plain = _plain(found[0], parts)
    assert isinstance(plain, dict)
    return plain


def _plain(node: object, parts: dict[str, Any]) -> object:
    if isinstance(node, list):
        return [_plain(item, parts) for item in node]
    if not isinstance(node, dict):
        # JSON Schema has the syntax of ECMAScript, in which $ is the very end.
        return node.replace(r"\Z", "$") if isinstance(node, str) else node
    if "$ref" in node:
        extra = {k: v for k, v in node.items() if k != "$ref"}
        part = _plain(parts[node["$ref"]], parts)
        assert isinstance(part, dict)
        return part | extra
    return {key: _plain(value, parts) for key, value in node.items()}


def problems(*codes: str) -> dict[int | tuple[int, str], OpenApiResponse]:
    """The answers to refusals with these codes, one for each status."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {
        (status, PROBLEM): OpenApiResponse(
            _problem_schema(found),
            description=" ".join(PROBLEMS[code].detail for code in found),
            examples=[
                OpenApiExample(code, value=PROBLEMS[code].body(code), media_type=PROBLEM)
                for code in found
            ],
        )
        for status, found in by_status.items()
    }


def _problem_schema(codes: list[str]) -> dict[str, Any]:
    made = schema(ProblemAnswer)
    made["properties"]["type"]["enum"] = [TYPE + code for code in codes]
    return made


def answered(kind: type, description: str, **examples: Any) -> OpenApiResponse:
    """The answer of a structure."""
    return OpenApiResponse(
        schema(kind),
        description=description,
        examples=[
            OpenApiExample(name, value=value, media_type=JSON) for name, value in examples.items()
        ],
    )


def either(first: type, second: type, description: str) -> OpenApiResponse:
    """The answer of one of two structures."""
    return OpenApiResponse({"anyOf": [schema(first), schema(second)]}, description=description)


def header(name: str, description: str, pattern: str = "") -> OpenApiParameter:
    return OpenApiParameter(
        name,
        {"type": "string", **({"pattern": pattern} if pattern else {})},
        OpenApiParameter.HEADER,
        description=description,
    )


IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "Accepted and checked; the id in the body is what makes a repeat harmless.",
    r'^"?[A-Za-z0-9][A-Za-z0-9._:-]{0,127}"?$',
)
REQUEST_ID = header(
    "X-Request-ID",
    "Comes back in the answer; one that does not fit is replaced by a new one.",
)
HEADERS = [IDEMPOTENCY_KEY, REQUEST_ID]


# The register's own.

WHO_PROBLEMS = (
    "not-authenticated",
    "key-invalid",
    "key-expired",
    "key-revoked",
    "key-scope",
    "key-network",
    "token-required",
    "permission-denied",
    "not-acceptable",
    "rate-limited",
    "audit-unavailable",
)
BODY_PROBLEMS = (
    "malformed-json",
    "invalid-body",
    "body-too-large",
    "unsupported-media-type",
    "refused",
)
SLUG_IN_PATH = OpenApiParameter(
    "slug", {"type": "string", "pattern": SLUG}, OpenApiParameter.PATH, description="Its slug."
)
IF_MATCH = header("If-Match", "The ETag of what you have seen, or * for whatever stands.")
UNCHANGED = OpenApiResponse(description="Nothing has changed since the ETag sent.")


def told(kind: type, words: str, tag: str) -> dict[str, Any]:
    """What extend_schema needs to list rows."""
    return {
        "tags": [tag],
        "responses": {
            200: answered(kind, words),
            304: UNCHANGED,
            **problems(*WHO_PROBLEMS, "invalid-parameter"),
        },
    }


def shown(kind: type, words: str, tag: str, *, by_slug: bool = False) -> dict[str, Any]:
    """What extend_schema needs to show one row."""
    return {
        "tags": [tag],
        "parameters": [REQUEST_ID, *([SLUG_IN_PATH] if by_slug else [])],
        "responses": {
            200: answered(kind, words),
            304: UNCHANGED,
            **problems(*WHO_PROBLEMS, "not-found"),
        },
    }


def stored(
    body: type, kind: type, tag: str, *more: str, example: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What extend_schema needs for a POST that stores; `more` are further problems."""
    examples = [OpenApiExample("example", value=example, request_only=True)] if example else []
    return {
        "tags": [tag],
        "parameters": HEADERS,
        "request": {JSON: schema(body)},
        "examples": examples,
        "responses": {
            201: answered(kind, "Stored; Location has its address."),
            200: answered(kind, "A repeat of this Idempotency-Key: the first answer again."),
            **problems(
                *WHO_PROBLEMS, *BODY_PROBLEMS, "invalid-header", "idempotency-key-reused", *more
            ),
        },
    }


def changed(body: type, kind: type, tag: str) -> dict[str, Any]:
    """What extend_schema needs for a PATCH."""
    return {
        "tags": [tag],
        "parameters": [SLUG_IN_PATH, IF_MATCH, REQUEST_ID],
        "request": {JSON: schema(body)},
        "responses": {
            200: answered(kind, "As it stands now."),
            **problems(
                *WHO_PROBLEMS,
                *BODY_PROBLEMS,
                "not-found",
                "precondition-required",
                "precondition-failed",
            ),
        },
    }
