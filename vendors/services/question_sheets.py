"""A customer's own sheet of questions, such as a SIG or a CAIQ, becomes a draft.

Whose questions they are: they stay in the customer's database, and nothing of them comes with
Countersign.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.models import Question, Questionnaire, QuestionSheet
from vendors.services.questionnaires import draft_questionnaire
from vendors.sheets import TableRefused, plain_cell, read_table

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

Rows = list[list[str]]
SHEETS, LINES, QUESTIONS = 20, 5_000, 2_000
CELL_CHARACTERS = 2_000
# Headings stand near the top, below a title or two.
HEADING_LINES = 15

# What the headings of such sheets are called. The first that fits a column wins.
HEADINGS = {
    "code": re.compile(
        r"^(question|ques|control|item|ref(erence)?)?\.?\s*(id|num(ber)?|no\.?|#|ref(erence)?)$"
    ),
    "kind": re.compile(r"(answer|response|question)\s*(type|format)|^type$"),
    "answer": re.compile(r"answer|response"),
    "help": re.compile(r"guidance|help|instruction|explanation|additional information"),
    "section": re.compile(r"section|domain|category|topic|area|control title"),
    "text": re.compile(r"question|request|requirement|query"),
}
COLUMNS = ("code", "text", "section", "help", "kind")
YES_NO_NA = [["yes", "Yes"], ["no", "No"], ["na", "Not applicable"]]
# How the answers of a sheet are asked for, where no column says so.
DEFAULT_KINDS = {
    "yes_no_na": "Yes, no or not applicable",
    "yes_no": "Yes or no",
    "text": "Text",
}
KIND_WORDS = (
    ("number", re.compile(r"number|numeric|integer")),
    ("date", re.compile(r"date")),
    ("file", re.compile(r"file|attach|upload|document")),
    ("text", re.compile(r"text|open|comment|free|narrative")),
    ("yes_no_na", re.compile(r"n/?a|not applicable")),
    ("yes_no", re.compile(r"yes|no\b|bool|y/n")),
)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a sheet has what: places of columns from 0, None where it has none.

    `heading` is the place of the line with the headings.
    """

    heading: int
    text: int
    code: int | None = None
    section: int | None = None
    help: int | None = None
    kind: int | None = None


@dataclass(frozen=True, slots=True)
class Drafted:
    """The questions of a sheet, unsaved, and how many lines held none."""

    questions: list[Question]
    skipped: int


@transaction.atomic
def store_sheet(name: str, content: bytes, *, by: User, at: dt.datetime) -> QuestionSheet:
    """Keep an uploaded sheet until a draft is made of it; it takes the place of the last one.

    Raises: vendors.sheets.TableRefused.
    """
    first = read_table(content)
    sheets = {first.sheet or "CSV": _rows(first.headings, [row.cells for row in first.rows])}
    for other in first.sheets[: SHEETS + 1]:
        if other not in sheets and len(sheets) < SHEETS:
            try:
                table = read_table(content, sheet=other)
            except TableRefused:
                continue  # a cover or an empty sheet
            sheets[other] = _rows(table.headings, [row.cells for row in table.rows])
    for older in QuestionSheet.objects.filter(uploaded_by=by):
        older.delete()
    return QuestionSheet.objects.create(
        name=name[:200], sheets=sheets, uploaded_by=by, uploaded_at=at
    )


def _rows(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Rows:
    lines = [list(headings), *[list(cells) for cells in rows[:LINES]]]
    return [[plain_cell(cell)[:CELL_CHARACTERS] for cell in line] for line in lines]


def propose_columns(rows: Rows) -> Columns | None:
    """Where the sheet seems to have what; None if no line looks like headings with a question."""
    best: tuple[int, Columns] | None = None
    for place, line in enumerate(rows[:HEADING_LINES]):
        named = _named(line)
        if "text" in named:
            places = {name: named.get(name) for name in COLUMNS if name != "text"}
            found = Columns(heading=place, text=named["text"], **places)
            if best is None or len(named) > best[0]:
                best = len(named), found
    return best[1] if best else None


def _named(line: list[str]) -> dict[str, int]:
    """What each heading of a line is for; a column is for one thing."""
    found: dict[str, int] = {}
    for place, cell in enumerate(line):
        text = " ".join(cell.casefold().split())
        name = next((n for n, pattern in HEADINGS.items() if text and pattern.search(text)), None)
        if name is not None and len(text) <= 60:
            found.setdefault(name, place)
    return found


def best_sheet(sheets: dict[str, Rows]) -> str:
    """The sheet that looks most like questions: with headings, and the most lines."""
    return max(
        sheets, key=lambda name: (propose_columns(sheets[name]) is not None, len(sheets[name]))
    )


def questions_of(rows: Rows, columns: Columns, *, default: str) -> Drafted:
    """The questions that a sheet asks, by its columns; `default` is one of DEFAULT_KINDS.

    A line with a single filled cell that is no question names the section of those below.
    """
    questions: list[Question] = []
    codes: set[str] = set()
    section, skipped = "Questions", 0
    for line in rows[columns.heading + 1 :]:
        text = _cell(line, columns.text)
        filled = [cell for cell in line if cell.strip()]
        titled = not text or (columns.code is not None and not text.endswith("?"))
        if len(filled) == 1 and titled:
            section = filled[0][:120]
            skipped += 1
            continue
        if not text or len(questions) == QUESTIONS:
            skipped += 1
            continue
        section = _cell(line, columns.section)[:120] or section
        code = _free_code(_cell(line, columns.code), codes, len(questions) + 1)
        kind, choices = _kind(_cell(line, columns.kind), default)
        questions.append(
            Question(
                section=section,
                code=code,
                text=text,
                help=_cell(line, columns.help),
                kind=kind,
                choices=choices,
                takes_document=True,
            )
        )
    return Drafted(questions, skipped)


def _cell(line: list[str], place: int | None) -> str:
    return line[place].strip() if place is not None and place < len(line) else ""


def _free_code(given: str, taken: set[str], number: int) -> str:
    """The code as the sheet gives it, as far as it may stand, and no other question has it."""
    stem = re.sub(r"[^A-Za-z0-9 &._/()-]+", "-", given).strip(" &._/()-")[:34] or f"Q{number}"
    code, again = stem, 1
    while code.casefold() in taken:
        again += 1
        code = f"{stem}-{again}"
    taken.add(code.casefold())
    return code


def _kind(said: str, default: str) -> tuple[str, list[list[str]]]:
    text = said.casefold()
    name = next((n for n, words in KIND_WORDS if text and words.search(text)), default)
    return ("choice", YES_NO_NA) if name == "yes_no_na" else (name, [])


@transaction.atomic
def draft_from_sheet(
    stored: QuestionSheet, fresh: Questionnaire, drafted: Drafted, *, by: User, on: dt.date
) -> Questionnaire:
    """A draft of the sheet's questions; the sheet itself is dropped. Raises: ValidationError."""
    if not drafted.questions:
        raise ValidationError("These columns hold no question.")
    fresh.source, fresh.source_name = Questionnaire.Source.IMPORTED, stored.name
    made = draft_questionnaire(fresh, drafted.questions, by=by, on=on)
    stored.delete()
    return made
