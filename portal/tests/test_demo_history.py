"""The demonstration can be read as of the days it tells of."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.db import connection, transaction

from policies.models import Integration
from policies.services.people import sync_roles
from policies.services.verdicts import live_answers
from portal.demo import story
from portal.demo.people import PEOPLE
from portal.services.people import add_person
from vendors import as_of
from vendors.models import Agreement, AssuranceReport, Fact, Vendor

# One worker makes it, not each.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("alder-grove")]

ON = dt.date(2026, 11, 21)
AT = dt.datetime(2026, 11, 21, 15, tzinfo=dt.UTC)
DAYS = [ON - dt.timedelta(days=days) for days in (1, 30, 90, 200, 390, 650)]


@pytest.fixture(scope="module", autouse=True)
def _alder_grove(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        cache.clear()
        sync_roles()
        for email, (name, role) in PEOPLE.items():
            add_person(email, full_name=name, roles=[role])
        assert story.tell(on=ON, at=AT)
        yield
        transaction.set_rollback(True)


def test_the_register_grew_over_its_days():
    counted = []
    for day in reversed(DAYS):
        with as_of.reading(day):
            counted.append(
                (
                    Vendor.objects.count(),
                    Agreement.objects.count(),
                    AssuranceReport.objects.count(),
                    Fact.objects.count(),
                    Integration.objects.count(),
                )
            )
    assert counted == sorted(counted)
    assert all(len(set(column)) > 1 for column in zip(*counted, strict=True))
    with as_of.reading(ON):
        last = Vendor.objects.count(), Agreement.objects.count(), Fact.objects.count()
    assert last == (Vendor.objects.count(), Agreement.objects.count(), Fact.objects.count())


def test_nothing_is_known_before_the_day_it_speaks_of():
    for day in DAYS:
        with as_of.reading(day):
            assert not Fact.objects.filter(recorded_on__gt=day).exists()
            assert not AssuranceReport.objects.filter(issued_on__gt=day).exists()
            assert not AssuranceReport.objects.filter(reviewed_on__gt=day).exists()
            assert not Agreement.objects.filter(signed_on__gt=day).exists()
            assert not Vendor.objects.filter(last_reviewed_on__gt=day).exists()


def test_the_gate_answers_for_past_days():
    answers = []
    for day in DAYS[:3]:
        with as_of.reading(day):
            answers.append(live_answers(day))
    assert any(allowed for allowed, _ in answers)
    assert any(denied for _, denied in answers)
    assert len(set(answers)) > 1


@pytest.mark.parametrize("day", [*DAYS, ON])
def test_no_row_of_a_day_points_to_one_that_was_not_there(day):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text "
            "FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid "
            "AND a.attnum = c.conkey[1] WHERE c.contype = 'f' "
            "AND to_regclass('as_of.' || c.conrelid::regclass::text) IS NOT NULL "
            "AND to_regclass('as_of.' || c.confrelid::regclass::text) IS NOT NULL"
        )
        keys = cursor.fetchall()
    assert len(keys) > 20
    orphans = []
    with as_of.reading(day), connection.cursor() as cursor:
        for table, column, of in keys:
            cursor.execute(
                f"SELECT count(*) FROM {table} t WHERE t.{column} IS NOT NULL "  # noqa: S608
                f"AND NOT EXISTS (SELECT FROM {of} o WHERE o.id = t.{column})"
            )
            (found,) = cursor.fetchone()
            if found:
                orphans.append(f"{table}.{column} -> {of}: {found}")
    assert orphans == []
