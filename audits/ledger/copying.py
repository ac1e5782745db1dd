"""Rows as lines of COPY in its text form: one format string a table, in the order of COLUMNS.

Most values have patterns that keep tabs, line breaks and backslashes out (audits.bodies), so they
go in as they are; what may hold one goes through `escaped`. At the end the binary form, for a row
whose values are mostly bytes.
Source: PostgreSQL 15 manual, COPY, text format and binary format.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec

from audits.ledger.entries import CallEntry, CompletionEntry, LeaseEntry

NULL = r"\N"
# The text of a UUID, faster than by `str`.
_id = msgspec.to_builtins

CALL_COLUMNS = (
    "index",
    "received_at",
    "lease_until",
    "epoch",
    "integration_id",
    "key_id",
    "verdict_id",
    "input_bytes",
    "started_at",
    "call_id",
    "operation_id",
    "ledger_id",
    "attempt",
    "livemode",
    "stream",
    "phi_present",
    "decision",
    "source",
    "body_sha256",
    "provider",
    "operation",
    "endpoint_host",
    "region",
    "model",
    "actor_type",
    "actor_id",
    "session_id",
    "purpose",
    "input_digest",
    "sent_digest",
    "bundle",
    "mode",
    "enforcement",
    "client",
    "claimed_baa_reference",
    "features",
    "data_classes",
    "reasons",
    "warnings",
    "masked",
)
COMPLETION_COLUMNS = (
    "index",
    "received_at",
    "call_index",
    "key_id",
    "input_tokens",
    "output_tokens",
    "cache_tokens",
    "reasoning_tokens",
    "ended_at",
    "event_id",
    "call_id",
    "ttfb_ms",
    "latency_ms",
    "ledger_id",
    "http_status",
    "swept",
    "late",
    "without_call",
    "livemode",
    "body_sha256",
    "outcome",
    "error",
    "finish_reason",
    "usage_source",
    "provider_request_id",
    "response_model",
    "output_digest",
)
LEASE_COLUMNS = ("index", "received_at", "lease_until", "call_index", "call_id", "ledger_id")
BATCH_COLUMNS = (
    "first_index",
    "size",
    "received_at",
    "epoch",
    "ledger_key_id",
    "ledger_id",
    "root",
    "signature",
    "entries",
)
EVENT_COLUMNS = ("index", "received_at", "ledger_id", "type", "subject", "payload")

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def escaped(value: str) -> str:
    """Any text as a value."""
    return value.translate(_ESCAPES)


def array(words: Sequence[str]) -> str:
    """An array of words, none of which holds a quote or a backslash."""
    return '{"' + '","'.join(words) + '"}' if words else "{}"


def _masked(counts: dict[str, int]) -> str:
    # Ids of rules have a pattern: nothing in them has to be escaped for JSON, or for COPY.
    return "{" + ",".join(f'"{rule}":{count}' for rule, count in counts.items()) + "}"


def call_line(e: CallEntry, index: int, ledger_id: int, verdict_id: int) -> str:
    """The row of a call."""
    return (
        f"{index}\t{e.received_at}\t{e.lease_until}\t{e.epoch}\t{e.integration_id}\t{e.key_id}\t"
        f"{verdict_id}\t{NULL if e.input_bytes is None else e.input_bytes}\t"
        f"{e.started_at or NULL}\t{_id(e.call_id)}\t{e.operation_id or NULL}\t"
        f"{ledger_id}\t{e.attempt}\t"
        f"{e.livemode}\t{e.stream}\t{e.phi_present}\t{e.decision}\t{e.source}\t"
        f"\\\\x{e.body_sha256}\t{e.provider}\t{e.operation}\t{e.endpoint_host}\t{e.region}\t"
        f"{e.model}\t{e.actor_type}\t{e.actor_id}\t{e.session_id}\t{e.purpose}\t{e.input_digest}\t"
        f"{e.sent_digest}\t{e.bundle}\t{e.mode}\t{e.enforcement}\t{e.client}\t"
        f"{e.claimed_baa_reference}\t{array(e.features) if e.features else '{}'}\t"
        f"{array(e.data_classes)}\t{array(e.reasons) if e.reasons else '{}'}\t"
        f"{array(e.warnings) if e.warnings else '{}'}\t"
        f"{_masked(e.masked) if e.masked else '{}'}\n"
    )


def _or_null(value: object) -> object:
    return NULL if value is None else value


def completion_line(e: CompletionEntry, index: int, ledger_id: int) -> str:
    """The row of a completion."""
    return (
        f"{index}\t{e.received_at}\t{_or_null(e.call_index)}\t{_or_null(e.key_id)}\t"
        f"{_or_null(e.input_tokens)}\t{_or_null(e.output_tokens)}\t{_or_null(e.cache_tokens)}\t"
        f"{_or_null(e.reasoning_tokens)}\t{e.ended_at or NULL}\t{_id(e.event_id)}\t"
        f"{_id(e.call_id)}\t"
        f"{_or_null(e.ttfb_ms)}\t{_or_null(e.latency_ms)}\t{ledger_id}\t{_or_null(e.http_status)}\t"
        f"{e.swept}\t{e.late}\t{e.without_call}\t{e.livemode}\t\\\\x{e.body_sha256}\t{e.outcome}\t"
        f"{e.error}\t{e.finish_reason}\t{e.usage_source}\t{e.provider_request_id}\t"
        f"{e.response_model}\t{e.output_digest}\n"
    )


def lease_line(e: LeaseEntry, index: int, ledger_id: int) -> str:
    """The row of a sign of life."""
    return (
        f"{index}\t{e.received_at}\t{e.lease_until}\t{_or_null(e.call_index)}\t{e.call_id}\t"
        f"{ledger_id}\n"
    )


def event_line(index: int, received_at: str, ledger_id: int, words: tuple[str, str, str]) -> str:
    """The row of any other entry; `words` are its type, its subject and its payload as JSON."""
    kind, subject, payload = words
    return (
        f"{index}\t{received_at}\t{ledger_id}\t{escaped(kind)}\t{escaped(subject)}\t"
        f"{escaped(payload)}\n"
    )


# --- the binary form -----------------------------------------------------------------------------

# Signature, no flags, no extension; and what stands where the count of another row's values would.
_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = struct.pack("!h", -1)
_NULL = struct.pack("!i", -1)
# PostgreSQL counts microseconds from 2000-01-01 in UTC.
_START_MS = 946_684_800_000

smallint = struct.Struct("!h").pack
bigint = struct.Struct("!q").pack


def moment(at_ms: int) -> bytes:
    """A value of timestamptz."""
    return bigint((at_ms - _START_MS) * 1000)


def binary(*values: bytes | None) -> bytes:
    """A COPY of one row; bytes are a value of bytea as they are."""
    parts = [_BEGIN, smallint(len(values))]
    for value in values:
        parts += [_NULL] if value is None else [struct.pack("!i", len(value)), value]
    return b"".join([*parts, _END])
