"""What the API answers, as structures: the encoder and the description are made of them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from audits.services.reading import CallRow
from audits.services.recording import Completed, Recorded
from audits.services.statements import CALL_COLUMNS, Row, entry_sha256
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
    """Proof of the entry: its number, when it was received, SHA-256 of its canonical JSON."""

    record: int
    received_at: Time
    sha256: str


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


COMPLETE_IT = Obligation(
    "complete", "Report how the call ended before its lease ends, or extend the lease."
)
DO_NOT_CALL = Obligation("do-not-call", "Do not make the call.")


def moment(at: dt.datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def receipt(record_id: int, row: Row) -> Receipt:
    return Receipt(record_id, moment(row["received_at"]), entry_sha256(row))


REASON_ANSWERS = {
    code: ReasonAnswer(code, r.title, r.sentence, r.remedy, r.source) for code, r in REASONS.items()
}


def call_answer(recorded: Recorded) -> CallAnswer:
    row = recorded.row
    allowed = row["decision"] == "allow"
    valid_until = row["valid_until"]
    return CallAnswer(
        call_id=str(row["call_id"]),
        decision="allow" if allowed else "deny",
        reasons=[REASON_ANSWERS[code] for code in row["reasons"]],
        warnings=[REASON_ANSWERS[code] for code in row["warnings"]],
        obligations=[COMPLETE_IT if allowed else DO_NOT_CALL],
        receipt=receipt(recorded.record_id, row),
        lease_until=moment(row["lease_until"]) if allowed else None,
        valid_until=valid_until.isoformat() if valid_until else None,
        bundle=AppliedPolicy(row["policy_digest"], row["terms_digest"]),
        livemode=row["livemode"],
    )


def completion_answer(completed: Completed) -> CompletionAnswer:
    row = completed.row
    return CompletionAnswer(
        call_id=str(row["call_id"]),
        event_id=str(row["event_id"]),
        state="completion_without_call" if row["without_call"] else "completed",
        late=row["late"],
        receipt=receipt(completed.record_id, row),
        livemode=row["livemode"],
    )


class ActorAnswer(msgspec.Struct, frozen=True):
    type: str
    id: str


class EndAnswer(msgspec.Struct, frozen=True):
    """How a call ended. `swept`: nobody said so in time, and the portal closed it as unknown."""

    event_id: Id
    received_at: Time
    outcome: str
    http_status: int | None
    error: str
    finish_reason: str
    usage: dict[str, int | None]
    usage_source: str
    ttfb_ms: int | None
    latency_ms: int | None
    provider_request_id: str
    response_model: str
    output_digest: str
    ended_at: Time | None
    swept: bool
    late: bool
    receipt: Receipt


class CallRecord(msgspec.Struct, frozen=True):
    """A stored call: what its caller said, what the portal decided, what that rested on."""

    call_id: Id
    received_at: Time
    livemode: bool
    source: Literal["calls", "records"]
    integration: str
    operation_id: Id | None
    attempt: int
    provider: str
    operation: str
    endpoint_host: str
    region: str
    model: str
    stream: bool
    features: list[str]
    data_classes: list[str]
    phi_present: bool
    actor: ActorAnswer
    session_id: str
    purpose: str
    input_digest: str
    sent_digest: str
    input_bytes: int | None
    masked: dict[str, int]
    bundle: str
    mode: str
    enforcement: str
    started_at: Time | None
    client: str
    claimed_baa_reference: str
    decision: Literal["allow", "deny"]
    reasons: list[str]
    warnings: list[str]
    baa_reference: str
    agreement_id: int | None
    report_id: int | None
    fact_ids: list[int]
    valid_until: Day | None
    lease_until: Time
    policy_sha256: str
    terms_sha256: str
    receipt: Receipt
    completion: EndAnswer | None


class CallList(msgspec.Struct, frozen=True):
    """A page of calls, newest first; the header Link says where the next one is."""

    calls: list[CallRecord]


AS_STORED = tuple(
    name
    for name in CallRecord.__struct_fields__
    if name in CALL_COLUMNS and not name.endswith(("_at", "_until", "_id"))
)


def _maybe(at: dt.datetime | None) -> str | None:
    return moment(at) if at else None


def end_answer(row: Row) -> EndAnswer:
    return EndAnswer(
        event_id=str(row["event_id"]),
        received_at=moment(row["received_at"]),
        outcome=row["outcome"],
        http_status=row["http_status"],
        error=row["error"],
        finish_reason=row["finish_reason"],
        usage={name: row[f"{name}_tokens"] for name in ("input", "output", "cache", "reasoning")},
        usage_source=row["usage_source"],
        ttfb_ms=row["ttfb_ms"],
        latency_ms=row["latency_ms"],
        provider_request_id=row["provider_request_id"],
        response_model=row["response_model"],
        output_digest=row["output_digest"],
        ended_at=_maybe(row["ended_at"]),
        swept=row["swept"],
        late=row["late"],
        receipt=receipt(row["id"], row),
    )


def call_record(call: CallRow) -> CallRecord:
    row = call.row
    return CallRecord(
        **{name: row[name] for name in AS_STORED},
        call_id=str(row["call_id"]),
        received_at=moment(row["received_at"]),
        integration=call.integration,
        operation_id=str(row["operation_id"]) if row["operation_id"] else None,
        actor=ActorAnswer(row["actor_type"], row["actor_id"]),
        session_id=row["session_id"],
        started_at=_maybe(row["started_at"]),
        agreement_id=row["agreement_id"],
        report_id=row["report_id"],
        valid_until=row["valid_until"].isoformat() if row["valid_until"] else None,
        lease_until=moment(row["lease_until"]),
        policy_sha256=row["policy_digest"],
        terms_sha256=row["terms_digest"],
        receipt=receipt(call.record_id, row),
        completion=end_answer(call.completion) if call.completion else None,
    )
