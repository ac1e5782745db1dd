"""Where an agreement stands on a day, and the days of its ladder."""

import datetime as dt
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.lifecycle import (
    RECORDED,
    REQUEST_STEPS,
    AgreementState,
    agreement_state,
    ladder,
    last_day,
    notice_deadline,
    standing,
)
from vendors.models import Agreement
from vendors.tests import make

TODAY = make.TODAY
DAY = dt.timedelta(days=1)
WINDOWS = (90, 60, 30, 14, 7, 1, 0)
State = AgreementState


@dataclass(frozen=True)
class Days:
    starts_on: dt.date = TODAY - 400 * DAY
    ends_on: dt.date | None = None
    terminated_on: dt.date | None = None
    superseded_on: dt.date | None = None


@pytest.mark.parametrize(
    ("days", "state"),
    [
        (Days(), State.IN_FORCE),
        (Days(starts_on=TODAY), State.IN_FORCE),
        (Days(starts_on=TODAY + DAY), State.SIGNED),
        (Days(ends_on=TODAY), State.EXPIRING),
        (Days(ends_on=TODAY + 60 * DAY), State.EXPIRING),
        (Days(ends_on=TODAY + 61 * DAY), State.IN_FORCE),
        (Days(ends_on=TODAY - DAY), State.EXPIRED),
        (Days(terminated_on=TODAY), State.TERMINATED),
        (Days(terminated_on=TODAY + DAY), State.EXPIRING),
        (Days(starts_on=TODAY + DAY, terminated_on=TODAY + DAY), State.TERMINATED),
        (Days(superseded_on=TODAY), State.REPLACED),
        (Days(superseded_on=TODAY + DAY), State.IN_FORCE),
        (Days(ends_on=TODAY + 20 * DAY, superseded_on=TODAY + 5 * DAY), State.IN_FORCE),
        (Days(ends_on=TODAY + 5 * DAY, superseded_on=TODAY + 20 * DAY), State.EXPIRING),
        (Days(starts_on=TODAY + DAY, superseded_on=TODAY + DAY), State.REPLACED),
        (Days(ends_on=TODAY - 9 * DAY, superseded_on=TODAY - 3 * DAY), State.REPLACED),
        (Days(terminated_on=TODAY - 9 * DAY, superseded_on=TODAY - 3 * DAY), State.TERMINATED),
        (Days(terminated_on=TODAY - 9 * DAY, ends_on=TODAY + DAY), State.TERMINATED),
    ],
)
def test_the_state_on_a_day(days, state):
    assert agreement_state(days, TODAY) is state


def test_the_standing_names_the_day_its_word_is_about():
    ending = standing(Days(ends_on=TODAY + 20 * DAY), TODAY)
    assert (ending.kind, ending.word, ending.day, ending.days) == (
        "soon",
        "To",
        TODAY + 20 * DAY,
        20,
    )
    assert standing(Days(starts_on=TODAY + DAY), TODAY).day == TODAY + DAY
    assert standing(Days(), TODAY).word == "No end"
    assert standing(None, TODAY).state is None


def near(first: int, last: int):
    return st.integers(first, last).map(lambda days: TODAY + days * DAY)


days_of = st.builds(
    Days,
    starts_on=near(-99, 99),
    ends_on=st.none() | near(-99, 199),
    terminated_on=st.none() | near(-99, 99),
    superseded_on=st.none() | near(-99, 99),
)


@given(days_of)
def test_a_state_in_force_is_one_whose_days_hold_today(days):
    holds = days.starts_on <= TODAY and (last_day(days) or TODAY) >= TODAY
    state = agreement_state(days, TODAY)
    if state in (State.IN_FORCE, State.EXPIRING):
        assert holds
    if state in (State.EXPIRED, State.TERMINATED, State.REPLACED, State.SIGNED):
        assert not holds or days.starts_on > TODAY


@pytest.mark.django_db
def test_the_database_tells_the_same_state():
    vendor = make.vendor()
    ends = (None, -30, 0, 20, 60, 61, 200)
    others = (None, -40, -1, 0, 1, 30)
    for starts in (-300, 1):
        for end in ends:
            for terminated in others:
                for superseded in others:
                    given_days = [
                        None if n is None else TODAY + n * DAY
                        for n in (end, terminated, superseded)
                    ]
                    first = TODAY + starts * DAY
                    if any(day is not None and day < first for day in given_days):
                        continue
                    names = ("ends_on", "terminated_on", "superseded_on")
                    Agreement.objects.create(
                        vendor=vendor,
                        kind="baa",
                        reference="BAA",
                        version=Agreement.objects.count() + 1,
                        account=str(Agreement.objects.count()),
                        counterparty="x",
                        starts_on=first,
                        **dict(zip(names, given_days, strict=True)),
                    )
    rows = list(Agreement.objects.with_state(TODAY))
    assert len(rows) > 200
    assert [row.state for row in rows] == [agreement_state(row, TODAY) for row in rows]
    assert {row.state for row in rows} == set(RECORDED)


def test_the_ladder_has_each_window_the_notice_and_the_last_day():
    days = Days(ends_on=TODAY + 40 * DAY)
    rungs = ladder(days, TODAY, notice_days=45, windows=WINDOWS)
    assert [rung.days_before for rung in rungs] == [90, 60, 45, 30, 14, 7, 1, 0]
    assert [rung.on for rung in rungs] == sorted(rung.on for rung in rungs)
    assert [rung.days_before for rung in rungs if rung.current] == [45]
    assert [rung.days_before for rung in rungs if rung.notice] == [45]
    assert [rung.days_before for rung in rungs if rung.passed] == [90, 60, 45]
    assert rungs[-1].on == TODAY + 40 * DAY


def test_a_notice_on_the_day_of_a_window_is_one_step():
    rungs = ladder(Days(ends_on=TODAY + 99 * DAY), TODAY, notice_days=30, windows=WINDOWS)
    assert [rung.days_before for rung in rungs if rung.notice] == [30]
    assert len(rungs) == len(WINDOWS)
    assert not any(rung.current for rung in rungs)


@pytest.mark.parametrize(
    "days",
    [
        Days(),
        Days(ends_on=TODAY - DAY),
        Days(ends_on=TODAY + 9 * DAY, superseded_on=TODAY + 3 * DAY),
        Days(ends_on=TODAY + 9 * DAY, terminated_on=TODAY),
    ],
    ids=["evergreen", "expired", "handed over", "terminated"],
)
def test_what_does_not_run_out_has_no_ladder(days):
    assert ladder(days, TODAY, notice_days=30, windows=WINDOWS) == ()


def test_the_notice_is_counted_back_from_the_last_day():
    assert notice_deadline(dt.date(2026, 12, 31), 30) == dt.date(2026, 12, 1)
    assert notice_deadline(None, 30) is None
    assert notice_deadline(dt.date(2026, 12, 31), 0) is None


def test_a_request_ends_signed_or_dropped_and_is_signed_by_recording_alone():
    assert all("signed" not in steps for steps in REQUEST_STEPS.values())
    assert REQUEST_STEPS["signed"] == ()
    assert set(REQUEST_STEPS) == {"needed", "requested", "negotiating", "signed", "dropped"}
