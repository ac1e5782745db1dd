"""Counts of providers against records, read from the database."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from audits.completeness.comparing import Count, Counted, State
from audits.models import UsageCount, UsageImport
from audits.services.completeness import Period, completeness
from audits.tests import make_usage as make
from policies.tests import make as policies

WEEK = (make.day(7), make.day(1))


@pytest.fixture
def use(db):
    return policies.active_integration()


def balance_of(use, **asked):
    period = Period.until_yesterday(asked.pop("at", make.NOW), 7)
    return completeness(period, **asked).by_integration[use.pk]


def states(balance):
    return {day.day: day.state for day in balance.days}


def test_equal_numbers_are_equal_and_a_day_without_a_line_had_no_use(use):
    source = make.source()
    make.mapping(source, use, project="p1")
    make.called(use, make.day(2), times=3)
    counts = Count(make.day(2), "p1", requests=3, input_tokens=300, output_tokens=0)
    make.imported(source, counts, days=WEEK)
    found = balance_of(use)
    assert set(states(found).values()) == {State.EQUAL}
    assert (found.counted, found.recorded, found.covered) == (3, 3, 7)


def test_what_was_counted_and_not_recorded_is_told_with_its_number(use):
    source = make.source()
    make.mapping(source, use)
    make.called(use, make.day(2), times=3)
    make.imported(source, Count(make.day(2), requests=40), days=WEEK)
    found = balance_of(use)
    assert states(found)[make.day(2)] is State.UNRECORDED
    assert found.missing == 37


def test_failed_late_swept_denied_and_test_calls(use):
    """Whether a failed call counts at the provider is not known; a denied one was never made."""
    source = make.source()
    make.mapping(source, use)
    on = make.day(2)
    make.called(use, on, times=2)
    make.called(use, on, outcome="failed", times=5)
    make.called(use, on, outcome="", times=5)
    make.called(use, on, outcome="", times=50, decision="deny")
    make.called(use, on, late_by=90_000)
    make.imported(source, Count(on, requests=3), days=WEEK)
    day = next(day for day in balance_of(use).days if day.day == on)
    assert (day.recorded.allowed, day.recorded.succeeded) == (13, 3)
    assert day.state is State.EQUAL
    assert day.recorded.unmeasured == 5


def test_a_day_is_a_day_in_utc(use, settings):
    settings.TIME_ZONE = "America/New_York"
    source = make.source()
    make.mapping(source, use)
    night = dt.datetime.combine(make.day(2), dt.time(0, 30), dt.UTC)
    make.called(use, make.day(2), times=9, at=night)
    make.imported(source, Count(make.day(2), requests=9), days=WEEK)
    assert set(states(balance_of(use)).values()) == {State.EQUAL}


def test_the_newest_import_of_a_day_counts_and_the_older_stays(use):
    source = make.source()
    make.mapping(source, use)
    make.imported(source, Count(make.day(2), requests=50), days=WEEK)
    later = make.NOW + dt.timedelta(hours=2)
    make.imported(source, days=(make.day(2), make.day(2)), at=later)
    assert balance_of(use, at=later).missing == 0
    assert balance_of(use).missing == 50  # as it was known before
    assert UsageImport.objects.count() == 2


def test_days_that_no_import_speaks_of_have_no_data(use):
    source = make.source()
    make.mapping(source, use)
    make.imported(source, days=(make.day(7), make.day(5)))
    found = states(balance_of(use))
    assert [day for day, state in found.items() if state is State.NO_DATA] == [
        make.day(n) for n in (4, 3, 2, 1)
    ]


def test_two_sources_add_up_and_both_must_speak(use):
    one, other = make.source(), make.source()
    for source in (one, other):
        make.mapping(source, use)
    make.called(use, make.day(2), times=8)
    make.imported(one, Count(make.day(2), requests=3), days=WEEK)
    assert balance_of(use).covered == 0
    make.imported(other, Count(make.day(2), requests=5), days=WEEK)
    assert balance_of(use).state is State.EQUAL


def test_what_no_line_takes_is_nobodys_and_test_projects_are_apart(use):
    source = make.source()
    make.mapping(source, use, project="p1")
    make.mapping(source, project="t", treatment="test", note="Test keys")
    make.imported(
        source,
        Count(make.day(2), "p2", requests=4, input_tokens=9),
        Count(make.day(2), "t", requests=99),
        days=WEEK,
    )
    found = completeness(Period.until_yesterday(make.NOW, 7))
    assert found.unassigned(source.pk) == {make.day(2): Counted(4, 9)}
    assert found.by_integration[use.pk].counted == 0


def test_a_source_that_is_not_in_use_says_nothing(use):
    source = make.source(is_active=False)
    make.mapping(source, use)
    make.imported(source, Count(make.day(2), requests=50), days=WEEK)
    assert completeness(Period.until_yesterday(make.NOW, 7)).by_integration == {}


@pytest.mark.parametrize("table", ["usageimport", "usagecount", "usagecost"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_imports_never_change(use, table, change):
    source = make.source()
    make.imported(source, Count(make.day(2), requests=1), days=WEEK)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            cursor.execute(change.format(f"audits_{table}"))
    assert UsageCount.objects.count() == 1
