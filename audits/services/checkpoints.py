"""Checkpoints as they stand in the database: one of each batch, signed when it was stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import connection

from audits.models import Batch
from countersign import notes
from countersign.checkpoints import Checkpoint

_SELECT = """
SELECT b.first_index, b.size, b.received_at, b.root, b.signature, l.origin, k.public_key
  FROM audits_batch b
  JOIN audits_ledger l ON l.id = b.ledger_id
  LEFT JOIN audits_ledgerkey k ON k.id = b.ledger_key_id
 WHERE b.ledger_id = %s
"""


class Stored(NamedTuple):
    """A batch's checkpoint: the tree of `size` leaves, of which those from `first_index` are its.

    `public_key` is that of the key it names, empty if that key is gone; nothing here is checked.
    """

    first_index: int
    size: int
    received_at: dt.datetime
    root: bytes
    signature: bytes
    origin: str
    public_key: bytes

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(self.origin, self.size, self.root)

    @property
    def note(self) -> str:
        """The signed note (C2SP tlog-checkpoint)."""
        identity = notes.key_id(self.origin, self.public_key)
        line = notes.signature_line(self.origin, identity, self.signature)
        return notes.joined(self.checkpoint.text(), [line])


def stored(row: tuple[Any, ...]) -> Stored:
    """The checkpoint of a row with the columns of `Stored`."""
    first, size, received_at, root, signature, origin, public_key = row
    return Stored(
        first, size, received_at, bytes(root), bytes(signature), origin, bytes(public_key or b"")
    )


def note(batch: Batch) -> str:
    """The signed note of a batch's row; reads its ledger and key unless they are loaded."""
    return Stored(
        batch.first_index,
        batch.size,
        batch.received_at,
        bytes(batch.root),
        bytes(batch.signature),
        batch.ledger.origin or "",
        bytes(batch.ledger_key.public_key),
    ).note


def latest(ledger_id: int) -> Stored | None:
    """The newest checkpoint; None while the ledger is empty."""
    return _first(_SELECT + " ORDER BY b.first_index DESC LIMIT 1", ledger_id)


def of_size(ledger_id: int, size: int) -> Stored | None:
    """The checkpoint of the tree of `size` leaves, if a batch ended there and is still kept."""
    sql = _SELECT + " AND b.first_index < %s ORDER BY b.first_index DESC LIMIT 1"
    found = _first(sql, ledger_id, size)
    return found if found is not None and found.size == size else None


def covering(ledger_id: int, index: int) -> Stored | None:
    """The first checkpoint whose tree holds the entry of this index, if it is still kept."""
    sql = _SELECT + " AND b.first_index <= %s ORDER BY b.first_index DESC LIMIT 1"
    found = _first(sql, ledger_id, index)
    return found if found is not None and found.size > index else None


def from_size(ledger_id: int, size: int) -> Stored | None:
    """The first kept checkpoint of a tree of at least `size` leaves."""
    if size <= 0:
        return _first(_SELECT + " ORDER BY b.first_index LIMIT 1", ledger_id)
    return covering(ledger_id, size - 1)


class Key(NamedTuple):
    """A key of a ledger. It signed from `first_index` on, and to before `retired_at_index`."""

    key_id: int
    public_key: bytes
    first_index: int
    retired_at_index: int | None


def keys(ledger_id: int) -> list[Key]:
    """Every key that the ledger signed with, the first one first."""
    sql = """SELECT id, public_key, first_index, retired_at_index FROM audits_ledgerkey
              WHERE ledger_id = %s ORDER BY first_index, id"""
    return [Key(pk, bytes(key), first, end) for pk, key, first, end in _rows(sql, ledger_id)]


def vkeys(ledger_id: int) -> list[str]:
    """The text form of each key under the ledger's name, the first one first."""
    origin = origin_of(ledger_id)
    return [notes.vkey(origin, key.public_key) for key in keys(ledger_id)] if origin else []


def verifiers(ledger_id: int) -> list[notes.Verifier]:
    """What checks signatures of the ledger."""
    origin = origin_of(ledger_id)
    return [notes.Verifier(origin, key.public_key) for key in keys(ledger_id)] if origin else []


def origin_of(ledger_id: int) -> str:
    """The ledger's name in its checkpoints; empty before its first entry."""
    rows = _rows("SELECT origin FROM audits_ledger WHERE id = %s", ledger_id)
    return next((origin or "" for (origin,) in rows), "")


def head(ledger_id: int) -> tuple[int, bytes, bytes]:
    """Size, root and packed frontier as the head's row says; size 0 if there is none."""
    sql = "SELECT size, root, frontier FROM audits_ledgerhead WHERE ledger_id = %s"
    for size, root, frontier in _rows(sql, ledger_id):
        return size, bytes(root), bytes(frontier)
    return 0, b"", b""


def _first(sql: str, *parameters: Any) -> Stored | None:
    return next((stored(row) for row in _rows(sql, *parameters)), None)


def _rows(sql: str, *parameters: Any) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        yield from cursor.fetchall()
