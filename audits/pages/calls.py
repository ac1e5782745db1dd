"""The columns of the list of calls, for its page, its files and its saved views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vendors.tables.columns import Column, ListSpec


def _row(name: str) -> Callable[[Any], Any]:
    """A field of the call itself."""
    return lambda call: call.row[name]


def _words(name: str) -> Callable[[Any], Any]:
    """A list of the call's, as words."""
    return lambda call: " ".join(call.row[name])


def _end(name: str) -> Callable[[Any], Any]:
    """A field of how it ended, if it did."""
    return lambda call: (call.completion or {}).get(name)


CALL_LIST = ListSpec(
    "calls",
    "Calls",
    "audits:call-list",
    "audits:call-views",
    (
        Column(
            "received",
            "Received",
            (
                ("Record", lambda call: call.record_id),
                ("Call id", lambda call: str(call.row["call_id"])),
                ("Received at", _row("received_at")),
                ("Log", lambda call: "live" if call.row["livemode"] else "test"),
            ),
        ),
        Column("integration", "Integration", (("Integration", lambda call: call.integration),)),
        Column(
            "model",
            "Model",
            (
                ("Provider", _row("provider")),
                ("Model", _row("model")),
                ("Operation", _row("operation")),
                ("Region", _row("region")),
            ),
        ),
        Column(
            "actor",
            "Actor",
            (
                ("Actor", lambda call: f"{call.row['actor_type']}:{call.row['actor_id']}"),
                ("Session", _row("session_id")),
                ("Purpose", _row("purpose")),
            ),
        ),
        Column(
            "data",
            "Data",
            (
                ("Data classes", _words("data_classes")),
                ("PHI", _row("phi_present")),
                ("Input digest", _row("input_digest")),
            ),
        ),
        Column(
            "verdict",
            "Verdict",
            (
                ("Decision", _row("decision")),
                ("Reasons", _words("reasons")),
                ("Warnings", _words("warnings")),
                ("BAA reference", _row("baa_reference")),
                ("Policy SHA-256", _row("policy_digest")),
                ("Terms SHA-256", _row("terms_digest")),
            ),
        ),
        Column(
            "outcome",
            "How it ended",
            (
                ("Outcome", lambda call: (call.completion or {}).get("outcome", "")),
                ("HTTP status", _end("http_status")),
                ("Ended at", _end("ended_at")),
                ("Swept", _end("swept")),
                ("Late", _end("late")),
            ),
        ),
        Column(
            "tokens",
            "Tokens",
            (
                ("Input tokens", _end("input_tokens")),
                ("Output tokens", _end("output_tokens")),
                ("Latency ms", _end("latency_ms")),
            ),
            css="num",
        ),
    ),
    # Text that somebody searched calls for may hold what must stay with the records.
    keeps_text=False,
)
