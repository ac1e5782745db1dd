"""A full partition goes into the archive whole, and is believed only after it was read back."""

from __future__ import annotations

import datetime as dt
import gzip
import stat
from pathlib import Path

import pytest
from django.db import connection

from audits.models import ArchiveEvent, Partition
from audits.services import archiving, archiving_rows
from audits.services.archiving import NotArchived
from audits.services.archiving_disk import NotKept
from audits.services.archiving_rows import NoPartition
from audits.tests import make_archive as make
from audits.tests.make_archive import ENTRIES, LEDGER, LONG_AGO, SIX_YEARS_ON
from countersign import notes
from countersign.verifying import archives

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    return make.archive_in(tmp_path / "archive", monkeypatch)


@pytest.fixture(params=["ndjson", "parquet"])
def form(request, settings):
    settings.LEDGER_ARCHIVE_FORMAT = request.param
    return request.param


@pytest.fixture
def full(form):
    make.small_ledger()
    make.fill(2 * ENTRIES + 100)
    return form


def keys() -> list[notes.Verifier]:
    part = archiving_rows.stretch(LEDGER, 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT public_key FROM audits_ledgerkey WHERE ledger_id = %s", [LEDGER])
        return [notes.Verifier(part.origin, bytes(key)) for (key,) in cursor.fetchall()]


def checked(folder: Path, part: str = "small/000000", verifiers=()):
    return archives.verify(lambda name: (folder / part / name).read_bytes(), verifiers)


def test_every_entry_batch_and_signature_of_an_archive_is_verified(full, folder):
    for number in (0, 1):
        event = make.archived(number)
        found = checked(folder, event.folder, keys())
        assert found.complete and found.trusted
        assert found.entries == ENTRIES
        assert found.batches == found.signatures > 5
        assert found.manifest_sha256 == bytes(event.manifest_sha256).hex()


def test_the_ledger_says_what_was_archived(full):
    event = make.archived(1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT type, subject, payload->>'manifest_sha256', payload->>'root' "
            'FROM audits_event WHERE ledger_id = %s AND "index" = %s',
            [LEDGER, event.entry_index],
        )
        kind, subject, digest, root = cursor.fetchone()
    assert (kind, subject) == ("archive", "small/000001")
    assert digest == bytes(event.manifest_sha256).hex()
    part = archiving_rows.stretch(LEDGER, 1)
    assert root == archiving.range_root(part).hex()
    assert Partition.objects.get(ledger_id=LEDGER, number=1).state == "archived"
    assert ArchiveEvent.objects.get() == event


def test_the_ndjson_form_needs_nothing_but_gzip(settings, folder):
    settings.LEDGER_ARCHIVE_FORMAT = "ndjson"
    make.small_ledger()
    make.fill(ENTRIES)
    event = make.archived()
    lines = gzip.decompress(make.read(event.folder, "entries/00000.ndjson.gz")).splitlines()
    assert len(lines) == ENTRIES
    assert lines[0].startswith(b"{")


def test_files_are_read_only_and_never_replaced(full, folder):
    event = make.archived()
    for path in (folder / event.folder).rglob("*.*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o440
    storage = archiving.archive_storage()
    with pytest.raises(FileExistsError):
        storage.put(f"{event.folder}/manifest.json", b"{}", at=SIX_YEARS_ON)
    with pytest.raises(NotImplementedError):
        archiving.archive_storage().delete(f"{event.folder}/manifest.json")
    (folder / event.folder / "manifest.json").chmod(0o640)
    with pytest.raises(NotKept):
        storage.confirm(f"{event.folder}/manifest.json", at=SIX_YEARS_ON)


def test_only_what_is_full_old_and_open_is_due(full, settings):
    later = LONG_AGO + dt.timedelta(days=settings.LEDGER_ARCHIVE_AFTER_DAYS, hours=1)
    assert archiving.due(LONG_AGO + dt.timedelta(days=1)) == []
    assert archiving.due(later) == [(LEDGER, 0), (LEDGER, 1)]
    make.archived(0)
    assert archiving.due(later) == [(LEDGER, 1)]
    with pytest.raises(NoPartition, match="is archived, not open"):
        make.archived(0)
    with pytest.raises(NoPartition, match="not full"):
        archiving.archive_partition(LEDGER, 2, at=later)


def test_a_run_that_broke_off_is_done_again_over_what_it_left(full, folder, monkeypatch):
    real = archiving.keep_file

    def broken(storage, *rest):
        real(storage, *rest)
        if len(list(folder.rglob("*.gz")) + list(folder.rglob("*.parquet"))) == 2:
            raise OSError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(archiving, "keep_file", broken)
        with pytest.raises(OSError, match="disk is gone"):
            make.archived()
    left = {path: path.stat().st_ino for path in folder.rglob("*.*")}
    assert left and ArchiveEvent.objects.count() == 0
    event = make.archived()
    assert event.folder == "small/000000"
    assert {path: path.stat().st_ino for path in left} == left
    assert checked(folder, event.folder).complete


def test_other_files_in_the_way_are_left_alone(full, folder):
    other = folder / "small/000000/entries" / f"00000.{'ndjson.gz' if full == 'ndjson' else full}"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"something else")
    event = make.archived()
    assert event.folder == "small/000000-2"
    assert other.read_bytes() == b"something else"
    assert checked(folder, event.folder).complete


def test_what_the_storage_gives_back_changed_is_not_believed(full, folder, monkeypatch):
    real = archiving.keep_file

    def spoiled(storage, archive, at, name, content):
        if name.startswith("entries/"):
            content = content[:-30] + bytes([content[-30] ^ 1]) + content[-29:]
        real(storage, archive, at, name, content)

    monkeypatch.setattr(archiving, "keep_file", spoiled)
    with pytest.raises(NotArchived):
        make.archived()
    assert ArchiveEvent.objects.count() == 0
    assert Partition.objects.get(ledger_id=LEDGER, number=0).state == "open"


def test_each_changed_byte_of_an_archive_is_found(full, folder):
    event = make.archived()
    for path in sorted((folder / event.folder).rglob("*.*")):
        content = path.read_bytes()
        for at in (0, len(content) // 3, len(content) // 2, len(content) - 1):
            path.chmod(0o640)
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            try:
                found = checked(folder, event.folder, keys())
            except archives.archives.ArchiveError:
                continue
            else:
                digest = bytes(event.manifest_sha256).hex()
                assert found.problems or found.manifest_sha256 != digest, (path.name, at)
            finally:
                path.write_bytes(content)
    assert checked(folder, event.folder, keys()).complete


def test_a_missing_file_is_named(full, folder):
    event = make.archived()
    (folder / event.folder / "checkpoints.ndjson.gz").unlink()
    found = checked(folder, event.folder)
    assert found.problems == ("The file checkpoints.ndjson.gz is missing.",)


def test_another_key_is_not_trusted(full, folder):
    event = make.archived()
    stranger = notes.Signer("portal.example/small", bytes(range(32))).verifier
    found = checked(folder, event.folder, [stranger])
    assert not found.complete
    assert "no signature is of a known key" in found.problems[0]


def test_without_pyarrow_the_rest_is_checked_and_said(settings, folder, monkeypatch):
    settings.LEDGER_ARCHIVE_FORMAT = "parquet"
    make.small_ledger()
    make.fill(ENTRIES)
    event = make.archived()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    found = checked(folder, event.folder)
    assert found.problems == ()
    assert found.entries == 0 and not found.complete
    assert found.batches > 0 and "pyarrow is not installed" in found.unread
