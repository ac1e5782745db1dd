"""A customer's own sheet becomes a draft; the sentences here are ours."""

from __future__ import annotations

import io

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from vendors.models import Questionnaire, QuestionSheet
from vendors.services.question_sheets import (
    Columns,
    best_sheet,
    propose_columns,
    questions_of,
    store_sheet,
)
from vendors.services.questionnaires import publish_questionnaire
from vendors.sheets import TableRefused
from vendors.tests import make
from vendors.tests.make import person

# Built like a CAIQ: a title, a line of groups, then the headings.
CAIQ = [
    ["OUR OWN CLOUD QUESTIONS 4.0"],
    ["", "", "Answers", "", ""],
    [
        "Question ID",
        "Question",
        "CSP CAIQ Answer",
        "CSP Implementation Description",
        "CCM Control Title",
    ],
    ["A&A-01.1", "Does somebody own the audit plan?", "", "", "Audit Policy"],
    ["A&A-01.2", "Is it looked at each year?", "", "", "Audit Policy"],
    ["IAM-02.1", "Do long passwords hold everywhere?", "", "", "Strong Passwords"],
]
# Built like a SIG: section lines between the questions, an answer type.
SIG = [
    ["Ques Num", "Question/Request", "Response", "Answer Type", "Additional Information"],
    ["A. Risk"],
    ["A.1", "Is there a person for risk?", "", "Yes/No", ""],
    ["A.1", "Since which day?", "", "Date", "As a day"],
    ["B. Logs"],
    ["B.1", "How many days are logs kept?", "", "Number", ""],
    ["B.2", "Describe who reads them.", "", "Free text", ""],
    ["", "", "", "", ""],
]


def workbook(**sheets: list[list[str]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            page = book.add_worksheet(name)
            for line, cells in enumerate(rows):
                for column, text in enumerate(cells):
                    page.write_string(line, column, text)
    return out.getvalue()


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (CAIQ, Columns(heading=2, text=1, code=0, section=4)),
        (SIG, Columns(heading=0, text=1, code=0, help=4, kind=3)),
        ([["#", "Control question", "Guidance"]], Columns(heading=0, text=1, code=0, help=2)),
        ([["Domain", "Requirement"]], Columns(heading=0, text=1, section=0)),
        ([["Name", "Colour"]], None),
        ([[""]], None),
    ],
)
def test_what_the_headings_seem_to_mean(rows, columns):
    assert propose_columns(rows) == columns


def test_questions_of_a_sheet_like_a_caiq():
    drafted = questions_of(CAIQ, propose_columns(CAIQ), default="yes_no_na")
    assert [(q.code, q.section, q.kind) for q in drafted.questions] == [
        ("A&A-01.1", "Audit Policy", "choice"),
        ("A&A-01.2", "Audit Policy", "choice"),
        ("IAM-02.1", "Strong Passwords", "choice"),
    ]
    assert drafted.questions[0].choices[2] == ["na", "Not applicable"]


def test_questions_of_a_sheet_like_a_sig():
    drafted = questions_of(SIG, propose_columns(SIG), default="text")
    assert [(q.code, q.section, q.kind) for q in drafted.questions] == [
        ("A.1", "A. Risk", "yes_no"),
        ("A.1-2", "A. Risk", "date"),
        ("B.1", "B. Logs", "number"),
        ("B.2", "B. Logs", "text"),
    ]
    assert drafted.skipped == 3


@pytest.mark.parametrize("code", ["=cmd()", "  ", "\u00e4\u00f6\u00fc", "x" * 200, "<b>1</b>"])
def test_a_code_is_made_to_stand(code):
    drafted = questions_of([["Id", "Question"], [code, "Well?"]], Columns(0, 1, 0), default="text")
    question = drafted.questions[0]
    question.full_clean(exclude=["questionnaire", "position"], validate_constraints=False)
    assert 1 <= len(question.code) <= 40


def test_the_sheet_with_the_questions_is_found():
    assert best_sheet({"Cover": [["Welcome"]] * 50, "Ask": SIG}) == "Ask"


@pytest.mark.django_db
def test_every_sheet_is_read_and_the_last_upload_takes_the_place_of_the_one_before():
    officer = person()
    content = workbook(Cover=[["Hello"], ["there"]], Empty=[], Questions=CAIQ)
    store_sheet("old.xlsx", content, by=officer, at=timezone.now())
    stored = store_sheet("ours.xlsx", content, by=officer, at=timezone.now())
    assert set(stored.sheets) == {"Cover", "Questions"}
    assert QuestionSheet.objects.get() == stored


@pytest.mark.django_db
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x00\x01\x02"])
def test_what_is_no_sheet_is_refused(content):
    with pytest.raises(TableRefused):
        store_sheet("x.xlsx", content, by=person(), at=timezone.now())
    assert not QuestionSheet.objects.exists()


@pytest.fixture
def officer(db, client):
    signed_in = person(
        "vendors.add_questionnaire", "vendors.view_questionnaire", "vendors.change_questionnaire"
    )
    client.force_login(signed_in)
    return signed_in


def upload(client, content: bytes, name: str = "ours.xlsx"):
    path = reverse("vendors:questionnaire-import")
    return client.post(path, {"file": SimpleUploadedFile(name, content)})


def chosen(page) -> dict[str, object]:
    """What the form says as it was proposed."""
    form = page.context["form"]
    return {name: form.initial.get(name, "") for name in form.fields}


@pytest.mark.parametrize("kind", ["caiq", "sig", "csv"])
def test_from_the_file_to_a_published_questionnaire(officer, client, kind):
    lines = {"caiq": CAIQ, "sig": SIG, "csv": SIG}[kind]
    content = workbook(Questions=lines)
    if kind == "csv":
        content = "\r\n".join(",".join(line) for line in lines).encode()
    answer = upload(client, content, f"ours.{'csv' if kind == 'csv' else 'xlsx'}")
    page = client.get(answer.url)
    assert lines[-2][1].encode() in page.content
    assert not Questionnaire.objects.exists()
    made = client.post(answer.url, chosen(page) | {"make": "1"})
    draft = Questionnaire.objects.get()
    assert made.url == reverse("vendors:questionnaire-detail", args=[draft.pk])
    assert (draft.state, draft.source, draft.title) == ("draft", "imported", "ours")
    assert not QuestionSheet.objects.exists()
    assert publish_questionnaire(draft, on=make.TODAY).state == "published"


def test_another_column_is_looked_at_before_anything_is_made(officer, client):
    url = upload(client, workbook(Questions=CAIQ)).url
    body = chosen(client.get(url)) | {"text": "4", "look": "1"}
    assert b"Strong Passwords" in client.post(url, body).content
    empty = client.post(url, chosen(client.get(url)) | {"text": "3", "make": "1"})
    assert b"hold no question" in empty.content
    assert not Questionnaire.objects.exists()


def test_a_refused_file_says_why_and_what_is_anothers_is_not_there(officer, client):
    assert "cannot be read" in upload(client, b"PK\x03\x04 broken").content.decode()
    url = upload(client, workbook(Questions=SIG)).url
    client.force_login(person("vendors.add_questionnaire"))
    assert client.get(url).status_code == 404


def test_a_sheet_that_would_run_is_shown_as_text(officer, client):
    evil = "<script>alert(1)</script> why?"
    url = upload(client, workbook(Questions=[["Id", "Question"], ["1", evil], ["2", "=1+1"]])).url
    assert "<script>alert" not in client.get(url).content.decode()
