"""A partition as the database has it: what goes into its archive, and what must agree with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection
from psycopg import sql

from countersign import archives, checkpoints, merkle, notes, tiles

# Whose rows go with a partition's entries: audits_call_1_7 is of partition 7 of ledger 1.
ROWS = ("call", "completion", "lease", "event")
TABLES = ("batch", *ROWS)


class NoPartition(Exception):
    """There is no such partition, or it is not in the state for what was asked. Says which."""


class Stretch(NamedTuple):
    """A partition: the entries `first_index` up to before `end_index` of a ledger."""

    ledger_id: int
    slug: str
    origin: str
    number: int
    first_index: int
    end_index: int
    state: str
    size: int  # of the ledger's tree

    @property
    def name(self) -> str:
        """How entries and folders name it."""
        return f"{self.slug}/{self.number:06}"

    @property
    def full(self) -> bool:
        """Whether it takes no further entry."""
        return self.size >= self.end_index


class Batches(NamedTuple):
    """The checkpoints of a partition's batches, and the keys that signed them."""

    lines: list[dict[str, Any]]
    keys: tuple[str, ...]


def stretch(ledger_id: int, number: int, *, lock: bool = False) -> Stretch:
    """The partition; with `lock` nobody else changes its state until the transaction ends.

    Raises: NoPartition.
    """
    with connection.cursor() as cursor:
        if lock:
            cursor.execute(
                "SELECT FROM audits_partition WHERE ledger_id = %s AND number = %s FOR UPDATE",
                [ledger_id, number],
            )
        cursor.execute(
            "SELECT l.id, l.slug, coalesce(l.origin, ''), p.number, p.first_index, p.end_index, "
            "p.state, h.size FROM audits_partition p JOIN audits_ledger l ON l.id = p.ledger_id "
            "JOIN audits_ledgerhead h ON h.ledger_id = l.id "
            "WHERE p.ledger_id = %s AND p.number = %s",
            [ledger_id, number],
        )
        found = cursor.fetchone()
    if found is None:
        raise NoPartition(f"Ledger {ledger_id} has no partition {number}.")
    return Stretch(*found)


def moments(part: Stretch) -> tuple[dt.datetime, dt.datetime]:
    """When its first and its last entries were received; it has at least one batch."""
    bounds = [part.ledger_id, part.first_index, part.end_index]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(received_at), max(received_at) FROM audits_batch "
            "WHERE ledger_id = %s AND first_index >= %s AND first_index < %s",
            bounds,
        )
        first, last = cursor.fetchone()
    return first, last


def entries(part: Stretch) -> Iterator[tuple[int, list[bytes]]]:
    """The entries of each file of the archive with the index of the first of them."""
    waiting: list[bytes] = []
    for start in range(part.first_index, part.end_index, archives.ENTRIES_A_FILE):
        end = min(start + archives.ENTRIES_A_FILE, part.end_index)
        for first, lines in _batches(part, start, end):
            if first != start + len(waiting):
                raise NoPartition(f"The entries of {part.name} have a hole before {first}.")
            waiting += lines
        yield start, waiting[: end - start]
        del waiting[: end - start]


def _batches(part: Stretch, start: int, end: int) -> Iterator[tuple[int, list[bytes]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT first_index, entries FROM audits_batch WHERE ledger_id = %s "
            "AND first_index >= %s AND first_index < %s ORDER BY first_index",
            [part.ledger_id, start, end],
        )
        for first, content in cursor.fetchall():
            yield first, bytes(content).split(b"\n")


def batches(part: Stretch) -> Batches:
    """The checkpoints of the partition's batches, first one first, as the archive has them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.first_index, b.size, b.received_at, b.epoch, b.root, b.signature, "
            "k.public_key FROM audits_batch b JOIN audits_ledgerkey k ON k.id = b.ledger_key_id "
            "WHERE b.ledger_id = %s AND b.first_index >= %s AND b.first_index < %s "
            "ORDER BY b.first_index",
            [part.ledger_id, part.first_index, part.end_index],
        )
        lines: list[dict[str, Any]] = []
        keys: dict[bytes, int] = {}
        for first, size, received_at, epoch, root, signature, key in cursor.fetchall():
            line = {
                "first_index": first,
                "size": size,
                "received_at": received_at,
                "root": bytes(root),
                "signature": bytes(signature),
                "key": keys.setdefault(bytes(key), len(keys)),
            }
            lines.append(line if epoch is None else {**line, "epoch": epoch})
    return Batches(lines, tuple(notes.vkey(part.origin, key) for key in keys))


def note_of(part: Stretch, batch: dict[str, Any], keys: Sequence[str]) -> str:
    """The signed note of a batch's checkpoint."""
    key = notes.Verifier.from_vkey(keys[batch["key"]])
    text = checkpoints.Checkpoint(part.origin, batch["size"], batch["root"]).text()
    return notes.joined(text, [notes.signature_line(key.name, key.key_id, batch["signature"])])


def tile_hashes(part: Stretch, level: int) -> bytes:
    """The hashes of the full tiles of a level that lie wholly in the partition, side by side.

    Raises: NoPartition if one of them is missing.
    """
    width = tiles.WIDTH ** (level + 1)
    if part.first_index % width:
        return b""
    first, end = part.first_index // width, part.end_index // width
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hashes FROM audits_tile WHERE ledger_id = %s AND level = %s "
            "AND number >= %s AND number < %s ORDER BY number",
            [part.ledger_id, level, first, end],
        )
        found = [bytes(hashes) for (hashes,) in cursor.fetchall()]
    if len(found) != end - first:
        raise NoPartition(f"Tiles of level {level} of {part.name} are missing.")
    return b"".join(found)


def leaves(part: Stretch, first: int, count: int) -> bytes:
    """The leaf hashes that the ledger's tiles keep of some of the partition's entries."""
    end = first + count
    tile, last = first // tiles.WIDTH, -(-end // tiles.WIDTH)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hashes FROM audits_tile WHERE ledger_id = %s AND level = 0 "
            "AND number >= %s AND number < %s ORDER BY number",
            [part.ledger_id, tile, last],
        )
        found = b"".join(bytes(hashes) for (hashes,) in cursor.fetchall())
    skip = (first - tile * tiles.WIDTH) * merkle.HASH_SIZE
    return found[skip : skip + count * merkle.HASH_SIZE]


def frontier_before(part: Stretch) -> merkle.Frontier:
    """The tree before the partition's first entry, from the tiles. Its index is one of a tile's.

    Raises: NoPartition if a tile is missing.
    """
    hashes = []
    for level, number in merkle.covering(0, part.first_index):
        # A node at or above the root of a full tile is folded from the roots of such tiles.
        tile_level, above = divmod(level - tiles.HEIGHT, tiles.HEIGHT)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT root FROM audits_tile WHERE ledger_id = %s AND level = %s "
                "AND number >= %s AND number < %s ORDER BY number",
                [part.ledger_id, tile_level, number << above, (number + 1) << above],
            )
            roots = [bytes(root) for (root,) in cursor.fetchall()]
        if len(roots) != 1 << above:
            raise NoPartition(f"Tiles before {part.name} are missing.")
        hashes.append(merkle.root_of(roots))
    return merkle.Frontier(part.first_index, tuple(hashes))


def columns(table: str) -> list[list[str]]:
    """Names and types of a table's columns, as PostgreSQL calls them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [f"public.audits_{table}"],
        )
        return [list(row) for row in cursor.fetchall()]


def rows(part: Stretch, table: str, first: int, end: int) -> list[tuple[Any, ...]]:
    """The typed rows of the entries `first` up to before `end`; those of jsonb as JSON text."""
    names = sql.SQL(", ").join(
        sql.SQL("{}::text" if kind == "jsonb" else "{}").format(sql.Identifier(name))
        for name, kind in columns(table)
    )
    statement = sql.SQL(
        'SELECT {} FROM {} WHERE ledger_id = %s AND "index" >= %s AND "index" < %s ORDER BY "index"'
    ).format(names, sql.Identifier("public", f"audits_{table}"))
    with connection.cursor() as cursor:
        cursor.execute(statement, [part.ledger_id, first, end])
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
