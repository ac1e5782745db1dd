"""Writes what proves the records of a pack: entries, one walk over the tree, checkpoints, keys.

Small in memory whatever the pack holds: indexes are numbers side by side, entries are read batch by
batch, hashes some hundreds at a time.
"""

from __future__ import annotations

import base64
import heapq
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.db import connection

from audits.models import CheckpointDelivery, Cosignature, Ledger, Partition
from audits.services import checkpoints, proofs, tiles
from audits.services.checkpoints import Stored
from countersign import notes, spans
from evidence.models import EvidencePack
from evidence.pack.bag import BagEntry, BagWriter
from evidence.pack.plan import Plan
from evidence.pack.proofs import FOLDER, Proven

# Hashes that are asked for at once, and batches that are fetched at once.
NODES, BATCHES = 500, 50
MOST_EARLIER = 400
Tick = Callable[[int], None]

ENTRIES = """
SELECT first_index, entries FROM audits_batch
WHERE ledger_id = %s AND first_index <= %s AND size > %s ORDER BY first_index
"""


class ProofMissing(Exception):
    """A record of the pack has no entry in the ledger, or lies behind its last checkpoint."""


def write(bag: BagWriter, plan: Plan, indexes: Sequence[array[int]], tick: Tick) -> Proven | None:
    """Write `log-proofs/` for the entries of these indexes, each sequence of which ascends.

    Returns: None where the ledger is empty. Raises: ProofMissing.
    """
    ledger = Ledger.objects.get(pk=Ledger.LIVE)
    stored = checkpoints.latest(ledger.pk)
    if stored is None:
        if any(indexes):
            raise ProofMissing
        return None
    folder = f"{FOLDER}/{ledger.slug}"
    filled = [some for some in indexes if some]
    first = min((some[0] for some in filled), default=None)
    last = max((some[-1] for some in filled), default=None)
    if last is not None and last >= stored.size:
        raise ProofMissing
    if first is not None and last is not None:
        with bag.entry(f"{folder}/entries.ndjson") as entry:
            _write_entries(entry, ledger.pk, heapq.merge(*filled), (first, last), tick)
    else:
        bag.add(f"{folder}/entries.ndjson", b"")
    with bag.entry(f"{folder}/spans.jsonl") as entry:
        runs = _write_spans(entry, stored, ledger.pk, heapq.merge(*filled))
    note, witnesses = _cosigned(ledger.pk, stored.size, stored.note)
    bag.add(f"{folder}/checkpoint", note.encode())
    bag.add(f"{folder}/keys.txt", "".join(f"{k}\n" for k in checkpoints.vkeys(ledger.pk)).encode())
    earlier = _write_earlier(bag, folder, plan, stored, ledger.pk)
    return Proven(
        slug=ledger.slug,
        origin=stored.origin,
        size=stored.size,
        root=stored.root.hex(),
        signed_at=stored.received_at,
        shown=sum(map(len, filled)),
        first=first,
        last=last,
        runs=runs,
        earlier=earlier,
        witnesses=witnesses,
        disposed=_disposed(ledger.pk),
        note=note,
    )


def _write_entries(
    target: BagEntry,
    ledger_id: int,
    indexes: Iterator[int],
    ends: tuple[int, int],
    tick: Tick,
) -> None:
    """The bytes of each entry, one a line. Raises: ProofMissing if one is not there."""
    wanted = next(indexes, None)
    for start, lines in _batches(ledger_id, ends):
        found: list[bytes] = []
        while wanted is not None and wanted < start + len(lines):
            if wanted < start:
                raise ProofMissing
            found.append(lines[wanted - start])
            wanted = next(indexes, None)
        if found:
            target.write(b"\n".join(found) + b"\n")
            tick(len(found))
        if wanted is None:
            return
    raise ProofMissing


def _batches(ledger_id: int, ends: tuple[int, int]) -> Iterator[tuple[int, list[bytes]]]:
    first, last = ends
    with connection.chunked_cursor() as cursor:
        cursor.execute(ENTRIES, [ledger_id, last, first])
        while rows := cursor.fetchmany(BATCHES):
            for start, packed in rows:
                yield start, bytes(packed).split(b"\n")


def _write_spans(target: BagEntry, stored: Stored, ledger_id: int, indexes: Iterable[int]) -> int:
    """The walk over the tree; returns how many runs of entries it shows."""
    runs = 0
    waiting: list[spans.Span] = []
    for span in spans.spans(indexes, stored.size):
        waiting.append(span)
        runs += isinstance(span, spans.Run)
        if len(waiting) == NODES:
            _flush(target, waiting, stored.size, ledger_id)
            waiting = []
    _flush(target, waiting, stored.size, ledger_id)
    return runs


def _flush(target: BagEntry, some: Sequence[spans.Span], size: int, ledger_id: int) -> None:
    subtrees = [(span.level, span.number) for span in some if isinstance(span, spans.Subtree)]
    hashes = tiles.nodes(ledger_id, subtrees, kept=size) if subtrees else {}
    steps = (
        span if isinstance(span, spans.Run) else spans.Shown(span, hashes[span.level, span.number])
        for span in some
    )
    if some:
        target.write(b"".join(map(spans.line, steps)))


def _cosigned(ledger_id: int, size: int, note: str) -> tuple[str, tuple[str, ...]]:
    """The note with the lines of all witnesses that saw it, and their names."""
    seen = Cosignature.objects.filter(ledger=ledger_id, size=size).order_by("witness", "pk")
    lines = [f"{row.line.rstrip()}\n" for row in seen][: notes.MAX_SIGNATURES - 1]
    return note + "".join(lines), tuple(sorted({row.witness for row in seen}))


def _write_earlier(
    bag: BagWriter, folder: str, plan: Plan, stored: Stored, ledger_id: int
) -> tuple[int, ...]:
    """Checkpoints that left the house, each with the proof that this one grew out of it."""
    found = dict(_kept(plan, stored, ledger_id))
    with bag.entry(f"{folder}/earlier.jsonl") as entry:
        for size in sorted(found):
            proof = proofs.consistency(ledger_id, size, stored.size).proof
            steps = [base64.b64encode(step).decode() for step in proof]
            known = {"note": found[size], "proof": steps}
            entry.write(json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode())
            entry.write(b"\n")
    return tuple(sorted(found))


def _kept(plan: Plan, stored: Stored, ledger_id: int) -> Iterator[tuple[int, str]]:
    """Size and note: of the pack before, of what was handed out or cosigned in the period."""
    moments: dict[str, Any] = {"ledger": ledger_id, "size__lt": stored.size, "size__gt": 0}
    period = (plan.period_from, plan.as_of)
    handed = CheckpointDelivery.objects.filter(**moments, ok=True, at__range=period)
    seen = Cosignature.objects.filter(**moments, received_at__range=period)
    sizes = {*_sizes(handed), *_sizes(seen)}
    for size in sorted(sizes, reverse=True)[:MOST_EARLIER]:
        kept = checkpoints.of_size(ledger_id, size)
        if kept is not None:
            yield size, _cosigned(ledger_id, size, kept.note)[0]
    before = (
        EvidencePack.objects.filter(pk__lt=plan.number, state=EvidencePack.State.READY)
        .exclude(checkpoint="")
        .order_by("-pk")
        .first()
    )
    if before is not None:
        size = int(before.checkpoint.split("\n")[1])
        if size < stored.size:
            yield size, before.checkpoint


def _sizes(rows: Any) -> list[int]:
    return list(rows.order_by("-size").values_list("size", flat=True).distinct()[:MOST_EARLIER])


def _disposed(ledger_id: int) -> tuple[tuple[int, int], ...]:
    gone = Partition.objects.filter(ledger=ledger_id, state=Partition.State.DISPOSED)
    return tuple(gone.order_by("first_index").values_list("first_index", "end_index"))
