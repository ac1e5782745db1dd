"""What is read in a report: many phrasings, each with its page; garbage proposes nothing."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vendors.reading import has_text, mentions, read, search
from vendors.reading.text import LONGEST_QUOTE, parse_day

BLANK = "The company describes its controls here, at some length, for nobody in particular."


def one(text: str, field: str, **options) -> dict | None:
    """The first thing proposed of a field, when page 2 holds the text."""
    found = [p for p in read([BLANK, text, BLANK], **options) if p.field == field]
    if not found:
        return None
    assert found[0].page == 2
    assert 0 < len(found[0].quote) <= LONGEST_QUOTE
    return dict(found[0].values)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("October 1, 2025", dt.date(2025, 10, 1)),
        ("Oct. 1, 2025", dt.date(2025, 10, 1)),
        ("October 1st, 2025", dt.date(2025, 10, 1)),
        ("1 October 2025", dt.date(2025, 10, 1)),
        ("1st of October 2025", dt.date(2025, 10, 1)),
        ("1-Oct-2025", dt.date(2025, 10, 1)),
        ("2025-10-01", dt.date(2025, 10, 1)),
        ("10/01/2025", dt.date(2025, 10, 1)),
        ("31/10/2025", dt.date(2025, 10, 31)),
        ("01.10.2025", dt.date(2025, 10, 1)),
        ("Sept 30, 2026", dt.date(2026, 9, 30)),
        ("February 30, 2026", None),
        ("13/13/2026", None),
        ("2026-00-10", None),
    ],
)
def test_a_day_is_read_in_the_formats_of_reports(text, day):
    assert parse_day(text) == day


@pytest.mark.parametrize(
    "text",
    [
        "for the period October 1, 2025 to September 30, 2026",
        "throughout the period October 1, 2025, to September 30, 2026, and",
        "For the Period of October 1, 2025 through September 30, 2026",
        "during the period from 1 October 2025 until 30 September 2026",
        "Review period: 10/01/2025 - 09/30/2026",
        "October 1, 2025 \u2013 September 30, 2026",
        "period from 2025-10-01 to 2026-09-30",
        "Period October 1st, 2025 thru September 30th, 2026",
    ],
)
def test_a_period_is_read_in_the_words_of_reports(text):
    assert one(text, "period") == {"period_start": "2025-10-01", "period_end": "2026-09-30"}


@pytest.mark.parametrize(
    "text",
    [
        "September 30, 2026 to October 1, 2025",
        "from October 1, 2025 to October 3, 2025",
        "from October 1, 2015 to September 30, 2026",
    ],
    ids=["ends before it begins", "three days", "eleven years"],
)
def test_what_cannot_be_a_period_is_not_proposed(text):
    assert one(text, "period") is None


def test_the_period_that_is_named_most_often_comes_first():
    pages = [
        "compared with the period October 1, 2024 to September 30, 2025",
        "for the period October 1, 2025 to September 30, 2026",
        "throughout the period October 1, 2025 to September 30, 2026",
    ]
    found = [p.values["period_start"] for p in read(pages) if p.field == "period"]
    assert found == ["2025-10-01", "2024-10-01"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SOC 2® Type II Report", "soc2_type2"),
        ("SOC 2 Type 2 examination", "soc2_type2"),
        ("System and Organization Controls (SOC) 2, our SOC 2 - Type I report", "soc2_type1"),
        ("SOC 2 (Type 1)", "soc2_type1"),
        ("SOC 1® Type 2 report", "soc1"),
        ("SOC 3® report for general use", "soc3"),
        (
            "the suitability of the design and operating effectiveness of its controls",
            "soc2_type2",
        ),
        ("on the suitability of the design of its controls", "soc2_type1"),
    ],
)
def test_the_kind_is_read_from_the_title_or_from_what_was_examined(text, kind):
    assert one(text, "kind") == {"kind": kind}


def test_a_type_one_names_its_day_and_a_type_two_does_not():
    said = "SOC 2 Type I report. The description as of March 31, 2026 is presented."
    assert one(said, "as_of") == {"as_of": "2026-03-31"}
    other = "SOC 2 Type II, for the period April 1, 2025 to March 31, 2026, as of March 31, 2026"
    assert one(other, "as_of") is None


@pytest.mark.parametrize(
    ("text", "opinion"),
    [
        ("In our opinion, in all material respects, the description presents", "unqualified"),
        ("We issued an unqualified opinion on the system.", "unqualified"),
        ("Qualified Opinion\nIn our opinion, except for the matter described above,", "qualified"),
        ("Basis for Qualified Opinion", "qualified"),
        ("In our opinion, except for the effects of the matter described in", "qualified"),
        ("except for the possible effects of the matters described in the preceding", "qualified"),
        ("Adverse Opinion", "adverse"),
        (
            (
                "In our opinion, because of the matter above, the description does not present "
                "the system"
            ),
            "adverse",
        ),
        (
            "In our opinion, the controls did not operate effectively throughout the period",
            "adverse",
        ),
        ("Disclaimer of Opinion", "disclaimer"),
        ("Accordingly, we do not express an opinion on the description", "disclaimer"),
    ],
)
def test_the_opinion_is_read_the_worst_first(text, opinion):
    assert one(text, "opinion") == {"opinion": opinion}


@pytest.mark.parametrize(
    "aside",
    [
        "Accordingly, we express no opinion on it.",
        "we do not express an opinion on management's responses to exceptions",
        "The team has qualified engineers.",
    ],
)
def test_boilerplate_is_no_qualification(aside):
    said = f"In our opinion, in all material respects, it is presented. {aside}"
    assert one(said, "opinion") == {"opinion": "unqualified"}


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("criteria relevant to security", ["security"]),
        (
            "relevant to Security, Availability, and Confidentiality",
            ["security", "availability", "confidentiality"],
        ),
        (
            "relevant to security, availability, processing integrity, confidentiality and privacy",
            ["security", "availability", "processing_integrity", "confidentiality", "privacy"],
        ),
        ("Trust Services Categories: Security & Privacy", ["security", "privacy"]),
    ],
)
def test_categories_are_read_from_their_list(text, listed):
    assert one(text, "categories") == {"categories": listed}


SIGNED = "Independent Service Auditor's Report\nIn our opinion, it is so.\n{}\nBoston, MA\n{}\n"


@pytest.mark.parametrize(
    "firm",
    ["Ridgeline Assurance LLP", "Halden & Moss, P.C.", "Corwin Peake CPAs", "KPMG", "A-LIGN"],
)
def test_the_auditor_is_who_signs_the_letter_and_its_date_is_beside(firm):
    text = SIGNED.format(firm, "October 28, 2026")
    assert one(text, "auditor") == {"auditor": firm}
    assert one(text, "issued_on") == {"issued_on": "2026-10-28"}


def test_the_company_is_not_its_own_auditor():
    text = "Larkspur Speech LLC\n" + SIGNED.format("Ridgeline Assurance LLP", "1 October 2026")
    found = one(text, "auditor", own_names=("Larkspur Speech",))
    assert found == {"auditor": "Ridgeline Assurance LLP"}


@pytest.mark.parametrize(
    ("text", "name", "method"),
    [
        (
            (
                "Larkspur uses Amazon Web Services (AWS), a subservice organization, to provide "
                "hosting. The description excludes the controls of the subservice organization."
            ),
            "Amazon Web Services",
            "carve_out",
        ),
        (
            "Subservice organizations: Cloudflare protects the edge. Using the carve-out method.",
            "Cloudflare",
            "carve_out",
        ),
        (
            (
                "Larkspur uses Dellwood Hosting, Inc. as a subservice organization for servers. "
                "The description is presented using the inclusive method."
            ),
            "Dellwood Hosting",
            "inclusive",
        ),
    ],
)
def test_subservices_are_read_with_their_method(text, name, method):
    found = one(text, "subservice")
    assert found is not None
    assert (found["name"], found["method"]) == (name, method)


def test_a_company_that_is_no_subservice_is_not_proposed():
    assert one("Our customers include users of Snowflake and Okta.", "subservice") is None


CUEC_ITEMS = ["restrict access to their keys.", "review their list of users each quarter."]


@pytest.mark.parametrize(
    "mark", ["• ", "- ", "1. ", "(a) ", "CUEC-01: "], ids=["bullet", "dash", "number", "a", "ref"]
)
def test_cuecs_are_read_from_a_list_until_the_next_heading(mark):
    lines = [f"{mark}User entities {item}" for item in CUEC_ITEMS]
    text = "\n".join(
        [
            "Complementary User Entity Controls",
            "Controls were designed with this in mind.",
            *lines,
            "Complementary Subservice Organization Controls",
            f"{mark}The hosting company locks its doors.",
        ]
    )
    found = [p for p in read([BLANK, text]) if p.field == "cuec"]
    assert [p.values["text"] for p in found] == [f"User entities {item}" for item in CUEC_ITEMS]
    assert {p.page for p in found} == {2}


def test_an_item_goes_on_over_lines_and_pages():
    pages = [
        "Complementary User Entity Controls\n• User entities are responsible for",
        "revoking keys without delay.\n• User entities train their people.\nSection IV",
    ]
    found = [p.values["text"] for p in read(pages) if p.field == "cuec"]
    assert found[0] == "User entities are responsible for revoking keys without delay."
    assert len(found) == 2


def test_the_table_of_contents_is_no_list_of_cuecs():
    text = "Complementary User Entity Controls ........ 30\n1. Something else entirely."
    assert one(text, "cuec") is None


def test_an_exception_comes_with_its_control_sample_and_answer():
    text = (
        "LAC-07 Access is removed in three days. CC6.2 Inspected a sample. Exception noted. "
        "For 2 of 25 terminated employees sampled, access was removed late. "
        "Management's response: It is removed by the personnel system now."
    )
    found = one(text, "exception")
    assert found is not None
    assert (found["control"], found["criterion"]) == ("LAC-07", "CC6.2")
    assert (found["sample_failed"], found["sample_size"]) == ("2", "25")
    assert found["response"] == "It is removed by the personnel system now."


@pytest.mark.parametrize(
    "text",
    ["No exceptions noted.", "No deviations were identified.", "without exceptions noted if"],
)
def test_a_test_that_passed_is_no_exception(text):
    assert one(f"LAC-07 {text}", "exception") is None


def test_headers_and_footers_are_not_quoted():
    pages = [f"Larkspur Confidential\nPage text {n} of some length.\n{n} of 9" for n in range(9)]
    pages[4] += "\nIn our opinion, in all material respects, it is so."
    found = [p for p in read(pages) if p.field == "opinion"]
    assert "Confidential" not in found[0].quote


def test_services_and_words_are_found_whatever_the_spaces():
    pages = [BLANK, "Larkspur\nTranscribe turns calls into text.", BLANK]
    assert [p.page for p in mentions(pages, ["Larkspur Transcribe"])] == [2]
    assert [p.page for p in search(pages, "CALLS  INTO")] == [2]
    assert search(pages, "nowhere") == []


def test_a_scan_says_that_it_holds_no_text():
    assert not has_text(["", " ", "3"])
    assert has_text([BLANK])


@settings(deadline=None)  # the machine may be busy; the tests below tell what is slow
@given(st.lists(st.text(max_size=400), max_size=6))
def test_garbage_is_read_without_an_error(pages):
    for proposal in read(pages):
        assert 1 <= proposal.page <= len(pages)


@pytest.mark.parametrize("text", ["(" * 5000, "A " * 20_000, "1 October " * 4000, "of " * 20_000])
def test_text_made_to_be_slow_is_read_in_time(text):
    """A regular expression that backtracks would hang the worker; the runner's timeout tells."""
    started = dt.datetime.now(tz=dt.UTC)
    read([text[:20_000]] * 5)
    assert dt.datetime.now(tz=dt.UTC) - started < dt.timedelta(seconds=10)
