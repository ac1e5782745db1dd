"""Entries leave the database by whole partitions, when their time is up, and in no other way."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from audits.models import ArchiveEvent, Batch, Event, LegalHold, Partition, Tile
from audits.services import archiving, archiving_rows, holds, proofs, retention, verifying
from audits.services.archiving import NotArchived
from audits.services.archiving_disk import NotKept
from audits.services.archiving_rows import NoPartition
from audits.services.restoring import restore_partition
from audits.services.retention import NotDue
from audits.tests import make_archive as make
from audits.tests.make_archive import ENTRIES, LEDGER, LONG_AGO, SIX_YEARS_ON
from countersign import merkle
from policies.tests.make import person

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    return make.archive_in(tmp_path / "archive", monkeypatch)


@pytest.fixture(params=["ndjson", "parquet"])
def full(request, settings):
    settings.LEDGER_ARCHIVE_FORMAT = request.param
    make.small_ledger()
    make.fill(2 * ENTRIES + 10)


def part(number=0):
    return archiving_rows.stretch(LEDGER, number)


def dispose(number=0, at=SIX_YEARS_ON):
    return retention.dispose_partition(LEDGER, number, at=at)


def batches(number=0):
    found = Batch.objects.filter(
        ledger_id=LEDGER, first_index__gte=number * ENTRIES, first_index__lt=(number + 1) * ENTRIES
    )
    return list(found.order_by("first_index").values())


def events(number=0):
    found = Event.objects.filter(
        ledger_id=LEDGER, index__gte=number * ENTRIES, index__lt=(number + 1) * ENTRIES
    )
    return list(found.order_by("index").values())


def tables():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent::regclass::text LIKE 'audits_%%'"
        )
        return {name for (name,) in cursor.fetchall() if f"_{LEDGER}_" in name}


def test_a_partition_goes_after_six_years_and_says_so(full):
    make.archived()
    tiles = list(Tile.objects.filter(ledger_id=LEDGER).values())
    event = dispose()
    assert batches() == [] and events() == []
    assert len(batches(1)) > 0
    assert part().state == Partition.State.DISPOSED
    assert f"audits_batch_{LEDGER}_0" not in tables() and f"audits_batch_{LEDGER}_1" in tables()
    said = Event.objects.get(ledger_id=LEDGER, index=event.entry_index)
    assert (said.type, said.subject) == ("disposal", "small/000000")
    assert said.payload == {
        "partition": 0,
        "first_index": 0,
        "end_index": ENTRIES,
        "count": ENTRIES,
        "root": archiving.range_root(part()).hex(),
        "manifest_sha256": bytes(event.manifest_sha256).hex(),
        "policy": "retention-6-years",
    }
    assert list(Tile.objects.filter(ledger_id=LEDGER).values())[: len(tiles)] == tiles


def test_proofs_of_disposed_entries_still_verify(full, folder):
    lines = [line for _, found in archiving_rows.entries(part()) for line in found]
    make.archived()
    dispose()
    size = 2 * ENTRIES
    packed = archiving_rows.tile_hashes(part(0), 0) + archiving_rows.tile_hashes(part(1), 0)
    leaves = archiving.hashes(packed)
    root = merkle.root_of(leaves)

    for index in (0, 1, 255, 256, ENTRIES - 1):
        proof = proofs.inclusion(LEDGER, index, size).proof
        merkle.verify_inclusion(merkle.leaf_hash(lines[index]), index, size, proof, root)
    proof = proofs.consistency(LEDGER, 300, size).proof
    merkle.verify_consistency(300, size, proof, merkle.root_of(leaves[:300]), root)


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (LONG_AGO + 400 * DAY, "stays until 2025-03-01"),
        (retention.years_later(LONG_AGO, 6) - dt.timedelta(seconds=1), "stays until 2025-03-01"),
    ],
)
def test_a_partition_stays_until_its_time_is_up(full, at, why):
    make.archived(at=LONG_AGO + 200 * DAY)
    with pytest.raises(NotDue, match=why):
        dispose(at=at)
    assert retention.candidates(at) == []


def test_the_29th_of_february_has_a_day_six_years_later():
    leap = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)
    assert retention.years_later(leap, 6) == dt.datetime(2030, 3, 1, 12, tzinfo=dt.UTC)


def test_what_is_not_in_the_archive_stays(full):
    with pytest.raises(NotDue, match="does not stand in the archive"):
        dispose()


@pytest.mark.parametrize("harm", ["missing", "changed", "writable"])
def test_nothing_is_dropped_for_an_archive_that_does_not_hold_it(full, folder, harm):
    event = make.archived()
    path = next((folder / event.folder / "entries").iterdir())
    path.chmod(0o640)
    if harm == "missing":
        path.unlink()
    if harm == "changed":
        content = path.read_bytes()
        path.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])
    with pytest.raises((NotArchived, NotKept)):
        dispose()
    assert len(events()) == ENTRIES and part().state == "archived"


def test_an_archive_that_was_replaced_as_a_whole_is_not_believed(full, folder, settings):
    event = make.archived()
    path = folder / event.folder / "manifest.json"
    path.chmod(0o640)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"partition":0', b'"partition":3'))
    with pytest.raises(NotArchived, match="not the one the ledger knows"):
        dispose()


def test_a_break_in_the_middle_of_a_disposal_changes_nothing(full, monkeypatch):
    make.archived()
    before = events(), batches(), make.head_size()

    def broken(part):
        real(part)
        raise OSError("the power is gone")

    real = retention.drop
    with monkeypatch.context() as patched:
        patched.setattr(retention, "drop", broken)
        with pytest.raises(OSError, match="power"):
            dispose()
    assert (events(), batches(), make.head_size()) == before
    assert part().state == "archived"
    dispose()
    assert events() == []


def test_disposing_twice_is_refused(full):
    make.archived()
    dispose()
    with pytest.raises(NotDue):
        dispose()
    with pytest.raises(NoPartition):
        make.archived()


def test_a_restored_partition_is_what_it_was(full):
    before = events(), batches()
    make.archived()
    dispose()
    event = restore_partition(LEDGER, 0, at=SIX_YEARS_ON)
    assert (events(), batches()) == before
    assert part().state == "archived"
    said = Event.objects.get(ledger_id=LEDGER, index=event.entry_index)
    assert said.type == "restore"
    for change in (
        "UPDATE {} SET received_at = now()",
        "DELETE FROM {}",
        "TRUNCATE {}",
    ):
        for table in ("audits_batch", "audits_event"):
            with pytest.raises(DatabaseError), transaction.atomic():
                connection.cursor().execute(change.format(f"{table}_{LEDGER}_0"))
    with pytest.raises(NotDue, match="was restored until 2025-04-01"):
        dispose()
    dispose(at=SIX_YEARS_ON + 31 * DAY)
    assert events() == []
    kinds = ArchiveEvent.objects.values_list("kind", flat=True)
    assert list(kinds) == ["archived", "disposed", "restored", "disposed"]


def test_a_partition_is_not_restored_from_a_changed_archive(full, folder):
    event = make.archived()
    dispose()
    path = next((folder / event.folder / "events").iterdir())
    path.chmod(0o640)
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with pytest.raises(NotArchived):
        restore_partition(LEDGER, 0, at=SIX_YEARS_ON)
    assert f"audits_batch_{LEDGER}_0" not in tables()


def test_a_partition_that_is_here_is_not_restored(full):
    with pytest.raises(NoPartition, match="its entries are here"):
        restore_partition(LEDGER, 0, at=SIX_YEARS_ON)


def hold(**fields):
    made = LegalHold(reason="litigation", reference="2026-CV-0412", **fields)
    return holds.set_hold(made, by=person("officer"), at=SIX_YEARS_ON)


@pytest.mark.parametrize(
    ("fields", "holds_it"),
    [
        ({"scope": "all"}, True),
        ({"scope": "ledger", "ledger_id": LEDGER}, True),
        ({"scope": "ledger", "ledger_id": 1}, False),
        (
            {"scope": "period", "starts_on": dt.date(2019, 2, 1), "ends_on": dt.date(2019, 3, 1)},
            True,
        ),
        (
            {"scope": "period", "starts_on": dt.date(2020, 1, 1), "ends_on": dt.date(2026, 1, 1)},
            False,
        ),
    ],
)
def test_a_legal_hold_keeps_what_it_covers(full, fields, holds_it):
    make.archived()
    made = hold(**fields)
    if not holds_it:
        dispose()
        return
    with pytest.raises(NotDue, match=f"under legal hold {made.pk}"):
        dispose()
    holds.release_hold(made, reason="closed", by=person("officer"), at=SIX_YEARS_ON)
    dispose()


def test_a_hold_is_released_by_another_person_alone(full):
    made = hold(scope="all")
    with pytest.raises(holds.SamePerson):
        holds.release_hold(made, reason="closed", by=made.set_by, at=SIX_YEARS_ON)
    with pytest.raises(DatabaseError, match="another person"), transaction.atomic():
        connection.cursor().execute(
            "INSERT INTO audits_legalholdrelease (hold_id, reason, released_by_id, released_at) "
            "VALUES (%s, 'closed', %s, now())",
            [made.pk, made.set_by_id],
        )
    other = person("officer")
    holds.release_hold(made, reason="mistaken", by=other, at=SIX_YEARS_ON)
    with pytest.raises(holds.AlreadyReleased):
        holds.release_hold(made, reason="closed", by=other, at=SIX_YEARS_ON)
    told = Event.objects.filter(ledger_id=1, type__startswith="legal-hold").order_by("index")
    assert [(each.type, each.subject) for each in told] == [
        ("legal-hold", str(made.pk)),
        ("legal-hold-release", str(made.pk)),
    ]
    assert told[0].payload["reference"] == "2026-CV-0412"


def test_the_command_says_first_and_does_then(full, capsys, monkeypatch):
    monkeypatch.setattr(
        "audits.management.commands.apply_retention.timezone.now", lambda: SIX_YEARS_ON
    )
    call_command("apply_retention", "--dry-run")
    assert capsys.readouterr().out == "archive small/000000: yes\narchive small/000001: yes\n"
    assert part().state == "open"
    call_command("apply_retention")
    assert capsys.readouterr().out.splitlines() == [
        "archive small/000000: yes",
        "archive small/000001: yes",
        "dispose small/000000: yes",
        "dispose small/000001: yes",
    ]
    call_command("apply_retention")
    assert capsys.readouterr().out == "No partition is due.\n"
    call_command("restore_partition", "1", "--ledger", "small")
    assert "small/000001 is back until" in capsys.readouterr().out
    with pytest.raises(CommandError, match="its entries are here"):
        call_command("restore_partition", "1", "--ledger", "small")


def test_what_fails_keeps_nothing_else_from_its_turn(full, monkeypatch, capsys):
    make.archived(0)
    hold(scope="period", starts_on=dt.date(2019, 3, 1), ends_on=dt.date(2019, 3, 1))
    steps = retention.apply_retention(SIX_YEARS_ON)
    assert [(step.partition, step.kind) for step in steps] == [
        ("small/000001", "archive"),
        ("small/000000", "dispose"),
        ("small/000001", "dispose"),
    ]
    assert all("under legal hold" in step.failure for step in steps[1:])


def test_verification_counts_what_was_disposed_of_as_that(full):
    make.archived()
    dispose()
    found = verifying.verify(LEDGER)
    assert found.ok
    assert found.disposed == ENTRIES
    assert found.verified == found.expected == make.head_size() - ENTRIES
