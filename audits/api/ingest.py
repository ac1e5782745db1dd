"""The hot path: from a request to an answer, without Django's machinery.

In three steps: `begin` makes jobs of the request, the writer does them, `finish` makes the answer.
The web servers' entries and Django's views all come through here, so an answer does not depend on
the way that a request came.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from audits.api import events, turns
from audits.api.events import Lines
from audits.api.turns import (
    Answer,
    Asked,
    Request,
    Turn,
    problem,
    refused_answer,
    unavailable,
)
from audits.bodies import CallBody, CompletionBody, LeaseBody, SeedRecord, parse
from audits.ledger.jobs import Job
from audits.ledger.settling import Refused
from audits.models import Call
from audits.services import recording, seeds, writing
from audits.services.answers import stored_json
from audits.services.recording import Admitted, NotHeld
from policies.services.keyring import KeyRefused
from vendors.bodies.reading import MAX_BYTES

__all__ = ["Answer", "NotHeld", "Request", "problem", "unavailable"]

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
ROUTES = re.compile(rf"/api/v1/(?:(calls|records|events)|calls/({UUID})/(completion|lease))\Z")
EVENTS = "/api/v1/events"
TRACES = "/api/v1/otlp/v1/traces"
LITELLM = "/api/v1/beta/litellm_basic_guardrail_api"
# What carries many records, or prompts.
LARGER = {EVENTS: events.MAX_BYTES, TRACES: events.MAX_BYTES, LITELLM: 8 * 1024 * 1024}
# So much of a body is read, and thrown away, beyond what is taken: its caller mostly hears the
# answer only once all is sent.
LINGER = 1024 * 1024
CALLS: str = Call.Source.CALLS.value


def largest_body(path: str) -> int:
    """How many bytes of a body are read at most, as they are sent."""
    return LARGER.get(path, MAX_BYTES)


def answer(request: Request) -> Answer:
    """What the portal answers to a request of the hot path; waits as long as that takes.

    Never raises for what was sent.
    """
    begun = begin(request, may_wait=True)
    if isinstance(begun, Answer):
        return begun
    try:
        recording.run(begun.jobs)
    except (*writing.FAILURES, writing.Busy, writing.Stopped) as error:
        return unavailable(error, begun.common + begun.headers)
    return finish(begun)


def begin(request: Request, *, may_wait: bool) -> Turn | Answer:
    """The jobs of a request, or the answer of one that is refused.

    Without `may_wait` nothing outside of memory is touched, and a request of many lines has yet to
    read them (`Lines.read_on`). Raises: NotHeld if memory is not enough.
    """
    common = turns.common_headers(request.headers)
    turn = Lines(common) if request.path == EVENTS else Turn(common)
    return _begun(turn, lambda: _begin(request, turn, may_wait=may_wait))


def begin_again(asked: Asked, body: bytes) -> Turn | Answer:
    """As `begin`, for a request whose head has been checked before; from memory alone.

    The head names no id of the request. Raises: NotHeld.
    """
    turn = Turn(turns.common_headers({}), asked=asked)
    return _begun(turn, lambda: _begin_checked(asked, body, turn))


def _begun(turn: Turn, begin: Callable[[], None]) -> Turn | Answer:
    return turns.refusing(turn, begin) or turn


def finish(turn: Turn) -> Answer:
    """The answer to a request whose jobs were done."""
    if isinstance(turn, Lines):
        return events.finish(turn)
    (job,) = turn.jobs
    if job.error is None:
        return _stored(job, turn)
    if isinstance(job.error, Refused | KeyRefused):
        return refused_answer(job.error, turn)
    return unavailable(job.error, turn.common + turn.headers)


def _begin(request: Request, turn: Turn, *, may_wait: bool) -> None:
    route = ROUTES.match(request.path)
    turns.check_request(request, found=route is not None)
    assert route is not None
    caller = turns.caller_of(request)
    admitted = turns.admit(caller, turn, may_wait=may_wait)
    if isinstance(turn, Lines):
        events.begin(request, turn, admitted, may_wait=may_wait)
        return
    body = _body(request, empty_is_object=route[3] == "lease")
    turn.asked = Asked(route, caller)
    if not may_wait and not _holds_use(admitted):
        raise NotHeld
    turn.jobs.append(_job(route, body, admitted))


def _begin_checked(asked: Asked, body: bytes, turn: Turn) -> None:
    admitted = turns.admit(asked.caller, turn, may_wait=False)
    if not _holds_use(admitted):
        raise NotHeld
    turn.jobs.append(_job(asked.route, body or b"{}", admitted))


def _holds_use(admitted: Admitted) -> bool:
    return admitted.state.holds_use(admitted.key.integration_id, admitted.at)


def _body(request: Request, *, empty_is_object: bool) -> bytes:
    turns.check_idempotency_key(request)
    return turns.read_json(request, empty_is_object=empty_is_object)


def _job(route: re.Match[str], body: bytes, admitted: Admitted) -> Job:
    if route[1] == "calls":
        call = parse(CallBody, body)
        return recording.call_job(call, admitted, CALLS)
    if route[1] == "records":
        record = parse(SeedRecord, body)
        if record.response_status == 0:
            opening, claimed = seeds.opening(record), record.baa_reference_id
            return recording.call_job(opening, admitted, Call.Source.RECORDS.value, claimed)
        return recording.completion_job(record.event_id, seeds.completion(record), admitted)
    call_id = uuid.UUID(route[2])
    if route[3] == "completion":
        return recording.completion_job(call_id, parse(CompletionBody, body), admitted)
    parse(LeaseBody, body)
    return recording.lease_job(call_id, admitted)


def _stored(job: Job, turn: Turn) -> Answer:
    headers = [("Content-Type", "application/json"), *turn.common, *turn.headers]
    if not job.created:
        headers.append(("Idempotent-Replayed", "true"))
    return Answer(201 if job.created else 200, headers, stored_json(job))
