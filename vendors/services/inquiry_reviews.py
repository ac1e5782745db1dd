"""Our review of a vendor's answers, and the facts that come of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.dimensions import value_words
from vendors.models import Answer, AnswerFact, Dimension, Fact, Grade, Inquiry, Service
from vendors.questions import Proposal, proposals
from vendors.services.answering import Sheet, sheet_of
from vendors.services.facts import record_fact
from vendors.services.inquiries import LINK_DAYS_MAX, locked
from vendors.services.saving import save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

Review = Answer.Review
State = Inquiry.State
UNDER_REVIEW = (State.SUBMITTED, State.IN_REVIEW)


def shown_answers(sheet: Sheet) -> list[Answer]:
    """The answers that count, in the order of the questions."""
    shown = sheet.visible()
    return [
        sheet.answers[question.code]
        for question in sheet.questions
        if question.code in shown and question.code in sheet.answers
    ]


def _under_review(inquiry: Inquiry) -> Inquiry:
    stored = locked(inquiry)
    if stored.state not in UNDER_REVIEW:
        raise ValidationError("These answers are not under review.")
    return stored


@transaction.atomic
def review_answer(answer: Answer, verdict: str, *, note: str = "", by: User, on: dt.date) -> Answer:
    """Accept or reject an answer, or ask again with a note that the vendor reads.

    Raises: ValidationError, for example where facts came of the answer already.
    """
    inquiry = _under_review(answer.inquiry)
    stored = sheet_of(inquiry).answers[answer.question.code]
    if verdict not in Review.values or verdict == Review.PENDING:
        raise ValidationError({"review": "Choose a verdict."})
    if verdict == Review.CLARIFY and not note.strip():
        raise ValidationError({"note": "Say what the vendor is to make clear."})
    if verdict != Review.ACCEPTED and stored.facts.exists():
        raise ValidationError({"review": "Facts came of this answer: record new ones instead."})
    _judge(stored, verdict, note, by, on)
    _begin(inquiry)
    return stored


def _judge(answer: Answer, verdict: str, note: str, by: User, on: dt.date) -> None:
    answer.review, answer.note = verdict, note.strip()
    answer.reviewed_by, answer.reviewed_on = by, on
    save_checked(answer)


def _begin(inquiry: Inquiry) -> None:
    if inquiry.state == State.SUBMITTED:
        inquiry.state = State.IN_REVIEW
        save_checked(inquiry)


@transaction.atomic
def accept_rest(inquiry: Inquiry, *, by: User, on: dt.date) -> int:
    """Accept every shown answer that nobody has reviewed. Returns: how many."""
    stored = _under_review(inquiry)
    rest = [each for each in shown_answers(sheet_of(stored)) if each.review == Review.PENDING]
    for answer in rest:
        _judge(answer, Review.ACCEPTED, "", by, on)
    _begin(stored)
    return len(rest)


@transaction.atomic
def send_back(inquiry: Inquiry, *, at: dt.datetime, expires_at: dt.datetime) -> Inquiry:
    """Open the answers that are asked again to the vendor; the others stay as they are.

    The link that the vendor has works again until `expires_at`. Raises: ValidationError.
    """
    stored = _under_review(inquiry)
    if not any(each.review == Review.CLARIFY for each in shown_answers(sheet_of(stored))):
        raise ValidationError("Mark at least one answer to be asked again.")
    if not at < expires_at <= at + dt.timedelta(days=LINK_DAYS_MAX + 1):
        raise ValidationError({"expires_on": "Set a day in the future."})
    stored.state, stored.expires_at = State.OPENED, expires_at
    save_checked(stored)
    return stored


@transaction.atomic
def finish_review(inquiry: Inquiry, *, by: User, on: dt.date) -> Inquiry:
    """Close an inquiry once no shown answer waits for a verdict. Raises: ValidationError."""
    stored = _under_review(inquiry)
    if any(
        each.review in (Review.PENDING, Review.CLARIFY) for each in shown_answers(sheet_of(stored))
    ):
        raise ValidationError("Accept, reject or ask again for every answer first.")
    stored.state, stored.reviewed_by, stored.reviewed_on = State.ACCEPTED, by, on
    save_checked(stored)
    return stored


@dataclass(frozen=True, slots=True)
class FactChange:
    """A fact that an accepted answer would make of a service, beside what is known of it."""

    answer: Answer
    service: Service
    proposal: Proposal
    old: Fact | None

    @property
    def key(self) -> str:
        """Names the change in a form."""
        return f"{self.answer.pk}-{self.service.pk}"

    @property
    def label(self) -> str:
        return str(Dimension(self.proposal.dimension).label)

    @property
    def words(self) -> str:
        return value_words(self.proposal.dimension, self.proposal.value, self.proposal.number)

    @property
    def same(self) -> bool:
        """Whether it only confirms what is known."""
        return self.old is not None and (self.old.value, self.old.number) == (
            self.proposal.value,
            self.proposal.number,
        )

    @property
    def weaker(self) -> bool:
        """Whether the vendor's own word would stand in the place of a firmer source."""
        return self.old is not None and self.old.grade != Grade.SELF_ATTESTED


def services_of(inquiry: Inquiry, on: dt.date) -> list[Service]:
    """The services that the answers can speak of."""
    if inquiry.service is not None:
        return [inquiry.service]
    return list(inquiry.vendor.services.offered(on))


def fact_changes(inquiry: Inquiry, on: dt.date) -> list[FactChange]:
    """What accepted answers would change in the facts and did not yet, in the questions' order.

    A fact of an answer is about a service as a whole, without a narrower scope.
    """
    sheet = sheet_of(inquiry)
    services = services_of(inquiry, on)
    whole = Fact.objects.filter(
        service__in=services, model_pattern="", region="", endpoint="", plan=""
    ).current(on)
    known = {(fact.service_id, fact.dimension): fact for fact in whole}
    made = set(
        AnswerFact.objects.filter(answer__inquiry=inquiry).values_list(
            "answer_id", "fact__service_id"
        )
    )
    found = []
    for proposal in proposals(sheet.asked, sheet.values()):
        answer = sheet.answers[proposal.code]
        if answer.review != Review.ACCEPTED:
            continue
        found += [
            FactChange(answer, service, proposal, known.get((service.pk, proposal.dimension)))
            for service in services
            if (answer.pk, service.pk) not in made
        ]
    return found


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A change that the officer confirmed. A `page` of the attached document makes it firmer."""

    key: str
    grade: str = Grade.SELF_ATTESTED
    page: str = ""


@transaction.atomic
def record_facts(
    inquiry: Inquiry, confirmed: Sequence[Confirmed], *, by: User, on: dt.date
) -> list[Fact]:
    """Record the facts that an officer confirmed, as verified on the day `on`; all or none.

    Raises: ValidationError if one is not offered, or counts on a document that is not there.
    """
    stored = locked(inquiry)
    offered = {change.key: change for change in fact_changes(stored, on)}
    made = []
    for each in confirmed:
        change = offered.get(each.key)
        if change is None:
            raise ValidationError("Something changed meanwhile. Look at the preview again.")
        made.append(_record(stored, change, each, by, on))
    return made


def _record(
    inquiry: Inquiry, change: FactChange, confirmed: Confirmed, by: User, on: dt.date
) -> Fact:
    if confirmed.grade not in (Grade.SELF_ATTESTED, Grade.CONTRACT):
        raise ValidationError("Choose the vendor's own word or a contract.")
    if confirmed.grade == Grade.CONTRACT and change.answer.document is None:
        raise ValidationError("Only an attached document can say that it is in the contract.")
    fact = Fact(
        service=change.service,
        dimension=change.proposal.dimension,
        value=change.proposal.value,
        number=change.proposal.number,
        grade=confirmed.grade,
        source=f"Questionnaire {inquiry.questionnaire}, question {change.proposal.code}",
        page=confirmed.page,
    )
    record_fact(fact, by=by, on=on)
    save_checked(AnswerFact(answer=change.answer, fact=fact))
    return fact


def counts(answers: Iterable[Answer]) -> dict[str, int]:
    """How many answers have which review."""
    found = dict.fromkeys(Review.values, 0)
    for answer in answers:
        found[answer.review] += 1
    return found
