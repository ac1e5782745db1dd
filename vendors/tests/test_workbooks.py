"""A workbook goes out, comes back, and changes only what it may."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
import xlsxwriter
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from vendors.models import Answer
from vendors.services.answering import Given, save_answers, sheet_of
from vendors.services.workbooks import (
    HEADINGS,
    WorkbookRefused,
    compare_workbook,
    questionnaire_workbook,
)
from vendors.sheets import read_table
from vendors.tests import make_inquiries
from vendors.tests.make import person
from vendors.tests.make_inquiries import NOON

pytestmark = pytest.mark.django_db


def filled(sheet, answers: dict[str, str], *, about=None, headings=HEADINGS, write=None) -> bytes:
    """What comes back: the lines as they went out, with these answers typed in."""
    table = read_table(questionnaire_workbook(sheet), sheet="Answers")
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet("Answers")
        page.write_row(0, 0, headings)
        for line, row in enumerate(table.rows, start=1):
            cells = [*row.cells, *[""] * (8 - len(row.cells))]
            cells[6] = answers.get(cells[0], cells[6])
            for column, text in enumerate(cells):
                page.write_string(line, column, text)
            if write:
                write(page, line)
        wanted = about or [str(sheet.inquiry.public_id), sheet.inquiry.questionnaire.digest]
        book.add_worksheet("About").write_row(0, 0, ["Inquiry", "Questions"])
        book.get_worksheet_by_name("About").write_row(1, 0, wanted)
    return out.getvalue()


@pytest.fixture
def sheet():
    return sheet_of(make_inquiries.inquiry())


def test_the_workbook_holds_the_questions_and_comes_back_as_it_went(sheet):
    content = questionnaire_workbook(sheet)
    table = read_table(content, sheet="Answers")
    assert [row.cells[0] for row in table.rows] == ["T1", "T2", "R1", "R2"]
    found = compare_workbook(sheet, content)
    assert (found.changes, found.errors) == ([], [])
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        page = parts.read("xl/worksheets/sheet1.xml").decode()
        assert "<sheetProtection" in page
        assert '"Yes,No"' in page
        assert 'state="veryHidden"' in parts.read("xl/workbook.xml").decode()


def test_what_differs_is_told_and_can_be_kept(sheet):
    found = compare_workbook(sheet, filled(sheet, {"T1": "no", "R1": "30"}))
    assert [(c.question.code, c.old, c.new) for c in found.changes] == [
        ("T1", None, "no"),
        ("R1", None, 30),
    ]
    save_answers(sheet.inquiry, found.given(), at=NOON)
    assert sheet_of(sheet.inquiry).values() == {"T1": "no", "R1": 30}


def test_an_empty_cell_undoes_nothing(sheet):
    content = filled(sheet, {"R1": "30"})
    save_answers(sheet.inquiry, {"T1": Given("yes", "by the terms")}, at=NOON)
    found = compare_workbook(sheet_of(sheet.inquiry), content)
    assert [change.question.code for change in found.changes] == ["R1"]


def test_wrong_lines_are_told_by_their_number_and_not_repeated(sheet):
    found = compare_workbook(sheet, filled(sheet, {"T1": "perhaps", "R1": "soon"}))
    assert [number for number, _ in found.errors] == [2, 4]
    assert "perhaps" not in str(found.errors)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"about": ["00000000-0000-0000-0000-000000000000", "0" * 64]}, "another questionnaire"),
        ({"headings": ("A", "B", "C", "D", "E", "F", "G", "H")}, "headings"),
        ({"write": lambda page, line: page.write_formula(line, 6, "=1+1", None, 2)}, "formula"),
        ({"write": lambda page, line: page.write_formula(20, 20, '=WEBSERVICE("x")')}, "formula"),
    ],
    ids=["another", "headings", "formula", "formula elsewhere"],
)
def test_a_workbook_that_was_tampered_with_is_refused(sheet, change, words):
    with pytest.raises(WorkbookRefused, match=words):
        compare_workbook(sheet, filled(sheet, {"T1": "no"}, **change))


def test_the_workbook_of_an_older_version_is_refused(sheet):
    other = sheet_of(make_inquiries.inquiry())
    with pytest.raises(WorkbookRefused, match="another questionnaire"):
        compare_workbook(sheet, questionnaire_workbook(other))


@pytest.mark.parametrize("content", [b"code,answer\nT1,no\n", b"PK\x03\x04 no archive", b""])
def test_what_is_no_workbook_is_refused(sheet, content):
    with pytest.raises(WorkbookRefused):
        compare_workbook(sheet, content)


def test_a_workbook_that_unpacks_to_too_much_is_refused(sheet, monkeypatch):
    monkeypatch.setattr("vendors.sheets.MAX_UNPACKED", 1000)
    with pytest.raises(WorkbookRefused, match="unpacks"):
        compare_workbook(sheet, questionnaire_workbook(sheet))


def test_no_cell_that_goes_out_is_run(sheet):
    save_answers(sheet.inquiry, {"T1": Given("yes", '=HYPERLINK("http://x")')}, at=NOON)
    save_answers(sheet.inquiry, {"T2": Given("@SUM(A1)")}, at=NOON)
    content = questionnaire_workbook(sheet_of(sheet.inquiry))
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
        assert b"<t>'=HYPERLINK" in parts.read("xl/sharedStrings.xml")
    assert compare_workbook(sheet_of(sheet.inquiry), content).changes == []


def test_the_vendor_brings_it_back_by_its_link(client):
    inquiry, token = make_inquiries.linked(at=timezone.now())
    path = reverse("vendors:answer-workbook", args=[token])
    assert client.get(path, {"download": 1}).content.startswith(b"PK")
    content = filled(sheet_of(inquiry), {"T1": "no", "R1": "30"})
    page = client.post(path, {"workbook": SimpleUploadedFile("a.xlsx", content)})
    assert not Answer.objects.exists()
    decision = re.search(r'name="decision" value="([^"]+)"', page.content.decode())[1]
    client.post(path, {"decision": decision + "x"})
    assert not Answer.objects.exists()
    assert client.post(path, {"decision": decision}).status_code == 302
    assert sheet_of(inquiry).values() == {"T1": "no", "R1": 30}


def test_what_was_compared_for_one_is_not_kept_for_another(client):
    first, token = make_inquiries.linked(at=timezone.now())
    _, other = make_inquiries.linked(at=timezone.now())
    content = filled(sheet_of(first), {"T1": "no"})
    path = reverse("vendors:answer-workbook", args=[token])
    page = client.post(path, {"workbook": SimpleUploadedFile("a.xlsx", content)})
    decision = re.search(r'name="decision" value="([^"]+)"', page.content.decode())[1]
    client.post(reverse("vendors:answer-workbook", args=[other]), {"decision": decision})
    assert not Answer.objects.exists()


def test_the_officer_brings_it_back_and_submits_it(client):
    officer = person("vendors.change_inquiry", "vendors.view_answer", "vendors.view_inquiry")
    client.force_login(officer)
    inquiry = make_inquiries.inquiry(at=timezone.now())
    path = reverse("vendors:inquiry-answers", args=[inquiry.pk])
    content = filled(sheet_of(inquiry), {"T1": "no", "R1": "30"})
    page = client.post(path, {"workbook": SimpleUploadedFile("a.xlsx", content)})
    decision = re.search(r'name="decision" value="([^"]+)"', page.content.decode())[1]
    client.post(path, {"decision": decision, "submit": "1"})
    inquiry.refresh_from_db()
    assert inquiry.state == "submitted"
    assert LogEntry.objects.filter(actor=officer, changes__has_key="state").exists()
    assert client.get(path).url == reverse("vendors:inquiry-detail", args=[inquiry.pk])
