"""Calls as events of the Open Cybersecurity Schema Framework, for a SIEM.

Class API Activity (6003) with the profiles ai_operation and record_integrity: the attestation's
fingerprint is over the event itself, which holds the entry's place in the ledger. docs/api.md has
the mapping field by field. Source: OCSF schema 1.9.0 (August 2026), https://schema.ocsf.io.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, TypeAlias

from audits.models import Completion
from audits.services import checkpoints
from audits.services.lines import Line
from audits.services.reading import CallRow, Row
from countersign.canonical import canonical

VERSION = "1.9.0"
CATEGORY, CLASS, OTHER = 6, 6003, 99
UNKNOWN, SUCCESS, FAILURE = 0, 1, 2
INFORMATIONAL, LOW = 1, 2
SHA256 = 3
PROFILES = ["ai_operation", "record_integrity"]
# Kinds of actor as the framework numbers types of users; others are named by themselves.
ACTORS = {"user": 1, "system": 3}

# Columns that the framework has no attribute for.
UNMAPPED = (
    "decision",
    "reasons",
    "warnings",
    "region",
    "phi_present",
    "data_classes",
    "features",
    "purpose",
    "masked",
    "input_digest",
    "sent_digest",
    "baa_reference",
    "agreement_id",
    "report_id",
    "fact_ids",
)

Event: TypeAlias = dict[str, Any]


def event(call: CallRow) -> Event:
    """The event of a call and of how it ended; members without a value are left out."""
    row, end = call.row, call.completion or {}
    said = _present(
        {
            "activity_id": OTHER,
            "activity_name": row["operation"],
            "category_uid": CATEGORY,
            "category_name": "Application Activity",
            "class_uid": CLASS,
            "class_name": "API Activity",
            "type_uid": CLASS * 100 + OTHER,
            "type_name": "API Activity: Other",
            "severity_id": LOW if row["decision"] == "deny" else INFORMATIONAL,
            "time": _milliseconds(row["received_at"]),
            "start_time": _milliseconds(row["started_at"]),
            "end_time": _milliseconds(end.get("ended_at")),
            "duration": end.get("latency_ms"),
            **_status(row, end),
            "metadata": _metadata(call),
            "actor": _actor(row),
            "api": {"operation": row["operation"], "service": {"name": row["provider"]}},
            "src_endpoint": {"name": call.integration},
            "dst_endpoint": _present({"hostname": row["endpoint_host"]}),
            "http_response": _present({"code": end.get("http_status")}),
            "ai_model": {"model_name": row["model"], "ai_provider": row["provider"]},
            "message_context": _messages(row, end),
            "unmapped": _unmapped(call, end),
        }
    )
    return _attested(said, call.line)


def _status(row: Row, end: Row) -> Event:
    if row["decision"] == "deny":
        detail = " ".join(row["reasons"])
        return {"status_id": FAILURE, "status_code": "denied", "status_detail": detail}
    outcome = end.get("outcome", "")
    if outcome in ("", Completion.Outcome.UNKNOWN):
        return {"status_id": UNKNOWN, "status_code": outcome or "open"}
    good = outcome == Completion.Outcome.SUCCEEDED
    return {
        "status_id": SUCCESS if good else FAILURE,
        "status_code": outcome,
        "status_detail": end["error"],
    }


def _metadata(call: CallRow) -> Event:
    row, line = call.row, call.line
    log = "live" if row["livemode"] else "test"
    return _present(
        {
            "version": VERSION,
            "profiles": PROFILES,
            "product": {"name": "Countersign", "vendor_name": "Countersign"},
            "uid": f"{line.batch.ledger.origin if line else log}/{row['index']}",
            "original_event_uid": str(row["call_id"]),
            "correlation_uid": str(row["operation_id"] or ""),
            "event_code": "denial" if row["decision"] == "deny" else "call",
            "log_name": log,
            "sequence": row["index"],
            "logged_time": _milliseconds(row["received_at"]),
        }
    )


def _actor(row: Row) -> Event:
    number = ACTORS.get(row["actor_type"], OTHER)
    user = {"uid": row["actor_id"], "type_id": number, "type": row["actor_type"].capitalize()}
    session = {"uid": row["session_id"]} if row["session_id"] else None
    return _present({"user": user, "session": session, "app_name": row["client"]})


def _messages(row: Row, end: Row) -> Event:
    sent, received = end.get("input_tokens"), end.get("output_tokens")
    both = sent + received if sent is not None and received is not None else None
    return _present(
        {
            "service": {"name": row["provider"]},
            "uid": row["session_id"],
            "prompt_tokens": sent,
            "completion_tokens": received,
            "total_tokens": both,
        }
    )


def _unmapped(call: CallRow, end: Row) -> Event:
    """What the framework has no attribute for, named as in the API."""
    row = call.row
    return _present(
        {
            **{name: row[name] for name in UNMAPPED},
            "policy_sha256": row["policy_digest"],
            "terms_sha256": row["terms_digest"],
            "finish_reason": end.get("finish_reason"),
            "response_model": end.get("response_model"),
            "output_digest": end.get("output_digest"),
            "swept": end.get("swept"),
            "late": end.get("late"),
            "ledger": _entry(call.line),
            "completion_ledger": _entry(call.completion_line),
        }
    )


def _entry(line: Line | None) -> Event | None:
    """Where the entry stands: its hashes, and the first checkpoint that covers it."""
    if line is None:
        return None
    return {
        "origin": line.batch.ledger.origin,
        "index": line.index,
        "sha256": hashlib.sha256(line.entry).hexdigest(),
        "leaf_hash": line.leaf_hash.hex(),
        "checkpoint": checkpoints.note(line.batch),
    }


def _attested(said: Event, line: Line | None) -> Event:
    """The event with the fingerprint of all the rest of it, in canonical JSON (RFC 8785)."""
    ledger = line.batch.ledger.origin if line else ""
    attestation = _present({"authority_uid": ledger, "chain_uid": ledger})
    value = hashlib.sha256(canonical({**said, "attestation": attestation})).hexdigest()
    fingerprint = {"algorithm_id": SHA256, "algorithm": "SHA-256", "value": value}
    return {**said, "attestation": {**attestation, "fingerprint": fingerprint}}


def _milliseconds(at: dt.datetime | None) -> int | None:
    return int(at.timestamp() * 1000) if at else None


def _present(found: Event) -> Event:
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}
