"""A request gets the same answer by each way: ingest server (ASGI), web server (WSGI), Django."""

import asyncio
import gzip
import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from django.db import connections
from django.test import Client

from audits.api import asgi, wsgi
from audits.tests import make

CALL_ID = "0198d5c2-6a70-7c3e-9a41-5d2f8b6c1e07"
JSON = "application/json"
# What differs from request to request, and what only one of the servers says by itself.
PASSING = {"ratelimit", "content-length", "vary", "x-frame-options", "referrer-policy"}
PASSING |= {"allow", "content-security-policy", "cross-origin-opener-policy", "connection"}


@dataclass
class Asked:
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass
class Said:
    status: int
    headers: dict[str, str]
    body: bytes


def pieces_of(asked: Asked, parts: int) -> list[dict]:
    """The messages of a server that gives a body in so many parts."""
    size = -(-len(asked.body) // parts) or 1
    pieces = [asked.body[n : n + size] for n in range(0, len(asked.body), size)] or [b""]
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages[-1]["more_body"] = False
    return messages


def scope_of(asked: Asked) -> dict:
    headers = {"content-length": str(len(asked.body)), **asked.headers}
    return {
        "type": "http",
        "method": asked.method,
        "path": asked.path,
        "scheme": "http",
        "http_version": "1.1",
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }


def by_asgi(asked: Asked, *, parts: int = 1, scope: dict | None = None) -> Said:
    """The answer of the ASGI function to a body that comes in `parts`."""
    messages, sent = pieces_of(asked, parts), []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    given = {**scope_of(asked), **(scope or {})}
    asyncio.run(asgi.application(given, receive, send))
    start, body = sent
    names = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Said(start["status"], names, body["body"])


def by_wsgi(asked: Asked) -> Said:
    answer = make.WsgiAnswer()
    names = {"HTTP_" + k.upper().replace("-", "_"): v for k, v in asked.headers.items()}
    environ = {
        "REQUEST_METHOD": asked.method,
        "PATH_INFO": asked.path,
        "CONTENT_TYPE": names.pop("HTTP_CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(asked.body)),
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(asked.body),
        "wsgi.url_scheme": "http",
        **names,
    }
    body = b"".join(wsgi.before(None)(environ, answer))
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Said(int(answer.status.split()[0]), headers, body)


def by_django(asked: Asked) -> Said:
    headers = dict(asked.headers)
    kind = headers.pop("content-type", "")
    answer = Client().generic(asked.method, asked.path, asked.body, kind, headers=headers)
    names = {name.lower(): value for name, value in answer.items()}
    return Said(answer.status_code, names, answer.content)


WAYS = (by_asgi, by_wsgi, by_django)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    """The thread that asks the database for the loop, whose connection ends with the test."""
    pool = ThreadPoolExecutor(1)
    monkeypatch.setattr(asgi, "_threads", pool)
    yield
    pool.submit(connections.close_all).result()
    pool.shutdown()


def headers(secret: str, **more: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {
        "authorization": f"Bearer {secret}",
        "content-type": JSON,
        "x-request-id": "r-1",
        **named,
    }


def same(answers: list[Said]) -> Said:
    """The one answer that all of them are. Fails if they differ in status, headers or body."""
    shown = [
        (a.status, {k: v for k, v in a.headers.items() if k not in PASSING}, json.loads(a.body))
        for a in answers
    ]
    assert shown[1:] == shown[:-1]
    return answers[0]


def raw(body: object) -> bytes:
    return json.dumps(body).encode()


REFUSED = {
    "no key": (401, lambda s: Asked("/api/v1/calls", raw({}), {"x-request-id": "r-1"})),
    "two keys": (
        401,
        lambda s: Asked(
            "/api/v1/calls", raw({}), headers(s, authorization=f"Bearer {s},Bearer {s}")
        ),
    ),
    "another media type": (
        415,
        lambda s: Asked("/api/v1/calls", raw({}), headers(s, content_type="text/plain")),
    ),
    "no JSON": (400, lambda s: Asked("/api/v1/calls", b"{", headers(s))),
    "a member too many": (
        400,
        lambda s: Asked("/api/v1/calls", raw(make.call_body(prompt="x")), headers(s)),
    ),
    "too large": (413, lambda s: Asked("/api/v1/calls", b" " * 70_000, headers(s))),
    "a bad header": (
        400,
        lambda s: Asked("/api/v1/calls", raw({}), headers(s, idempotency_key="a b")),
    ),
    "a lease of nothing": (404, lambda s: Asked(f"/api/v1/calls/{CALL_ID}/lease", b"", headers(s))),
    "another's integration": (
        403,
        lambda s: Asked("/api/v1/calls", raw(make.call_body(integration="other")), headers(s)),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_the_same_by_each_way(live, case):
    status, make_request = REFUSED[case]
    asked = make_request(make.key(live)[1])
    assert same([way(asked) for way in WAYS]).status == status


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("path", ["calls", "records", f"calls/{CALL_ID}/completion"])
def test_what_one_way_stored_the_others_give_again(live, path, first):
    bodies = {"calls": make.call_body(), "records": make.record()}
    asked = Asked(f"/api/v1/{path}", raw(bodies.get(path) or make.completion_body()))
    asked.headers = headers(make.key(live)[1])
    stored = first(asked)
    assert stored.status == 201
    again = same([way(asked) for way in WAYS])
    assert again.status == 200
    assert again.headers["idempotent-replayed"] == "true"
    assert json.loads(again.body) == json.loads(stored.body)


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_many_lines_are_answered_the_same_by_each_way(live, encoding):
    secret = make.key(live)[1]
    lines = [raw({"type": "call", "body": make.call_body()}) for _ in range(3 * asgi.SLICE)]
    lines[5], lines[-1] = b"{", b'{"type":"lease","call_id":"' + CALL_ID.encode() + b'"}'
    body = b"\n".join(lines)
    asked = Asked("/api/v1/events", gzip.compress(body) if encoding else body, headers(secret))
    asked.headers |= {"content-type": "application/x-ndjson", "content-encoding": encoding}
    told = [[json.loads(line) for line in way(asked).body.splitlines()] for way in WAYS]
    statuses = [[each["status"] for each in lines] for lines in told]
    assert statuses[0] == [201] * 5 + [400] + [201] * (len(lines) - 7) + [404]
    assert statuses[1] == statuses[2] == [200 if n == 201 else n for n in statuses[0]]
    assert [each["body"] for each in told[0]] == [each["body"] for each in told[1]]
    assert told[1] == told[2]


def test_one_record_is_answered_while_many_lines_are_read(live):
    secret = make.key(live)[1]
    one = Asked("/api/v1/calls", raw(make.call_body()), headers(secret))
    assert by_asgi(one).status == 201  # the key and its facts are in memory from now on
    lines = [raw({"type": "call", "body": make.call_body()}) for _ in range(1000)]
    many = Asked("/api/v1/events", b"\n".join(lines), headers(secret))
    many.headers["content-type"] = "application/x-ndjson"
    ended = []

    async def answered(asked: Asked) -> None:
        messages, sent = pieces_of(asked, 1), []

        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message)

        await asgi.application(scope_of(asked), receive, send)
        ended.append((asked.path, sent[0]["status"]))

    async def both() -> None:
        await asyncio.gather(answered(many), answered(one))

    asyncio.run(both())
    assert ended == [("/api/v1/calls", 200), ("/api/v1/events", 200)]


def test_a_body_in_pieces_is_one_body(live):
    asked = Asked("/api/v1/calls", raw(make.call_body()), headers(make.key(live)[1]))
    assert by_asgi(asked, parts=5).status == 201
    assert by_asgi(asked).status == 200


def test_a_body_in_pieces_ends_at_its_limit(live):
    asked = Asked("/api/v1/calls", b" " * 70_000, headers(make.key(live)[1]))
    asked.headers["content-length"] = ""
    del asked.headers["content-length"]
    scope = {"headers": [(k.encode(), v.encode()) for k, v in asked.headers.items()]}
    scope["headers"].append((b"transfer-encoding", b"chunked"))
    assert by_asgi(asked, parts=5, scope=scope).status == 413


@pytest.mark.parametrize(
    "framing",
    [
        {"transfer-encoding": "chunked"},  # beside the Content-Length
        {"content-length": "2,2"},
        {"content-length": "+2"},
        {"content-length": ""},
    ],
)
def test_a_request_that_ends_in_two_places_is_refused(live, framing):
    asked = Asked("/api/v1/calls", b"{}", {**headers(make.key(live)[1]), **framing})
    said = by_asgi(asked)
    assert said.status == 400
    assert said.headers["connection"] == "close"


def test_a_header_with_an_underscore_is_another_header(live):
    asked = Asked("/api/v1/calls", raw(make.call_body()), headers(make.key(live)[1]))
    asked.headers["x_request_id"] = asked.headers.pop("x-request-id")
    assert by_asgi(asked).headers["x-request-id"] != "r-1"
    asked.headers["authorization_"] = asked.headers.pop("authorization")
    assert by_asgi(asked).status == 401


def test_the_address_is_the_proxys_word_only_where_one_is_trusted(live, settings):
    secret = make.key(live, cidrs=["10.1.0.0/16"])[1]
    asked = Asked("/api/v1/calls", raw(make.call_body()), headers(secret))
    asked.headers["x-forwarded-for"] = "10.9.9.9, 10.1.2.3"
    assert same([way(asked) for way in WAYS]).status == 403
    settings.TRUSTED_PROXIES = 1
    assert by_asgi(asked).status == 201
    assert same([way(asked) for way in WAYS]).status == 200


def test_plain_http_is_refused_where_https_is_the_rule(live, settings):
    settings.SECURE_SSL_REDIRECT = True
    asked = Asked("/api/v1/calls", raw(make.call_body()), headers(make.key(live)[1]))
    assert same([by_asgi(asked), by_wsgi(asked)]).status == 403
    assert by_asgi(asked, scope={"scheme": "https"}).status == 201
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert by_asgi(asked, scope={"scheme": "https"}).status == 403
    asked.headers["x-forwarded-proto"] = "https"
    assert same([by_asgi(asked), by_wsgi(asked)]).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/calls", 405),
        ("POST", "/api/v1/calls/", 404),
        ("POST", "/api/v1/calls/1/completion", 404),
        ("GET", "/", 404),
        ("POST", "/accounts/login/", 404),
        ("POST", "/healthz", 405),
    ],
)
def test_there_is_nothing_else_at_the_ingest_server(db, method, path, status):
    said = by_asgi(Asked(path, method=method))
    assert said.status == status
    assert said.headers["content-type"] == "application/problem+json"


def test_the_probes_answer(committed):
    for path, word in (("/healthz", "ok"), ("/readyz", "ready")):
        said = by_asgi(Asked(path, method="GET"))
        assert (said.status, json.loads(said.body)) == (200, {"status": word})
        assert said.headers["cache-control"] == "no-store"
