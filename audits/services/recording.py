"""Stores what happened: the call before it is made, how it ended, that it goes on."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection

from audits.bodies import EARLIEST, CallBody, CompletionBody, QuestionBody, check_moment
from audits.ledger.entries import CallEntry, CompletionEntry, LeaseEntry
from audits.ledger.jobs import CallJob, CompletionJob, Job, LeaseJob
from audits.ledger.settling import Refused, Signed
from audits.models import Call
from audits.services import appending, statements, writing
from audits.services.facts import MAX_VERDICTS, Decided, Facts, State, current, day_of
from policies.gate import CallTerms
from policies.services.keyring import Caller, KeyFacts, KeyRefused

__all__ = ["Completed", "Ending", "Opening", "Recorded", "Refused"]

# How far the start of a call may be ahead of the portal's clock, and behind it.
SKEW_AHEAD = dt.timedelta(minutes=5)
SKEW_BEHIND = dt.timedelta(days=7)

SCOPE = "calls:write"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored call. `created` is false for a repeat, which gets the first answer again."""

    record_id: int
    entry: CallEntry
    created: bool
    line: bytes
    checkpoint: Signed

    @property
    def call_id(self) -> uuid.UUID:
        return self.entry.call_id

    @property
    def decision(self) -> str:
        return self.entry.decision


@dataclass(frozen=True, slots=True)
class Completed:
    """A stored completion, in the same way."""

    record_id: int
    entry: CompletionEntry
    created: bool
    line: bytes
    checkpoint: Signed


class Opening(NamedTuple):
    """A call to be recorded, as one of many. `seed_reference` as for `record_call`."""

    body: CallBody
    caller: Caller
    received_at: dt.datetime
    seed_reference: str | None = None
    source: str = Call.Source.CALLS.value


class Ending(NamedTuple):
    """How a call ended, as one of many."""

    call_id: uuid.UUID
    body: CompletionBody
    caller: Caller
    received_at: dt.datetime


class NotHeld(Exception):
    """The answer is not in memory: it takes a look into the database."""


class Admitted(NamedTuple):
    """Who calls, by which facts that is known, and when the request came."""

    caller: Caller
    key: KeyFacts
    state: State
    facts: Facts
    at: dt.datetime


def admit(
    caller: Caller, *, at: dt.datetime, facts: Facts, scope: str = SCOPE, may_wait: bool = True
) -> Admitted:
    """The caller with its key, if that opens `scope`. Raises: KeyRefused.

    An open key may have been closed since its facts were read: the record that follows tells.
    Without `may_wait` only what is in memory is looked at. Raises: NotHeld if that is not enough.
    """
    if not may_wait:
        held = facts.held()
        if held is None or not held.holds_key(caller):
            raise NotHeld
        try:
            return Admitted(caller, held.key(caller, scope=scope, at=at), held, facts, at)
        except KeyRefused:
            raise NotHeld from None
    state = facts.state()
    try:
        key = state.key(caller, scope=scope, at=at)
    except KeyRefused:
        # What is held of a key may be old: what was refused an hour ago may be open now.
        if not _passed(state):
            raise
        state = facts.renew(state)
        key = state.key(caller, scope=scope, at=at)
    return Admitted(caller, key, state, facts, at)


def record_call(
    body: CallBody,
    *,
    caller: Caller,
    received_at: dt.datetime,
    seed_reference: str | None = None,
    facts: Facts | None = None,
) -> Recorded:
    """Ask the gate and store the record; the caller makes the call only after this returned allow.

    `seed_reference` is the BAA that a record of the seeds' form names; None for POST /calls.
    A repeat of the same body gets the first record back, and nothing is stored twice.
    Raises: Refused, KeyRefused, LedgerRefused, psycopg.Error or DatabaseError (then nothing is
    stored). Source: 45 CFR 164.312(b), audit controls.
    """
    source = Call.Source.CALLS if seed_reference is None else Call.Source.RECORDS
    asked = Opening(body, caller, received_at, seed_reference, source.value)
    (done,) = record_many([asked], facts=facts)
    if isinstance(done, BaseException):
        raise done
    assert isinstance(done, Recorded)
    return done


def record_completion(
    call_id: uuid.UUID,
    body: CompletionBody,
    *,
    caller: Caller,
    received_at: dt.datetime,
    facts: Facts | None = None,
) -> Completed:
    """Store how a call ended; one that nobody knows is stored too, and one that comes late.

    Raises: as `record_call`.
    """
    (done,) = record_many([Ending(call_id, body, caller, received_at)], facts=facts)
    if isinstance(done, BaseException):
        raise done
    assert isinstance(done, Completed)
    return done


def extend_lease(
    call_id: uuid.UUID,
    *,
    caller: Caller,
    received_at: dt.datetime,
    facts: Facts | None = None,
) -> dt.datetime:
    """Store that a call goes on. Returns: the moment until which it now counts as running.

    Raises: as `record_call`.
    """
    admitted = admit(caller, at=received_at, facts=facts or current())
    job = lease_job(call_id, admitted)
    run([job])
    return lease_of(job)


def lease_of(job: Job) -> dt.datetime:
    """Until when the call of a lease that was done counts as running. Raises: its error."""
    if job.error is not None:
        raise job.error
    assert isinstance(job.entry, LeaseEntry)
    return dt.datetime.fromisoformat(job.entry.lease_until)


def record_many(
    asked: Sequence[Opening | Ending], *, facts: Facts | None = None
) -> list[Recorded | Completed | BaseException]:
    """Store calls and completions in their order, in as few batches as there may be.

    Returns: for each what `record_call` or `record_completion` would have, or the error that it
    would have raised: one that is refused does not spoil the others.
    Raises: LedgerRefused, psycopg.Error or DatabaseError: then any of them may be stored or not.
    """
    facts = facts or current()
    made: list[Job | BaseException] = []
    for each in asked:
        try:
            made.append(job_of(each, facts))
        except (Refused, KeyRefused) as refused:
            made.append(refused)
    run([job for job in made if isinstance(job, Job)])
    return [result(job) if isinstance(job, Job) else job for job in made]


def job_of(asked: Opening | Ending, facts: Facts) -> Job:
    """The job of one among many. Raises: Refused, KeyRefused."""
    admitted = admit(asked.caller, at=asked.received_at, facts=facts)
    if isinstance(asked, Ending):
        return completion_job(asked.call_id, asked.body, admitted)
    return call_job(asked.body, admitted, asked.source, asked.seed_reference or "")


def result(job: Job) -> Recorded | Completed | BaseException:
    """What came of a job that was done."""
    if job.error is not None:
        return job.error
    assert job.checkpoint is not None
    if isinstance(job.entry, CallEntry):
        return Recorded(job.index, job.entry, job.created, job.line, job.checkpoint)
    assert isinstance(job.entry, CompletionEntry)
    return Completed(job.index, job.entry, job.created, job.line, job.checkpoint)


def call_job(
    body: CallBody, admitted: Admitted, source: str, claimed: str = "", *, drained: bool = False
) -> CallJob:
    """The call as a job, decided under the facts that are held. Raises: Refused.

    One that is `drained` from a journal may have begun long ago.
    """
    caller, key, state, facts, at = admitted
    _check_clock(body.started_at, at, drained=drained)
    _check_integration(body, key)
    job = CallJob(body, at, key, source, claimed)
    job.decided_by, job.facts, job.epoch, job.caller = _decide_call, facts, state.epoch, caller
    job.verdict = _verdict(body, key, state, at, begun=_begun(body, source, at))
    return job


def ask(body: QuestionBody, admitted: Admitted, *, scope: str) -> Decided:
    """What the gate says of a call that is not made: nothing is recorded.

    `scope` is what the key must open. Raises: Refused, KeyRefused.
    """
    caller, key, state, facts, at = admitted
    # No record follows that an old epoch would refuse: so it is looked at here.
    if _passed(state):
        state = facts.renew(state)
        key = state.key(caller, scope=scope, at=at)
    _check_integration(body, key)
    return _verdict(body, key, state, at, begun=at if body.bundle else None)


def _decide_call(job: CallJob, state: State) -> None:
    """Decide again by these facts. Raises: Refused, KeyRefused."""
    key = state.key(job.caller, scope=SCOPE, at=job.at)
    _check_integration(job.body, key)
    job.key, job.epoch = key, state.epoch
    begun = _begun(job.body, job.source, job.at)
    job.verdict = _verdict(job.body, key, state, job.at, begun=begun)


def _begun(body: CallBody, source: str, at: dt.datetime) -> dt.datetime:
    """When the call was made: one that a journal held back was made under the rules of then."""
    if body.started_at is None or source != Call.Source.EVENTS:
        return at
    return min(at, body.started_at)


def _verdict(
    body: CallBody | QuestionBody,
    key: KeyFacts,
    state: State,
    at: dt.datetime,
    *,
    begun: dt.datetime | None,
) -> Decided:
    """What the gate says of the call; that it said it of the same words before is held.

    It must have been made under rules that held when it was `begun`; a question need not.
    """
    where = key.integration_id, day_of(at)
    _, terms = state.use(where, at)
    # As in `State.decide`: mostly one verdict serves everybody.
    grant = terms.grant_at(_actor(body), at) if terms.known_actors_only else None
    stale = begun is not None and state.is_stale(body.bundle, where, begun)
    asked = (
        where,
        body.model,
        body.region,
        body.phi_present,
        tuple(body.data_classes),
        tuple(body.features),
        body.endpoint_host,
        stale,
        grant.grant_id if grant else None,
    )
    held = state.said.get(asked)
    if held is None:
        held = state.decide(key.integration_id, _terms(body, stale=stale), at)
        if len(state.said) >= MAX_VERDICTS:
            state.said.clear()
        state.said[asked] = held
    return held


def completion_job(call_id: uuid.UUID, body: CompletionBody, admitted: Admitted) -> CompletionJob:
    """The completion as a job. Raises: BadBody for an end that no record can hold."""
    check_moment("ended_at", body.ended_at)
    job = CompletionJob(call_id, body, admitted.at, admitted.key)
    _look_again(job, admitted)
    return job


def lease_job(call_id: uuid.UUID, admitted: Admitted) -> LeaseJob:
    """The sign of life as a job."""
    job = LeaseJob(call_id, admitted.at, admitted.key)
    _look_again(job, admitted)
    return job


def _look_again(job: CompletionJob | LeaseJob, admitted: Admitted) -> None:
    """Have the key looked at again if the epoch passes before the job is stored."""
    job.decided_by, job.facts, job.epoch = _decide_key, admitted.facts, admitted.state.epoch
    job.caller = admitted.caller


def _decide_key(job: CompletionJob | LeaseJob, state: State) -> None:
    """Look at the key again by these facts. Raises: KeyRefused."""
    job.key, job.epoch = state.key(job.caller, scope=SCOPE, at=job.at), state.epoch


def run(jobs: Sequence[Job]) -> None:
    """Have the jobs done, and wait for it; each carries its place or its error then.

    Inside a transaction of Django's they are done on its connection and in it: then, and if the
    writer takes no more (Busy, Stopped), an error is raised. Raises: LedgerRefused, psycopg.Error.
    """
    if not jobs:
        return
    if not connection.in_atomic_block:
        writing.writer().do(jobs)
        return
    raw = connection.connection
    writing.decide_again(jobs, appending.hold_epoch(raw))
    appending.append_jobs(raw, [job for job in jobs if job.error is None])


def _passed(state: State) -> bool:
    row = statements.run("SELECT value FROM public.vendors_epoch", ())
    return row is None or row["value"] != state.epoch


def _check_clock(started_at: dt.datetime | None, at: dt.datetime, *, drained: bool) -> None:
    if started_at is None:
        return
    if started_at > at + SKEW_AHEAD or started_at < (EARLIEST if drained else at - SKEW_BEHIND):
        raise Refused("clock-skew")


def _check_integration(body: CallBody | QuestionBody, key: KeyFacts) -> None:
    if body.integration is not None and body.integration != key.integration:
        raise Refused("integration-mismatch")


def _actor(body: CallBody | QuestionBody) -> str:
    return f"{body.actor.type}:{body.actor.id}"


def _terms(body: CallBody | QuestionBody, *, stale: bool) -> CallTerms:
    return CallTerms(
        model=body.model,
        region=body.region.lower(),
        phi_present=body.phi_present,
        data_classes=tuple(body.data_classes),
        features=tuple(body.features),
        actor=_actor(body),
        endpoint=(body.endpoint_host or "").partition(":")[0],
        bundle_stale=stale,
    )
