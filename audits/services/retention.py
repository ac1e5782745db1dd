"""Retention: which partitions leave the database when, and the one way by which they do.

A partition's entries are dropped once they are as old as the policy says, no legal hold covers
them, and every byte of them was read back from the archive. Tiles, and so every leaf hash, stay.
Nothing else in the portal deletes a record.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg import errors, sql

from audits.models import ArchiveEvent, LegalHold, Partition
from audits.services import archiving, archiving_rows, holds
from audits.services.archiving import NotArchived
from audits.services.archiving_disk import NotKept
from audits.services.archiving_rows import TABLES, NoPartition, Stretch
from countersign.archives import MANIFEST

# Who reads a table while it is dropped makes the head wait: rather give up, and come back.
LOCK_TIMEOUT = "3s"
OWNER_ALONE = (
    "Only the owner of the tables does this: run manage.py apply_retention with its DATABASE_URL."
)


class NotDue(Exception):
    """The partition has to stay. The text says why."""


class Busy(Exception):
    """Somebody reads the partition, or a role may not drop it: nothing was changed."""


@dataclass(frozen=True)
class Step:
    """What the retention job did or would do with a partition; `failure` says why it did not."""

    partition: str
    kind: str
    failure: str = ""


def years_later(moment: dt.datetime, years: int) -> dt.datetime:
    """The same day so many years later; of 29 February the first of March."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, month=3, day=1)


def disposable_from(last_received_at: dt.datetime) -> dt.datetime:
    """From when on a partition may go whose last entry was received then."""
    return years_later(last_received_at, settings.LEDGER_RETENTION_YEARS)


def may_drop() -> bool:
    """Whether our role owns the tables: what other roles may never do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class "
            "WHERE oid = 'public.audits_batch'::regclass"
        )
        return bool(cursor.fetchone()[0])


def candidates(at: dt.datetime) -> list[tuple[int, int]]:
    """Ledger and number of each archived partition whose time is up by its age alone."""
    found = Partition.objects.filter(
        state=Partition.State.ARCHIVED, last_received_at__isnull=False
    ).order_by("ledger_id", "number")
    return [
        (part.ledger_id, part.number)
        for part in found
        if part.last_received_at and disposable_from(part.last_received_at) <= at
    ]


def check_due(part: Stretch, *, at: dt.datetime) -> ArchiveEvent:
    """The archive that the partition may be dropped for. Raises: NotDue with the reason."""
    row = Partition.objects.get(ledger_id=part.ledger_id, number=part.number)
    first, last = row.first_received_at, row.last_received_at
    if part.state != Partition.State.ARCHIVED or first is None or last is None:
        raise NotDue(f"Partition {part.name} does not stand in the archive.")
    if disposable_from(last) > at:
        raise NotDue(f"Partition {part.name} stays until {disposable_from(last):%Y-%m-%d}.")
    history = ArchiveEvent.objects.filter(ledger_id=part.ledger_id, number=part.number)
    latest = history.latest("id")
    if latest.until and latest.until > at:
        raise NotDue(f"Partition {part.name} was restored until {latest.until:%Y-%m-%d}.")
    in_force = LegalHold.objects.in_force().select_related("ledger", "integration", "vendor")
    if found := holds.covering(part, (first, last), in_force):
        names = ", ".join(f"{hold.pk}" for hold in found)
        raise NotDue(f"Partition {part.name} is under legal hold {names}.")
    return latest


def dispose_partition(ledger_id: int, number: int, *, at: dt.datetime) -> ArchiveEvent:
    """Drop a partition's entries from the database, and say so in its ledger, at one commit.

    Raises: NotDue if it has to stay; NotArchived or NotKept if the archive does not hold it; Busy
    if readers of the table do not end within seconds; NoPartition.
    """
    part = archiving_rows.stretch(ledger_id, number)
    latest = check_due(part, at=at)
    kept = archiving.recorded(part, latest)
    storage = archiving.archive_storage()
    for file in (MANIFEST, *(file.name for file in kept.manifest.files)):
        storage.confirm(f"{latest.folder}/{file}", at=at)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [holds.LOCK])
            part = archiving_rows.stretch(ledger_id, number, lock=True)
            check_due(part, at=at)
            # The ledger's head comes before its tables, as with every writer.
            event = archiving.note_step(part, ArchiveEvent.Kind.DISPOSED, kept, at=at)
            drop(part)
            cursor.execute(
                "UPDATE audits_partition SET state = 'disposed' "
                "WHERE ledger_id = %s AND number = %s",
                [ledger_id, number],
            )
            return event
    except OperationalError as error:
        if isinstance(error.__cause__, errors.LockNotAvailable):
            raise Busy(f"Partition {part.name} is being read.") from None
        raise


def drop(part: Stretch) -> None:
    """Detach and drop the tables of a partition. Only the owner of the tables can."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        for table in TABLES:
            parent = sql.Identifier("public", f"audits_{table}")
            name = sql.Identifier("public", f"audits_{table}_{part.ledger_id}_{part.number}")
            cursor.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(parent, name))
            cursor.execute(sql.SQL("DROP TABLE {}").format(name))
        cursor.execute("SET LOCAL lock_timeout = DEFAULT")


def apply_retention(at: dt.datetime, *, dry_run: bool = False) -> list[Step]:
    """Archive what is full and old enough, then drop what the policy lets go.

    Each partition by itself: what fails keeps nothing else from its turn. With `dry_run` nothing
    is written or dropped; what would fail is found as far as the database alone can tell.
    """
    owner = may_drop()
    steps = [_archived(*each, at=at, dry_run=dry_run, owner=owner) for each in archiving.due(at)]
    return steps + [
        _disposed(*each, at=at, dry_run=dry_run, owner=owner) for each in candidates(at)
    ]


def _archived(ledger_id: int, number: int, *, at: dt.datetime, dry_run: bool, owner: bool) -> Step:
    name = archiving_rows.stretch(ledger_id, number).name
    if not owner or dry_run:
        return Step(name, "archive", "" if owner else OWNER_ALONE)
    try:
        archiving.archive_partition(ledger_id, number, at=at)
    except (NoPartition, NotArchived, NotKept) as error:
        return Step(name, "archive", str(error))
    except OSError as error:
        return Step(name, "archive", f"The storage does not answer: {type(error).__name__}.")
    return Step(name, "archive")


def _disposed(ledger_id: int, number: int, *, at: dt.datetime, dry_run: bool, owner: bool) -> Step:
    part = archiving_rows.stretch(ledger_id, number)
    try:
        check_due(part, at=at)
        if not owner:
            raise Busy(OWNER_ALONE)
        if not dry_run:
            dispose_partition(ledger_id, number, at=at)
    except (Busy, NoPartition, NotArchived, NotDue, NotKept) as error:
        return Step(part.name, "dispose", str(error))
    except OSError as error:
        return Step(part.name, "dispose", f"The storage does not answer: {type(error).__name__}.")
    return Step(part.name, "dispose")
