"""A ledger with small partitions, filled with entries of days long past."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from django.db import connection

from audits.models import Ledger
from audits.services import archiving
from audits.services.appending import NewEvent, append_events
from audits.services.archiving_disk import ArchiveFiles
from audits.services.retention import years_later

LEDGER = 7
ENTRIES = 512
LONG_AGO = dt.datetime(2019, 3, 1, 9, tzinfo=dt.UTC)
SIX_YEARS_ON = years_later(LONG_AGO, 6) + dt.timedelta(days=1)


def archive_in(folder: Path, monkeypatch) -> Path:
    """Archives of this test go there."""
    storage = ArchiveFiles(location=str(folder))
    monkeypatch.setattr(archiving, "archive_storage", lambda: storage)
    return folder


def small_ledger(partitions: int = 2, entries: int = ENTRIES) -> Ledger:
    """A ledger of its own whose first partitions hold so few entries."""
    ledger = Ledger.objects.create(pk=LEDGER, slug="small", livemode=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audits_ledgerhead (ledger_id, size, frontier, root) "
            "VALUES (%s, 0, '', sha256(''))",
            [LEDGER],
        )
        for number in range(partitions):
            cursor.execute("SELECT audits_make_partition(%s, %s, %s)", [LEDGER, number, entries])
    return ledger


def fill(
    until: int, *, at: dt.datetime = LONG_AGO, batch: int = 100, ledger_id: int = LEDGER
) -> None:
    """Append events until the tree has so many entries, some in batches and some alone."""
    while (size := head_size(ledger_id)) < until:
        count = 1 if size % 7 == 3 else min(batch, until - size)
        events = [NewEvent("read", f"audits.call/{size + n}", {"rows": n}) for n in range(count)]
        append_events(events, at=at, ledger_id=ledger_id)


def head_size(ledger_id: int = LEDGER) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT size FROM audits_ledgerhead WHERE ledger_id = %s", [ledger_id])
        return int(cursor.fetchone()[0])


def archived(number: int = 0, *, at: dt.datetime = SIX_YEARS_ON):
    """The partition, once it stands in the archive."""
    return archiving.archive_partition(LEDGER, number, at=at)


def read(folder: str, name: str) -> bytes:
    return archiving.archive_storage().get(f"{folder}/{name}")


def manifest(folder: str) -> dict:
    return json.loads(read(folder, "manifest.json"))


def shrink(ledger_id: int, entries: int = ENTRIES) -> None:
    """Give a ledger without an entry partitions of so few entries; inside a test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relispartition AND relkind = 'r'"
        )
        parts = [name for (name,) in cursor.fetchall() if name.split("_")[2] == str(ledger_id)]
        cursor.execute(f"DROP TABLE {', '.join(parts)}")
        cursor.execute("ALTER TABLE audits_partition DISABLE TRIGGER append_only")
        cursor.execute("DELETE FROM audits_partition WHERE ledger_id = %s", [ledger_id])
        cursor.execute("ALTER TABLE audits_partition ENABLE ALWAYS TRIGGER append_only")
        for number in range(3):
            cursor.execute("SELECT audits_make_partition(%s, %s, %s)", [ledger_id, number, entries])
