"""What lists and pages show of inquiries."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from vendors import as_of
from vendors.models import Answer, Inquiry, Question, Vendor
from vendors.services.answering import Sheet

STATES = {
    Inquiry.State.SENT: ("info", "Sent"),
    Inquiry.State.OPENED: ("info", "Opened"),
    Inquiry.State.SUBMITTED: ("soon", "To review"),
    Inquiry.State.IN_REVIEW: ("soon", "In review"),
    Inquiry.State.ACCEPTED: ("ok", "Reviewed"),
    Inquiry.State.WITHDRAWN: ("neutral", "Withdrawn"),
}
REVIEW_KINDS = {
    Answer.Review.PENDING: "neutral",
    Answer.Review.ACCEPTED: "ok",
    Answer.Review.REJECTED: "bad",
    Answer.Review.CLARIFY: "soon",
}


@dataclass(frozen=True, slots=True)
class InquiryLine:
    """An inquiry in a list. `days` are those until the link ends, where it waits for the vendor."""

    inquiry: Inquiry
    kind: str
    word: str
    days: int | None
    shown: int
    answered: int
    missing: int

    @property
    def about(self) -> str:
        service = self.inquiry.service
        return service.name if service else "The vendor as a whole"


def standing(inquiry: Inquiry, at: dt.datetime, submissions: int) -> tuple[str, str]:
    """The colour and the word of an inquiry's state at a moment."""
    if inquiry.expired(at):
        return "bad", "Link ended"
    if submissions and inquiry.state == Inquiry.State.OPENED:
        return "soon", "Asked again"
    return STATES[Inquiry.State(inquiry.state)]


def inquiry_lines(inquiries: Sequence[Inquiry], at: dt.datetime) -> list[InquiryLine]:
    """The lines of these inquiries; three queries whatever their number."""
    lines = []
    for inquiry, sheet in zip(inquiries, sheets_of(inquiries), strict=True):
        kind, word = standing(inquiry, at, sheet.submitted)
        shown = sheet.visible()
        missing = sheet.missing()
        answered = sum(
            code in shown and (answer.value is not None or answer.document_id is not None)
            for code, answer in sheet.answers.items()
        )
        ends = timezone.localdate(inquiry.expires_at - dt.timedelta(microseconds=1))
        waits = inquiry.state in (Inquiry.State.SENT, Inquiry.State.OPENED)
        days = (ends - timezone.localdate(at)).days if waits else None
        lines.append(InquiryLine(inquiry, kind, word, days, len(shown), answered, len(missing)))
    return lines


def sheets_of(inquiries: Sequence[Inquiry]) -> Iterator[Sheet]:
    """The questions and answers of each of these inquiries, in their order."""
    questions: dict[int, list[Question]] = defaultdict(list)
    ids = {inquiry.questionnaire_id for inquiry in inquiries}
    for question in Question.objects.filter(questionnaire__in=ids).order_by("position"):
        questions[question.questionnaire_id].append(question)
    answers: dict[int, dict[str, Answer]] = defaultdict(dict)
    rows = Answer.objects.filter(inquiry__in=inquiries).defer("comment", "note")
    for answer in rows.select_related("question").order_by("pk"):
        answers[answer.inquiry_id][answer.question.code] = answer
    pks = [inquiry.pk for inquiry in inquiries]
    counted = Inquiry.objects.filter(pk__in=pks).annotate(number=Count("submissions")).order_by()
    submitted = dict(counted.values_list("pk", "number"))
    for inquiry in inquiries:
        yield Sheet(
            inquiry,
            questions[inquiry.questionnaire_id],
            answers[inquiry.pk],
            submitted.get(inquiry.pk, 0),
        )


def of_vendor(vendor: Vendor) -> dict[str, Any]:
    """What the vendor's tab of questionnaires shows."""
    rows = listed(Inquiry.objects.filter(vendor=vendor))
    return {"inquiries": inquiry_lines(list(rows), as_of.reading_moment())}


def listed(rows: QuerySet[Inquiry]) -> QuerySet[Inquiry]:
    """Inquiries with what a line names."""
    return rows.select_related("questionnaire", "vendor", "service", "sent_by")


EXPORT_HEADERS = [
    "Vendor",
    "Service",
    "Questionnaire",
    "Version",
    "State",
    "Contact",
    "Sent on",
    "Sent by",
    "Open until",
    "Answered",
    "Shown",
    "Submitted on",
    "Reviewed on",
]


def export_rows(
    rows: QuerySet[Inquiry], at: dt.datetime
) -> Iterator[list[str | int | dt.date | None]]:
    """The same columns for a file, 200 inquiries at a time."""
    found: Iterable[Inquiry] = listed(rows).iterator(chunk_size=200)
    found = iter(found)
    while chunk := list(islice(found, 200)):
        for line in inquiry_lines(chunk, at):
            inquiry = line.inquiry
            yield [
                inquiry.vendor.name,
                inquiry.service.name if inquiry.service else "",
                inquiry.questionnaire.title,
                inquiry.questionnaire.version,
                line.word,
                inquiry.contact,
                timezone.localdate(inquiry.sent_at),
                inquiry.sent_by.get_username(),
                timezone.localdate(inquiry.expires_at - dt.timedelta(microseconds=1)),
                line.answered,
                line.shown,
                timezone.localdate(inquiry.submitted_at) if inquiry.submitted_at else None,
                inquiry.reviewed_on,
            ]
