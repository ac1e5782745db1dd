"""How a provider's counts compare with ours: a table of cases for one day."""

from __future__ import annotations

import datetime as dt

import pytest

from audits.completeness.comparing import (
    Apart,
    Balance,
    Compared,
    Count,
    Counted,
    Recorded,
    Rule,
    State,
    Tolerance,
    added,
    balance,
    compare,
    summed,
    target_of,
)

DAY = dt.date(2026, 11, 20)
EXACT = Tolerance(requests=0, tokens=0, percent=0)


def recorded(allowed: int, succeeded: int | None = None, tokens: int = 0, unmeasured: int = 0):
    return Recorded(allowed, allowed if succeeded is None else succeeded, tokens, unmeasured)


@pytest.mark.parametrize(
    ("counted", "ours", "tolerance", "state", "amounts"),
    [
        (None, recorded(5), EXACT, State.NO_DATA, (0, 0, 0)),
        (Counted(5, 0), recorded(5), EXACT, State.EQUAL, (0, 0, 0)),
        (Counted(0, 0), recorded(0), EXACT, State.EQUAL, (0, 0, 0)),
        # One call failed: the provider may count it or not.
        (Counted(4, 0), recorded(5, 4), EXACT, State.EQUAL, (0, 0, 0)),
        (Counted(5, 0), recorded(5, 4), EXACT, State.EQUAL, (0, 0, 0)),
        (Counted(6, 0), recorded(5, 4), EXACT, State.UNRECORDED, (1, 0, 0)),
        (Counted(3, 0), recorded(5, 4), EXACT, State.UNBILLED, (0, 0, 1)),
        (Counted(9, 0), recorded(0), EXACT, State.UNRECORDED, (9, 0, 0)),
        # Within the tolerance nothing is missing; beyond it, all of it is.
        (Counted(7, 0), recorded(5), Tolerance(2, 0, 0), State.EQUAL, (0, 0, 0)),
        (Counted(8, 0), recorded(5), Tolerance(2, 0, 0), State.UNRECORDED, (3, 0, 0)),
        (Counted(1010, 0), recorded(1000), Tolerance(2, 0, 1), State.EQUAL, (0, 0, 0)),
        (Counted(1011, 0), recorded(1000), Tolerance(2, 0, 1), State.UNRECORDED, (11, 0, 0)),
        # Tokens tell where requests are not told, or agree.
        (Counted(None, 900), recorded(5, tokens=400), EXACT, State.UNRECORDED, (0, 500, 0)),
        (Counted(5, 900), recorded(5, tokens=400), EXACT, State.UNRECORDED, (0, 500, 0)),
        (Counted(5, 900), recorded(5, tokens=400, unmeasured=1), EXACT, State.EQUAL, (0, 0, 0)),
        (Counted(5, 900), recorded(5, tokens=400), Tolerance(0, 500, 0), State.EQUAL, (0, 0, 0)),
        (Counted(5, 300), recorded(5, tokens=400), EXACT, State.EQUAL, (0, 0, 0)),
        (Counted(None, None), recorded(5), EXACT, State.EQUAL, (0, 0, 0)),
    ],
)
def test_a_day_compares(counted, ours, tolerance, state, amounts):
    found = compare(DAY, counted, ours, tolerance)
    assert found.state is state
    assert (found.missing, found.missing_tokens, found.surplus) == amounts


@pytest.mark.parametrize(
    ("requests", "difference"), [(3, -1), (4, 0), (5, 0), (7, 2), (None, None)]
)
def test_the_difference_is_measured_from_the_nearer_end_of_the_range(requests, difference):
    found = compare(DAY, Counted(requests, 0), recorded(5, 4), Tolerance())
    assert found.difference == difference


def test_a_count_is_of_the_line_that_names_most():
    rules = [
        Rule("", "", "", Apart.OUTSIDE),
        Rule("p1", "", "", 1),
        Rule("p1", "", "gpt-4*", 2),
        Rule("p1", "", "gpt-4.1*", 3),
        Rule("", "k1", "", 4),
        Rule("p9", "", "", Apart.TEST),
    ]
    found = [
        target_of(Count(DAY, project, key, model), rules)
        for project, key, model in [
            ("p2", "", "gpt-5"),
            ("p1", "", "gpt-5"),
            ("p1", "", "gpt-4o"),
            ("p1", "", "gpt-4.1-mini"),
            ("p1", "k1", "gpt-4.1-mini"),
            ("p9", "", ""),
        ]
    ]
    assert found == [Apart.OUTSIDE, 1, 2, 3, 4, Apart.TEST]


def test_what_no_line_takes_is_nobodys_and_what_the_file_names_is_its():
    rules = [Rule("p1", "", "", 1)]
    assert target_of(Count(DAY, "p2"), rules) is Apart.UNASSIGNED
    assert target_of(Count(DAY, "p1", integration=7), rules) == 7


def test_counts_add_up_and_an_unknown_part_makes_the_sum_unknown():
    rules = [Rule("", "", "", 1)]
    known = Count(DAY, requests=2, input_tokens=10, output_tokens=5, cached_tokens=9)
    unknown = Count(DAY, requests=None, input_tokens=1)
    assert summed([known, known], rules) == {(1, DAY): Counted(4, 30)}
    assert summed([known, unknown], rules) == {(1, DAY): Counted(None, 16)}
    assert added(Counted(1, None), Counted(2, 3)) == Counted(3, None)


def test_a_balance_is_as_bad_as_its_worst_day():
    days = [DAY - dt.timedelta(days=n) for n in range(4)]
    counted = {days[0]: Counted(3, 0), days[1]: Counted(9, 0), days[2]: Counted(0, 0)}
    ours = {day: recorded(3) for day in days}
    found = balance(days, counted, ours, EXACT)
    assert [day.state for day in found.days] == [
        State.EQUAL,
        State.UNRECORDED,
        State.UNBILLED,
        State.NO_DATA,
    ]
    assert found.state is State.UNRECORDED
    assert (found.missing, found.surplus, found.counted, found.recorded) == (6, 3, 12, 9)
    assert found.covered == 3
    assert Balance(()).state is State.NO_DATA
    assert found.of(State.EQUAL) == (Compared(days[0], State.EQUAL, Counted(3, 0), recorded(3)),)
