"""What is asked of a ledger: one record each, with the place that it got.

A job is decided (under the facts of an epoch), then settled (in a batch, under the ledger's lock),
and maybe decided again first, if the epoch has passed in between.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from audits.bodies import CallBody, CompletionBody, fingerprint
from audits.ledger import moments
from audits.ledger.entries import VERSION, CallEntry, CompletionEntry, Entry, LeaseEntry
from audits.ledger.settling import Batch, KnownCall, KnownEnd, Refused, Signed

LIVE, TEST = 1, 2


class Key(Protocol):
    """What is known of the caller's key."""

    @property
    def key_id(self) -> int:
        """The key's id."""

    @property
    def integration_id(self) -> int:
        """The id of the integration that it speaks for."""

    @property
    def livemode(self) -> bool:
        """Whether it writes to the live ledger."""


class Job:
    """One record that is asked for.

    After it is done: `error`, or else `index`, `entry`, `line` (its bytes) and `checkpoint`, and
    `created`, which is false for a repeat. `at` is when it came.
    """

    __slots__ = (
        "at",
        "at_ms",
        "caller",
        "checkpoint",
        "created",
        "decided_by",
        "done",
        "entry",
        "epoch",
        "error",
        "facts",
        "index",
        "leaf",
        "ledger_id",
        "line",
    )

    def __init__(self, at: dt.datetime, ledger_id: int) -> None:
        self.at_ms = moments.milliseconds(at)
        self.at = at
        self.ledger_id = ledger_id
        # The epoch whose facts it was decided by; None for what no facts decide.
        self.epoch: int | None = None
        # Not a method of the job, and no closure over it: a circle would stay in memory for long.
        self.decided_by: Callable[[Any, Any], None] | None = None
        self.facts: Any = None
        self.caller: Any = None
        self.done: Callable[[list[Job]], None] | None = None
        self.error: BaseException | None = None
        self.index = -1
        self.entry: Entry | None = None
        self.line = b""
        # The hash of `line` as a leaf, if it is at hand.
        self.leaf = b""
        self.checkpoint: Signed | None = None
        self.created = False

    def settle(self, batch: Batch) -> None:
        """Take a place in the batch. Raises: Refused."""
        raise NotImplementedError

    def forget(self) -> None:
        """Be as before it was settled, since its batch was not stored."""
        self.error, self.index, self.entry, self.line = None, -1, None, b""
        self.leaf, self.checkpoint, self.created = b"", None, False

    def fail(self, error: BaseException) -> None:
        """Carry the error that kept its batch from being stored."""
        self.forget()
        self.error = error

    def call_ids(self) -> tuple[uuid.UUID, ...]:
        """Calls that have to be looked for first."""
        return ()

    def event_ids(self) -> tuple[uuid.UUID, ...]:
        """Completions that have to be looked for first, by their own id."""
        return ()


class CallJob(Job):
    """A call to be recorded before it is made; `verdict` is what the facts say of it."""

    __slots__ = ("body", "claimed", "key", "sent", "source", "verdict")

    def __init__(
        self, body: CallBody, at: dt.datetime, key: Key, source: str, claimed: str = ""
    ) -> None:
        super().__init__(at, LIVE if key.livemode else TEST)
        self.body = body
        self.sent = fingerprint(body)
        self.key = key
        self.source = source
        self.claimed = claimed
        self.verdict: Any = None

    def call_ids(self) -> tuple[uuid.UUID, ...]:
        return (self.body.call_id,)

    def settle(self, batch: Batch) -> None:
        body, known = self.body, batch.known.calls.get(self.body.call_id)
        if known is not None:
            self._repeat(known)
            return
        at_ms = batch.received(self.at_ms)
        entry = self._entry(at_ms, batch)
        self.entry = entry
        self.index = batch.place_call(entry, self.verdict.sha256)
        self.leaf = batch.leaves[-1]
        self.created = True
        batch.known.calls[body.call_id] = KnownCall(
            batch.ledger_id,
            self.index,
            self.sent,
            self.key.integration_id,
            self.verdict.decision == "allow",
            at_ms + batch.lease_ms,
        )

    def _repeat(self, known: KnownCall) -> None:
        if (
            known.body_sha256 != self.sent
            or known.integration_id != self.key.integration_id
            or known.ledger_id != self.ledger_id
        ):
            raise Refused("call-id-reused")
        self.index = known.index

    def _entry(self, at_ms: int, batch: Batch) -> CallEntry:
        body, verdict = self.body, self.verdict
        return CallEntry(
            actor_id=body.actor.id,
            actor_type=body.actor.type,
            agreement_id=verdict.agreement_id,
            attempt=body.attempt,
            baa_reference=verdict.baa_reference,
            body_sha256=self.sent.hex(),
            bundle=body.bundle or "",
            call_id=body.call_id,
            claimed_baa_reference=self.claimed,
            client=body.client or "",
            data_classes=body.data_classes,
            decision=verdict.decision,
            endpoint_host=body.endpoint_host or "",
            enforcement=body.enforcement or "",
            epoch=self.epoch or 0,
            fact_ids=verdict.fact_ids,
            features=body.features,
            input_bytes=body.input_bytes,
            input_digest=body.input_digest or "",
            integration_id=self.key.integration_id,
            key_id=self.key.key_id,
            lease_until=moments.text(at_ms + batch.lease_ms),
            livemode=batch.livemode,
            masked=dict(sorted(body.masked.items())) if body.masked else body.masked,
            mode=body.mode or "",
            model=body.model,
            operation=body.operation,
            operation_id=body.operation_id,
            phi_present=body.phi_present,
            policy_digest=verdict.policy_digest,
            provider=body.provider.lower(),
            purpose=body.purpose or "",
            reasons=verdict.reasons,
            received_at=moments.text(at_ms),
            region=body.region.lower(),
            report_id=verdict.report_id,
            sent_digest=body.sent_digest or "",
            session_id=body.session_id or "",
            source=self.source,
            started_at=_text(body.started_at),
            stream=body.stream,
            terms_digest=verdict.terms_digest,
            type="call" if verdict.decision == "allow" else "denial",
            v=VERSION,
            valid_until=verdict.valid_until,
            warnings=verdict.warnings,
        )


class CompletionJob(Job):
    """How a call ended, as its caller says."""

    __slots__ = ("body", "call_id", "key", "sent")

    def __init__(self, call_id: uuid.UUID, body: CompletionBody, at: dt.datetime, key: Key) -> None:
        super().__init__(at, LIVE if key.livemode else TEST)
        self.call_id = call_id
        self.body = body
        self.sent = fingerprint(body)
        self.key = key

    def call_ids(self) -> tuple[uuid.UUID, ...]:
        return (self.call_id,)

    def event_ids(self) -> tuple[uuid.UUID, ...]:
        return (self.body.event_id,)

    def settle(self, batch: Batch) -> None:
        known = batch.known
        call = _own(known.calls.get(self.call_id), self)
        before = known.ends.get(self.call_id) or known.events.get(self.body.event_id)
        if before is not None:
            self._repeat(before)
            return
        at_ms = batch.received(self.at_ms)
        late = call is not None and known.lease_until_ms(call, self.call_id) <= at_ms
        entry = self._entry(moments.text(at_ms), call, late=late)
        self.entry = entry
        self.index = batch.place_completion(entry)
        self.created = True
        end = KnownEnd(batch.ledger_id, self.index, self.call_id, self.body.event_id, self.sent)
        known.ends[self.call_id] = known.events[self.body.event_id] = end

    def _repeat(self, before: KnownEnd) -> None:
        if before.call_id != self.call_id:
            raise Refused("call-id-reused")
        if before.body_sha256 != self.sent or before.ledger_id != self.ledger_id:
            raise Refused("already-completed")
        self.index = before.index

    def _entry(self, received_at: str, call: KnownCall | None, *, late: bool) -> CompletionEntry:
        body = self.body
        return CompletionEntry(
            body_sha256=self.sent.hex(),
            cache_tokens=body.usage.cache,
            call_id=self.call_id,
            call_index=call.index if call else None,
            ended_at=_text(body.ended_at),
            error=body.error or "",
            event_id=body.event_id,
            finish_reason=body.finish_reason or "",
            http_status=body.http_status,
            input_tokens=body.usage.input,
            key_id=self.key.key_id,
            late=late,
            latency_ms=body.latency_ms,
            livemode=self.key.livemode,
            outcome=body.outcome,
            output_digest=body.output_digest or "",
            output_tokens=body.usage.output,
            provider_request_id=body.provider_request_id or "",
            reasoning_tokens=body.usage.reasoning,
            received_at=received_at,
            response_model=body.response_model or "",
            ttfb_ms=body.ttfb_ms,
            type="completion",
            usage_source=body.usage_source,
            v=VERSION,
            without_call=call is None,
        )


class LeaseJob(Job):
    """That a call goes on."""

    __slots__ = ("call_id", "key")

    def __init__(self, call_id: uuid.UUID, at: dt.datetime, key: Key) -> None:
        super().__init__(at, LIVE if key.livemode else TEST)
        self.call_id = call_id
        self.key = key

    def call_ids(self) -> tuple[uuid.UUID, ...]:
        return (self.call_id,)

    def settle(self, batch: Batch) -> None:
        known = batch.known
        call = _own(known.calls.get(self.call_id), self)
        if call is None:
            raise Refused("call-not-found")
        if not call.allowed:
            raise Refused("call-denied")
        if known.is_ended(self.call_id):
            raise Refused("already-completed")
        at_ms = batch.received(self.at_ms)
        until_ms = at_ms + batch.lease_ms
        entry = LeaseEntry(
            call_id=self.call_id,
            call_index=call.index,
            lease_until=moments.text(until_ms),
            received_at=moments.text(at_ms),
            type="lease",
            v=VERSION,
        )
        self.entry = entry
        self.index = batch.place_lease(entry)
        self.created = True
        known.leases[self.call_id] = max(until_ms, known.leases.get(self.call_id, 0))


class SweepJob(Job):
    """A call whose lease is over and of which nobody said how it ended."""

    __slots__ = ("call_id", "key_id")

    def __init__(self, call_id: uuid.UUID, at: dt.datetime, *, ledger_id: int, key_id: int) -> None:
        super().__init__(at, ledger_id)
        self.call_id = call_id
        self.key_id = key_id

    def call_ids(self) -> tuple[uuid.UUID, ...]:
        return (self.call_id,)

    def settle(self, batch: Batch) -> None:
        known = batch.known
        call = known.calls.get(self.call_id)
        if (
            call is None
            or known.is_ended(self.call_id)
            or known.lease_until_ms(call, self.call_id) > self.at_ms
        ):
            return
        text = str(self.call_id)
        event_id = uuid.uuid5(self.call_id, "lease-loss")
        entry = CompletionEntry(
            body_sha256=hashlib.sha256(text.encode()).hexdigest(),
            call_id=self.call_id,
            call_index=call.index,
            event_id=event_id,
            key_id=self.key_id,
            livemode=batch.livemode,
            outcome="unknown",
            received_at=moments.text(batch.received(self.at_ms)),
            swept=True,
            type="lease-loss",
            usage_source="none",
            v=VERSION,
        )
        self.entry = entry
        self.index = batch.place_completion(entry)
        self.created = True
        known.swept.add(self.call_id)


class EventJob(Job):
    """An entry of any other type; its payload was checked to have a canonical form."""

    __slots__ = ("kind", "payload", "subject")

    def __init__(
        self, kind: str, subject: str, payload: dict[str, object], at: dt.datetime, ledger_id: int
    ) -> None:
        super().__init__(at, ledger_id)
        self.kind = kind
        self.subject = subject
        self.payload = payload

    def settle(self, batch: Batch) -> None:
        self.index = batch.place_event(self.kind, self.subject, self.payload, self.at_ms)
        self.created = True


def _own(call: KnownCall | None, job: CompletionJob | LeaseJob) -> KnownCall | None:
    """The call, if there is one. Raises: Refused if it is another integration's, or ledger's."""
    if call is not None and (
        call.integration_id != job.key.integration_id or call.ledger_id != job.ledger_id
    ):
        raise Refused("foreign-call")
    return call


def _text(at: dt.datetime | None) -> str | None:
    return moments.text(moments.milliseconds(at)) if at else None
