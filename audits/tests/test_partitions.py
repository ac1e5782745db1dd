"""Partitions are there before they are needed, and hold what their parents hold."""

import datetime as dt

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from audits.models import Event, LedgerHead, Partition
from audits.services.partitions import AHEAD, keep_ahead, make_partition

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
SMALL = 256
PARENTS = ("batch", "call", "completion", "lease", "event")


@pytest.fixture(autouse=True)
def small(settings, db):
    settings.LEDGER_PARTITION_SIZE = SMALL


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def grow(ledger_id: int, size: int, received_at: dt.datetime = NOON) -> None:
    LedgerHead.objects.filter(pk=ledger_id).update(size=size, last_received_at=received_at)


def spans(ledger_id: int) -> list[tuple[int, int]]:
    rows = Partition.objects.filter(ledger_id=ledger_id).order_by("number")
    return list(rows.values_list("first_index", "end_index"))


def test_a_new_database_has_a_partition_of_each_ledger():
    assert spans(1) == spans(2) == [(0, 2**20)]


def test_partitions_stand_ready_behind_the_one_that_is_filled():
    assert keep_ahead() == 0
    grow(1, 2**20 - 10)
    assert keep_ahead() == AHEAD + 1
    border = 2**20
    assert spans(1)[1:] == [(border + n * SMALL, border + (n + 1) * SMALL) for n in range(3)]
    assert spans(2) == [(0, 2**20)]
    assert keep_ahead() == 0


def test_a_partition_that_is_there_is_not_made_again_and_none_is_left_out():
    assert make_partition(1, 1) is True
    assert make_partition(1, 1) is False
    with pytest.raises(ProgrammingError, match="no partition 2 to follow"), transaction.atomic():
        make_partition(1, 3)


def test_a_partition_holds_whole_tiles(settings):
    settings.LEDGER_PARTITION_SIZE = 1000
    with pytest.raises(ProgrammingError, match="whole tiles"), transaction.atomic():
        make_partition(1, 1)


@pytest.mark.parametrize("table", PARENTS)
def test_each_part_refuses_changes_in_replica_mode_too(table):
    make_partition(1, 1)
    for name in (f"audits_{table}", f"audits_{table}_1_0", f"audits_{table}_1_1"):
        for change in (
            f"UPDATE {name} SET ledger_id = 1",  # noqa: S608 - of the list above
            f"DELETE FROM {name}",  # noqa: S608
            f"TRUNCATE {name}",
        ):
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                run(f"SET LOCAL session_replication_role = replica; {change}")


def test_entries_go_to_the_partition_of_their_index():
    make_partition(1, 1)
    Event(ledger_id=1, index=2**20 + 5, type="read", received_at=NOON).save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM audits_event")
        assert cursor.fetchall() == [("audits_event_1_1",)]


def test_an_entry_without_a_partition_is_refused():
    with pytest.raises(IntegrityError), transaction.atomic():
        Event(ledger_id=1, index=2**20, type="read", received_at=NOON).save(force_insert=True)


def test_the_moments_of_a_full_partition_are_noted():
    make_partition(2, 1)
    last = NOON + dt.timedelta(hours=1)
    for index, moment in ((0, NOON), (2**20 - 1, last)):
        Event(ledger_id=2, index=index, type="read", received_at=moment).save(force_insert=True)
    grow(2, 2**20 + 1, last)
    keep_ahead()
    found = Partition.objects.filter(ledger_id=2).order_by("number").first()
    assert (found.first_received_at, found.last_received_at) == (NOON, last)
    assert Partition.objects.filter(ledger_id=1).get().last_received_at is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audits_ledgerhead SET size = 4",
        "UPDATE audits_ledgerhead SET size = 5, root = sha256('x')",
        "UPDATE audits_ledgerhead SET size = 6, last_received_at = NULL",
        "UPDATE audits_ledgerhead SET size = 6, last_received_at = '2020-01-01'",
        "UPDATE audits_ledgerhead SET size = 6, ledger_id = 3",
        "DELETE FROM audits_ledgerhead",
        "TRUNCATE audits_ledgerhead",
    ],
)
def test_a_head_only_grows(change):
    grow(1, 5)
    where = " WHERE ledger_id = 1" if "UPDATE" in change else ""
    with pytest.raises(IntegrityError, match=r"grows|append-only"), transaction.atomic():
        run(f"SET LOCAL session_replication_role = replica; {change}{where}")
    grow(1, 6)


def test_a_ledger_is_named_once():
    run("UPDATE audits_ledger SET origin = 'portal.example/live' WHERE id = 1")
    for change in (
        "UPDATE audits_ledger SET origin = 'other.example/live' WHERE id = 1",
        "UPDATE audits_ledger SET origin = NULL WHERE id = 1",
        "UPDATE audits_ledger SET slug = 'other' WHERE id = 1",
    ):
        with pytest.raises(IntegrityError, match=r"once|versions"), transaction.atomic():
            run(change)
