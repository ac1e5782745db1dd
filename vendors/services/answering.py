"""What a vendor does behind the link: saves answers in several sittings, then submits them.

The history of changes is switched off here: it would keep the address of a stranger and every
draft. Openings and submissions are append-only and tell the story.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field

from auditlog.context import disable_auditlog
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db import transaction

from countersign.canonical import digest
from vendors.models import Answer, Document, Inquiry, Question, Submission
from vendors.models.questionnaires import COMMENT_CHARACTERS
from vendors.questions import Asked, Unfit, Value, fit, missing, visible
from vendors.services.documents import storing
from vendors.services.inquiries import locked
from vendors.services.questionnaires import asked
from vendors.services.saving import save_checked
from vendors.uploads import UploadRefused

# Tighter than for our own people: who holds the link has no account.
FILE_BYTES = 10 * 1024 * 1024
FILES = 40


class AnswersRefused(Exception):
    """Nothing was kept; `problems` says by code what is wrong, and quotes nothing."""

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        super().__init__("answers refused")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Given:
    """What was given to one question, as it came; `drop` takes the attached file away."""

    value: object = None
    comment: str = ""
    file: File[bytes] | None = None
    drop: bool = False


@dataclass(slots=True)
class Sheet:
    """An inquiry with its questions and answers, by code; every rule is asked of it."""

    inquiry: Inquiry
    questions: list[Question]
    answers: dict[str, Answer]
    submitted: int
    asked: list[Asked] = field(init=False)

    def __post_init__(self) -> None:
        self.asked = [asked(question) for question in self.questions]

    def values(self) -> dict[str, Value]:
        return {code: answer.value for code, answer in self.answers.items()}

    def visible(self, changed: Mapping[str, Value] | None = None) -> frozenset[str]:
        """The codes that are shown, with the `changed` answers in place of the stored ones."""
        return visible(self.asked, {**self.values(), **(changed or {})})

    def attached(self) -> set[str]:
        return {code for code, answer in self.answers.items() if answer.document_id}

    def missing(self) -> list[str]:
        """Shown required questions without an answer."""
        return missing(self.asked, self.values(), self.attached())

    def editable(self, code: str) -> bool:
        """Whether the vendor may answer: after a submission only what is asked again, or new."""
        answer = self.answers.get(code)
        if not self.submitted or answer is None:
            return True
        return answer.review == Answer.Review.CLARIFY

    def sections(self) -> dict[str, list[Question]]:
        """The questions by section, in the order in which the sections first appear."""
        found: dict[str, list[Question]] = {}
        for question in self.questions:
            found.setdefault(question.section, []).append(question)
        return found


def sheet_of(inquiry: Inquiry) -> Sheet:
    """Questions and answers of an inquiry; three queries."""
    answers = inquiry.answers.select_related("question", "document", "reviewed_by")
    return Sheet(
        inquiry,
        list(inquiry.questionnaire.questions.order_by("position")),
        {answer.question.code: answer for answer in answers},
        inquiry.submissions.count(),
    )


def as_submitted(sheet: Sheet) -> Sheet:
    """The sheet as the vendor last submitted it: what it drafts since is its own; unsaved."""
    last = sheet.inquiry.submissions.last()
    content = last.content if last else {}
    answers = {code: answer for code, answer in sheet.answers.items() if code in content}
    for code, answer in answers.items():
        said = content[code]
        answer.value, answer.comment = said["value"], said["comment"]
        if answer.document is not None and answer.document.sha256 != said["document_sha256"]:
            answer.document = None
    return Sheet(sheet.inquiry, sheet.questions, answers, sheet.submitted)


def check_given(question: Question, given: Given) -> tuple[Value, list[str]]:
    """The value that was meant, and what is wrong with what was given."""
    problems = []
    value: Value = None
    try:
        value = fit(asked(question), given.value)
    except Unfit as unfit:
        problems.append(str(unfit))
    if len(given.comment) > COMMENT_CHARACTERS:
        problems.append(f"Use at most {COMMENT_CHARACTERS} characters in the comment.")
    if given.file is not None and not (question.takes_document or question.kind == "file"):
        problems.append("This question takes no file.")
    if given.file is not None and given.file.size > FILE_BYTES:
        problems.append(f"The file is larger than {FILE_BYTES // 1024 // 1024} MB.")
    return value, problems


def _unwatched(by: AbstractBaseUser | None) -> AbstractContextManager[None]:
    """The history of changes is silent for a stranger, and names one of us."""
    return nullcontext() if by else disable_auditlog()


def save_answers(
    inquiry: Inquiry,
    given: Mapping[str, Given],
    *,
    at: dt.datetime,
    by: AbstractBaseUser | None = None,
) -> None:
    """Keep answers as a draft, all or none; `by` is one of us who brings a workbook back.

    Raises: AnswersRefused with what is wrong by code; ValidationError if the inquiry is not open
    to the vendor at the moment `at`, or a code is unknown or not open.
    """
    with _unwatched(by), transaction.atomic(), ExitStack() as stack:
        sheet = sheet_of(_open(inquiry, at))
        questions = {question.code: question for question in sheet.questions}
        if not all(code in questions and sheet.editable(code) for code in given):
            raise ValidationError("An answer names a question that is not open.")
        checked = {code: check_given(questions[code], each) for code, each in given.items()}
        if wrong := {code: problems for code, (_, problems) in checked.items() if problems}:
            raise AnswersRefused(wrong)
        files = sum(each.file is not None for each in given.values())
        if sheet.inquiry.uploads + files > FILES:
            raise ValidationError(f"At most {FILES} files can be sent with one questionnaire.")
        sheet.inquiry.uploads += files
        save_checked(sheet.inquiry)
        for code, each in given.items():
            document = stack.enter_context(_stored(code, each.file))
            row = sheet.answers.get(code) or Answer(inquiry=sheet.inquiry, question=questions[code])
            _keep(row, checked[code][0], each, document, at)


def _open(inquiry: Inquiry, at: dt.datetime) -> Inquiry:
    stored = locked(inquiry)
    if not stored.open_to_vendor(at):
        raise ValidationError("This questionnaire is not open any more.")
    return stored


@contextmanager
def _stored(code: str, file: File[bytes] | None) -> Iterator[Document | None]:
    try:
        with storing(file, by=None) as document:
            yield document
    except UploadRefused as refused:
        raise AnswersRefused({code: [refused.message]}) from None


def _keep(
    row: Answer, value: Value, given: Given, document: Document | None, at: dt.datetime
) -> None:
    """Store an answer if anything of it changed; an empty one makes no row."""
    kept = document or (None if given.drop else row.document)
    comment = given.comment.replace("\r\n", "\n").strip()
    if (row.value, row.comment, row.document) == (value, comment, kept):
        return
    row.value, row.comment, row.document, row.answered_at = value, comment, kept, at
    save_checked(row)


def submit(inquiry: Inquiry, *, at: dt.datetime, by: AbstractBaseUser | None = None) -> Submission:
    """Hand the answers over to us: what is shown is kept as it is, and the link shows it alone.

    Raises: ValidationError if a required answer is missing or the inquiry is not open.
    """
    with _unwatched(by), transaction.atomic():
        sheet = sheet_of(_open(inquiry, at))
        if codes := sheet.missing():
            raise ValidationError(f"Answers are missing: {', '.join(codes)}.")
        told = submitted_content(sheet)
        made = Submission(
            inquiry=sheet.inquiry,
            number=sheet.submitted + 1,
            at=at,
            content=told,
            digest=digest(told),
        )
        save_checked(made)
        for answer in sheet.answers.values():
            if answer.review == Answer.Review.CLARIFY:
                answer.review = Answer.Review.PENDING
                save_checked(answer)
        sheet.inquiry.state, sheet.inquiry.submitted_at = Inquiry.State.SUBMITTED, at
        save_checked(sheet.inquiry)
        return made


def submitted_content(sheet: Sheet) -> dict[str, dict[str, Value]]:
    """By code the value, the comment and the file's SHA-256 of every shown answer."""
    shown = sheet.visible()
    return {
        question.code: {
            "value": answer.value,
            "comment": answer.comment,
            "document_sha256": answer.document.sha256 if answer.document else None,
        }
        for question in sheet.questions
        if question.code in shown and (answer := sheet.answers.get(question.code))
    }
