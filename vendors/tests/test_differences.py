"""What differs from the report before: each line has its weight; the same differs in nothing."""

import datetime as dt
from dataclasses import replace

import pytest

from vendors.differences import Summary, Weight, differences, same_text

BEFORE = Summary(
    first_day=dt.date(2024, 10, 1),
    last_day=dt.date(2025, 9, 30),
    auditor="Ridgeline Assurance LLP",
    opinion="unqualified",
    categories=frozenset({"security", "availability"}),
    scopes={"Transcribe": "yes", "Archive": "no"},
    exceptions={"LAC-07": "Access was removed late.", "LCM-11": "No review was kept."},
    subservices={"Amazon Web Services": "carve_out", "Dellwood": "inclusive"},
    cuecs=(("C1", "Users revoke keys."), ("", "Users choose a retention period.")),
)
AFTER = replace(BEFORE, first_day=dt.date(2025, 10, 1), last_day=dt.date(2026, 9, 30))


def lines(**changes) -> list[tuple[str, str]]:
    """Subject and weight of what differs once `changes` are made; exceptions left out."""
    found = differences(replace(BEFORE, exceptions={}), replace(AFTER, exceptions={}, **changes))
    return [(d.subject, d.weight) for d in found if d.text != "Follows without a gap"]


def test_the_same_report_a_year_later_differs_in_nothing():
    assert lines() == []


@pytest.mark.parametrize(
    ("first", "weight", "text"),
    [
        (dt.date(2025, 10, 1), Weight.OK, "Follows without a gap"),
        (dt.date(2025, 10, 2), Weight.BAD, "1 day without a report, 1 Oct 2025 to 1 Oct 2025"),
        (dt.date(2025, 11, 1), Weight.BAD, "31 days without a report, 1 Oct 2025 to 31 Oct 2025"),
        (dt.date(2025, 9, 30), Weight.SAME, "Overlaps by 1 day"),
    ],
)
def test_the_days_between_two_periods_are_counted_with_both_ends(first, weight, text):
    found = [d for d in differences(BEFORE, replace(AFTER, first_day=first)) if d.before]
    assert (found[0].text, found[0].weight) == (text, weight)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"auditor": "Halden & Moss LLP"}, [("Auditor", Weight.LOOK)]),
        ({"auditor": "RIDGELINE ASSURANCE, LLP"}, []),
        ({"opinion": "qualified"}, [("Opinion", Weight.BAD)]),
        ({"categories": frozenset({"security"})}, [("Category", Weight.BAD)]),
        (
            {"categories": frozenset({"security", "availability", "privacy"})},
            [("Category", Weight.OK)],
        ),
        ({"scopes": {"Transcribe": "no", "Archive": "no"}}, [("Scope", Weight.BAD)]),
        ({"scopes": {"Transcribe": "yes", "Archive": "yes"}}, [("Scope", Weight.OK)]),
        ({"scopes": {"Transcribe": "yes", "Archive": "unclear"}}, [("Scope", Weight.LOOK)]),
        ({"scopes": {"Transcribe": "yes"}}, [("Scope", Weight.BAD)]),
        (
            {"subservices": {"AMAZON WEB SERVICES": "carve_out", "Dellwood": "carve_out"}},
            [("Subservice", Weight.BAD)],
        ),
        ({"subservices": {"Amazon Web Services": "carve_out"}}, [("Subservice", Weight.LOOK)]),
        (
            {"cuecs": (("C1", "Users revoke keys at once."), BEFORE.cuecs[1])},
            [("CUEC", Weight.LOOK)],
        ),
        ({"cuecs": (("C9", "users revoke KEYS"), BEFORE.cuecs[1])}, []),
        ({"cuecs": BEFORE.cuecs[:1]}, [("CUEC", Weight.SAME)]),
    ],
)
def test_each_section_is_compared(changes, expected):
    assert lines(**changes) == expected


def test_exceptions_are_new_repeated_or_gone():
    after = replace(AFTER, exceptions={"LAC-07": "Again late.", "LOP-02": "No log was kept."})
    found = {d.text: d.weight for d in differences(BEFORE, after) if d.subject == "Exception"}
    assert found == {
        "LAC-07 failed again: Again late.": Weight.BAD,
        "LOP-02, new: No log was kept.": Weight.LOOK,
        "LCM-11 is not noted again": Weight.OK,
    }


def test_texts_are_the_same_whatever_the_case_and_the_stops():
    assert same_text("User-entities  revoke keys.", "user entities revoke KEYS")
    assert not same_text("revoke keys", "revoke key")
