"""What is invented reads like the real thing, is nobody's, and comes back."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.masking.schemes import replacement
from countersign.masking.surrogates import FIRST, LAST, surrogate
from countersign.masking.tokens import TOKEN, Session


@pytest.mark.parametrize(
    "value",
    [
        "Maria Patel",
        "Dr. Maria Patel",
        "PATEL, MARIA",
        "Patel, Maria J.",
        "Patel",
        "Ludwig van der Berg",
        "José",
    ],
)
def test_a_name_becomes_another_name_and_comes_back(value):
    session = Session()
    made = surrogate(session, "NAME", value)
    for word in re.findall(r"\w{3,}", value):
        assert word not in made or word in {"van", "der"}
    assert made == surrogate(session, "NAME", value)
    assert session.reveal(f"Ask {made}.").text == f"Ask {value}."
    assert session.reveal(f"{made}'s file").text == f"{value}'s file"


def test_one_person_stays_one_person():
    session = Session()
    made = surrogate(session, "NAME", "Maria Patel")
    first, last = made.split()
    assert first in FIRST and last in LAST
    assert surrogate(session, "NAME", "Patel, Maria") == f"{last}, {first}"
    assert surrogate(session, "NAME", "Mr. Patel") == f"Mr. {last}"
    assert surrogate(session, "NAME", "PATEL") == last.upper()
    assert session.reveal(f"Is {first} in? {last.upper()}!").text == "Is Maria in? PATEL!"


def test_two_hundred_people_stay_apart():
    session = Session()
    made = {
        surrogate(session, "NAME", f"Person{chr(65 + n // 26)}{chr(97 + n % 26)}")
        for n in range(200)
    }
    assert len(made) == 200
    assert len({session.reveal(name).text for name in made}) == 200


@pytest.mark.parametrize(
    "value",
    [
        "1987-05-04",
        "1987-05-04T20:15:00Z",
        "05/04/1987",
        "5/4/1987",
        "19870504",
        "May 4, 1987",
        "4 May 1987",
        "SEPT 4, 1987",
    ],
)
def test_a_date_is_moved_by_the_days_of_the_session_in_its_own_form(value):
    session = Session(b"a" * 32)
    made = surrogate(session, "DATE", value)
    assert made != value and not TOKEN.fullmatch(made)
    assert re.sub(r"[A-Za-z]{3,}", "A", re.sub(r"\d+", "9", made)) == re.sub(
        r"[A-Za-z]{3,}", "A", re.sub(r"\d+", "9", value)
    )
    assert session.reveal(f"on {made}.").text == f"on {value}."
    moved = dt.date(1987, 5, 4) + dt.timedelta(days=session.shift_days)
    if value == "1987-05-04":
        assert made == moved.isoformat()


@given(
    st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
    st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
)
def test_days_between_dates_stay_the_same(first, second):
    session = Session()
    one, two = (surrogate(session, "DATE", day.isoformat()) for day in (first, second))
    assert dt.date.fromisoformat(one) - dt.date.fromisoformat(two) == first - second


@pytest.mark.parametrize("value", ["May 4", "31/31/2020", "tomorrow", "0000-00-00", "9999-12-31"])
def test_what_is_no_whole_date_becomes_a_token(value):
    session = Session(b"a" * 32)
    if session.shift_days > 0 or value != "9999-12-31":
        assert TOKEN.fullmatch(surrogate(session, "DATE", value))


def test_numbers_and_addresses_come_from_ranges_of_nobody():
    session = Session()
    phone = surrogate(session, "PHONE", "+1 (617) 867-5309")
    assert re.fullmatch(r"\+1 \([2-9]\d\d\) 555-01\d\d", phone)
    assert surrogate(session, "EMAIL", "maria@clinic.example").endswith("@example.com")
    assert ipaddress.ip_address(surrogate(session, "IP", "10.1.2.3")).is_private
    assert ipaddress.ip_address(surrogate(session, "IP", "2a00:1450::1")) in ipaddress.ip_network(
        "2001:db8::/32"
    )
    assert surrogate(session, "URL", "https://clinic.example/p/1").startswith(
        "https://example.com/"
    )
    assert session.reveal(f"Call {phone}").text == "Call +1 (617) 867-5309"


@pytest.mark.parametrize(
    ("kind", "value"), [("SSN", "123-45-6789"), ("PHONE", "12345"), ("NAME", "J.")]
)
def test_what_cannot_be_invented_becomes_a_token(kind, value):
    assert TOKEN.fullmatch(replacement("tokenize", "surrogate", kind, value, Session()))
