"""Call records as the API and files give them, as structures."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Literal

import msgspec

from audits.services import checkpoints
from audits.services.answers import Day, Id, Receipt, Time, moment
from audits.services.lines import Line
from audits.services.reading import CALL_COLUMNS, VERDICT_COLUMNS, CallRow, Row


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
    receipt: Receipt | None


class CallRecord(msgspec.Struct, frozen=True):
    """A stored call: what its caller said, what the portal decided, what that rested on."""

    call_id: Id
    received_at: Time
    livemode: bool
    source: Literal["calls", "events", "records"]
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
    receipt: Receipt | None
    completion: EndAnswer | None


class CallList(msgspec.Struct, frozen=True):
    """A page of calls, newest first; the header Link says where the next one is."""

    calls: list[CallRecord]


AS_STORED = tuple(
    name
    for name in CallRecord.__struct_fields__
    if name in (*CALL_COLUMNS, *VERDICT_COLUMNS) and not name.endswith(("_at", "_until", "_id"))
)


def _maybe(at: dt.datetime | None) -> str | None:
    return moment(at) if at else None


def receipt_of(line: Line | None, received_at: dt.datetime) -> Receipt | None:
    """The proof of an entry with the first checkpoint that covers it; None if it is not kept."""
    if line is None:
        return None
    return Receipt(
        record=line.index,
        received_at=moment(received_at),
        sha256=hashlib.sha256(line.entry).hexdigest(),
        ledger=line.batch.ledger.origin or "",
        leaf_hash=line.leaf_hash.hex(),
        checkpoint=checkpoints.note(line.batch),
    )


def end_answer(row: Row, line: Line | None) -> EndAnswer:
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
        receipt=receipt_of(line, row["received_at"]),
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
        receipt=receipt_of(call.line, row["received_at"]),
        completion=end_answer(call.completion, call.completion_line) if call.completion else None,
    )
