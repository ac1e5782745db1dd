import datetime as dt
import io
import zipfile
from contextlib import closing

import pytest

from vendors.exports import csv_response, escape_cell, table_response, xlsx_response

# Closing a response closes what the request opened, a database connection too.
pytestmark = pytest.mark.django_db
HEADERS = ["Name", "Days", "On"]
ROWS = [["=HYPERLINK(1)", -5, dt.date(2026, 1, 2)], ["plain, text", None, True]]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_text_that_begins_like_a_formula_gets_an_apostrophe(first):
    assert escape_cell(first + "1+1") == "'" + first + "1+1"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("plain", "plain"),
        (-5, -5),
        (None, ""),
        (True, "yes"),
        (dt.date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_other_values_stay_what_they_are(value, cell):
    assert escape_cell(value) == cell


def test_a_csv_holds_every_row_escaped_and_quoted():
    response = csv_response("vendors", HEADERS, ROWS)
    assert response["Content-Disposition"] == 'attachment; filename="vendors.csv"'
    assert b"".join(response) == (
        b'Name,Days,On\r\n\'=HYPERLINK(1),-5,2026-01-02\r\n"plain, text",,yes\r\n'
    )


def test_a_csv_is_sent_while_its_rows_are_read():
    read = []

    def rows():
        for number in range(3):
            read.append(number)
            yield [number]

    lines = iter(csv_response("numbers", ["n"], rows()))
    next(lines), next(lines)
    assert read == [0]


def first_sheet(rows) -> str:
    with closing(xlsx_response("vendors", HEADERS, rows)) as response:
        book = zipfile.ZipFile(io.BytesIO(b"".join(response)))
    return book.read("xl/worksheets/sheet1.xml").decode()


def test_an_xlsx_holds_text_never_formulas():
    sheet = first_sheet(ROWS)
    assert "<f>" not in sheet
    assert "'=HYPERLINK(1)" in sheet
    assert "<v>-5</v>" in sheet


def test_an_xlsx_without_rows_still_has_its_headers():
    assert "Days" in first_sheet([])


@pytest.mark.parametrize(("kind", "ending"), [("xlsx", ".xlsx"), ("csv", ".csv")])
def test_the_kind_asked_for_is_the_kind_given(kind, ending):
    with closing(table_response(kind, "vendors", HEADERS, [])) as response:
        assert ending in response["Content-Disposition"]
