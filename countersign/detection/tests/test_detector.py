"""Hits have true offsets, never overlap, hold no value, and need neither re2 nor the network."""

from __future__ import annotations

import re
import socket
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.detection import detector as detectors
from countersign.detection import labels
from countersign.detection.detector import Detector, KnownValue, default_detector
from countersign.detection.hits import Hit
from countersign.detection.kinds import KINDS, LETTERS, is_kind, letter, reported
from countersign.detection.patterns import Page, Selector
from countersign.detection.resolving import resolve
from countersign.detection.tests.test_kinds_found import CLEAN, FOUND, marked

DETECTOR = Detector()
TEXTS = [marked(line)[0] for line in FOUND.strip().split("\n")] + CLEAN.strip().split("\n")
PARTS = st.one_of(
    st.text(),
    st.sampled_from(TEXTS),
    st.sampled_from(["\u200b", "\u00ad", "\u0301", "\ufb01", "\u0130", "[[NAME_12]]", "\n", '"']),
)


@settings(deadline=None)
@given(st.lists(PARTS, max_size=6).map("".join))
def test_hits_lie_inside_the_text_in_order_and_do_not_overlap(text):
    hits = DETECTOR.detect(text, strict=True)
    at = 0
    for hit in hits:
        assert at <= hit.start < hit.end <= len(text)
        assert is_kind(hit.kind) and 0 < hit.score <= 1
        at = hit.end


@pytest.mark.parametrize(
    "write",
    [
        lambda c: chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c,
        lambda c: c + "\u200b" if c.isalnum() else c,
        lambda c: c.translate(str.maketrans("aceopx", "асеорх")),
    ],
    ids=["full-width", "zero-width", "look-alikes"],
)
def test_another_way_of_writing_hides_nothing(write):
    for line in FOUND.strip().split("\n"):
        text, spans = marked(line)
        places = [0]
        for character in text:
            places.append(places[-1] + len(write(character)))
        written = "".join(write(character) for character in text)
        hits = DETECTOR.detect(written)
        covered = {place for hit in hits for place in range(hit.start, hit.end)}
        for start, end, _ in spans:
            asked = range(places[start], places[end])
            assert all(place in covered for place in asked if written[place].isalnum()), text


def test_the_filter_leaves_out_no_pattern_that_matches():
    selector = Selector(detectors.PATTERNS)
    for text in TEXTS:
        page = Page(text)
        running = {pattern for pattern, _ in selector.running(page)}
        assert {pattern for pattern in detectors.PATTERNS if any(pattern.hits(page))} <= running


def test_without_re2_the_same_is_found(monkeypatch):
    with_re2 = [DETECTOR.detect(text) for text in TEXTS]
    monkeypatch.setitem(sys.modules, "re2", None)
    detectors.selectors.cache_clear()
    labels.finder_on_re2.cache_clear()
    try:
        assert [Detector().detect(text) for text in TEXTS] == with_re2
    finally:
        monkeypatch.undo()
        detectors.selectors.cache_clear()
        labels.finder_on_re2.cache_clear()


def test_a_filter_that_fails_runs_every_pattern():
    selector = Selector(detectors.PATTERNS)
    for each in selector.sets:
        each.match = lambda text: []
    page = Page("MRN 123456, call 212-555-0147")
    assert {pattern for pattern, _ in selector.running(page)} == {
        pattern for pattern in detectors.PATTERNS if pattern.may_match(page.lower)
    }


def test_no_socket_is_opened(monkeypatch):
    def refuse(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    detectors.selectors.cache_clear()
    fresh = Detector()
    assert fresh.detect("e-mail jane@example.co.uk, see https://example.com/x and 10.0.0.1")


def test_tokens_of_ours_stay_as_they_are():
    text = "[[NAME_4817]] has MRN [[MRN_9921034]] and [[NAME]] and [[MRN:hmac:aGVsbG8x]], strictly"
    assert DETECTOR.detect(text, strict=True) == []


def test_brackets_around_a_name_are_no_token_of_ours():
    assert DETECTOR.detect("[[Dr. Patel]] called")


def test_known_values_are_found_wherever_they_stand():
    (hit,) = DETECTOR.detect("ask zorblatt now", known=[KnownValue("Zorblatt", "NAME")])
    assert (hit.start, hit.end, hit.kind) == (4, 12, "NAME")


def test_a_name_is_found_again_by_its_parts():
    text = "Anna Lindqvist was admitted. Lindqvist denies pain."
    assert [(hit.start, hit.end) for hit in DETECTOR.detect(text)] == [(0, 14), (29, 38)]


def test_the_strict_tier_hits_what_no_vocabulary_knows():
    text = "start lisinopril 5 mg daily for qwertzu frobnicate"
    assert DETECTOR.detect(text) == []
    hits = DETECTOR.detect(text, strict=True)
    assert [text[hit.start : hit.end] for hit in hits] == ["qwertzu", "frobnicate"]


def test_nothing_that_is_kept_shows_a_value():
    (hit,) = DETECTOR.detect("SSN: 123-45-6789")
    assert "6789" not in repr(hit) + repr(DETECTOR) + repr(KnownValue("123-45-6789", "SSN"))


def test_the_longest_then_the_surer_then_the_strictest_stays():
    text = "0123456789"
    long, short = Hit(0, 8, "DATE", 0.6, "a"), Hit(2, 5, "SSN", 0.99, "b")
    assert resolve([short, long], text) == [long]
    label, shape = Hit(0, 4, "MRN", 0.95, "a"), Hit(0, 4, "SSN", 0.88, "b")
    assert resolve([shape, label], text) == [label]
    phone, ssn = Hit(0, 4, "PHONE", 0.8, "a"), Hit(0, 4, "SSN", 0.7, "b")
    assert resolve([phone, ssn], text) == [ssn]


def test_what_a_shorter_hit_claims_beyond_a_longer_one_stays_covered():
    text = "abcdef ghijkl"
    kept = resolve([Hit(0, 8, "NAME", 0.9, "a"), Hit(6, 13, "DATE", 0.9, "b")], text)
    assert [(hit.start, hit.end) for hit in kept] == [(0, 8), (8, 13)]


def test_every_letter_of_the_rule_has_a_kind():
    assert {kind.letter for kind in KINDS.values() if kind.letter} == set(LETTERS)
    assert (letter("MRN"), letter("API_KEY"), letter("own.case-no")) == ("H", "", "")
    assert (reported("CARD"), reported("IBAN"), reported("MRN")) == ("ACCOUNT", "ACCOUNT", "MRN")


def test_columns_take_their_kind_from_the_heading():
    text = 'patient_name,dob,mrn\nZed Quux,1/2/1950,88\n"Quux, Zed",,99\n'
    found = [(text[hit.start : hit.end], hit.kind) for hit in DETECTOR.detect(text)]
    assert found == [
        ("Zed Quux", "NAME"),
        ("1/2/1950", "DATE"),
        ("88", "MRN"),
        ("Quux, Zed", "NAME"),
        ("99", "MRN"),
    ]


def test_a_key_among_capitals_is_found():
    for text in (
        "-----BEGIN PRIVATE KEY-----\n" + "A" * 64 + "\n-----END PRIVATE KEY-----",
        "THE KEY IS AKIAIOSFODNN7EXAMPLE AND MUST NOT LEAVE",
    ):
        (hit,) = DETECTOR.detect(text)
        assert hit.kind in {"PRIVATE_KEY", "API_KEY"}


def test_capitals_alone_make_no_name_of_a_word():
    text = "A 50-YEAR-OLD MALE WITH A HIGH SCORE WAS SEEN AT THE CLINIC AFTER KNEE SURGERY IN PAIN."
    assert DETECTOR.detect(text) == []
    text = "SEEN AT MERCY HOSPITAL IN CHICAGO, MRN 998877, BY DR. OKONKWO ON 3/4/2024."
    found = {(text[hit.start : hit.end], hit.kind) for hit in DETECTOR.detect(text)}
    assert {("998877", "MRN"), ("DR. OKONKWO", "NAME"), ("3/4/2024", "DATE")} <= found
    assert "CHICAGO" in " ".join(value for value, kind in found if kind == "GEO_PLACE")


def test_a_key_in_a_text_of_capitals_is_a_key():
    lines = ["-----BEGIN PRIVATE KEY-----", "MC4CAQAwBQYDK2VwBCIEI" + "A" * 43]
    for text in (
        "\n".join([*lines, "-----END PRIVATE KEY-----"]),
        "THE KEY IS AKIAIOSFODNN7EXAMPLE",
    ):
        kinds = {hit.kind for hit in Detector().detect(text)}
        assert kinds & {"PRIVATE_KEY", "API_KEY"}


class NamesEverything:
    """A tagger that takes each word for a name."""

    def tag(self, text):
        starts = [at for at, c in enumerate(text) if c != " " and (not at or text[at - 1] == " ")]
        return [Hit(at, (text + " ").index(" ", at), "NAME", 0.9, "all") for at in starts]


def test_what_a_table_knows_to_be_no_name_is_none_though_the_tagger_says_so():
    text = "Humira AFib rs80357906 Swan-Ganz Quillfeather"
    hits = Detector(tagger=NamesEverything()).detect(text)
    assert [text[hit.start : hit.end] for hit in hits] == ["Quillfeather"]


def test_a_name_that_goes_on_over_the_end_of_a_sentence_is_two_or_none():
    class Runs:
        def tag(self, text):
            return [Hit(start, end, "NAME", 0.9, "all") for start, end in found(text)]

    def found(text):
        return [match.span() for match in re.finditer(r"\w+ ?\w*\. \w+", text)]

    text = "Moved to June. Will it rain? She met Anna Quill. Tom came with Prof. Heller"
    hits = Detector(tagger=Runs()).detect(text)
    names = [text[hit.start : hit.end] for hit in hits if hit.kind == "NAME"]
    assert "Will" not in " ".join(names)
    assert {"Anna Quill", "Tom"} <= set(names)
    assert any("Prof. Heller" in name for name in names)


@pytest.mark.parametrize(
    "text",
    [
        "Compare Pfizer, Moderna and Novavax by storage temperature.",
        "Kerley B lines on the film.",
        "Which interactions does St. John's wort have?",
        "Explain Kirchhoff's rules, and the Rinne test.",
        "Please format the table: Name, Age, City, Department.",
    ],
)
def test_companies_signs_herbs_and_headings_are_nobody(text):
    assert default_detector().detect(text) == []


@pytest.mark.parametrize("name", ["Takeda", "Janssen", "Merck", "Rinne", "Toyota", "Maria Lines"])
def test_people_may_have_the_names_of_companies_tests_and_signs(name):
    class Finds:
        def tag(self, text):
            return [Hit(text.index(name), text.index(name) + len(name), "NAME", 0.9, "one")]

    text = f"On the ward {name} reports pain since Monday."
    hits = [hit for hit in Detector(tagger=Finds()).detect(text) if hit.kind == "NAME"]
    assert any(text[hit.start : hit.end] == name for hit in hits)


def test_the_second_line_of_an_address_is_found_where_it_stands_alone():
    text = "Anna Lee\n71 Oak Street\n  Suite 485\nBoise, ID 83702"
    found = {text[hit.start : hit.end] for hit in DETECTOR.detect(text)}
    assert any("485" in each for each in found)
    assert DETECTOR.detect("We compared the apt 2 test suite 485 with the other one.") == []


def test_a_word_in_lower_case_among_capitals_is_no_name():
    text = (
        "God gave rock and roll to you, and love. The Princess Royal arrived. My IBAN is private."
    )
    assert [hit for hit in DETECTOR.detect(text) if hit.kind == "NAME"] == []
