"""What every answer of the API has in common: problems in the form of RFC 9457."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.defaults import page_not_found, server_error
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from countersign.problems import MEDIA_TYPE, PROBLEMS

# Below these, programs ask.
FOR_PROGRAMS = ("/api/", "/log/", "/scim/")

# DRF's own codes, in our words.
CODES = {
    "not_authenticated": "not-authenticated",
    "authentication_failed": "not-authenticated",
    "permission_denied": "permission-denied",
    "not_found": "not-found",
    "method_not_allowed": "method-not-allowed",
    "not_acceptable": "not-acceptable",
    "unsupported_media_type": "unsupported-media-type",
    "throttled": "rate-limited",
    "parse_error": "malformed-json",
}


def described(endpoints: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The addresses that the API's description names: what stands below /log/ too, once."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/")]


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an error in a view of the API; None lets Django handle it.

    The text of the error is left out, since it can repeat what was sent.
    """
    if isinstance(error, OperationalError):
        return _answer("audit-unavailable", headers={"Retry-After": "1"})
    answered = exception_handler(error, context)
    if answered is None:
        return None
    headers = dict(answered.headers)
    headers.pop("Content-Type", None)
    if isinstance(error, exceptions.ValidationError):
        return _answer("invalid-parameter", headers=headers, errors=_fields(error))
    code = _code(error, answered.status_code)
    return _answer(code, headers=headers)


def _code(error: Exception, status: int) -> str:
    codes = error.get_codes() if isinstance(error, exceptions.APIException) else ""
    if isinstance(codes, str):
        code = CODES.get(codes, codes)
        if code in PROBLEMS and PROBLEMS[code].status == status:
            return code
    return next((c for c in CODES.values() if PROBLEMS[c].status == status), "internal-error")


def _fields(error: exceptions.ValidationError) -> list[dict[str, str]]:
    """The names of the fields; a refusal names only fields that the schema knows."""
    found = error.detail
    return (
        [{"field": str(name), "error": "is not valid"} for name in found]
        if (isinstance(found, dict))
        else []
    )


def _answer(code: str, headers: dict[str, str], **members: object) -> Response:
    problem = PROBLEMS[code]
    return Response(
        problem.body(code, **members),
        status=problem.status,
        headers=headers,
        content_type=MEDIA_TYPE,
    )


def _json(code: str) -> JsonResponse:
    problem = PROBLEMS[code]
    return JsonResponse(problem.body(code), status=problem.status, content_type=MEDIA_TYPE)


@csrf_exempt
@login_not_required
def not_found(request: HttpRequest, rest: str = "") -> HttpResponse:
    """No such address below /api/."""
    return _json("not-found")


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What is answered where no address fits at all: a problem to programs, else the page."""
    if request.path.startswith(FOR_PROGRAMS):
        return _json("not-found")
    return page_not_found(request, exception)


def failed(request: HttpRequest) -> HttpResponse:
    """What is answered when the portal itself fails: a problem to programs, else the page."""
    if request.path.startswith(FOR_PROGRAMS):
        return _json("internal-error")
    return server_error(request)
