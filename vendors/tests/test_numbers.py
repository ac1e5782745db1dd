"""Numbers as they are posted: read, or left as none; never cut to another one."""

import pytest

from vendors.numbers import whole


@pytest.mark.parametrize(
    ("said", "number"),
    [("0", 0), ("42", 42), (7, 7), ("9" * 18, 10**18 - 1), ("007", 7), ("٤٢", 42)],
)
def test_a_number_is_read(said, number):
    assert whole(said, -1) == number


@pytest.mark.parametrize(
    "said", [None, "", " 1", "-1", "1.0", "1e3", "²", "x", "1" * 19, "9" * 5000]
)
def test_what_is_none_is_left(said):
    assert whole(said, -1) == -1


def test_as_many_digits_as_are_asked_for():
    assert (whole("99999", digits=5), whole("100000", digits=5)) == (99999, 0)
