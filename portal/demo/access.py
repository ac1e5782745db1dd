"""Two reviews of access: one closed and signed off by another person, one half decided."""

from __future__ import annotations

import datetime as dt

from policies.models import AccessReview, AccessReviewEntry, Grant
from policies.models.reviews import AccessReviewEntryQuerySet
from portal.demo.acting import Company, acting
from portal.demo.principals import AGENT, CONTRACTOR
from portal.demo.uses import Step
from portal.services.reviewing import (
    Choice,
    Plan,
    close_review,
    decide,
    sign_review,
    start_review,
    verify_all,
)

FIRST_DAY = -58
SECOND_DAY = -9
# How long people have to decide; the second is far enough away that no check speaks of it yet.
DUE_DAYS = 30
Kind = AccessReviewEntry.Kind

KEPT = {
    Kind.ROLE.value: "Asked their lead: still their work.",
    Kind.GRANT.value: "In use for the purpose it was given for.",
    Kind.OWNERSHIP.value: "Answers for it, and knows that they do.",
    Kind.KEY.value: "The only one in production; it is rotated as planned.",
    Kind.DIRECTORY.value: "Made for the clinics' directory; works from the office alone.",
}
LOOKED = "Looked at with the owner: needed, and nothing narrower does."


def _begin(alder: Company, day: int) -> None:
    at = alder.moment(day, 13, 30)
    plan = Plan(
        f"Access review of {alder.day(day):%B %Y}",
        alder.day(day + DUE_DAYS),
        alder.officer,
        alder.second_officer,
    )
    with acting(alder.officer, at):
        start_review(plan, by=alder.officer, at=at)


def _lines(alder: Company) -> AccessReviewEntryQuerySet:
    """Of the open review, the lines that the reviewer may decide on."""
    review = AccessReview.objects.open().get()
    return review.entries.exclude(user=alder.officer).order_by("number")


def _grants_of(alder: Company, identifier: str) -> AccessReviewEntryQuerySet:
    held = Grant.objects.filter(principal__identifier=identifier)
    return _lines(alder).filter(kind=Kind.GRANT, row_id__in=held.values("pk"))


def _revoke(alder: Company, identifier: str, note: str, day: int) -> None:
    at = alder.moment(day, 10)
    with acting(alder.officer, at):
        entry = _grants_of(alder, identifier).get()
        decide(entry, Choice("revoke", note), by=alder.officer, at=at)


def _keep(
    alder: Company, lines: AccessReviewEntryQuerySet, at: dt.datetime, *, by: str = "officer"
) -> None:
    person = alder.people[by]
    with acting(person, at):
        for entry in lines:
            note = LOOKED if entry.flags else KEPT.get(entry.kind, LOOKED)
            decide(entry, Choice("keep", note), by=person, at=at)


def _verify(alder: Company, day: int) -> None:
    """As the job of each night does."""
    at = alder.moment(day, 2, 15)
    with acting(None, at):
        verify_all(at=at)


def _first_begins(alder: Company) -> None:
    _begin(alder, FIRST_DAY)


def _first_is_decided(alder: Company) -> None:
    day = FIRST_DAY + 4
    note = "Her contract ended last week; nobody else needs this."
    _revoke(alder, CONTRACTOR, note, day)
    _keep(alder, _lines(alder).undecided(), alder.moment(day, 11))
    # What the reviewer holds herself, an administrator decides on: nobody else of them signs.
    own = AccessReview.objects.open().get().entries.filter(user=alder.officer)
    _keep(alder, own.order_by("number"), alder.moment(day, 15), by="admin")


def _first_is_closed(alder: Company) -> None:
    _verify(alder, FIRST_DAY + 5)
    at = alder.moment(FIRST_DAY + 5, 9)
    with acting(alder.officer, at):
        close_review(AccessReview.objects.open().get(), by=alder.officer, at=at)


def _first_is_signed(alder: Company) -> None:
    at = alder.moment(FIRST_DAY + 7, 16)
    with acting(alder.second_officer, at):
        note = "Read five lines again with their owners; the revoked grant is gone."
        sign_review(AccessReview.objects.to_sign().get(), note, by=alder.second_officer, at=at)


def _second_begins(alder: Company) -> None:
    _begin(alder, SECOND_DAY)


def _second_is_begun(alder: Company) -> None:
    """Half of it, and of what has a flag nothing yet."""
    day = SECOND_DAY + 2
    note = "The trial is over: staff writes the drafts itself again."
    _revoke(alder, AGENT, note, day)
    half = _lines(alder).count() // 2
    unflagged = _lines(alder).undecided().filter(flags=[])
    _keep(alder, unflagged[: half - 1], alder.moment(day, 11))


def _second_is_verified(alder: Company) -> None:
    _verify(alder, SECOND_DAY + 3)


STEPS = (
    Step(FIRST_DAY, _first_begins, 13.5),
    Step(FIRST_DAY + 4, _first_is_decided, 10),
    Step(FIRST_DAY + 5, _first_is_closed, 2.2),
    Step(FIRST_DAY + 7, _first_is_signed, 16),
    Step(SECOND_DAY, _second_begins, 13.5),
    Step(SECOND_DAY + 2, _second_is_begun, 10),
    Step(SECOND_DAY + 3, _second_is_verified, 2.2),
)
