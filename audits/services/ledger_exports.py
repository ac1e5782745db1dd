"""Exports a ledger so that anybody verifies it without this portal (docs/ledger.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from django.db import connection, transaction

from audits.models import Cosignature, Ledger
from audits.services import checkpoints, tiles
from countersign import spans
from countersign.exporting import Export
from countersign.merkle import Frontier
from countersign.tiles import WIDTH, Tile, tiles_at, tiles_for, width_at

# Rows that the database hands over at once.
ROWS = 500


class NotExported(Exception):
    """There is nothing to export, or the folder is there already. The text is for people."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: entries, and the size of the ledger up to which they reach."""

    count: int
    first_index: int
    size: int


class _Batch(NamedTuple):
    entries: bytes
    stored: checkpoints.Stored


def export(
    ledger: Ledger,
    folder: Path,
    *,
    first: int = 0,
    compressed: bool = False,
    every_tile: bool = False,
) -> Exported:
    """Write the ledger's batches from the one on that holds entry `first`, as they stand now.

    Tiles are written where entries are missing, or all of them on demand. What is appended
    meanwhile is left out. Raises: NotExported.
    """
    if not ledger.origin:
        raise NotExported("The ledger has no entries yet.")
    with transaction.atomic():
        size, _, _ = checkpoints.head(ledger.pk)
        begins = checkpoints.covering(ledger.pk, first) if first else None
        start = _frontier(ledger.pk, begins.first_index if begins else 0, size)
        try:
            written = Export(
                folder,
                origin=ledger.origin,
                keys=checkpoints.vkeys(ledger.pk),
                start=start,
                compressed=compressed,
            )
        except FileExistsError:
            raise NotExported("The folder is there already: name one that is not.") from None
        with written:
            _write(written, ledger.pk, size, every_tile=every_tile)
    return Exported(written.count, start.size, size)


def _frontier(ledger_id: int, start: int, size: int) -> Frontier:
    nodes = [tuple(subtree) for subtree in spans.between(0, start)]
    found = tiles.nodes(ledger_id, [(level, number) for level, number in nodes], kept=size)
    return Frontier(start, tuple(found[level, number] for level, number in nodes))


def _write(written: Export, ledger_id: int, size: int, *, every_tile: bool) -> None:
    needed: set[Tile] = set(tiles_at(size)) if every_tile else set()
    cosigned = _cosigned(ledger_id)
    for batch in _batches(ledger_id, written.size, size):
        first, end = batch.stored.first_index, batch.stored.size
        if first > written.size:
            missing = spans.between(written.size, first)
            needed |= tiles_for([(level, number) for level, number in missing], first)
        note = batch.stored.note + "".join(cosigned.get(end, ()))
        written.batch(first, end, batch.entries, note)
    for level, number, _ in sorted(needed):
        # As wide as the tree is now: a wider tile serves where a narrower one is asked for.
        width = width_at(level, number, size)
        full = {tiles.Place(level, number)}
        content = tiles.hashes(ledger_id, full, full=width == WIDTH)[tiles.Place(level, number)]
        written.tile(Tile(level, number, width), content[: width * 32])


def _batches(ledger_id: int, start: int, size: int) -> Iterator[_Batch]:
    sql = """
SELECT b.first_index, b.size, b.received_at, b.root, b.signature, l.origin, k.public_key, b.entries
  FROM audits_batch b
  JOIN audits_ledger l ON l.id = b.ledger_id
  LEFT JOIN audits_ledgerkey k ON k.id = b.ledger_key_id
 WHERE b.ledger_id = %s AND b.first_index >= %s AND b.size <= %s
 ORDER BY b.first_index
"""
    with connection.connection.cursor("ledger_export") as cursor:
        cursor.itersize = ROWS
        cursor.execute(sql, [ledger_id, start, size])
        for *row, entries in cursor:
            yield _Batch(bytes(entries), checkpoints.stored(tuple(row)))


def _cosigned(ledger_id: int) -> dict[int, list[str]]:
    """The lines of witnesses by the size that they cosigned."""
    found: dict[int, list[str]] = {}
    for size, line in Cosignature.objects.filter(ledger_id=ledger_id).values_list("size", "line"):
        found.setdefault(size, []).append(line.rstrip("\n") + "\n")
    return found
