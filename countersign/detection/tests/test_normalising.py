"""Normalising folds ways of writing, and each character finds its way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.detection.normalising import normalised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＭＲＮ １２３", "MRN 123"),
        ("J\u200bo\u200dh\ufeffn", "John"),
        ("Jo\u00adhn", "John"),
        ("J\0o\0h\0n\0", "John"),
        ("St.\u00a0Mary\u2019s", "St. Mary's"),
        ("555\u2013123\u20114567", "555-123-4567"),
        ("٠٥٥ ۴۵", "055 45"),
        ("Jоhn Smіth", "John Smith"),
        ("Иван Петров", "Иван Петров"),
        ("cafe\u0301", "caf\u00e9"),
        ("𝐉𝐨𝐡𝐧", "John"),
        ("ﬁle", "file"),
        ("İstanbul", "Istanbul"),
        ("", ""),
    ],
)
def test_one_way_of_writing(text, expected):
    assert normalised(text).text == expected


@given(st.text())
def test_each_character_comes_from_a_stretch_of_the_original(text):
    folded = normalised(text)
    places = [folded.original(index, index + 1) for index in range(len(folded.text))]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)


@given(st.text())
def test_normalising_twice_changes_nothing_more(text):
    once = normalised(text).text
    assert normalised(once).text == once


@given(st.text(), st.text(alphabet=st.characters(min_codepoint=1, max_codepoint=127), min_size=1))
def test_plain_text_keeps_its_place_behind_any_other(before, plain):
    text = before + " | " + plain
    folded = normalised(text)
    start, end = folded.original(len(folded.text) - len(plain), len(folded.text))
    assert text[start:end] == plain
