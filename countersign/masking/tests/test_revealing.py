"""Whatever a model makes of a token, its value comes back; what is no token stays."""

from __future__ import annotations

import time
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.masking.revealing import LONGEST
from countersign.masking.tokens import Session


@pytest.fixture
def session() -> Session:
    """With `[[NAME_4817]]` for Maria and `[[OWN_CASE_2_9001]]` for X-1."""
    session = Session()
    put(session, "NAME", "NAME_4817", "Maria")
    put(session, "own.case-2", "OWN_CASE_2_9001", "X-1")
    return session


def put(session: Session, kind: str, name: str, value: str) -> None:
    """Let the token of `value` be this one: the number is drawn, so the draw is settled."""
    drawn = int(name.rpartition("_")[2]) - 1000
    with patch("secrets.randbelow", return_value=drawn):
        assert session.token(kind, value) == f"[[{name}]]"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[[NAME_4817]]", "Maria"),
        ("[[name_4817]]", "Maria"),
        ("[[Name_4817]] came", "Maria came"),
        ("[NAME_4817]", "Maria"),
        ("[[NAME_4817]", "Maria"),
        ("[NAME_4817]]", "Maria"),
        ("[[NAME_4817", "Maria"),
        ("NAME_4817]]", "Maria"),
        ("NAME_4817 came", "Maria came"),
        ("[see NAME_4817]", "[see Maria]"),
        ("[[NAME_4817]]'s mother", "Maria's mother"),
        ("[[NAME_4817's]] mother", "Maria's mother"),
        ("[[NAME_4817\u2019s]] mother", "Maria\u2019s mother"),
        ("NAME_4817's mother", "Maria's mother"),
        (r"\[\[NAME\_4817\]\]", "Maria"),
        (r"\\[\\[NAME\\_4817\\]\\]", "Maria"),
        (r"[[NAME\_4817]]", "Maria"),
        ("**[[NAME_4817]]**", "**Maria**"),
        ("_[[NAME_4817]]_", "_Maria_"),
        ("[[ NAME_4817 ]]", "Maria"),
        ("[[[NAME_4817]]]", "[Maria]"),
        ("[[NAME_4817]][[NAME_4817]]", "MariaMaria"),
        ("([[NAME_4817]], [[OWN_CASE_2_9001]])", "(Maria, X-1)"),
        (r"[[own\_case\_2\_9001]]", "X-1"),
        ('{"name": "[[NAME_4817]]"}', '{"name": "Maria"}'),
        ("[[[[NAME_4817]]", "[[Maria"),
    ],
)
def test_a_token_is_understood_however_it_is_written(session, written, read):
    revealed = session.reveal(written)
    assert revealed.text == read
    assert revealed.unknown == 0 and revealed.restored >= 1
    for size in (1, 2, 3, 5):
        assert streamed(session, cut(written, size)) == read


@pytest.mark.parametrize(
    "text",
    [
        "NAME_48170",
        "XNAME_4817",
        "NAME_4817x",
        "NAME_4817_1",
        "NAME 4817",
        "[NAME]",
        "[[NAME]]",
        "[[]]",
        "[[1_2]]",
        "x[1]",
        "[[",
        "]]",
        "\\",
        "[[NAME_",
        "snake_case_1",
        "[link](http://x.example/a_1)",
    ],
)
def test_what_is_no_token_stays(session, text):
    revealed = session.reveal(text)
    assert (revealed.text, revealed.restored, revealed.unknown) == (text, 0, 0)
    assert streamed(session, cut(text, 1)) == text


@pytest.mark.parametrize("text", ["[[NAME_4818]]", "[[PERSON_1]]", "[NAME_1]", r"\[\[SSN\_4\]\]"])
def test_a_token_of_nobody_is_left_and_counted(session, text):
    revealed = session.reveal(f"So {text}.")
    assert (revealed.text, revealed.restored, revealed.unknown) == (f"So {text}.", 0, 1)
    stream = session.streaming()
    out = "".join(map(stream.feed, f"So {text}.")) + stream.close()
    assert out == f"So {text}." and stream.unknown == 1


def test_a_value_that_looks_like_a_token_is_not_read_again(session):
    put(session, "NAME", "NAME_1234", "[[NAME_4817]]")
    assert session.reveal("[[NAME_1234]]").text == "[[NAME_4817]]"
    put(session, "NAME", "NAME_1235", "[[NAME")
    assert session.reveal("[[NAME_1235]]_4817]]").text == "[[NAME_4817]]"
    assert streamed(session, ["[[NAME_1235]]", "_4817]]"]) == "[[NAME_4817]]"


PIECES = st.sampled_from(
    [
        "[[NAME_4817]]",
        "[[",
        "]]",
        "[",
        "]",
        "\\",
        "NAME",
        "_",
        "4817",
        "name_4817",
        "'s",
        "'",
        " ",
        "x",
        "\n",
        "[[SSN_1]]",
        r"\[\[NAME\_4817\]\]",
        "Brandvold",
        "Brand",
        "Adela Brandvold",
        "Adela",
        "OWN_CASE_2_9001",
        "é",
        "N",
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join), st.lists(st.integers(1, 9), max_size=40))
def test_a_stream_cut_anywhere_is_the_whole(text, sizes):
    session = Session()
    put(session, "NAME", "NAME_4817", "Maria")
    put(session, "own.case-2", "OWN_CASE_2_9001", "X-1")
    session.invent("NAME", "Patel", "Brandvold")
    session.invent("NAME", "M. Patel", "Adela Brandvold")
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    pieces.append(text[at:])
    stream = session.streaming()
    out = "".join(map(stream.feed, pieces)) + stream.close()
    whole = session.reveal(text)
    assert (out, stream.restored, stream.unknown) == (whole.text, whole.restored, whole.unknown)


@given(st.text(alphabet="[]\\_NAMEname4817's ", max_size=60), st.integers(1, 7))
def test_a_stream_of_brackets_and_letters_is_the_whole(text, size):
    session = Session()
    put(session, "NAME", "NAME_4817", "Maria")
    assert streamed(session, cut(text, size)) == session.reveal(text).text


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "[[",
        "\\",
        "\\[",
        "[[N",
        "[[NAME_",
        "N",
        "NAME",
        "NAME_",
        "_",
        "4",
        "[[NAME_4",
        " ",
        "'",
        "[[A\\_",
    ],
)
def test_a_hostile_answer_is_not_held_back(session, unit):
    stream = session.streaming()
    total = out = 0
    for _ in range(400):
        piece = unit * 50
        total += len(piece)
        out += len(stream.feed(piece))
        assert stream.held <= 2 * LONGEST and total - out == stream.held
    assert out + len(stream.close()) == total


@pytest.mark.parametrize(
    "unit", ["[", "[[NAME_", "\\", "a_1", "NAME_4817's", "[[a\\_\\_", "\\\\[", "n_"]
)
def test_the_time_for_a_hostile_text_grows_with_its_length(session, unit):
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        began = time.process_time()
        session.reveal(text)
        return time.process_time() - began

    seconds(2_000)
    # Ten times the text: ten times the time, and what a busy machine adds; a square would be 100.
    assert seconds(100_000) < 40 * max(seconds(10_000), 0.0005)


def test_plain_words_go_out_at_once(session):
    stream = session.streaming()
    assert stream.feed("The patient is ") == "The patient is "
    assert stream.feed("well. Ask [[") == "well. Ask "
    assert stream.feed("NAME_48") == ""
    assert stream.feed("17]]") == "Maria"
    assert stream.feed(" today") == " today"
    assert stream.close() == ""
    with pytest.raises(ValueError, match="closed"):
        stream.feed("more")


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def streamed(session: Session, pieces: list[str]) -> str:
    stream = session.streaming()
    return "".join(map(stream.feed, pieces)) + stream.close()
