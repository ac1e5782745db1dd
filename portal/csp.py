"""The content security policy, under the names that Django 6 gives it.

`SECURE_CSP` is a table of directive to values; `CSP.NONCE` among them stands for the nonce of the
answer, which templates know as `csp_nonce`. With Django 6 this module can go.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "Content-Security-Policy"
NONCE_KEY = "countersign.csp_nonce"

Policy = Mapping[str, Sequence[str]]


class CSP(StrEnum):
    """The values of a policy that are not addresses."""

    NONE = "'none'"
    SELF = "'self'"
    STRICT_DYNAMIC = "'strict-dynamic'"
    NONCE = "<nonce>"


def get_nonce(request: HttpRequest) -> str:
    """The nonce of the answer to `request`: 128 random bits, made on first use."""
    return str(request.META.setdefault(NONCE_KEY, secrets.token_urlsafe(16)))


def build_policy(policy: Policy, nonce: str) -> str:
    """The header's value for `policy`."""
    return "; ".join(
        " ".join([directive, *(f"'nonce-{nonce}'" if v == CSP.NONCE else str(v) for v in values)])
        for directive, values in policy.items()
    )


class ContentSecurityPolicyMiddleware:
    """Sets the policy on every answer that does not bring a policy of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if HEADER not in response.headers:
            response.headers[HEADER] = build_policy(settings.SECURE_CSP, get_nonce(request))
        return response
