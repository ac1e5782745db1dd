"""Brings a disposed partition back into the database, from its archive."""

from __future__ import annotations

import datetime as dt
import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from psycopg import sql

from audits.ledger import archive_files
from audits.models import ArchiveEvent, Partition
from audits.services import archiving, archiving_rows
from audits.services.archiving import NotArchived
from audits.services.archiving_rows import ROWS, TABLES, NoPartition, Stretch
from countersign import archives, notes
from countersign.archives import Manifest
from countersign.verifying.archives import entries_of, lines_of

ROWS_AT_ONCE = 5_000
# As audits_make_partition does it, but with rows in the table already.
ATTACHING = (
    """CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse()""",
    "ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only",
    """ALTER TABLE {parent} ATTACH PARTITION {table}
    FOR VALUES FROM ({ledger}, {first}) TO ({ledger}, {end})""",
)


def restore_partition(
    ledger_id: int, number: int, *, at: dt.datetime, by: AbstractBaseUser | None = None
) -> ArchiveEvent:
    """Put a disposed partition's entries and rows back, read-only, where they were.

    Every digest, leaf, root and signature is checked first. It stays for LEDGER_RESTORED_DAYS, then
    the retention job may drop it again. Raises: NoPartition if it was not disposed of; NotArchived
    if the archive does not hold what it has to; OSError.
    """
    part = archiving_rows.stretch(ledger_id, number)
    _expect_disposed(part)
    latest = ArchiveEvent.objects.filter(ledger_id=ledger_id, number=number).latest("id")
    kept = archiving.recorded(part, latest)
    with transaction.atomic():
        part = archiving_rows.stretch(ledger_id, number, lock=True)
        _expect_disposed(part)
        for table in TABLES:
            _make(part, table)
        _fill(part, latest.folder, kept.manifest)
        for table in TABLES:
            _attach(part, table)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE audits_partition SET state = 'archived' "
                "WHERE ledger_id = %s AND number = %s",
                [ledger_id, number],
            )
        until = at + dt.timedelta(days=settings.LEDGER_RESTORED_DAYS)
        return archiving.note_step(
            part, ArchiveEvent.Kind.RESTORED, kept, at=at, by=by, until=until
        )


def _expect_disposed(part: Stretch) -> None:
    if part.state != Partition.State.DISPOSED:
        raise NoPartition(f"Partition {part.name} is {part.state}: its entries are here.")


def _table(part: Stretch, table: str) -> sql.Identifier:
    return sql.Identifier("public", f"audits_{table}_{part.ledger_id}_{part.number}")


def _parent(table: str) -> sql.Identifier:
    return sql.Identifier("public", f"audits_{table}")


def _make(part: Stretch, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(
                _table(part, table), _parent(table)
            )
        )


def _attach(part: Stretch, table: str) -> None:
    """Close the table to changes, and make it part of its parent again."""
    with connection.cursor() as cursor:
        for statement in ATTACHING:
            cursor.execute(
                sql.SQL(statement).format(
                    table=_table(part, table),
                    parent=_parent(table),
                    ledger=sql.Literal(part.ledger_id),
                    first=sql.Literal(part.first_index),
                    end=sql.Literal(part.end_index),
                )
            )


def _fill(part: Stretch, folder: str, manifest: Manifest) -> None:
    """Load batches and rows; what was read is compared with the manifest once more.

    Raises: NotArchived.
    """
    storage = archiving.archive_storage()
    names = archiving_rows.columns("batch")
    _insert(part, "batch", [name for name, _ in names], _batches(part, folder, manifest))
    for table in ROWS:
        columns = manifest.columns[f"{table}s"]
        known = {name for name, _ in archiving_rows.columns(table)}
        kept = [name for name, _ in columns if name in known]
        for file in manifest.named(f"{table}s/"):
            content = storage.get(f"{folder}/{file.name}")
            rows = archive_files.rows_of(columns, file.name, content)
            if _insert(part, table, kept, rows) != file.rows:
                raise NotArchived(f"The file {file.name} of {folder} lacks rows.")


def _insert(part: Stretch, table: str, names: list[str], rows: Iterator[dict[str, Any]]) -> int:
    """Rows as JSON, made into the table's types by PostgreSQL itself. Returns: how many."""
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    statement = sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns} "
        "FROM json_populate_recordset(NULL::{table}, %s::json)"
    ).format(table=_table(part, table), columns=columns)
    count = 0
    waiting: list[dict[str, Any]] = []
    with connection.cursor() as cursor:
        for row in rows:
            waiting.append(row)
            if len(waiting) == ROWS_AT_ONCE:
                cursor.execute(statement, [json.dumps(waiting)])
                count += len(waiting)
                waiting = []
        if waiting:
            cursor.execute(statement, [json.dumps(waiting)])
    return count + len(waiting)


def _batches(part: Stretch, folder: str, manifest: Manifest) -> Iterator[dict[str, Any]]:
    """The rows of audits_batch: each checkpoint with the entries that it closed."""
    storage = archiving.archive_storage()
    keys = _key_ids(part, manifest)
    entries = _entries(folder, manifest)
    for line in lines_of(storage.get(f"{folder}/{archives.CHECKPOINTS}")):
        batch = json.loads(line)
        own = [next(entries) for _ in range(batch["size"] - batch["first_index"])]
        yield {
            "ledger_id": part.ledger_id,
            "first_index": batch["first_index"],
            "size": batch["size"],
            "received_at": batch["received_at"],
            "epoch": batch.get("epoch"),
            "root": "\\x" + batch["root"],
            "ledger_key_id": keys[batch["key"]],
            "signature": "\\x" + b64decode(batch["signature"]).hex(),
            "entries": "\\x" + b"\n".join(own).hex(),
        }


def _entries(folder: str, manifest: Manifest) -> Iterator[bytes]:
    storage = archiving.archive_storage()
    for file in manifest.named(archives.ENTRIES):
        yield from entries_of(file.name, storage.get(f"{folder}/{file.name}"))


def _key_ids(part: Stretch, manifest: Manifest) -> list[int]:
    """The rows of the keys that the archive names. Raises: NotArchived for one that is unknown."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT public_key, id FROM audits_ledgerkey WHERE ledger_id = %s", [part.ledger_id]
        )
        known = {bytes(key): pk for key, pk in cursor.fetchall()}
    try:
        return [known[notes.Verifier.from_vkey(key).public_key] for key in manifest.keys]
    except KeyError:
        raise NotArchived("A key that signed the archive is not one of the ledger's.") from None
