"""The seeds' own record: its first post opens a call, the second one completes it."""

from __future__ import annotations

import datetime as dt
import uuid

from audits.bodies import Actor, CallBody, CompletionBody, Outcome, SeedRecord, Usage

TIMEOUTS = (408, 504)


def opening(record: SeedRecord) -> CallBody:
    """The call that a record without a status announces.

    The record does not say which operation or data classes; the integration's count.
    """
    return CallBody(
        call_id=record.event_id,
        provider=record.api_provider,
        operation="unspecified",
        model=record.model,
        region=record.data_residency_region,
        phi_present=record.phi_present,
        actor=Actor(type="user", id=record.user_id),
        session_id=record.session_id or None,
        input_digest=f"sha256:{record.phi_hash}" if record.phi_hash else None,
        started_at=dt.datetime.fromtimestamp(record.timestamp_utc, dt.UTC),
    )


def completion(record: SeedRecord) -> CompletionBody:
    """The completion that a record with a status is; its event id follows from the call's."""
    status = record.response_status
    return CompletionBody(
        event_id=uuid.uuid5(record.event_id, "completion"),
        outcome=outcome(status),
        http_status=status if status >= 100 else None,
        usage=Usage(input=record.input_token_count, output=record.output_token_count),
        usage_source="provider",
        latency_ms=round(record.latency_ms),
        response_model=record.model,
    )


def outcome(status: int) -> Outcome:
    """How a call with this HTTP status ended."""
    if status in TIMEOUTS:
        return "timeout"
    return "succeeded" if 200 <= status < 400 else "failed"
