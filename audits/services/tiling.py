"""Writes the tiles that a batch completes: 256 hashes of a level of the tree, side by side.

Source: C2SP tlog-tiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg.rows import tuple_row

from countersign.merkle import leaf_hash, root_of

if TYPE_CHECKING:
    from audits.services.appending import Head

WIDTH = 256

INSERT = """
INSERT INTO public.audits_tile (ledger_id, level, number, hashes, root) VALUES (%s, %s, %s, %s, %s)
"""
ROOTS = """
SELECT root FROM public.audits_tile
WHERE ledger_id = %s AND level = %s AND number >= %s AND number < %s ORDER BY number
"""
BATCHES = """
SELECT first_index, entries FROM public.audits_batch
WHERE ledger_id = %(ledger)s AND first_index < %(size)s AND first_index >= (
    SELECT max(b.first_index) FROM public.audits_batch b
    WHERE b.ledger_id = %(ledger)s AND b.first_index <= %(start)s
)
ORDER BY first_index
"""


# Rows of tiles: ledger, level, number, hashes, root.
Rows: TypeAlias = "list[tuple[int, int, int, bytes, bytes]]"


class TilesMissing(Exception):
    """The rows that a tile is made of are not all there."""


@dataclass(slots=True)
class Tail:
    """The leaves from the last full tile to `size`, held while nobody else appends."""

    size: int = -1
    leaves: list[bytes] = field(default_factory=list)

    def before(self, size: int) -> list[bytes] | None:
        """The leaves from the last full tile to `size`, if they are held."""
        if size % WIDTH == 0:
            return []
        return self.leaves if self.size == size else None

    def follow(self, size: int, leaves: Sequence[bytes]) -> None:
        """Hold what comes after the last full tile, now that `leaves` follow the tree of `size`."""
        before, self.size = self.before(size), size + len(leaves)
        rest = self.size % WIDTH
        if before is None and len(leaves) < rest:
            self.size = -1
        self.leaves = [*(before or ()), *leaves][-rest:] if rest else []


def at_hand(tail: Tail, head: Head, leaves: Sequence[bytes]) -> Rows | None:
    """The rows of the tiles that `leaves` complete, if nothing has to be read for them.

    None if something has to, or if a tile of a higher level is completed: see `store`.
    """
    first, end = head.size // WIDTH, (head.size + len(leaves)) // WIDTH
    if first == end:
        return []
    before = tail.before(head.size)
    if before is None or first // WIDTH != end // WIDTH:
        return None
    hashes, rows = [*before, *leaves], []
    for number in range(first, end):
        tile = hashes[(number - first) * WIDTH : (number - first + 1) * WIDTH]
        rows.append((head.ledger_id, 0, number, b"".join(tile), root_of(tile)))
    return rows


def store(raw: psycopg.Connection[Any], tail: Tail, head: Head, leaves: Sequence[bytes]) -> None:
    """Write the tiles that `leaves` complete after those of the head.

    Raises: TilesMissing, psycopg.Error.
    """
    size = head.size + len(leaves)
    if size // WIDTH == head.size // WIDTH:
        return
    before = tail.before(head.size)
    if before is None:
        before = _leaves_before(raw, head.ledger_id, head.size)
    hashes = [*before, *leaves]
    number, level = head.size // WIDTH, 0
    while len(hashes) >= WIDTH:
        number, roots = _insert(raw, head.ledger_id, level, number, hashes)
        level += 1
        first = number - len(roots)
        begun = first // WIDTH * WIDTH
        if number // WIDTH == first // WIDTH:
            return
        below = _roots(raw, head.ledger_id, level - 1, begun, first)
        hashes, number = [*below, *roots], begun // WIDTH


def _insert(
    raw: psycopg.Connection[Any], ledger_id: int, level: int, number: int, hashes: list[bytes]
) -> tuple[int, list[bytes]]:
    """Write the full tiles of `hashes`. Returns: the number after them, and their roots."""
    roots = []
    with raw.pipeline():
        for start in range(0, len(hashes) - WIDTH + 1, WIDTH):
            tile = hashes[start : start + WIDTH]
            roots.append(root_of(tile))
            row = (ledger_id, level, number, b"".join(tile), roots[-1])
            psycopg.Cursor(raw).execute(INSERT.encode(), row)
            number += 1
    return number, roots


def _roots(
    raw: psycopg.Connection[Any], ledger_id: int, level: int, first: int, end: int
) -> list[bytes]:
    with psycopg.Cursor(raw, row_factory=tuple_row) as cursor:
        cursor.execute(ROOTS.encode(), (ledger_id, level, first, end))
        found = [bytes(root) for (root,) in cursor.fetchall()]
    if len(found) != end - first:
        raise TilesMissing
    return found


def _leaves_before(raw: psycopg.Connection[Any], ledger_id: int, size: int) -> list[bytes]:
    """The leaves from the last border of a tile to `size`, from the entries as they are stored."""
    start = size // WIDTH * WIDTH
    if start == size:
        return []
    leaves: list[bytes] = []
    with psycopg.Cursor(raw, row_factory=tuple_row) as cursor:
        asked = {"ledger": ledger_id, "start": start, "size": size}
        cursor.execute(BATCHES.encode(), asked)
        for first, entries in cursor.fetchall():
            lines = bytes(entries).split(b"\n")
            leaves += map(leaf_hash, lines[max(0, start - first) :])
    if len(leaves) != size - start:
        raise TilesMissing
    return leaves
