"""What the API answers, as structures: the encoder and the description are made of them."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import lru_cache
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from audits.ledger.entries import CallEntry, CompletionEntry, LeaseEntry
from audits.ledger.jobs import Job
from audits.ledger.settling import Signed
from audits.services.facts import Decided
from audits.services.recording import Completed, Recorded
from countersign.merkle import leaf_hash
from policies.reasons import REASONS

Time: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Id: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Day: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "date"})]


class ReasonAnswer(msgspec.Struct, frozen=True):
    """One thing that is wrong, in words: what it is and what makes it go away."""

    code: str
    title: str
    sentence: str
    remedy: str
    source: str


class Obligation(msgspec.Struct, frozen=True):
    """What the caller has to do because of this answer."""

    code: str
    sentence: str


class Receipt(msgspec.Struct, frozen=True):
    """Proof of the entry, to be kept: whoever has it can show later that the log was changed.

    `record` is its index in the log named `ledger`, `sha256` that of the entry's canonical JSON,
    `leaf_hash` its hash in the log's tree (both hex), `checkpoint` the first signed note (C2SP
    tlog-checkpoint) of a tree that holds it.
    """

    record: int
    received_at: Time
    sha256: str
    ledger: str
    leaf_hash: str
    checkpoint: str


class AppliedPolicy(msgspec.Struct, frozen=True):
    """Digests of what was applied: the requirements, and the integration's terms."""

    policy_sha256: str
    terms_sha256: str


class CallAnswer(msgspec.Struct, frozen=True):
    """The verdict on a call whose record is stored. `lease_until` is null for a denial."""

    call_id: Id
    decision: Literal["allow", "deny"]
    reasons: list[ReasonAnswer]
    warnings: list[ReasonAnswer]
    obligations: list[Obligation]
    receipt: Receipt
    lease_until: Time | None
    valid_until: Day | None
    bundle: AppliedPolicy
    livemode: bool


class DecisionAnswer(msgspec.Struct, frozen=True):
    """What the gate says of a call that was asked about; nothing is recorded of it."""

    decision: Literal["allow", "deny"]
    reasons: list[ReasonAnswer]
    warnings: list[ReasonAnswer]
    valid_until: Day | None
    bundle: AppliedPolicy
    livemode: bool


class CompletionAnswer(msgspec.Struct, frozen=True):
    """That the end of a call is stored."""

    call_id: Id
    event_id: Id
    state: Literal["completed", "completion_without_call"]
    late: bool
    receipt: Receipt
    livemode: bool


class LeaseAnswer(msgspec.Struct, frozen=True):
    """Until when the call counts as running."""

    call_id: Id
    lease_until: Time


class GapAnswer(msgspec.Struct, frozen=True):
    """That it is stored how many calls went without a record."""

    event_id: Id
    calls: int
    received_at: Time
    livemode: bool


COMPLETE_IT = Obligation(
    "complete", "Report how the call ended before its lease ends, or extend the lease."
)
DO_NOT_CALL = Obligation("do-not-call", "Do not make the call.")


def moment(at: dt.datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def receipt(index: int, received_at: str, line: bytes, signed: Signed) -> Receipt:
    """The receipt of the entry whose bytes are `line`."""
    return Receipt(
        record=index,
        received_at=received_at,
        sha256=hashlib.sha256(line).hexdigest(),
        ledger=signed.origin,
        leaf_hash=leaf_hash(line).hex(),
        checkpoint=signed.note,
    )


REASON_ANSWERS = {
    code: ReasonAnswer(code, r.title, r.sentence, r.remedy, r.source) for code, r in REASONS.items()
}


def call_answer(recorded: Recorded) -> CallAnswer:
    entry = recorded.entry
    allowed = entry.decision == "allow"
    return CallAnswer(
        call_id=str(entry.call_id),
        decision="allow" if allowed else "deny",
        reasons=[REASON_ANSWERS[code] for code in entry.reasons],
        warnings=[REASON_ANSWERS[code] for code in entry.warnings],
        obligations=[COMPLETE_IT if allowed else DO_NOT_CALL],
        receipt=_receipt(recorded),
        lease_until=entry.lease_until if allowed else None,
        valid_until=entry.valid_until,
        bundle=AppliedPolicy(entry.policy_digest, entry.terms_digest),
        livemode=entry.livemode,
    )


def decision_answer(decided: Decided, *, livemode: bool) -> DecisionAnswer:
    return DecisionAnswer(
        decision="allow" if decided.decision == "allow" else "deny",
        reasons=[REASON_ANSWERS[code] for code in decided.reasons],
        warnings=[REASON_ANSWERS[code] for code in decided.warnings],
        valid_until=decided.valid_until,
        bundle=AppliedPolicy(decided.policy_digest, decided.terms_digest),
        livemode=livemode,
    )


def completion_answer(completed: Completed) -> CompletionAnswer:
    entry = completed.entry
    return CompletionAnswer(
        call_id=str(entry.call_id),
        event_id=str(entry.event_id),
        state="completion_without_call" if entry.without_call else "completed",
        late=entry.late,
        receipt=_receipt(completed),
        livemode=entry.livemode,
    )


def _receipt(done: Recorded | Completed) -> Receipt:
    return receipt(done.record_id, done.entry.received_at, done.line, done.checkpoint)


def stored_content(job: Job) -> msgspec.Struct:
    """What a caller is told of a record that is stored."""
    entry = job.entry
    assert job.checkpoint is not None
    if isinstance(entry, CallEntry):
        return call_answer(Recorded(job.index, entry, job.created, job.line, job.checkpoint))
    if isinstance(entry, CompletionEntry):
        done = Completed(job.index, entry, job.created, job.line, job.checkpoint)
        return completion_answer(done)
    assert isinstance(entry, LeaseEntry)
    return LeaseAnswer(str(entry.call_id), entry.lease_until)


# --- the same as bytes, for the hot path ---------------------------------------------------------

_encode = msgspec.json.Encoder().encode


def stored_json(job: Job) -> bytes:
    """`stored_content` as JSON: what repeats from record to record is encoded once."""
    entry = job.entry
    if not isinstance(entry, CallEntry):
        return _encode(stored_content(job))
    signed, line = job.checkpoint, job.line
    assert signed is not None
    allowed = entry.decision == "allow"
    before, after = _around(
        allowed,
        tuple(entry.reasons),
        tuple(entry.warnings),
        entry.valid_until,
        (entry.policy_digest, entry.terms_digest),
        entry.livemode,
    )
    lease = f'"{entry.lease_until}"' if allowed else "null"
    return (
        f'{{"call_id":"{msgspec.to_builtins(entry.call_id)}",{before}"receipt":{{"record":{job.index},'
        f'"received_at":"{entry.received_at}","sha256":"{hashlib.sha256(line).hexdigest()}",'
        f'"ledger":{_text(signed.origin)},"leaf_hash":"{(job.leaf or leaf_hash(line)).hex()}",'
        f'"checkpoint":{_text(signed.note)}}},"lease_until":{lease},{after}'
    ).encode()


@lru_cache(maxsize=256)
def _text(text: str) -> str:
    return _encode(text).decode()


@lru_cache(maxsize=4096)
def _around(
    allowed: bool,  # noqa: FBT001 - a key of what is held
    reasons: tuple[str, ...],
    warnings: tuple[str, ...],
    valid_until: str | None,
    digests: tuple[str, str],
    livemode: bool,  # noqa: FBT001
) -> tuple[str, str]:
    """The members of a call's answer between its id and its receipt, and after its lease."""
    before = {
        "decision": "allow" if allowed else "deny",
        "reasons": [REASON_ANSWERS[code] for code in reasons],
        "warnings": [REASON_ANSWERS[code] for code in warnings],
        "obligations": [COMPLETE_IT if allowed else DO_NOT_CALL],
    }
    bundle = AppliedPolicy(*digests)
    after = {"valid_until": valid_until, "bundle": bundle, "livemode": livemode}
    return _encode(before)[1:-1].decode() + ",", _encode(after)[1:].decode()
