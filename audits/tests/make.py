"""Plain functions that make a good case; a test breaks one thing of it."""

from __future__ import annotations

import io
import json
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection
from django.utils import timezone

from audits.api import ingest, wsgi
from policies.models import Integration, IntegrationKey
from policies.tests import make as policies

T = TypeVar("T")
# How long a test waits for what must come.
PATIENCE_S = 60


def call_body(**fields) -> dict:
    """What a caller posts before a PHI call that the gate allows."""
    return {
        "call_id": str(uuid.uuid4()),
        "provider": "openai",
        "operation": "chat",
        "model": "gpt-4.1",
        "region": "us-east-1",
        "phi_present": True,
        "data_classes": ["phi"],
        "actor": {"type": "user", "id": "u-1042"},
        **fields,
    }


def completion_body(**fields) -> dict:
    return {
        "event_id": str(uuid.uuid4()),
        "outcome": "succeeded",
        "http_status": 200,
        "usage": {"input": 512, "output": 128},
        "usage_source": "provider",
        "latency_ms": 830,
        **fields,
    }


def gap_body(**fields) -> dict:
    """What an observe client tells when the portal is back."""
    return {
        "event_id": str(uuid.uuid4()),
        "calls": 17,
        "first_at": "2026-11-21T09:30:00.000Z",
        "last_at": "2026-11-21T09:41:07.250Z",
        **fields,
    }


def record(**fields) -> dict:
    """The seeds' record, about to call."""
    return {
        "event_id": str(uuid.uuid4()),
        "timestamp_utc": timezone.now().timestamp(),
        "user_id": "u-1042",
        "session_id": "s-77",
        "api_provider": "openai",
        "model": "gpt-4.1",
        "input_token_count": 0,
        "output_token_count": 0,
        "phi_present": True,
        "phi_hash": "ab" * 32,
        "response_status": 0,
        "latency_ms": 0.0,
        "data_residency_region": "us-east-1",
        "baa_reference_id": "BAA-2026-014",
        **fields,
    }


class Api:
    """Posts as a program with a key does; `prefix` answers for the way that is tested."""

    def __init__(self, client, secret: str) -> None:
        self.client = client
        self.secret = secret

    def headers(self, **more) -> dict[str, str]:
        return {"authorization": f"Bearer {self.secret}", **more}

    def post(self, path: str, body: object, *, content_type="application/json", **headers):
        raw = body if isinstance(body, bytes | str) else json.dumps(body)
        return self.client.post(
            f"/api/v1/{path}", raw, content_type=content_type, headers=self.headers(**headers)
        )

    def get(self, path: str, **headers):
        return self.client.get(f"/api/v1/{path}", headers=self.headers(**headers))

    def open(self, **fields):
        return self.post("calls", call_body(**fields))

    def complete(self, call_id: str, **fields):
        return self.post(f"calls/{call_id}/completion", completion_body(**fields))


def active_integration(**fields) -> Integration:
    """An integration that is allowed today, whatever the day of the fixtures is."""
    return policies.active_integration(**fields)


def key(of: Integration, **fields) -> tuple[IntegrationKey, str]:
    """A key that is open now."""
    return policies.key(of, at=timezone.now(), **fields)


def hot(secret: str, path: str, body: object) -> ingest.Answer:
    """What the hot path answers, as the web server's entry asks it."""
    raw = json.dumps(body).encode()
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
    return ingest.answer(
        ingest.Request("POST", f"/api/v1/{path}", headers, lambda: raw, "127.0.0.1")
    )


def wait_for(so: Callable[[], bool]) -> None:
    """Wait for what another thread must bring; what follows tells whether it came."""
    end = time.monotonic() + PATIENCE_S
    while not so() and time.monotonic() < end:
        time.sleep(0.05)


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """What `work(number)` gives in `count` threads that start together."""
    start = threading.Barrier(count)

    def run(number: int) -> T:
        start.wait(timeout=30)
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


class WsgiAnswer:
    """What a web server would send; called as start_response."""

    status = ""
    body = b""

    def __call__(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status = status
        self.headers = dict(headers)


def through_wsgi(secret: str, path: str, body: object, **environ) -> WsgiAnswer:
    """The answer of the hot path's WSGI function; Django behind it must not be reached."""

    def django(environ, start_response):
        raise AssertionError("this reached Django")

    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = WsgiAnswer()
    given = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/api/v1/{path}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw)),
        "HTTP_AUTHORIZATION": f"Bearer {secret}",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(raw),
        "wsgi.url_scheme": "http",
        **environ,
    }
    answer.body = b"".join(wsgi.before(django)(given, answer))
    return answer
