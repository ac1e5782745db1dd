"""What the selector leaves out could not have matched, wherever a long text is cut."""

import re
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.detection.detector import PATTERNS, SHAPES, WORDED, selectors
from countersign.detection.patterns import PIECE, Page

VALUES = [
    "078-05-1120", "(415) 555-0132", "anna.lee@example.org", "4 July 1961", "Mercy Hospital",
    "seen in Boise, ID 83702", "MRN-0044213", "https://example.org/a?b=1", "10.1.22.3",
    "DE89370400440532013000",
    "12 Oak Street, Apt. 4", "AKIAIOSFODNN7EXAMPLE", "[A1234567]", "x", "1", "é", "-", ".", "\n",
]  # fmt: skip
FILLING = st.integers(0, 2 * PIECE).map(lambda size: ("word " * size)[:size])
TEXTS = st.lists(st.one_of(st.sampled_from(VALUES), FILLING), max_size=14)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.rule)
def test_no_match_is_longer_than_a_pattern_says(pattern):
    flags = re.ASCII | (re.IGNORECASE if pattern.is_caseless else 0)
    _least, most = import_module("re._parser").parse(pattern.body, flags).getwidth()
    assert most <= pattern.longest


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.sampled_from(["", " ", ", "]))
def test_pieces_give_what_the_whole_text_gives(parts, between):
    text = between.join(parts)
    for selector, patterns in zip(selectors(), (SHAPES, WORDED), strict=True):
        page = Page(text)
        found = [hit for pattern, at in selector.running(page) for hit in pattern.hits(page, at)]
        whole = Page(text)
        assert found == [hit for pattern in patterns for hit in pattern.hits(whole)]
