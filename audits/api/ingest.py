"""The hot path: one function from a request to an answer, without Django's machinery.

The web server's entry (portal/wsgi.py) and Django's views both call it, so an answer does not
depend on the way that a request came.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
import psycopg
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from audits.api.limits import BUCKETS
from audits.bodies import CallBody, CompletionBody, LeaseBody, SeedRecord, parse
from audits.services import recording, seeds, statements
from audits.services.answers import LeaseAnswer, call_answer, completion_answer, moment
from audits.services.facts import Facts, current
from countersign.problems import MEDIA_TYPE, PROBLEMS
from policies.services.keyring import Caller, KeyRefused, presented
from vendors.bodies.reading import IDEMPOTENCY_KEY, JSON_TYPE, BadBody, request_id

logger = logging.getLogger(__name__)

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
ROUTES = re.compile(rf"/api/v1/(?:(calls|records)|calls/({UUID})/(completion|lease))\Z")
KEY_USE_SECONDS = 60

_encode = msgspec.json.Encoder().encode
_touched: dict[int, float] = {}


@dataclass(frozen=True, slots=True)
class Request:
    """A request: names of headers are in lower case; `read` gives None for too large a body."""

    method: str
    path: str
    headers: Mapping[str, str]
    read: Callable[[], bytes | None]
    peer: str
    secure: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Refusal(Exception):
    """The answer is a problem; `members` are added to its body, `headers` to the answer."""

    def __init__(
        self,
        code: str,
        headers: list[tuple[str, str]] | None = None,
        **members: object,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.headers = headers or []
        self.members = members


def problem(code: str, headers: list[tuple[str, str]], **members: object) -> Answer:
    """The refusal `code` as RFC 9457 has it."""
    found = PROBLEMS[code]
    named = [("Content-Type", MEDIA_TYPE), *headers]
    if found.status == 401:
        named.append(("WWW-Authenticate", 'Bearer realm="countersign"'))
    return Answer(found.status, named, _encode(found.body(code, **members)))


def answer(request: Request) -> Answer:
    """What the portal answers to a request of the hot path. Never raises for what was sent."""
    common = [
        ("X-Request-ID", request_id(request.headers)),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    try:
        answered = _answer_twice(request)
    except Refusal as refusal:
        return problem(refusal.code, [*common, *refusal.headers], **refusal.members)
    except (psycopg.Error, DatabaseError) as error:
        # The error's text can hold a row; its class says enough.
        logger.error("record not stored: %s", type(error).__name__)
        return problem("audit-unavailable", [*common, ("Retry-After", "1")])
    answered.headers.extend(common)
    return answered


def _answer_twice(request: Request) -> Answer:
    """Once more on a new connection, if the one held was cut: every request may be repeated."""
    found = ROUTES.match(request.path)
    if found is None:
        raise Refusal("not-found")
    if request.method != "POST":
        raise Refusal("method-not-allowed", [("Allow", "POST")])
    if not request.secure:
        raise Refusal("https-required")
    body: list[bytes] = []
    try:
        return _answer(request, found, body)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return _answer(request, found, body)


@dataclass(frozen=True, slots=True)
class _Turn:
    """An admitted request: who calls, when, and the headers that every answer to it carries."""

    caller: Caller
    facts: Facts
    at: dt.datetime
    headers: list[tuple[str, str]]


def _answer(request: Request, route: re.Match[str], held: list[bytes]) -> Answer:
    turn = _admit(request)
    try:
        if not held:
            held.append(_body(request, empty_is_object=route[3] == "lease"))
        return _store(route, held[0], turn)
    except BadBody as bad:
        members = {"errors": [{"field": bad.field, "error": bad.error}]} if bad.error else {}
        raise Refusal(bad.code, turn.headers, **members) from None
    except recording.Refused as refused:
        wait = [("Retry-After", "1")] if refused.code == "audit-unavailable" else []
        raise Refusal(refused.code, turn.headers + wait) from None
    except KeyRefused as refused:
        raise Refusal(refused.code) from None
    except Refusal as refusal:
        refusal.headers.extend(turn.headers)
        raise


def _admit(request: Request) -> _Turn:
    """The turn of a caller whose key opens the path, within its limit. Raises: Refusal."""
    now, facts = dt.datetime.now(dt.UTC), current()
    try:
        caller = presented(request.headers.get("authorization"), request.peer)
        key = recording.admit(caller, at=now, facts=facts)
    except KeyRefused as refused:
        raise Refusal(refused.code) from None
    allowance = BUCKETS.take(key.key_id, settings.API_REQUESTS_PER_MINUTE)
    if allowance.wait_seconds:
        raise Refusal("rate-limited", allowance.headers())
    _touch(key.key_id, now)
    return _Turn(caller, facts, now, allowance.headers())


def _touch(key_id: int, now: dt.datetime) -> None:
    """Note that the key was used, once a minute and process."""
    tick = time.monotonic()
    if tick - _touched.get(key_id, -KEY_USE_SECONDS) >= KEY_USE_SECONDS:
        statements.run(statements.TOUCH_KEY, (key_id, now))
        _touched[key_id] = tick


def forget_uses() -> None:
    """Hold no moments of use, as after a start."""
    _touched.clear()


def _body(request: Request, *, empty_is_object: bool) -> bytes:
    given = request.headers.get("idempotency-key")
    if given is not None and not IDEMPOTENCY_KEY.fullmatch(given):
        raise Refusal("invalid-header", errors=[{"field": "Idempotency-Key", "error": "pattern"}])
    body = request.read()
    if body is None:
        raise Refusal("body-too-large")
    if not body and empty_is_object:
        return b"{}"
    if not JSON_TYPE.fullmatch(request.headers.get("content-type", "").strip()):
        raise Refusal("unsupported-media-type")
    return body


def _store(route: re.Match[str], body: bytes, turn: _Turn) -> Answer:
    if route[1] == "calls":
        return _open(parse(CallBody, body), None, turn)
    if route[1] == "records":
        record = parse(SeedRecord, body)
        if record.response_status == 0:
            return _open(seeds.opening(record), record.baa_reference_id, turn)
        return _close(record.event_id, seeds.completion(record), turn)
    call_id = uuid.UUID(route[2])
    if route[3] == "completion":
        return _close(call_id, parse(CompletionBody, body), turn)
    parse(LeaseBody, body)
    until = recording.extend_lease(
        call_id, caller=turn.caller, received_at=turn.at, facts=turn.facts
    )
    return _json(LeaseAnswer(str(call_id), moment(until)), turn, created=True)


def _open(body: CallBody, seed_reference: str | None, turn: _Turn) -> Answer:
    recorded = recording.record_call(
        body,
        caller=turn.caller,
        received_at=turn.at,
        seed_reference=seed_reference,
        facts=turn.facts,
    )
    return _json(call_answer(recorded), turn, created=recorded.created)


def _close(call_id: uuid.UUID, body: CompletionBody, turn: _Turn) -> Answer:
    completed = recording.record_completion(
        call_id, body, caller=turn.caller, received_at=turn.at, facts=turn.facts
    )
    return _json(completion_answer(completed), turn, created=completed.created)


def _json(content: msgspec.Struct, turn: _Turn, *, created: bool) -> Answer:
    headers = [("Content-Type", "application/json"), *turn.headers]
    if not created:
        headers.append(("Idempotent-Replayed", "true"))
    return Answer(201 if created else 200, headers, _encode(content))
