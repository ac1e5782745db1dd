"""Versions as the database keeps them, and a day read with them."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Count

from vendors import as_of
from vendors.models import Service, Vendor
from vendors.tests import make


def now():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def rows(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def versions(vendor):
    return rows(
        "SELECT name, known_from, known_until = 'infinity' FROM history.vendors_vendor "
        "WHERE id = %s ORDER BY known_from",
        vendor.pk,
    )


def then(moment):
    """Everything as of just before the moment."""
    return as_of.reading_until(moment.date(), moment)


def test_each_change_is_a_version_and_a_moment_finds_its_own(db):
    before = now()
    vendor = make.vendor(name="One")
    first = now()
    vendor.name = "Two"
    vendor.save()
    second = now()
    vendor.delete()
    with then(before):
        assert not Vendor.objects.filter(pk=vendor.pk).exists()
    with then(first):
        assert Vendor.objects.get(slug=vendor.slug).name == "One"
    with then(second):
        assert Vendor.objects.get(slug=vendor.slug).name == "Two"
    with then(now()):
        assert not Vendor.objects.filter(slug=vendor.slug).exists()
    assert not Vendor.objects.filter(slug=vendor.slug).exists()


def test_a_save_that_changes_nothing_makes_no_version(db):
    vendor = make.vendor(name="One")
    vendor.save()
    vendor.name = "Two"
    vendor.save()
    vendor.save()
    found = versions(vendor)
    assert [(name, stands) for name, _, stands in found] == [("One", False), ("Two", True)]
    assert found[0][1] < found[1][1]


def test_one_statement_makes_the_versions_of_all_its_rows(db):
    vendors = [make.vendor() for _ in range(20)]
    start = now()
    Vendor.objects.update(criticality="low")
    Vendor.objects.filter(pk=vendors[0].pk).update(criticality="high")
    with then(start):
        assert Vendor.objects.filter(criticality="low").count() == 0
    with then(now()):
        assert Vendor.objects.filter(criticality="low").count() == 19
        assert Vendor.objects.filter(criticality="high").count() == 1
    assert Vendor.objects.count() == 20


def test_versions_follow_one_another_even_when_the_clock_goes_back(db):
    vendor = make.vendor(name="One")
    with transaction.atomic():
        rows("ALTER TABLE history.vendors_vendor DISABLE TRIGGER guard")
        rows("UPDATE history.vendors_vendor SET known_from = known_from + interval '1 day'")
        rows("ALTER TABLE history.vendors_vendor ENABLE TRIGGER guard")
    vendor.name = "Two"
    vendor.save()
    (_, first, closed), (_, second, _) = versions(vendor)
    assert first < second
    assert closed is False


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history.vendors_vendor SET name = 'x'",
        "DELETE FROM history.vendors_vendor",
        "INSERT INTO history.vendors_vendor (id, known_from) VALUES (1, now())",
        "TRUNCATE history.vendors_vendor",
    ],
)
def test_versions_cannot_be_written_by_hand(statement, db):
    make.vendor()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows(statement)


def test_nothing_is_written_to_the_past(db):
    vendor = make.vendor(name="One")
    with then(now()):
        with pytest.raises(DatabaseError, match="nothing can be written"), transaction.atomic():
            Vendor.objects.filter(pk=vendor.pk).update(name="Two")
        with pytest.raises(DatabaseError, match="nothing can be written"), transaction.atomic():
            make.vendor()
        with pytest.raises(DatabaseError, match="nothing can be written"), transaction.atomic():
            vendor.delete()
    assert Vendor.objects.get().name == "One"


def test_after_reading_the_present_is_read_again(db):
    vendor = make.vendor(name="One")
    moment = now()
    vendor.name = "Two"
    vendor.save()
    with then(moment):
        assert as_of.day_read() == moment.date()
        with then(now()):
            assert Vendor.objects.get().name == "Two"
        assert Vendor.objects.get().name == "One"
    assert as_of.day_read() is None
    assert Vendor.objects.get().name == "Two"
    with pytest.raises(RuntimeError), then(moment):
        raise RuntimeError
    assert Vendor.objects.get().name == "Two"


def test_counting_by_group_works_on_what_was(db):
    vendor = make.vendor()
    make.service(vendor)
    moment = now()
    make.service(vendor)
    with then(moment):
        assert Vendor.objects.annotate(n=Count("services")).get().n == 1
        assert Service.objects.select_related("vendor").get().vendor == vendor
    assert Vendor.objects.annotate(n=Count("services")).get().n == 2


def test_a_table_that_changes_its_shape_keeps_its_versions(db):
    rows("CREATE TABLE vendors_sample (id bigint PRIMARY KEY, name varchar(9) NOT NULL)")
    rows("INSERT INTO vendors_sample VALUES (1, 'one'), (2, 'two')")
    rows("SELECT vendors_track('vendors_sample')")
    rows("DELETE FROM vendors_sample WHERE id = 2")
    rows("SELECT vendors_hide('vendors_sample')")
    rows("ALTER TABLE vendors_sample ADD COLUMN size integer NOT NULL DEFAULT 7")
    rows("ALTER TABLE vendors_sample ADD COLUMN note text")
    rows("UPDATE vendors_sample SET note = 'seen'")
    rows("SELECT vendors_track('vendors_sample')")
    listed = "SELECT id, name, size, note FROM history.vendors_sample ORDER BY id"
    assert rows(listed) == [(1, "one", 7, "seen"), (2, "two", 0, None)]
    rows("UPDATE vendors_sample SET size = 8")
    with then(now()):
        assert rows("SELECT * FROM vendors_sample") == [(1, "one", 8, "seen")]
    rows("SELECT vendors_hide('vendors_sample')")
    rows("ALTER TABLE vendors_sample DROP COLUMN size, ALTER COLUMN name TYPE text")
    rows("SELECT vendors_track('vendors_sample')")
    rows("UPDATE vendors_sample SET name = 'a longer name'")
    with then(now()):
        assert rows("SELECT * FROM vendors_sample") == [(1, "a longer name", "seen")]
    assert rows("SELECT count(*) FROM history.vendors_sample") == [(4,)]
    rows("TRUNCATE vendors_sample")
    with then(now()):
        assert rows("SELECT * FROM vendors_sample") == []
    rows("DROP TABLE vendors_sample")
    rows("SELECT vendors_track('vendors_sample')")
    assert rows("SELECT to_regclass('history.vendors_sample')::text") == [(None,)]
    assert rows("SELECT count(*) FROM history.tables WHERE tracked = 'vendors_sample'") == [(0,)]


def test_what_was_changed_unwatched_is_caught_up_with(db):
    rows("CREATE TABLE vendors_sample (id bigint PRIMARY KEY, name text NOT NULL)")
    rows("SELECT vendors_track('vendors_sample')")
    rows("INSERT INTO vendors_sample VALUES (1, 'one'), (2, 'two')")
    rows("SELECT vendors_hide('vendors_sample')")
    rows("UPDATE vendors_sample SET name = 'uno' WHERE id = 1")
    rows("DELETE FROM vendors_sample WHERE id = 2")
    rows("INSERT INTO vendors_sample VALUES (3, 'three')")
    rows("SELECT vendors_track('vendors_sample')")
    listed = (
        "SELECT id, name, known_until = 'infinity' FROM history.vendors_sample "
        "ORDER BY id, known_from"
    )
    assert rows(listed) == [
        (1, "one", False),
        (1, "uno", True),
        (2, "two", False),
        (3, "three", True),
    ]


def test_a_quiet_column_alone_makes_no_version(db):
    rows("CREATE TABLE vendors_sample (id bigint PRIMARY KEY, name text, seen integer)")
    rows("SELECT vendors_track('vendors_sample', quiet => '{seen}')")
    rows("INSERT INTO vendors_sample VALUES (1, 'one', 1)")
    rows("UPDATE vendors_sample SET seen = 2")
    rows("SELECT vendors_track('vendors_sample')")
    rows("UPDATE vendors_sample SET seen = 3")
    assert rows("SELECT count(*) FROM history.vendors_sample") == [(1,)]
    rows("UPDATE vendors_sample SET name = 'two', seen = 4")
    listed = "SELECT name, seen FROM history.vendors_sample ORDER BY known_from"
    assert rows(listed) == [("one", 1), ("two", 4)]


@pytest.mark.parametrize("name", ["closed_at", "at", "key", "closed", "position", "tracked"])
def test_a_column_may_have_any_name(name, db):
    rows(f'CREATE TABLE vendors_sample (id bigint PRIMARY KEY, "{name}" integer)')
    rows("SELECT vendors_track('vendors_sample')")
    rows("INSERT INTO vendors_sample VALUES (1, 1), (2, 1)")
    rows(f'UPDATE vendors_sample SET "{name}" = 2 WHERE id = 1')  # noqa: S608
    listed = f'SELECT id, "{name}" FROM history.vendors_sample ORDER BY id, known_from'  # noqa: S608
    assert rows(listed) == [(1, 1), (1, 2), (2, 1)]
