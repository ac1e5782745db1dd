"""Enters into the ledgers what was recorded before there were any.

The records keep their moments, and go first, since no moment goes back in a ledger. Behind them
stands an entry `adopted` that says which they are: nobody signed them when they were made, and the
moment of that entry is from when on they cannot be changed. The rows stay in their old tables too.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import msgspec
from django.db import connection, transaction

from audits.ledger.entries import (
    CompletionEntry,
    LeaseEntry,
    entry_of_row,
    read_call,
    read_completion,
)
from audits.ledger.settling import Batch, Known
from audits.models import Ledger
from audits.services import appending, tiling
from audits.services.appending import NewEvent, append_events
from audits.services.looking import INSERT_VERDICT, VERDICTS
from countersign.canonical import canonical

Row = dict[str, Any]
Kind = Literal["call", "completion", "lease"]
CHUNK = 1000
# What a verdict rested on, in the order of the dictionary's columns.
RESTS_ON = (
    "agreement_id",
    "baa_reference",
    "report_id",
    "fact_ids",
    "valid_until",
    "terms_digest",
    "policy_digest",
)
# All rows of a ledger in the order in which they came, a call before what is about it.
ROWS = """
SELECT kind, row FROM (
    SELECT received_at, 0 AS rank, id, 'call' AS kind, to_jsonb(c) AS row
    FROM audits_unsealed_call c WHERE livemode = %(livemode)s
    UNION ALL
    SELECT received_at, 1, id, 'completion', to_jsonb(o)
    FROM audits_unsealed_completion o WHERE livemode = %(livemode)s
    UNION ALL
    SELECT l.received_at, 2, l.id, 'lease', to_jsonb(l)
    FROM audits_unsealed_lease l JOIN audits_unsealed_call c USING (call_id)
    WHERE c.livemode = %(livemode)s
) rows ORDER BY received_at, rank, id
"""


@dataclass(slots=True)
class Adopted:
    """How many records of each kind a ledger took in, and the calls' indexes."""

    calls: int = 0
    completions: int = 0
    leases: int = 0
    indexes: dict[uuid.UUID, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.calls + self.completions + self.leases


def adopt(*, at: dt.datetime) -> int:
    """Enter the records that lie aside into ledgers that are still empty; `at` is now.

    Safe to repeat: a ledger that has an entry takes none. One transaction.
    Returns: how many records were entered.
    """
    with transaction.atomic():
        return sum(_adopt_into(ledger, at) for ledger in Ledger.objects.order_by("id"))


def _adopt_into(ledger: Ledger, at: dt.datetime) -> int:
    head = appending.lock_head(connection.connection, ledger.pk)
    if head.size:
        return 0
    done = Adopted()
    rows = _rows(livemode=ledger.livemode)
    while chunk := list(islice(rows, CHUNK)):
        _append(ledger.pk, chunk, done)
    if not done.total:
        return 0
    said = {
        "first_index": 1,
        "end_index": done.total + 1,
        "calls": done.calls,
        "completions": done.completions,
        "leases": done.leases,
    }
    append_events([NewEvent("adopted", ledger.slug, said)], at=at, ledger_id=ledger.pk)
    return done.total


def _rows(*, livemode: bool) -> Iterator[tuple[Kind, Row]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(ROWS, {"livemode": livemode})
        for kind, row in cursor:
            yield kind, _typed(msgspec.json.decode(row) if isinstance(row, str) else row)


def _typed(row: Row) -> Row:
    """The row with moments and digests as the database's own types give them."""
    for name, value in row.items():
        if value is None:
            continue
        if name.endswith("_at") or name == "lease_until":
            row[name] = dt.datetime.fromisoformat(value)
        elif name == "body_sha256":
            row[name] = bytes.fromhex(value.removeprefix("\\x"))
    return row


def _append(ledger_id: int, chunk: list[tuple[Kind, Row]], done: Adopted) -> None:
    """Enter some records; a batch ends where a partition does."""
    raw = connection.connection
    known = Known(verdicts=_verdicts([row for kind, row in chunk if kind == "call"]))
    rest = chunk
    while rest:
        head = appending.lock_head(raw, ledger_id)
        batch = appending.new_batch(head, known)
        if head.origin is None:
            appending.begin_ledger(raw, head, batch, rest[0][1]["received_at"])
        room = batch.border - batch.next_index
        for kind, row in rest[:room]:
            batch.received(int(row["received_at"].timestamp() * 1000))
            PLACES[kind](row, batch, done)
        rest = rest[room:]
        # They were decided under epochs that have passed, as is known.
        batch.epoch = None
        grown, checkpoint = appending.signed(head, batch)
        appending.write(raw, head, batch, tiling.Tail(), (grown, checkpoint))


def _verdicts(calls: list[Row]) -> dict[bytes, int]:
    """The dictionary's ids of what these verdicts rested on, made where they are new."""
    wanted = {_digest(row): row for row in calls}
    with connection.cursor() as cursor:
        for sha256, row in sorted(wanted.items()):
            cursor.execute(INSERT_VERDICT, [sha256, *(row[name] for name in RESTS_ON)])
        cursor.execute(VERDICTS, [list(wanted)])
        return {bytes(sha256): pk for sha256, pk in cursor.fetchall()}


def _digest(row: Row) -> bytes:
    return hashlib.sha256(canonical({name: row[name] for name in RESTS_ON})).digest()


def _place_call(row: Row, batch: Batch, done: Adopted) -> None:
    entry = read_call(entry_of_row("call", row))
    done.indexes[entry.call_id] = batch.place_call(entry, _digest(row))
    done.calls += 1


def _place_completion(row: Row, batch: Batch, done: Adopted) -> None:
    row["call_index"] = done.indexes.get(uuid.UUID(row["call_id"]))
    entry: CompletionEntry = read_completion(entry_of_row("completion", row))
    batch.place_completion(entry)
    done.completions += 1


def _place_lease(row: Row, batch: Batch, done: Adopted) -> None:
    row["call_index"] = done.indexes.get(uuid.UUID(row["call_id"]))
    batch.place_lease(msgspec.json.decode(entry_of_row("lease", row), type=LeaseEntry))
    done.leases += 1


PLACES: dict[Kind, Callable[[Row, Batch, Adopted], None]] = {
    "call": _place_call,
    "completion": _place_completion,
    "lease": _place_lease,
}
