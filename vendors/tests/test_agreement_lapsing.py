"""Which agreements end soon without anything that follows."""

import datetime as dt

import pytest

from vendors.models import Agreement
from vendors.tests import make
from vendors.tests.make import TODAY

MONTH = dt.timedelta(days=30)


def day(offset: int) -> dt.date:
    return TODAY + dt.timedelta(days=offset)


@pytest.mark.parametrize(
    ("fields", "last_day"),
    [
        ({"ends_on": day(0)}, day(0)),
        ({"ends_on": day(30)}, day(30)),
        ({"ends_on": None, "terminated_on": day(11)}, day(10)),
        ({"ends_on": day(90), "terminated_on": day(11)}, day(10)),
    ],
    ids=["today", "horizon", "terminated", "terminated-before-its-end"],
)
def test_an_agreement_that_ends_soon_is_found_with_its_last_day(db, fields, last_day):
    made = make.baa(make.vendor(), **fields)
    found = Agreement.objects.lapsing(TODAY, until=TODAY + MONTH).get()
    assert (found.pk, found.last_on) == (made.pk, last_day)


@pytest.mark.parametrize(
    "fields",
    [{"ends_on": day(31)}, {"ends_on": None}, {"ends_on": day(-1)}],
    ids=["later", "evergreen", "ended-already"],
)
def test_one_that_ends_later_or_has_ended_is_not(db, fields):
    make.baa(make.vendor(), **fields)
    assert not Agreement.objects.lapsing(TODAY, until=TODAY + MONTH).exists()


@pytest.mark.parametrize(
    ("starts", "kind", "found"),
    [(11, "baa", False), (12, "baa", True), (11, "dpa", True)],
    ids=["the-next-day", "a-day-without", "another-kind"],
)
def test_only_what_follows_without_a_gap_replaces_it(db, starts, kind, found):
    vendor = make.vendor()
    ending = make.baa(vendor, ends_on=day(10))
    make.baa(vendor, kind=kind, starts_on=day(starts), ends_on=day(400))
    lapsing = Agreement.objects.lapsing(TODAY, until=TODAY + MONTH)
    assert list(lapsing) == ([ending] if found else [])
