"""Appends to a ledger: entries, tree, signed checkpoint and rows in one transaction.

Works on any psycopg connection, below Django's wrappers: on the writer's own, on Django's inside
its transaction, on the owner's. Tables are named with their schema, as a connection that looks at
the past has another search path. Order of locks: epoch (shared), then the head of a ledger.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction
from psycopg.rows import tuple_row

from audits.ledger import copying, moments
from audits.ledger.jobs import EventJob, Job
from audits.ledger.settling import Batch, Known, Signed, settle
from audits.services import looking, signing, tiling
from countersign.canonical import Json, canonical
from countersign.merkle import Frontier
from countersign.notes import Signer

Raw = psycopg.Connection[Any]

EPOCH_LOCK = 730500
LOCK_EPOCH = f"SELECT pg_advisory_xact_lock_shared({EPOCH_LOCK})"
EPOCH = "SELECT value FROM public.vendors_epoch"

_HEAD = """
SELECT size, frontier, (extract(epoch FROM last_received_at) * 1000)::bigint{}
FROM public.audits_ledgerhead WHERE ledger_id = %s FOR UPDATE
"""
HEAD = _HEAD.format("")
# In one question, for who holds the epoch: it cannot pass while the head is waited for.
HEAD_AND_EPOCH = _HEAD.format(f", ({EPOCH})")
# What stood beside the head while it was locked: a statement of its own sees what was committed
# while the one before it waited.
LEDGER = """
SELECT l.slug, l.origin, l.livemode, k.id, k.public_key,
       (SELECT p.end_index FROM public.audits_partition p
        WHERE p.ledger_id = l.id AND p.first_index <= h.size AND p.end_index > h.size)
FROM public.audits_ledger l
JOIN public.audits_ledgerhead h ON h.ledger_id = l.id
LEFT JOIN public.audits_ledgerkey k ON k.ledger_id = l.id AND k.retired_at_index IS NULL
WHERE l.id = %s
"""
START = "UPDATE public.audits_ledger SET origin = %s WHERE id = %s"
FIRST_KEY = """
INSERT INTO public.audits_ledgerkey (ledger_id, public_key, first_index) VALUES (%s, %s, %s)
RETURNING id
"""
MAKE_PARTITION = """
SELECT public.audits_make_partition(%s,
    (SELECT coalesce(max(number) + 1, 0)::integer FROM public.audits_partition
     WHERE ledger_id = %s))
"""
INSERT_BATCH = """
INSERT INTO public.audits_batch (first_index, size, received_at, epoch, ledger_key_id, ledger_id,
                                 root, signature, entries)
VALUES (%s, %s, %s::timestamptz, %s, %s, %s, %s, %s, %s)
"""
GROW = """
UPDATE public.audits_ledgerhead SET size = %s, frontier = %s, root = %s,
       last_received_at = %s::timestamptz
WHERE ledger_id = %s
"""


def _copy(table: str, columns: Sequence[str]) -> str:
    return f"COPY public.{table} ({', '.join(columns)}) FROM STDIN"


COPY_BATCH = f"{_copy('audits_batch', copying.BATCH_COLUMNS)} (FORMAT binary)"
COPY_CALLS = _copy("audits_call", copying.CALL_COLUMNS)
COPY_COMPLETIONS = _copy("audits_completion", copying.COMPLETION_COLUMNS)
COPY_LEASES = _copy("audits_lease", copying.LEASE_COLUMNS)
COPY_EVENTS = _copy("audits_event", copying.EVENT_COLUMNS)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An entry that is no record of a call. `payload` has a canonical form: no floats."""

    type: str
    subject: str
    payload: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Appended:
    """Where events were put: they end before `size`, and `root` is that of the tree then."""

    first_index: int
    size: int
    root: bytes


@dataclass(slots=True)
class Head:
    """Where a ledger ends, while nobody else can append to it. `border`: end of its partition."""

    ledger_id: int
    frontier: Frontier
    last_ms: int
    slug: str
    origin: str | None
    livemode: bool
    key_id: int | None
    public_key: bytes
    border: int

    @property
    def size(self) -> int:
        """How many entries it holds."""
        return self.frontier.size


def cursor(raw: Raw) -> psycopg.Cursor[Any]:
    """A cursor that gives tuples and binds on the server, whatever connection it is on."""
    return psycopg.Cursor(raw, row_factory=tuple_row)


def ask(raw: Raw, sql: str, parameters: Sequence[object] = ()) -> psycopg.Cursor[Any]:
    """The cursor after `sql`; in a pipeline its rows come when they are asked for."""
    asked = cursor(raw)
    asked.execute(sql.encode(), parameters)
    return asked


def row(asked: psycopg.Cursor[Any]) -> tuple[Any, ...]:
    """The one row that a question has for an answer."""
    found = asked.fetchone()
    assert found is not None
    return tuple(found)


def hold_epoch(raw: Raw) -> int:
    """The epoch that stands, and will until this transaction ends."""
    ask(raw, LOCK_EPOCH)
    return int(row(ask(raw, EPOCH))[0])


def lock_head(raw: Raw, ledger_id: int) -> Head:
    """Wait for the ledger's head, and hold it until this transaction ends."""
    asked = ask(raw, HEAD, (ledger_id,)), ask(raw, LEDGER, (ledger_id,))
    return read_head(raw, ledger_id, *map(row, asked))


def read_head(raw: Raw, ledger_id: int, head: tuple[Any, ...], ledger: tuple[Any, ...]) -> Head:
    """The head of rows that HEAD and LEDGER gave; makes the partition that it needs, if any."""
    size, frontier, last_ms = head
    slug, origin, livemode, key_id, public_key, border = ledger
    if border is None:
        ask(raw, MAKE_PARTITION, (ledger_id, ledger_id))
        border = row(ask(raw, LEDGER, (ledger_id,)))[5]
    return Head(
        ledger_id=ledger_id,
        frontier=Frontier.unpacked(size, bytes(frontier)),
        last_ms=last_ms or 0,
        slug=slug,
        origin=origin,
        livemode=livemode,
        key_id=key_id,
        public_key=bytes(public_key or b""),
        border=border,
    )


def new_batch(head: Head, known: Known) -> Batch:
    """An empty batch that goes on where the ledger ends."""
    return Batch(
        ledger_id=head.ledger_id,
        livemode=head.livemode,
        first_index=head.size,
        border=head.border,
        last_ms=head.last_ms,
        lease_ms=settings.CALL_LEASE // dt.timedelta(milliseconds=1),
        known=known,
    )


def begin_ledger(raw: Raw, head: Head, batch: Batch, at: dt.datetime) -> None:
    """Name a ledger that has no entry yet, and let it say who signs it."""
    origin = signing.first_origin(head.slug)
    signs = signing.signer(origin)
    ask(raw, START, (origin, head.ledger_id))
    asked = ask(raw, FIRST_KEY, (head.ledger_id, signs.public_key, head.size))
    head.key_id, head.origin, head.public_key = row(asked)[0], origin, signs.public_key
    payload: dict[str, object] = {"origin": origin, "public_key": signs.public_key.hex()}
    batch.place_event("ledger-start", head.slug, payload, moments.milliseconds(at))


def signed(head: Head, batch: Batch, signs: Signer | None = None) -> tuple[Frontier, Signed]:
    """The tree with the batch, and its checkpoint. `signs` is another key than the settings'.

    Raises: LedgerRefused if the key is not the ledger's.
    """
    assert head.origin is not None
    signs = signs or signing.signer(head.origin, head.public_key)
    grown = head.frontier.extended(batch.leaves)
    return grown, signing.signed(signs, grown.size, grown.root())


def write(
    raw: Raw,
    head: Head,
    batch: Batch,
    tail: tiling.Tail,
    with_checkpoint: tuple[Frontier, Signed],
) -> None:
    """Store the batch and its checkpoint, and move the head.

    Raises: TilesMissing, psycopg.Error.
    """
    grown, checkpoint = with_checkpoint
    received_at = moments.text(batch.last_ms)
    _copy_rows(raw, batch)
    tiling.store(raw, tail, head, batch.leaves)
    columns = (
        head.size,
        grown.size,
        received_at,
        batch.epoch,
        head.key_id,
        head.ledger_id,
        checkpoint.root,
        checkpoint.signature,
        b"\n".join(batch.lines),
    )
    grow = (grown.size, grown.packed(), checkpoint.root, received_at, head.ledger_id)
    with raw.pipeline():
        ask(raw, INSERT_BATCH, columns)
        ask(raw, GROW, grow)


def _copy_rows(raw: Raw, batch: Batch) -> None:
    for sql, lines in copies(batch):
        with cursor(raw).copy(sql.encode()) as copy:
            copy.write("".join(lines))


def copies(batch: Batch) -> list[tuple[str, list[str]]]:
    """The COPY of each table that the batch has rows for, with its lines."""
    every = (
        (COPY_CALLS, batch.calls),
        (COPY_COMPLETIONS, batch.completions),
        (COPY_LEASES, batch.leases),
        (COPY_EVENTS, batch.events),
    )
    return [(sql, lines) for sql, lines in every if lines]


def batch_row(head: Head, batch: Batch, with_checkpoint: tuple[Frontier, Signed]) -> bytes:
    """What COPY_BATCH takes: the row of the batch."""
    grown, checkpoint = with_checkpoint
    return copying.binary(
        copying.bigint(head.size),
        copying.bigint(grown.size),
        copying.moment(batch.last_ms),
        None if batch.epoch is None else copying.bigint(batch.epoch),
        copying.bigint(head.key_id or 0),
        copying.smallint(head.ledger_id),
        checkpoint.root,
        checkpoint.signature,
        b"\n".join(batch.lines),
    )


def append_jobs(raw: Raw, jobs: Sequence[Job]) -> None:
    """Settle decided jobs in the transaction that `raw` is in; whoever holds the epoch calls it.

    Each job carries its place or its error afterwards. Raises: LedgerRefused, psycopg.Error.
    """
    for ledger_id in sorted({job.ledger_id for job in jobs}):
        waiting: list[Any] = [job for job in jobs if job.ledger_id == ledger_id]
        while waiting:
            head = lock_head(raw, ledger_id)
            known = looking.known(raw, waiting, waiting[0].at)
            waiting = _append_some(raw, head, known, waiting)


def _append_some(raw: Raw, head: Head, known: Known, jobs: list[Any]) -> list[Any]:
    """One batch. Returns: the jobs for which the partition had no room."""
    batch = new_batch(head, known)
    if head.origin is None:
        begin_ledger(raw, head, batch, jobs[0].at)
    waiting = settle(jobs, batch)
    checkpoint = None
    if batch.lines:
        grown, checkpoint = signed(head, batch)
        write(raw, head, batch, tiling.Tail(), (grown, checkpoint))
    answer(raw, [job for job in jobs if job not in waiting], batch, checkpoint)
    return waiting


def answer(raw: Raw, jobs: Iterable[Job], batch: Batch, checkpoint: Signed | None) -> None:
    """Give each settled job its entry and checkpoint; repeats get those of the first time."""
    earlier: list[Job] = []
    for job in jobs:
        if job.error is not None or job.index < 0:
            continue
        if job.index >= batch.first_index:
            at = job.index - batch.first_index
            job.entry, job.line, job.checkpoint = batch.entries[at], batch.lines[at], checkpoint
        else:
            earlier.append(job)
    if earlier:
        looking.read_again(raw, batch.ledger_id, earlier)


def append_events_on(
    raw: Raw,
    events: Sequence[NewEvent],
    *,
    at: dt.datetime,
    ledger_id: int = 1,
    signs: Signer | None = None,
) -> Appended:
    """Append events in the transaction that `raw` is in; the caller commits.

    Raises: TypeError or ValueError for a payload without a canonical form, LedgerRefused,
    psycopg.Error.
    """
    waiting: list[Any] = [_event_job(event, at, ledger_id) for event in events]
    first: int | None = None
    while True:
        head = lock_head(raw, ledger_id)
        batch = new_batch(head, Known())
        if head.origin is None:
            begin_ledger(raw, head, batch, at)
        first = batch.next_index if first is None else first
        waiting = settle(waiting, batch)
        if not batch.lines:
            return Appended(first, head.size, head.frontier.root())
        grown, checkpoint = signed(head, batch, signs)
        write(raw, head, batch, tiling.Tail(), (grown, checkpoint))
        if not waiting:
            return Appended(first, grown.size, checkpoint.root)


def _event_job(event: NewEvent, at: dt.datetime, ledger_id: int) -> EventJob:
    canonical(dict(event.payload))
    return EventJob(event.type, event.subject, dict(event.payload), at, ledger_id)


def append_events(events: Sequence[NewEvent], *, at: dt.datetime, ledger_id: int = 1) -> Appended:
    """Append events on Django's connection, in its transaction; opens one if there is none.

    Raises: as `append_events_on`.
    """
    connection.ensure_connection()
    around: Callable[[], Any] = transaction.atomic if connection.get_autocommit() else nullcontext
    with around():
        return append_events_on(connection.connection, events, at=at, ledger_id=ledger_id)
