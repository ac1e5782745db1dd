"""A request of the hot path on its way: who asks, what every answer to it carries, refusals."""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import msgspec
import psycopg
from django.conf import settings
from django.db import connection

from audits.api import limits
from audits.ledger.jobs import Job
from audits.ledger.settling import Refused
from audits.services import recording, uses, writing
from audits.services.facts import SHARED, current
from audits.services.recording import Admitted
from countersign.problems import MEDIA_TYPE, PROBLEMS
from policies.services.keyring import Caller, KeyRefused, presented
from vendors.bodies.reading import IDEMPOTENCY_KEY, JSON_TYPE, BadBody, request_id

logger = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode

Headers = list[tuple[str, str]]


class Request(NamedTuple):
    """A request: names of headers are in lower case; `read` gives None for too large a body."""

    method: str
    path: str
    headers: Mapping[str, str]
    read: Callable[[], bytes | None]
    peer: str
    secure: bool = True


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes


class Asked(NamedTuple):
    """What the head of a request for one record says, as `audits.api.ingest.ROUTES` has it."""

    route: re.Match[str]
    caller: Caller


@dataclass(slots=True)
class Turn:
    """A request under way: its jobs, and what every answer to it carries.

    `asked` is set once nothing of the request's head can be refused any more.
    """

    common: Headers
    headers: Headers = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    asked: Asked | None = None


class Refusal(Exception):
    """The answer is a problem; `members` are added to its body, `headers` to the answer."""

    def __init__(
        self,
        code: str,
        headers: Headers | None = None,
        **members: object,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.headers = headers or []
        self.members = members


def problem(code: str, headers: Headers, **members: object) -> Answer:
    """The refusal `code` as RFC 9457 has it."""
    found = PROBLEMS[code]
    named = [("Content-Type", MEDIA_TYPE), *headers]
    if found.status == 401:
        named.append(("WWW-Authenticate", 'Bearer realm="countersign"'))
    return Answer(found.status, named, _encode(found.body(code, **members)))


def common_headers(headers: Mapping[str, str]) -> Headers:
    """What every answer of the hot path carries; `headers` are the request's."""
    return [
        ("X-Request-ID", request_id(headers)),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]


def unavailable(error: BaseException, headers: Headers) -> Answer:
    """The answer when the record could not be stored."""
    # The error's text can hold a row; its class says enough.
    logger.error("record not stored: %s", type(error).__name__)
    return problem("audit-unavailable", [*headers, ("Retry-After", "1")])


def refused_answer(refused: Refused | KeyRefused, turn: Turn) -> Answer:
    """The answer when the record is none that may be stored."""
    headers = turn.common if isinstance(refused, KeyRefused) else turn.common + turn.headers
    return problem(refused.code, headers)


def bad_body(bad: BadBody, turn: Turn) -> Answer:
    members = {"errors": [{"field": bad.field, "error": bad.error}]} if bad.error else {}
    return problem(bad.code, turn.common + turn.headers, **members)


def check_request(request: Request, *, found: bool) -> None:
    """Raises: Refusal, before anything is looked up."""
    if not found:
        raise Refusal("not-found")
    if request.method != "POST":
        raise Refusal("method-not-allowed", [("Allow", "POST")])
    if not request.secure:
        raise Refusal("https-required")


def caller_of(request: Request) -> Caller:
    """Who asks. Raises: Refusal."""
    try:
        return presented(request.headers.get("authorization"), request.peer)
    except KeyRefused as refused:
        raise Refusal(refused.code) from None


def refusing(turn: Turn, work: Callable[[], None]) -> Answer | None:
    """The answer if `work` refuses the request, in whichever of the ways; None if it does not.

    Raises: NotHeld.
    """
    try:
        work()
    except Refusal as refusal:
        headers = [*turn.common, *turn.headers, *refusal.headers]
        return problem(refusal.code, headers, **refusal.members)
    except BadBody as bad:
        return bad_body(bad, turn)
    except (Refused, KeyRefused) as refused:
        return refused_answer(refused, turn)
    except writing.FAILURES as error:
        return unavailable(error, turn.common)
    return None


def admit(caller: Caller, turn: Turn, *, may_wait: bool, scope: str = recording.SCOPE) -> Admitted:
    """The caller, whose key opens the path, within its limit. Raises: Refusal, NotHeld."""
    # What may not wait is not inside a transaction of Django's either.
    now, facts = dt.datetime.now(dt.UTC), current() if may_wait else SHARED
    look = partial(recording.admit, caller, at=now, facts=facts, scope=scope, may_wait=may_wait)
    try:
        admitted = _admitted_twice(look)
    except KeyRefused as refused:
        raise Refusal(refused.code) from None
    allowance = limits.BUCKETS.take(admitted.key.key_id, settings.API_REQUESTS_PER_MINUTE)
    turn.headers += allowance.headers()
    if allowance.wait_seconds:
        raise Refusal("rate-limited")
    uses.note(admitted.key.key_id, now, caller.peer)
    if may_wait and connection.in_atomic_block:
        uses.write()
    return admitted


def _admitted_twice(look: Callable[[], Admitted]) -> Admitted:
    """Once more on a new connection, if the one held was cut: every request may be repeated."""
    try:
        return look()
    except (psycopg.OperationalError, psycopg.InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return look()


def check_idempotency_key(request: Request) -> None:
    """Raises: Refusal for a header that has not its form."""
    given = request.headers.get("idempotency-key")
    if given is not None and not IDEMPOTENCY_KEY.fullmatch(given):
        raise Refusal("invalid-header", errors=[{"field": "Idempotency-Key", "error": "pattern"}])


def read_json(request: Request, *, empty_is_object: bool = False) -> bytes:
    """The body of a request that sends JSON. Raises: Refusal."""
    body = request.read()
    if body is None:
        raise Refusal("body-too-large")
    if not body and empty_is_object:
        return b"{}"
    if not JSON_TYPE.fullmatch(request.headers.get("content-type", "").strip()):
        raise Refusal("unsupported-media-type")
    return body
