"""Records with whatever columns a test needs, appended to the ledger as real ones are.

Their moment is the one given, also where it lies before that of the entry before: a test sets its
scene in any order.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import connection, transaction

from audits.ledger import moments
from audits.ledger.entries import VERSION, CallEntry, CompletionEntry
from audits.ledger.jobs import LIVE, TEST, Job
from audits.models import Call, Completion, Verdict
from audits.services import appending
from vendors.models import Epoch

RESTED = {
    "agreement_id": None,
    "baa_reference": "",
    "report_id": None,
    "fact_ids": [],
    "valid_until": None,
    "terms_digest": "0" * 64,
    "policy_digest": "0" * 64,
}


class Row(Job):
    """A record that is settled as it is."""

    __slots__ = ("members", "verdict")

    def __init__(self, at: dt.datetime, members: dict, verdict: Verdict | None = None) -> None:
        super().__init__(at, LIVE if members["livemode"] else TEST)
        self.members = members
        self.verdict = verdict

    def settle(self, batch) -> None:
        batch.received(0)
        received_at = moments.text(self.at_ms)
        if self.verdict is None:
            entry = CompletionEntry(received_at=received_at, **self.members)
            self.index = batch.place_completion(entry)
            return
        sha256 = bytes(self.verdict.sha256)
        batch.known.verdicts[sha256] = self.verdict.pk
        entry = CallEntry(received_at=received_at, **self.members)
        self.index = batch.place_call(entry, sha256)


def append(jobs: Sequence[Row]) -> None:
    """Append them all in one batch."""
    with transaction.atomic():
        connection.ensure_connection()
        appending.append_jobs(connection.connection, jobs)


def _append(job: Row) -> int:
    append([job])
    return job.index


def _moment(value: dt.datetime | None) -> str | None:
    return None if value is None else moments.text(moments.milliseconds(value))


def call(of, key, *, at: dt.datetime, **columns) -> Call:
    """The record of a call of an integration by one of its keys; allowed unless told otherwise."""
    job = _call(of, key, at=at, **columns)
    ledger_id = LIVE if job.members["livemode"] else TEST
    return Call.objects.get(ledger_id=ledger_id, index=_append(job))


def calls(of, key, *, at: dt.datetime, count: int, **columns) -> None:
    """Many records of calls alike, appended in one batch."""
    first = _call(of, key, at=at, **columns)
    append(
        [Row(at, {**first.members, "call_id": uuid.uuid4()}, first.verdict) for _ in range(count)]
    )


def _call(of, key, *, at: dt.datetime, **columns) -> Row:
    rested = {name: columns.pop(name, empty) for name, empty in RESTED.items()}
    sha256 = uuid.uuid4().bytes * 2
    verdict = Verdict.objects.create(sha256=sha256, **rested)
    if rested["valid_until"] is not None:
        rested["valid_until"] = rested["valid_until"].isoformat()
    members = {
        "v": VERSION,
        "call_id": uuid.uuid4(),
        "body_sha256": bytes(32),
        "lease_until": at + dt.timedelta(minutes=10),
        "livemode": True,
        "source": "calls",
        "provider": "openai",
        "operation": "chat",
        "region": "us-east-1",
        "model": "gpt-4.1",
        "phi_present": True,
        "actor_type": "user",
        "actor_id": "u-1",
        "attempt": 1,
        "decision": "allow",
        "integration_id": of.pk,
        "key_id": key.pk,
        # A new key raises the epoch: what is stored must be decided after that.
        "epoch": Epoch.objects.get().value,
        **rested,
        **columns,
    }
    members["type"] = "call" if members["decision"] == "allow" else "denial"
    members["decision"] = str(members["decision"])
    members["body_sha256"] = members["body_sha256"].hex()
    members["lease_until"] = _moment(members["lease_until"])
    members["started_at"] = _moment(members.get("started_at"))
    return Row(at, members, verdict)


def completion(of: Call | None = None, *, at: dt.datetime, **columns) -> Completion:
    """How a call ended; succeeded unless told otherwise. Without a call, of one nobody knows."""
    members = {
        "v": VERSION,
        "event_id": uuid.uuid4(),
        "call_id": of.call_id if of else uuid.uuid4(),
        "call_index": of.index if of else None,
        "without_call": of is None,
        "body_sha256": bytes(32),
        "livemode": of.livemode if of else True,
        "key_id": of.key_id if of else None,
        "outcome": "succeeded",
        "swept": False,
        "usage_source": "none",
        **columns,
    }
    members["type"] = "lease-loss" if members["swept"] else "completion"
    members["body_sha256"] = members["body_sha256"].hex()
    members["ended_at"] = _moment(members.get("ended_at"))
    index = _append(Row(at, members))
    return Completion.objects.get(ledger_id=LIVE if members["livemode"] else TEST, index=index)
