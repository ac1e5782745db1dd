"""A session's tokens say nothing, come back, and are nobody else's."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.detection.kinds import KINDS
from countersign.masking.tokens import TOKEN, Session, UnknownKind, label


def test_a_value_has_one_token_in_a_session():
    session = Session()
    token = session.token("NAME", "Maria Patel")
    assert TOKEN.fullmatch(token) and token.startswith("[[NAME_")
    assert session.token("NAME", "  MARIA\n Patel") == token
    assert session.token("NAME", "Maria Patell") != token
    assert session.token("MRN", "Maria Patel") != token
    assert len(session) == 3


def test_capitals_make_another_value_where_they_may_mean_one():
    session = Session()
    assert session.token("URL", "https://x.example/a") != session.token(
        "URL", "https://x.example/A"
    )


@pytest.mark.parametrize("kind", [*KINDS, "own.case-no"])
def test_every_kind_has_tokens_that_come_back(kind):
    session = Session()
    token = session.token(kind, "a value")
    assert TOKEN.fullmatch(token) and TOKEN.fullmatch(f"[[{label(kind)}]]")
    revealed = session.reveal(f"So {token}.")
    assert (revealed.text, revealed.restored, revealed.unknown) == ("So a value.", 1, 0)


def test_what_is_no_kind_has_no_token():
    with pytest.raises(UnknownKind):
        Session().token("Maria", "Patel")


def test_another_session_knows_nothing():
    mine, other = Session(), Session()
    tokens = [mine.token("NAME", f"Person {n}") for n in range(50)]
    for n in range(3):
        other.token("NAME", f"Somebody {n}")
    text = " ".join(tokens)
    revealed = other.reveal(text)
    assert "Person" not in revealed.text
    # Numbers are drawn from 9,000: of 150 pairs a few hundredths of one meet.
    assert revealed.unknown >= 48


def test_numbers_are_drawn_and_not_counted():
    firsts = {Session().token("NAME", "Maria") for _ in range(20)}
    assert len(firsts) > 15


def test_no_value_is_in_what_is_printed():
    session = Session(b"k" * 32)
    token = session.token("NAME", "Maria Patel")
    session.invent("NAME", "Patel", "Brandvold")
    stream = session.streaming()
    stream.feed(token + "[[NAM")
    seen = repr([session, stream, session.reveal(token)])
    assert "Maria" not in seen and "Patel" not in seen and "kkk" not in seen


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_session_cannot_be_written_down_or_doubled(way):
    with pytest.raises(TypeError, match="session"):
        way(Session())


def test_what_is_forgotten_does_not_come_back():
    session = Session()
    token = session.token("NAME", "Maria")
    session.forget()
    assert session.reveal(token).text == token and len(session) == 0


def test_many_threads_get_the_same_token_for_the_same_value():
    session, seen = Session(), []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        seen.append(tuple(session.token("MRN", str(n)) for n in range(300)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1 and len(set(seen[0])) == 300


def test_ten_thousand_values_stay_apart():
    session = Session()
    tokens = {session.token("MRN", str(n)) for n in range(10_000)}
    assert len(tokens) == 10_000
    assert all(TOKEN.fullmatch(token) for token in tokens)


def test_dates_of_a_key_move_by_the_same_days_and_never_by_none():
    assert Session(b"a" * 32).shift_days == Session(b"a" * 32).shift_days
    shifts = {Session(bytes([n]) * 16).shift_days for n in range(256)}
    assert 0 not in shifts and max(map(abs, shifts)) <= 365 and len(shifts) > 150
    with pytest.raises(ValueError, match="16 bytes"):
        Session(b"short")


@given(st.text(max_size=40))
def test_any_value_comes_back_as_it_was(value):
    session = Session()
    token = session.token("UNIQUE_ID", value)
    assert session.reveal(f"<{token}>").text == f"<{value}>"
