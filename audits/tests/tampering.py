"""What somebody can do who holds the database, and perhaps the key: rows changed, trees rebuilt."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection

from audits.tests.make_ledger import signer
from countersign import merkle, notes
from countersign.verifying.walk import Walk

RECORDS = ("audits_call", "audits_completion", "audits_lease", "audits_event")
TABLES = (
    *RECORDS,
    "audits_batch",
    "audits_tile",
    "audits_ledgerhead",
    "audits_ledgerkey",
    "audits_ledger",
    "audits_verdict",
)
# Out of the way while rows get other indexes, within their partition.
AWAY = 500_000


def sql(statement: str, *parameters: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def superuser() -> Iterator[None]:
    """Holds off every trigger, and leaves them as they were: no trace of that is left."""
    parts = sql(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind IN ('r', 'p') AND "
        "(c.relname = ANY(%s) OR c.oid IN (SELECT inhrelid FROM pg_inherits "
        "WHERE inhparent = ANY(%s::regclass[])))",
        list(TABLES),
        list(TABLES),
    )
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    enabled = sql(
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgenabled = 'A' "
        "AND tgrelid = ANY(%s::regclass[]) AND tgparentid = 0",
        [name for (name,) in parts],
    )
    for table, trigger in enabled:
        sql(f'ALTER TABLE {table} DISABLE TRIGGER "{trigger}"')
    yield
    for table, trigger in enabled:
        if sql("SELECT to_regclass(%s) IS NOT NULL", table) == [(True,)]:
            sql(f'ALTER TABLE {table} ENABLE ALWAYS TRIGGER "{trigger}"')


@dataclass
class Stored:
    """A batch as it is stored."""

    first: int
    size: int
    at: dt.datetime
    lines: list[bytes]
    signature: bytes
    key_id: int
    epoch: int | None


class Copy:
    """All batches of the live ledger, to be changed and written back."""

    def __init__(self) -> None:
        rows = sql(
            "SELECT first_index, size, received_at, entries, signature, ledger_key_id, epoch "
            "FROM audits_batch WHERE ledger_id = 1 ORDER BY first_index"
        )
        self.batches = [
            Stored(first, size, at, bytes(entries).split(b"\n"), bytes(signature), key, epoch)
            for first, size, at, entries, signature, key, epoch in rows
        ]
        self.origin = sql("SELECT origin FROM audits_ledger WHERE id = 1")[0][0]

    def batch_of(self, index: int) -> Stored:
        return next(each for each in self.batches if each.first <= index < each.size)

    def line(self, index: int) -> bytes:
        batch = self.batch_of(index)
        return batch.lines[index - batch.first]

    def replace(self, index: int, line: bytes) -> None:
        batch = self.batch_of(index)
        batch.lines[index - batch.first] = line

    def edit(self, index: int, **members: object) -> None:
        """Change members of an entry, canonical as before."""
        entry = {**json.loads(self.line(index)), **members}
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self.replace(index, text.encode())

    def write(self, key: notes.Signer | None = None) -> str:
        """Build the tree of these entries anew and store all of it; returns the last note.

        Without a key the signatures stay those of before.
        """
        for table in ("audits_batch", "audits_tile"):
            sql(f"DELETE FROM {table} WHERE ledger_id = 1")
        walk = Walk()
        text = ""
        for batch in self.batches:
            first = walk.size
            walk.append([merkle.leaf_hash(line) for line in batch.lines])
            text = f"{self.origin}\n{walk.size}\n{notes.base64.b64encode(walk.root()).decode()}\n"
            signature = key.signature(text) if key else batch.signature
            sql(
                "INSERT INTO audits_batch (ledger_id, first_index, size, received_at, epoch, root, "
                "ledger_key_id, signature, entries) VALUES (1, %s, %s, %s, NULL, %s, %s, %s, %s)",
                first,
                walk.size,
                batch.at,
                walk.root(),
                batch.key_id,
                signature,
                b"\n".join(batch.lines),
            )
            batch.first, batch.size = first, walk.size
        for tile in walk.tiles():
            sql("INSERT INTO audits_tile VALUES (1, %s, %s, %s, %s)", *tile)
        set_head(walk.size, walk.frontier().packed(), walk.root())
        return key.sign(text) if key else ""


def set_head(size: int, frontier: bytes, root: bytes) -> None:
    sql(
        "UPDATE audits_ledgerhead SET size = %s, frontier = %s, root = %s, last_received_at = "
        "(SELECT max(received_at) FROM audits_batch WHERE ledger_id = 1) WHERE ledger_id = 1",
        size,
        frontier,
        root,
    )


def move(changes: dict[int, int]) -> None:
    """Give rows other indexes."""
    for table in RECORDS:
        for old in changes:
            sql(
                f'UPDATE {table} SET "index" = %s WHERE ledger_id = 1 AND "index" = %s',
                old + AWAY,
                old,
            )
        for old, new in changes.items():
            sql(
                f'UPDATE {table} SET "index" = %s WHERE ledger_id = 1 AND "index" = %s',
                new,
                old + AWAY,
            )


def remove(start: int, end: int) -> None:
    """Delete the rows of entries, and batches that begin there."""
    for table in RECORDS:
        sql(
            f'DELETE FROM {table} WHERE ledger_id = 1 AND "index" >= %s AND "index" < %s',
            start,
            end,
        )
    sql(
        "DELETE FROM audits_batch WHERE ledger_id = 1 AND first_index >= %s AND first_index < %s",
        start,
        end,
    )


def size() -> int:
    return sql("SELECT size FROM audits_ledgerhead WHERE ledger_id = 1")[0][0]


def stolen_key() -> notes.Signer:
    return signer(sql("SELECT origin FROM audits_ledger WHERE id = 1")[0][0])


def own_key() -> notes.Signer:
    return notes.Signer(stolen_key().name, b"\x55" * 32)
