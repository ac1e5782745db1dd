"""What pages show of a questionnaire's sections and answers, for the vendor and for us."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from vendors.models import Answer, Question
from vendors.questions import YES_NO, Value
from vendors.services.answering import Sheet


@dataclass(frozen=True, slots=True)
class SectionLine:
    """A section with questions to show. `number` counts all sections, from 1."""

    number: int
    name: str
    questions: list[Question]
    shown: int
    answered: int
    missing: int
    again: int

    @property
    def done(self) -> bool:
        return not self.missing and not self.again


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """A shown question with its answer in words."""

    question: Question
    answer: Answer | None
    words: str
    missing: bool


@dataclass(frozen=True, slots=True)
class AnsweredSection:
    number: int
    name: str
    lines: list[AnswerLine]


def section_lines(sheet: Sheet) -> list[SectionLine]:
    """Each section that has something to show, with what is done of it."""
    shown, missing = sheet.visible(), set(sheet.missing())
    found = []
    for number, (name, questions) in enumerate(sheet.sections().items(), start=1):
        codes = [question.code for question in questions if question.code in shown]
        answers = [sheet.answers[code] for code in codes if code in sheet.answers]
        if codes:
            found.append(
                SectionLine(
                    number,
                    name,
                    questions,
                    len(codes),
                    sum(
                        answer.value is not None or answer.document_id is not None
                        for answer in answers
                    ),
                    len(missing.intersection(codes)),
                    sum(answer.review == Answer.Review.CLARIFY for answer in answers),
                )
            )
    return found


def answer_lines(sheet: Sheet) -> list[AnsweredSection]:
    """Every shown question with its answer, by section."""
    shown, missing = sheet.visible(), set(sheet.missing())
    found = []
    for number, (name, questions) in enumerate(sheet.sections().items(), start=1):
        lines = [
            AnswerLine(
                question,
                answer := sheet.answers.get(question.code),
                value_text(question, answer.value if answer else None),
                question.code in missing,
            )
            for question in questions
            if question.code in shown
        ]
        if lines:
            found.append(AnsweredSection(number, name, lines))
    return found


def value_text(question: Question, value: Value) -> str:
    """An answer as a person reads it; nothing where there is none."""
    if value is None:
        return ""
    if question.kind == Question.Kind.DATE:
        return f"{dt.date.fromisoformat(str(value)):%-d %B %Y}"
    pairs = YES_NO if question.kind == Question.Kind.YES_NO else question.choices
    labels = {pair[0]: pair[1] for pair in pairs}
    values = value if isinstance(value, list) else [str(value)]
    return ", ".join(labels.get(each, each) for each in values)
