"""A questionnaire as a workbook: answered offline, brought back, compared before it is kept.

The workbook names its inquiry and the digest of its questions; it comes back to these alone. What a
cell computes is never taken: a workbook with a formula is refused.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from vendors.models import Question
from vendors.questions import YES_NO, Value
from vendors.services.answering import Given, Sheet, check_given
from vendors.sheets import FORMULA, Table, TableRefused, is_workbook, plain_cell, read_table

ANSWERS, ABOUT = "Answers", "About"
HEADINGS = ("Code", "Section", "Question", "Help", "Allowed", "Shown if", "Answer", "Comment")
CODE, ANSWER, COMMENT = HEADINGS.index("Code"), HEADINGS.index("Answer"), HEADINGS.index("Comment")
WIDTHS = (10, 22, 60, 40, 36, 24, 36, 40)
# The longest list that a cell's drop-down holds as text (limit of the format).
DROPDOWN_CHARACTERS = 255
FORMULA_PART = re.compile(rb"<(?:\w+:)?f[\s>/]")


class WorkbookRefused(Exception):
    """The workbook is not read; the message quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class CellChange:
    """A question whose answer or comment the workbook would change."""

    question: Question
    old: Value
    new: Value
    old_comment: str
    new_comment: str


@dataclass(slots=True)
class Comparison:
    """What a workbook would change, and what is wrong with it by line; None is kept with errors."""

    changes: list[CellChange] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)

    def given(self) -> dict[str, Given]:
        """The changes as answers."""
        return {
            change.question.code: Given(change.new, change.new_comment) for change in self.changes
        }


def questionnaire_workbook(sheet: Sheet) -> bytes:
    """The questions with the answers so far, as XLSX; only answers and comments can be typed in."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        page = book.add_worksheet(ANSWERS)
        _about(book.add_worksheet(ABOUT), sheet)
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        locked = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        open_cell = book.add_format(
            {"text_wrap": True, "valign": "top", "num_format": "@", "locked": False, "border": 1}
        )
        page.freeze_panes(1, 1)
        page.protect("", {"format_columns": True, "format_rows": True})
        for column, (heading, width) in enumerate(zip(HEADINGS, WIDTHS, strict=True)):
            page.set_column(column, column, width)
            page.write_string(0, column, heading, bold)
        for line, question in enumerate(sheet.questions, start=1):
            _line(page, line, question, sheet, (locked, open_cell))
    return buffer.getvalue()


def _about(page: Worksheet, sheet: Sheet) -> None:
    page.very_hidden()
    page.write_row(0, 0, ["Inquiry", "Questions"])
    page.write_row(1, 0, [str(sheet.inquiry.public_id), sheet.inquiry.questionnaire.digest])


def _line(
    page: Worksheet, line: int, question: Question, sheet: Sheet, formats: tuple[Format, Format]
) -> None:
    locked, open_cell = formats
    answer = sheet.answers.get(question.code)
    editable = sheet.editable(question.code)
    cells = [
        question.code,
        question.section,
        question.text,
        question.help,
        allowed(question),
        shown_words(question),
        cell_text(question, answer.value if answer else None),
        answer.comment if answer else "",
    ]
    for column, text in enumerate(cells):
        typed = editable and column in (ANSWER, COMMENT)
        page.write_string(line, column, safe(text), open_cell if typed else locked)
    labels = [label for _, label in _options(question)]
    fits = len(",".join(labels)) <= DROPDOWN_CHARACTERS and not any("," in each for each in labels)
    if labels and fits and question.kind != Question.Kind.MULTIPLE:
        page.data_validation(line, ANSWER, line, ANSWER, {"validate": "list", "source": labels})


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _options(question: Question) -> list[Sequence[str]]:
    return list(YES_NO) if question.kind == Question.Kind.YES_NO else list(question.choices)


def allowed(question: Question) -> str:
    """In words what can be answered."""
    labels = "; ".join(label for _, label in _options(question))
    kinds = {
        Question.Kind.MULTIPLE: f"Several of, divided by a semicolon: {labels}",
        Question.Kind.NUMBER: "A whole number",
        Question.Kind.DATE: "A day as YYYY-MM-DD",
        Question.Kind.FILE: "A PDF, attached on the page of the link",
        Question.Kind.TEXT: "Text",
    }
    return kinds.get(Question.Kind(question.kind), f"One of: {labels}")


def shown_words(question: Question) -> str:
    """In words when a question is to be answered."""
    if not question.shown_if:
        return ""
    return f"{question.shown_if['code']} is {' or '.join(question.shown_if['values'])}"


def cell_text(question: Question, value: Value) -> str:
    """An answer as it stands in a cell: labels of choices, days in ISO 8601."""
    if value is None:
        return ""
    labels = {option[0]: option[1] for option in _options(question)}
    values = value if isinstance(value, list) else [str(value)]
    return "; ".join(labels.get(each, each) for each in values)


def compare_workbook(sheet: Sheet, content: bytes) -> Comparison:
    """What a workbook that came back would change; nothing is kept.

    Only lines that differ from what is stored count, so that a workbook taken out early does not
    undo what was answered on the page, unless it says something else. An emptied cell changes
    nothing. Raises: WorkbookRefused.
    """
    table = _opened(sheet, content)
    questions = {question.code: question for question in sheet.questions}
    found, seen = Comparison(), set()
    for row in table.rows:
        cells = [*row.cells, *[""] * (len(HEADINGS) - len(row.cells))]
        question = questions.get(cells[CODE])
        if question is None or question.code in seen:
            found.errors.append((row.number, "This code is no question, or stands here twice."))
            continue
        seen.add(question.code)
        _compare_line(sheet, question, (row.number, cells), found)
    return found


def _compare_line(
    sheet: Sheet, question: Question, line: tuple[int, list[str]], found: Comparison
) -> None:
    number, cells = line
    answer = sheet.answers.get(question.code)
    old, old_comment = (answer.value, answer.comment) if answer else (None, "")
    text, comment = plain_cell(cells[ANSWER]), plain_cell(cells[COMMENT])
    if question.kind == Question.Kind.FILE:
        text = ""
    value, problems = check_given(question, Given(text, comment))
    if problems:
        found.errors += [(number, problem) for problem in problems]
        return
    value = old if value is None else value
    comment = comment or old_comment
    if (value, comment) == (old, old_comment):
        return
    if not sheet.editable(question.code):
        found.errors.append((number, "This question is not open any more."))
        return
    found.changes.append(CellChange(question, old, value, old_comment, comment))


def _opened(sheet: Sheet, content: bytes) -> Table:
    """The answers of a workbook that is ours. Raises: WorkbookRefused."""
    if not is_workbook(content):
        raise WorkbookRefused("Upload the workbook as XLSX.")
    try:
        about = read_table(content, sheet=ABOUT)
        _no_formulas(content)
        table = read_table(content, sheet=ANSWERS)
    except TableRefused as refused:
        messages = {"sheet": "This is not a workbook that was taken out here."}
        raise WorkbookRefused(messages.get(refused.code, refused.message)) from None
    said = about.rows[0].cells
    wanted = (str(sheet.inquiry.public_id), sheet.inquiry.questionnaire.digest)
    if tuple(said[:2]) != wanted:
        raise WorkbookRefused("This workbook belongs to another questionnaire or version.")
    if table.headings[: len(HEADINGS)] != HEADINGS:
        raise WorkbookRefused("The headings were changed. Take the workbook out again.")
    return table


def _no_formulas(content: bytes) -> None:
    """Raises: WorkbookRefused if any cell computes its value; sizes were checked before."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and FORMULA_PART.search(archive.read(name)):
                raise WorkbookRefused("A cell holds a formula. Paste its value instead.")


def decided(found: Comparison) -> Mapping[str, Given]:
    """What to keep. Raises: WorkbookRefused if any line is wrong: all or none."""
    if found.errors:
        raise WorkbookRefused("Nothing was kept: correct the lines that are wrong first.")
    return found.given()
