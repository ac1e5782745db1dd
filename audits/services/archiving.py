"""Writes a full partition into the archive, and reads it back before anybody relies on it.

Safe to repeat: what a run that broke off left is taken over where it is the same, and never
overwritten. Nothing leaves the database here; that is audits.services.retention.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from typing import NamedTuple, cast

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.files.storage import storages
from django.db import connection, transaction

from audits.ledger import archive_files
from audits.models import ArchiveEvent, Partition
from audits.services import appending, archiving_rows
from audits.services.appending import NewEvent
from audits.services.archiving_disk import ArchiveStorage
from audits.services.archiving_rows import NoPartition, Stretch
from countersign import archives, merkle, notes
from countersign.archives import File, Manifest
from countersign.canonical import Json
from countersign.verifying.archives import Checked, verify

# So many times a folder may be found filled with something else before we give up.
FOLDERS = 9


class NotArchived(Exception):
    """The archive does not hold what it has to. The text says what is wrong."""


class Kept(NamedTuple):
    """An archive that was read back whole, and where it stands."""

    folder: str
    checked: Checked

    @property
    def manifest(self) -> Manifest:
        """What it holds."""
        return self.checked.manifest


class _Taken(Exception):
    """A file of this name is there, with other content."""


def archive_storage() -> ArchiveStorage:
    """Where archives are kept; settings say whether on disk or in a bucket."""
    return cast("ArchiveStorage", storages["archive"])


def due(at: dt.datetime) -> list[tuple[int, int]]:
    """Ledger and number of each full partition that is to go into the archive by now."""
    limit = at - dt.timedelta(days=settings.LEDGER_ARCHIVE_AFTER_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.ledger_id, p.number FROM audits_partition p "
            "JOIN audits_ledgerhead h ON h.ledger_id = p.ledger_id AND h.size >= p.end_index "
            "JOIN LATERAL (SELECT received_at FROM audits_batch b WHERE b.ledger_id = p.ledger_id "
            "AND b.first_index < p.end_index ORDER BY b.first_index DESC LIMIT 1) last "
            "ON last.received_at < %s WHERE p.state = 'open' ORDER BY 1, 2",
            [limit],
        )
        return [(ledger_id, number) for ledger_id, number in cursor.fetchall()]


def archive_partition(
    ledger_id: int, number: int, *, at: dt.datetime, by: AbstractBaseUser | None = None
) -> ArchiveEvent:
    """Write the partition into the archive, read it back, and say so in its ledger.

    Raises: NoPartition if it is not full or not open; NotArchived if what was read back does not
    agree with the database; NotKept and OSError as the storage.
    """
    part = archiving_rows.stretch(ledger_id, number)
    _expect(part, Partition.State.OPEN)
    if not part.full:
        raise NoPartition(f"Partition {part.name} is not full yet.")
    folder, manifest = _written(part, at=at)
    kept = read_back(part, folder)
    if kept.manifest.content() != manifest.content():
        raise NotArchived(f"The manifest of {folder} is not the one that was written.")
    first, last = archiving_rows.moments(part)
    with transaction.atomic():
        part = archiving_rows.stretch(ledger_id, number, lock=True)
        _expect(part, Partition.State.OPEN)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE audits_partition SET state = 'archived', first_received_at = %s, "
                "last_received_at = %s WHERE ledger_id = %s AND number = %s",
                [first, last, ledger_id, number],
            )
        return note_step(part, ArchiveEvent.Kind.ARCHIVED, kept, at=at, by=by)


def _expect(part: Stretch, state: str) -> None:
    if part.state != state:
        raise NoPartition(f"Partition {part.name} is {part.state}, not {state}.")


def note_step(
    part: Stretch,
    kind: str,
    kept: Kept,
    *,
    at: dt.datetime,
    by: AbstractBaseUser | None = None,
    until: dt.datetime | None = None,
) -> ArchiveEvent:
    """Say in the partition's ledger and in its history what was done, in this transaction."""
    payload: dict[str, Json] = {
        "partition": part.number,
        "first_index": part.first_index,
        "end_index": part.end_index,
        "count": part.end_index - part.first_index,
        "root": range_root(part).hex(),
        "manifest_sha256": kept.checked.manifest_sha256,
        "policy": f"retention-{settings.LEDGER_RETENTION_YEARS}-years",
    }
    entry_type = {"archived": "archive", "disposed": "disposal", "restored": "restore"}[kind]
    appended = appending.append_events(
        [NewEvent(entry_type, part.name, payload)], at=at, ledger_id=part.ledger_id
    )
    return ArchiveEvent.objects.create(
        ledger_id=part.ledger_id,
        number=part.number,
        kind=kind,
        at=at,
        entry_index=appended.first_index,
        folder=kept.folder,
        manifest_sha256=bytes.fromhex(kept.checked.manifest_sha256),
        form=kept.manifest.format,
        size_bytes=sum(file.size for file in kept.manifest.files),
        by_id=by.pk if by else None,
        until=until,
    )


def range_root(part: Stretch) -> bytes:
    """The root of the tree of the partition's leaves alone, from the ledger's tiles."""
    packed = archiving_rows.tile_hashes(part, 0)
    return merkle.root_of(hashes(packed))


def hashes(packed: bytes) -> list[bytes]:
    """The hashes that stand side by side."""
    size = merkle.HASH_SIZE
    return [packed[at : at + size] for at in range(0, len(packed), size)]


def read_back(part: Stretch, folder: str) -> Kept:
    """Check every byte of an archive against itself, its signatures and the ledger's own tiles.

    Raises: NotArchived if anything is missing or differs.
    """
    storage = archive_storage()
    differing: list[int] = []

    def compare(first: int, found: bytes) -> None:
        count = len(found) // merkle.HASH_SIZE
        if archiving_rows.leaves(part, first, count) != found:
            differing.append(first)

    try:
        checked = verify(
            lambda name: storage.get(f"{folder}/{name}"), _trusted(part), on_leaves=compare
        )
    except (archives.ArchiveError, FileNotFoundError) as error:
        raise NotArchived(f"The archive {folder} cannot be read: {error}.") from None
    manifest = checked.manifest
    if (manifest.first_index, manifest.end_index) != (part.first_index, part.end_index):
        raise NotArchived(f"The archive {folder} is that of another partition.")
    if not checked.complete:
        why = checked.unread or " ".join(checked.problems) or "entries are missing"
        raise NotArchived(f"The archive {folder} does not hold what it has to: {why}")
    if differing:
        raise NotArchived(f"The archive {folder} differs from the tiles at {differing[0]}.")
    return Kept(folder, checked)


def recorded(part: Stretch, latest: ArchiveEvent) -> Kept:
    """The partition's archive, read back whole, if it is still the one that the ledger knows.

    Raises: NotArchived.
    """
    kept = read_back(part, latest.folder)
    if kept.checked.manifest_sha256 != bytes(latest.manifest_sha256).hex():
        raise NotArchived(f"The manifest of {latest.folder} is not the one the ledger knows.")
    return kept


def _trusted(part: Stretch) -> list[notes.Verifier]:
    """The ledger's keys, as the database knows them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT public_key FROM audits_ledgerkey WHERE ledger_id = %s", [part.ledger_id]
        )
        return [notes.Verifier(part.origin, bytes(key)) for (key,) in cursor.fetchall()]


def _written(part: Stretch, *, at: dt.datetime) -> tuple[str, Manifest]:
    """Write all files of the partition; the manifest comes last. Raises: NotArchived, NotKept."""
    storage = archive_storage()
    for attempt in range(1, FOLDERS + 1):
        folder = part.name if attempt == 1 else f"{part.name}-{attempt}"
        keep = partial(keep_file, storage, folder, at)
        try:
            files = []
            for name, content, count in _files(part):
                keep(name, content)
                files.append(File(name, len(content), sha256(content).hexdigest(), count))
            manifest = _manifest(part, files)
            keep(archives.MANIFEST, manifest.content())
        except _Taken:
            continue
        return folder, manifest
    raise NotArchived(f"There are {FOLDERS} other archives of {part.name} already.")


def keep_file(
    storage: ArchiveStorage, folder: str, at: dt.datetime, name: str, content: bytes
) -> None:
    path = f"{folder}/{name}"
    try:
        storage.put(path, content, at=at)
    except FileExistsError:
        if storage.get(path) != content:
            raise _Taken from None
        storage.confirm(path, at=at)


def _files(part: Stretch) -> Iterator[tuple[str, bytes, int]]:
    """Name, content and rows of each file but the manifest.

    Raises: NotArchived if the entries do not lead to the tiles.
    """
    form = settings.LEDGER_ARCHIVE_FORMAT
    ending = archives.ENDINGS[form]
    for position, (first, lines) in enumerate(archiving_rows.entries(part)):
        found = [merkle.leaf_hash(line) for line in lines]
        if b"".join(found) != archiving_rows.leaves(part, first, len(found)):
            raise NotArchived(f"Entries of {part.name} do not lead to their tiles.")
        content = archive_files.entries_file(form, first, lines, found)
        yield f"{archives.ENTRIES}{position:05}{ending}", content, len(lines)
        for table in archiving_rows.ROWS:
            rows = archiving_rows.rows(part, table, first, first + len(lines))
            if rows:
                content = archive_files.rows_file(form, archiving_rows.columns(table), rows)
                yield f"{table}s/{position:05}{ending}", content, len(rows)
    lines_of_batches = archiving_rows.batches(part).lines
    content = archive_files.batches_file(lines_of_batches)
    yield archives.CHECKPOINTS, content, len(lines_of_batches)
    level = 0
    while content := archiving_rows.tile_hashes(part, level):
        yield f"{archives.TILES}{level}.bin", content, len(content) // merkle.HASH_SIZE
        level += 1


def _manifest(part: Stretch, files: list[File]) -> Manifest:
    batches = archiving_rows.batches(part)
    last = batches.lines[-1]
    if last["size"] != part.end_index:
        raise NotArchived(f"No batch ends where {part.name} ends.")
    return Manifest(
        origin=part.origin,
        ledger=part.slug,
        partition=part.number,
        first_index=part.first_index,
        end_index=part.end_index,
        format=settings.LEDGER_ARCHIVE_FORMAT,
        before=archiving_rows.frontier_before(part),
        root=last["root"],
        checkpoint=archiving_rows.note_of(part, last, batches.keys),
        keys=batches.keys,
        files=tuple(files),
        columns={f"{table}s": archiving_rows.columns(table) for table in archiving_rows.ROWS},
    )
