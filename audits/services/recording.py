"""Stores what happened: the call before it is made, how it ended, that it goes on."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings
from django.db import transaction

from audits.bodies import CallBody, CompletionBody, fingerprint
from audits.models import Call
from audits.services import statements
from audits.services.facts import Facts, State, current
from audits.services.statements import Row
from policies.gate import CallTerms
from policies.services.keyring import Caller, KeyFacts, KeyRefused

# How far the start of a call may be ahead of the portal's clock, and behind it.
SKEW_AHEAD = dt.timedelta(minutes=5)
SKEW_BEHIND = dt.timedelta(days=7)
# Tries without a lock; the last one holds changes off, so it succeeds.
FREE_TRIES = 2
LOCKED_TRIES = 5
EPOCH_LOCK = 730500

SCOPE = "calls:write"


class Refused(Exception):
    """Nothing was stored; `code` is one of countersign.problems."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored call. `created` is false for a repeat, which gets the first answer again."""

    record_id: int
    row: Row
    created: bool

    @property
    def call_id(self) -> uuid.UUID:
        value: uuid.UUID = self.row["call_id"]
        return value

    @property
    def decision(self) -> str:
        return str(self.row["decision"])


@dataclass(frozen=True, slots=True)
class Completed:
    """A stored completion, in the same way."""

    record_id: int
    row: Row
    created: bool


T = TypeVar("T")


def admit(caller: Caller, *, at: dt.datetime, facts: Facts, scope: str = SCOPE) -> KeyFacts:
    """The caller's key, if it opens `scope`. Raises: KeyRefused.

    An open key may have been closed since its facts were read: the record that follows tells.
    """
    state = facts.state()
    try:
        return state.key(caller, scope=scope, at=at)
    except KeyRefused:
        if not _passed(state):
            raise
    return facts.renew(state).key(caller, scope=scope, at=at)


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
    Raises: Refused, KeyRefused, psycopg.Error or DatabaseError (then nothing is stored).
    Source: 45 CFR 164.312(b), audit controls.
    """
    at = received_at.replace(microsecond=received_at.microsecond // 1000 * 1000)
    _check_clock(body.started_at, at)
    sent = fingerprint(body)
    source = Call.Source.CALLS if seed_reference is None else Call.Source.RECORDS

    def attempt(state: State) -> Recorded | None:
        key = state.key(caller, scope=SCOPE, at=at)
        if body.integration is not None and body.integration != key.integration:
            raise Refused("integration-mismatch")
        row = _said(body) | {
            "epoch": state.epoch,
            "body_sha256": sent,
            "received_at": at,
            "lease_until": at + settings.CALL_LEASE,
            "livemode": key.livemode,
            "source": source.value,
            "claimed_baa_reference": seed_reference or "",
            "integration_id": key.integration_id,
            "key_id": key.key_id,
            **state.decide(key.integration_id, _terms(body), at),
        }
        record_id = statements.insert_call(row)
        if record_id is not None:
            return Recorded(record_id, row, created=True)
        return None if _passed(state) else _replayed(body.call_id, sent, key)

    return _under_epoch(attempt, facts or current())


def record_completion(
    call_id: uuid.UUID,
    body: CompletionBody,
    *,
    caller: Caller,
    received_at: dt.datetime,
    facts: Facts | None = None,
) -> Completed:
    """Store how a call ended; one that nobody knows is stored too, and one that comes late.

    Raises: Refused, KeyRefused, psycopg.Error or DatabaseError (then nothing is stored).
    """
    at = received_at.replace(microsecond=received_at.microsecond // 1000 * 1000)
    sent = fingerprint(body)

    def attempt(state: State) -> Completed | None:
        key = state.key(caller, scope=SCOPE, at=at)
        row = _ended(body) | {
            "call_id": call_id,
            "body_sha256": sent,
            "received_at": at,
            "swept": False,
            "livemode": key.livemode,
            "key_id": key.key_id,
        }
        asked = {**row, "epoch": state.epoch, "integration_id": key.integration_id}
        stored = statements.run(statements.INSERT_COMPLETION, asked)
        if stored is not None:
            row |= {"late": stored["late"], "without_call": stored["without_call"]}
            return Completed(stored["id"], row, created=True)
        if _passed(state):
            return None
        _own_call(call_id, key)
        return _completed_before(call_id, body.event_id, sent, key)

    return _under_epoch(attempt, facts or current())


def extend_lease(
    call_id: uuid.UUID,
    *,
    caller: Caller,
    received_at: dt.datetime,
    facts: Facts | None = None,
) -> dt.datetime:
    """Store that a call goes on. Returns: the moment until which it now counts as running.

    Raises: Refused, KeyRefused, psycopg.Error or DatabaseError (then nothing is stored).
    """
    at = received_at.replace(microsecond=received_at.microsecond // 1000 * 1000)
    until = at + settings.CALL_LEASE

    def attempt(state: State) -> dt.datetime | None:
        key = state.key(caller, scope=SCOPE, at=at)
        asked = {
            "call_id": call_id,
            "received_at": at,
            "lease_until": until,
            "livemode": key.livemode,
            "integration_id": key.integration_id,
            "epoch": state.epoch,
        }
        if statements.run(statements.INSERT_LEASE, asked) is not None:
            return until
        if _passed(state):
            return None
        call = _own_call(call_id, key)
        if call is None:
            raise Refused("call-not-found")
        if call["decision"] == Call.Decision.DENY:
            raise Refused("call-denied")
        if _is_completed(call_id):
            raise Refused("already-completed")
        return None

    return _under_epoch(attempt, facts or current())


def _under_epoch(attempt: Callable[[State], T | None], facts: Facts) -> T:
    """What `attempt` gives under the epoch that stands; it gives None if its epoch has passed."""
    state = facts.state()
    for _ in range(FREE_TRIES):
        try:
            done = attempt(state)
        except KeyRefused:
            # What is held of a key may be old: what was refused an hour ago may be open now.
            if not _passed(state):
                raise
            done = None
        if done is not None:
            return done
        state = facts.renew(state)
    with transaction.atomic():
        statements.run("SELECT pg_advisory_xact_lock_shared(%s)", (EPOCH_LOCK,))
        # No change can be committed now; what other threads loaded before may be old all the same.
        for _ in range(LOCKED_TRIES):
            if not _passed(state):
                break
            state = facts.renew(state)
        done = attempt(state)
    if done is None:
        raise Refused("audit-unavailable")
    return done


def _passed(state: State) -> bool:
    row = statements.run("SELECT value FROM vendors_epoch", ())
    return row is None or row["value"] != state.epoch


def _check_clock(started_at: dt.datetime | None, at: dt.datetime) -> None:
    if started_at is not None and not at - SKEW_BEHIND <= started_at <= at + SKEW_AHEAD:
        raise Refused("clock-skew")


def _replayed(call_id: uuid.UUID, sent: bytes, key: KeyFacts) -> Recorded | None:
    row = statements.find_call(call_id)
    if row is None:
        return None
    same = row["body_sha256"] == sent and row["integration_id"] == key.integration_id
    if not same or row["livemode"] != key.livemode:
        raise Refused("call-id-reused")
    return Recorded(row.pop("id"), row, created=False)


def _own_call(call_id: uuid.UUID, key: KeyFacts) -> Row | None:
    call = statements.find_call(call_id)
    if call is not None and (
        call["integration_id"] != key.integration_id or call["livemode"] != key.livemode
    ):
        raise Refused("foreign-call")
    return call


def _completed_before(
    call_id: uuid.UUID, event_id: uuid.UUID, sent: bytes, key: KeyFacts
) -> Completed | None:
    row = statements.find_completion(call_id, event_id)
    if row is None:
        return None
    if row["call_id"] != call_id:
        raise Refused("call-id-reused")
    if row["body_sha256"] != sent or row["livemode"] != key.livemode:
        raise Refused("already-completed")
    return Completed(row.pop("id"), row, created=False)


def _is_completed(call_id: uuid.UUID) -> bool:
    sql = "SELECT 1 AS one FROM audits_completion WHERE call_id = %s"
    return statements.run(sql, (call_id,)) is not None


def _said(body: CallBody) -> Row:
    """The columns that the caller fills."""
    return {
        "call_id": body.call_id,
        "operation_id": body.operation_id,
        "attempt": body.attempt,
        "provider": body.provider.lower(),
        "operation": body.operation,
        "endpoint_host": body.endpoint_host or "",
        "region": body.region.lower(),
        "model": body.model,
        "stream": body.stream,
        "features": body.features,
        "data_classes": body.data_classes,
        "phi_present": body.phi_present,
        "actor_type": body.actor.type,
        "actor_id": body.actor.id,
        "session_id": body.session_id or "",
        "purpose": body.purpose or "",
        "input_digest": body.input_digest or "",
        "sent_digest": body.sent_digest or "",
        "input_bytes": body.input_bytes,
        "masked": body.masked,
        "bundle": body.bundle or "",
        "mode": body.mode or "",
        "enforcement": body.enforcement or "",
        "started_at": body.started_at.astimezone(dt.UTC) if body.started_at else None,
        "client": body.client or "",
    }


def _terms(body: CallBody) -> CallTerms:
    return CallTerms(
        model=body.model,
        region=body.region.lower(),
        phi_present=body.phi_present,
        data_classes=tuple(body.data_classes),
        features=tuple(body.features),
        actor=f"{body.actor.type}:{body.actor.id}",
        endpoint=(body.endpoint_host or "").partition(":")[0],
    )


def _ended(body: CompletionBody) -> Row:
    return {
        "event_id": body.event_id,
        "outcome": body.outcome,
        "http_status": body.http_status,
        "error": body.error or "",
        "finish_reason": body.finish_reason or "",
        "input_tokens": body.usage.input,
        "output_tokens": body.usage.output,
        "cache_tokens": body.usage.cache,
        "reasoning_tokens": body.usage.reasoning,
        "usage_source": body.usage_source,
        "ttfb_ms": body.ttfb_ms,
        "latency_ms": body.latency_ms,
        "provider_request_id": body.provider_request_id or "",
        "response_model": body.response_model or "",
        "output_digest": body.output_digest or "",
        "ended_at": body.ended_at.astimezone(dt.UTC) if body.ended_at else None,
    }
