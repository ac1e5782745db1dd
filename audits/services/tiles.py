"""Tiles of the ledger's tree and the entries of a range, as C2SP tlog-tiles serves them.

A tile of level L holds up to 256 nodes of the tree's level 8 L. Full ones are stored with the root
above them; a partial one is made of the roots of the tiles below it, at level 0 of the entries of
the last batches. All of them stay when the entries of a partition are disposed of: partitions end
where tiles of levels 0 and 1 are full.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from django.db import connection

from countersign import merkle
from countersign.merkle import HASH_SIZE, Node
from countersign.tiles import HEIGHT, WIDTH, width_at


class NotKept(Exception):
    """The tree has no such tile or entries, or they were disposed of."""


class Place(NamedTuple):
    """A tile."""

    level: int
    number: int


def read(ledger_id: int, level: int, number: int, width: int = WIDTH) -> bytes:
    """The first `width` hashes of a tile, one after the other.

    Raises: NotKept if the tree has not so many there.
    """
    have = width_at(level, number, _size(ledger_id))
    if not 0 < width <= have:
        raise NotKept
    found = hashes(ledger_id, {Place(level, number)}, full=have == WIDTH)
    return found[Place(level, number)][: width * HASH_SIZE]


def hashes(ledger_id: int, places: Collection[Place], *, full: bool) -> dict[Place, bytes]:
    """The hashes of full tiles, or of partial ones as far as they reach, in one query or two.

    Raises: NotKept if one of them is not there.
    """
    if full:
        found = _full(ledger_id, places)
    else:
        found = _upper(ledger_id, [place for place in places if place.level])
        for place in places:
            if place.level == 0:
                found[place] = b"".join(_last_leaves(ledger_id, place.number * WIDTH))
    if any(not found.get(place) for place in places):
        raise NotKept
    return found


def nodes(ledger_id: int, wanted: Iterable[Node], *, kept: int) -> dict[Node, bytes]:
    """The hashes of perfect subtrees of the ledger, of size `kept`, in at most three queries.

    Raises: NotKept.
    """
    asked = set(wanted)
    places = {node: _place(node) for node in asked}
    # A tree's own full tiles are there; what is not full yet is made of what lies below it.
    is_full = {place: width_at(*place, kept) == WIDTH for place in places.values()}
    found: dict[Place, bytes] = {}
    for full in (True, False):
        chosen = {place for place, each in is_full.items() if each == full}
        if chosen:
            found |= hashes(ledger_id, chosen, full=full)
    return {node: _within(found[place], node, place) for node, place in places.items()}


def _place(node: Node) -> Place:
    """The lowest tile that a node can be computed from."""
    level, number = node
    tile = level // HEIGHT
    return Place(tile, number << (level % HEIGHT) >> HEIGHT)


def _within(tile: bytes, node: Node, place: Place) -> bytes:
    level, number = node
    height = level % HEIGHT
    start = ((number << height) - place.number * WIDTH) * HASH_SIZE
    part = tile[start : start + (HASH_SIZE << height)]
    if len(part) != HASH_SIZE << height:
        raise NotKept
    row = [part[at : at + HASH_SIZE] for at in range(0, len(part), HASH_SIZE)]
    while len(row) > 1:
        row = merkle.parents(row)
    return row[0]


def _full(ledger_id: int, places: Collection[Place]) -> dict[Place, bytes]:
    sql = """SELECT level, number, hashes FROM audits_tile
              WHERE ledger_id = %s
                AND (level, number) IN (SELECT * FROM unnest(%s::int[], %s::bigint[]))"""
    levels = [place.level for place in places]
    numbers = [place.number for place in places]
    rows = _rows(sql, ledger_id, levels, numbers)
    return {Place(level, number): bytes(packed) for level, number, packed in rows}


def _upper(ledger_id: int, places: Collection[Place]) -> dict[Place, bytes]:
    """Partial tiles above level 0, of the roots of the full tiles below."""
    if not places:
        return {}
    sql = """SELECT w.level, w.number, t.number, t.root
               FROM unnest(%s::int[], %s::bigint[]) AS w(level, number)
               JOIN audits_tile t ON t.ledger_id = %s AND t.level = w.level - 1
                AND t.number >= w.number * 256 AND t.number < (w.number + 1) * 256
              ORDER BY w.level, w.number, t.number"""
    levels = [place.level for place in places]
    numbers = [place.number for place in places]
    rows: dict[Place, list[bytes]] = defaultdict(list)
    for level, number, below, root in _rows(sql, levels, numbers, ledger_id):
        place = Place(level, number)
        if below != number * WIDTH + len(rows[place]):
            raise NotKept
        rows[place].append(bytes(root))
    return {place: b"".join(roots) for place, roots in rows.items()}


def _last_leaves(ledger_id: int, start: int) -> list[bytes]:
    return [merkle.leaf_hash(entry) for entry in entries(ledger_id, start, start + WIDTH)]


def entries(ledger_id: int, start: int, end: int) -> list[bytes]:
    """The bytes of the entries from `start` on and before `end`, fewer where the ledger ends.

    Raises: NotKept if some of them are not there any more.
    """
    sql = """SELECT first_index, size, entries FROM audits_batch
              WHERE ledger_id = %s AND first_index < %s
                AND first_index >= coalesce((SELECT max(first_index) FROM audits_batch
                                              WHERE ledger_id = %s AND first_index <= %s), %s)
              ORDER BY first_index"""
    found: list[bytes] = []
    for first, size, packed in _rows(sql, ledger_id, end, ledger_id, start, start):
        lines = bytes(packed).split(b"\n")
        if len(lines) != size - first or max(first, start) != start + len(found):
            raise NotKept
        found += lines[max(0, start - first) : end - first]
    return found


def entry(ledger_id: int, index: int) -> bytes:
    """The bytes of one entry. Raises: NotKept."""
    found = entries(ledger_id, index, index + 1)
    if not found:
        raise NotKept
    return found[0]


def bundle(ledger_id: int, number: int, width: int = WIDTH) -> bytes:
    """The entries of a tile of level 0: each after its length in two bytes.

    Raises: NotKept. Source: https://c2sp.org/tlog-tiles, entry bundles.
    """
    start = number * WIDTH
    found = entries(ledger_id, start, start + width)
    if len(found) != width:
        raise NotKept
    return b"".join(len(each).to_bytes(2, "big") + each for each in found)


def _size(ledger_id: int) -> int:
    rows = _rows("SELECT size FROM audits_ledgerhead WHERE ledger_id = %s", ledger_id)
    return rows[0][0] if rows else 0


def _rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
