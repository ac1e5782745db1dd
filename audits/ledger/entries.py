"""What the ledger holds: one canonical JSON object an entry (RFC 8785).

Members that are empty, null or false are left out. The fields of each structure stand in the order
of their names, so that the encoder writes the canonical form in one pass; a test holds it against
`countersign.canonical`. Moments are text in UTC with milliseconds, digests are hex.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from audits.ledger import moments

VERSION = 1

Kind: TypeAlias = Literal["call", "completion", "lease", "event"]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """Any entry. `received_at` is inside, for a column beside it could be dated back."""


class CallEntry(Entry, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A call whose verdict was recorded before it was made; type `call`, or `denial`."""

    actor_id: str
    actor_type: str
    agreement_id: int | None = None
    attempt: int
    baa_reference: str = ""
    body_sha256: str
    bundle: str = ""
    call_id: uuid.UUID
    claimed_baa_reference: str = ""
    client: str = ""
    data_classes: list[str] = []
    decision: str
    endpoint_host: str = ""
    enforcement: str = ""
    epoch: int
    fact_ids: list[int] = []
    features: list[str] = []
    input_bytes: int | None = None
    input_digest: str = ""
    integration_id: int
    key_id: int
    lease_until: str
    livemode: bool = False
    masked: dict[str, int] = {}
    mode: str = ""
    model: str
    operation: str
    operation_id: uuid.UUID | None = None
    phi_present: bool = False
    policy_digest: str
    provider: str
    purpose: str = ""
    reasons: list[str] = []
    received_at: str
    region: str
    report_id: int | None = None
    sent_digest: str = ""
    session_id: str = ""
    source: str
    started_at: str | None = None
    stream: bool = False
    terms_digest: str
    type: str
    v: int
    valid_until: str | None = None
    warnings: list[str] = []


class CompletionEntry(Entry, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """How a call ended: type `completion` if its caller said so, `lease-loss` if nobody did."""

    body_sha256: str
    cache_tokens: int | None = None
    call_id: uuid.UUID
    call_index: int | None = None
    ended_at: str | None = None
    error: str = ""
    event_id: uuid.UUID
    finish_reason: str = ""
    http_status: int | None = None
    input_tokens: int | None = None
    key_id: int | None = None
    late: bool = False
    latency_ms: int | None = None
    livemode: bool = False
    outcome: str
    output_digest: str = ""
    output_tokens: int | None = None
    provider_request_id: str = ""
    reasoning_tokens: int | None = None
    received_at: str
    response_model: str = ""
    swept: bool = False
    ttfb_ms: int | None = None
    type: str
    usage_source: str
    v: int
    without_call: bool = False


class LeaseEntry(Entry, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """That a call goes on; type `lease`."""

    call_id: uuid.UUID
    call_index: int | None = None
    lease_until: str
    received_at: str
    type: str
    v: int


STRUCTURES: dict[Kind, type[Entry]] = {
    "call": CallEntry,
    "completion": CompletionEntry,
    "lease": LeaseEntry,
}
# Columns that the place of an entry gives, and those that only say where a row is.
_BESIDE = {"type", "v"}

encode = msgspec.json.Encoder().encode
_sorted = msgspec.json.Encoder(order="sorted").encode
read_call = msgspec.json.Decoder(CallEntry).decode
read_completion = msgspec.json.Decoder(CompletionEntry).decode


def event_entry(kind: str, subject: str, payload: Mapping[str, Any], received_at: str) -> bytes:
    """The bytes of an entry that is no record of a call.

    `payload` holds text, integers, booleans, lists and objects, no floats; the caller has checked
    it, by `countersign.canonical`.
    """
    members = {
        "payload": dict(payload),
        "received_at": received_at,
        "subject": subject,
        "type": kind,
        "v": VERSION,
    }
    return _sorted({name: value for name, value in members.items() if value not in ("", {})})


def entry_of_row(kind: Kind, row: Mapping[str, Any]) -> bytes:
    """The bytes that the columns of a stored row say its entry has.

    `row` names columns as the tables do, for a call with those of its verdict. What is checked
    with it: an entry that differs from this was not stored with these columns.
    """
    if kind == "event":
        at = moments.text(moments.milliseconds(row["received_at"]))
        return event_entry(row["type"], row["subject"], row["payload"], at)
    members: dict[str, Any] = {"type": _type_of(kind, row), "v": VERSION}
    for name in STRUCTURES[kind].__struct_fields__:
        if name not in _BESIDE:
            value = _written(row[name])
            # Zero is a number that was given, and stays; false is the same as not said.
            if value is not None and value is not False and value not in ("", [], {}):
                members[name] = value
    return _sorted(members)


def _type_of(kind: Kind, row: Mapping[str, Any]) -> str:
    if kind == "call":
        return "call" if row["decision"] == "allow" else "denial"
    if kind == "completion":
        return "lease-loss" if row["swept"] else "completion"
    return kind


def _written(value: Any) -> Any:
    """A column's value as entries write it."""
    if isinstance(value, dt.datetime):
        return moments.text(moments.milliseconds(value))
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, dt.date):
        return value.isoformat()
    return value
