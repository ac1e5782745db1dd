"""Every refusal has its status, its type and one form, and stores nothing."""

import datetime as dt
import json

import pytest
from django.utils import timezone

from audits.models import Call, Completion
from audits.tests import make
from countersign.problems import PROBLEMS
from policies.models import KeyUse

PREFIX = "urn:countersign:problem:"


def refused(answer, code: str) -> dict:
    """The body of the refusal, whose form is checked."""
    said = answer.json()
    problem = PROBLEMS[code]
    assert answer["Content-Type"] == "application/problem+json", answer.content
    assert said["type"] == PREFIX + code
    assert (answer.status_code, said["status"]) == (problem.status, problem.status)
    assert (said["title"], said["detail"]) == (problem.title, problem.detail)
    assert not Call.objects.exists()
    assert not Completion.objects.exists()
    return said


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "not-authenticated"),
        ("Basic dXNlcjpwYXNz", "not-authenticated"),
        ("Bearer", "key-invalid"),
        ("Bearer nonsense", "key-invalid"),
        ("Bearer csk_live_" + "a" * 40, "key-invalid"),
        ("Bearer csk_live_" + "ä" * 40, "key-invalid"),
        ("Bearer csk_live_" + "a" * 4000, "key-invalid"),
    ],
)
def test_without_a_key_of_this_portal(api, header, code):
    api.headers = lambda **more: {"authorization": header} if header else {}
    answer = api.open()
    refused(answer, code)
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"revoked_at": timezone.now() - dt.timedelta(seconds=1)}, "key-revoked"),
        (
            {
                "created_at": timezone.now() - dt.timedelta(days=9),
                "expires_at": timezone.now() - dt.timedelta(seconds=1),
            },
            "key-expired",
        ),
        ({"scopes": ["calls:read"]}, "key-scope"),
        ({"cidrs": ["10.1.0.0/16", "2001:db8::/32"]}, "key-network"),
    ],
)
def test_a_key_that_does_not_open_this(api, integration, fields, code):
    api.secret = make.key(integration, **fields)[1]
    refused(api.open(), code)


def test_a_key_used_from_its_network(api, integration):
    api.secret = make.key(integration, cidrs=["127.0.0.0/8"])[1]
    assert api.open().status_code == 201


def test_the_address_is_what_the_trusted_proxy_says(api, integration, settings):
    settings.TRUSTED_PROXIES = 1
    api.secret = make.key(integration, cidrs=["10.1.0.0/16"])[1]
    inside = {"x-forwarded-for": "8.8.8.8, 10.1.2.3"}
    assert api.post("calls", make.call_body(), **inside).status_code == 201
    outside = {"x-forwarded-for": "10.1.2.3, 8.8.8.8"}
    assert api.post("calls", make.call_body(), **outside).status_code == 403
    assert api.post("calls", make.call_body()).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "calls",
        "records",
        "calls/0198d5c2-6a70-7c3e-9a41-5d2f8b6c1e07/completion",
        "calls/0198d5c2-6a70-7c3e-9a41-5d2f8b6c1e07/lease",
    ],
)
@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{", "application/json", "malformed-json"),
        (b'{"call_id": "\xff"}', "application/json", "malformed-json"),
        (b'{"x": NaN}', "application/json", "malformed-json"),
        (b"[]", "application/json", "invalid-body"),
        (b"null", "application/json", "invalid-body"),
        (b"[" * 50_000, "application/json", "invalid-body"),
        (b"{}", "text/plain", "unsupported-media-type"),
        (b"{}", "application/json; charset=utf-16", "unsupported-media-type"),
        (b"{}", "application/x-www-form-urlencoded", "unsupported-media-type"),
        (b" " * (64 * 1024 + 1), "application/json", "body-too-large"),
        (b" " * 5_000_000, "application/json", "body-too-large"),
    ],
    ids=lambda value: f"{value[:12]!r}" if isinstance(value, bytes) else value,
)
def test_bodies_that_are_none(api, path, body, content_type, code):
    answer = api.post(path, body, content_type=content_type)
    if answer.status_code == 400:
        code = answer.json()["type"].removeprefix(PREFIX)
        assert code in ("invalid-body", "malformed-json")
    refused(answer, code)


def test_the_type_of_the_body_may_name_its_charset(api):
    answer = api.post("calls", make.call_body(), content_type="application/json; charset=UTF-8")
    assert answer.status_code == 201


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_methods_that_are_not_taken(api, method):
    for path in ("calls", "records"):
        answer = getattr(api.client, method)(f"/api/v1/{path}", headers=api.headers())
        refused(answer, "method-not-allowed")
        assert "POST" in answer["Allow"]


@pytest.mark.parametrize("path", ["", "nothing", "calls/x/completion", "calls/1/lease", "callsx"])
def test_addresses_that_are_none(api, path):
    refused(api.post(path, {}), "not-found")
    refused(api.get(path), "not-found")


def test_a_header_that_is_not_one(api):
    answer = api.post("calls", make.call_body(), **{"idempotency-key": "two words"})
    refused(answer, "invalid-header")
    fine = api.post("calls", make.call_body(), **{"idempotency-key": '"a-1"'})
    assert fine.status_code == 201


def test_the_id_of_the_request_comes_back_if_it_is_one(api):
    assert api.post("calls", {}, **{"x-request-id": "r-17.a"})["X-Request-ID"] == "r-17.a"
    other = api.post("calls", {}, **{"x-request-id": "Mr Smith"})["X-Request-ID"]
    assert "Smith" not in other
    assert other


def test_a_key_has_a_limit(api, settings):
    settings.API_REQUESTS_PER_MINUTE = 2
    first = api.open()
    assert first["RateLimit-Policy"] == '"key";q=2;w=60'
    assert first["RateLimit"].startswith('"key";r=1;')
    api.open()
    answer = api.open()
    assert answer.status_code == 429
    assert answer.json()["type"] == PREFIX + "rate-limited"
    assert 1 <= int(answer["Retry-After"]) <= 31
    assert Call.objects.count() == 2


def test_when_a_key_was_used_is_kept(api, integration):
    api.open()
    used = KeyUse.objects.get(key__integration=integration)
    assert timezone.now() - used.last_used_at < dt.timedelta(seconds=30)


def test_plain_http_is_refused_where_https_is_the_rule(api, settings):
    settings.SECURE_SSL_REDIRECT = True
    answer = make.through_wsgi(api.secret, "calls", make.call_body())
    assert answer.status == "403 Forbidden"
    assert json.loads(answer.body)["type"] == PREFIX + "https-required"
