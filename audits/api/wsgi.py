"""The hot path as a WSGI function, to stand before Django's handler."""

from __future__ import annotations

import http
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection

from audits.api.ingest import LINGER, ROUTES, Request, answer, largest_body
from vendors.network import peer_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

HEADERS = (
    "authorization",
    "content-encoding",
    "idempotency-key",
    "x-countersign-token-key",
    "x-request-id",
)


def before(django: WSGIApplication) -> WSGIApplication:
    """Answers what is posted to the hot path; all else goes to `django`."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or not ROUTES.match(environ["PATH_INFO"]):
            return django(environ, start_response)
        # As Django does when a request begins.
        connection.close_if_unusable_or_obsolete()
        answered = answer(request_of(environ))
        start_response(
            f"{answered.status} {http.HTTPStatus(answered.status).phrase}",
            [*answered.headers, ("Content-Length", str(len(answered.body)))],
        )
        return [answered.body]

    return application


def request_of(environ: dict[str, Any]) -> Request:
    """What the hot path needs of a WSGI request; the body is not read yet."""
    headers = {
        name: value
        for name in HEADERS
        if (value := environ.get("HTTP_" + name.upper().replace("-", "_"))) is not None
    }
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        headers=headers,
        read=reader(environ),
        peer=peer_of(environ),
        secure=not settings.SECURE_SSL_REDIRECT or is_https(environ),
    )


def reader(environ: dict[str, Any]) -> Callable[[], bytes | None]:
    """Reads the body, or gives None if it is larger than its path takes."""
    most = largest_body(environ["PATH_INFO"])

    def read() -> bytes | None:
        length = environ.get("CONTENT_LENGTH") or ""
        if length.isdecimal():
            if int(length) > most:
                if int(length) <= most + LINGER and "HTTP_EXPECT" not in environ:
                    _throw_away(environ, int(length))
                return None
            body: bytes = environ["wsgi.input"].read(int(length))
            return body
        if not environ.get("wsgi.input_terminated"):
            return b""
        body = environ["wsgi.input"].read(most + 1)
        if len(body) <= most:
            return bytes(body)
        _throw_away(environ, LINGER)
        return None

    return read


def _throw_away(environ: dict[str, Any], left: int) -> None:
    while left > 0 and (part := environ["wsgi.input"].read(min(left, 1 << 16))):
        left -= len(part)


def is_https(environ: dict[str, Any]) -> bool:
    """Whether the request came over TLS, here or at the trusted proxy."""
    if settings.SECURE_PROXY_SSL_HEADER:
        name, value = settings.SECURE_PROXY_SSL_HEADER
        return bool(environ.get(name) == value)
    return bool(environ.get("wsgi.url_scheme") == "https")
