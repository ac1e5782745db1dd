"""Findings of access reviews: begin in time, finish, sign off, and what is back."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model

from evidence.models import Finding
from evidence.pack.datasets import BY_NAME
from evidence.services.deadlines import deadlines
from evidence.tests.make import codes, day, run
from policies.models import (
    AccessReview,
    AccessReviewDecision,
    AccessReviewEntry,
    AccessReviewProof,
)
from policies.tests.make import NOON, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer():
    officer = person("officer")
    get_user_model().objects.update(date_joined=NOON)
    return officer


def campaign(officer, *, began: int = 0, due: int = 14, lines: int = 1) -> AccessReview:
    at = NOON + dt.timedelta(days=began)
    review = AccessReview.objects.create(
        title="Quarter",
        started_by=officer,
        started_at=at,
        due_on=day(due),
        reviewer=officer,
        escalate_to=person("administrator"),
        population_count=lines,
        population_query="SELECT 1",
        population_query_sha256="0" * 64,
        population_digest="0" * 64,
    )
    AccessReviewEntry.objects.bulk_create(
        AccessReviewEntry(
            review=review,
            number=number,
            kind="role",
            row_id=number,
            holder="viewer@example.com",
            what="Viewer",
            use_known=False,
            frozen_at=at,
        )
        for number in range(1, lines + 1)
    )
    return review


def close(review: AccessReview, officer, *, on: int) -> None:
    review.closed_by, review.closed_digest = officer, "1" * 64
    review.closed_at = NOON + dt.timedelta(days=on)
    review.save()


@pytest.mark.parametrize(
    ("days", "severity"), [(75, None), (76, "medium"), (90, "medium"), (91, "high")]
)
def test_the_next_review_is_told_from_fourteen_days_before(officer, days, severity):
    review = campaign(officer)
    close(review, officer, on=1)
    review.signed_by, review.signed_at = review.escalate_to, NOON + dt.timedelta(days=2)
    review.save()
    run(days)
    assert codes() == ({"access-review-to-begin"} if severity else set())
    if severity:
        finding = Finding.objects.get()
        assert (finding.severity, finding.due_on) == (severity, day(90))


def test_the_first_review_counts_from_the_first_person(officer):
    run(75)
    assert codes() == set()
    run(91)
    assert codes() == {"access-review-to-begin"}


def test_an_overdue_review_goes_to_whom_it_escalates(officer):
    review = campaign(officer, due=20, lines=2)
    run(10)
    finding = Finding.objects.get(check_code="access-review-due")
    assert (finding.owner, finding.severity) == (officer, "medium")
    assert finding.detail == "2 lines to decide, of 2"
    run(21)
    finding.refresh_from_db()
    assert (finding.owner, finding.severity) == (review.escalate_to, "high")


def test_an_open_review_is_a_deadline_of_its_reviewer(officer):
    campaign(officer, due=20)
    found = [d for d in deadlines(day(), within_days=30) if d.code == "access-review-due"]
    assert [(d.days_left, d.owner_id) for d in found] == [(20, officer.pk)]


def test_a_closed_review_waits_for_another_person(officer):
    review = campaign(officer)
    close(review, officer, on=1)
    run(2)
    finding = Finding.objects.get(check_code="access-review-unsigned")
    assert (finding.owner, finding.due_on) == (review.escalate_to, day(15))


def test_what_was_revoked_and_is_there_is_a_finding_until_it_is_gone(officer):
    entry = campaign(officer).entries.get()
    AccessReviewDecision.objects.create(
        entry=entry, decision="revoke", note="Left.", by=officer, at=NOON
    )
    for number, kind in enumerate(("executed", "gone")):
        AccessReviewProof.objects.create(entry=entry, kind=kind, at=NOON)
        run(number)
        assert "revoked-access-there" not in codes()
    AccessReviewProof.objects.create(entry=entry, kind="remains", at=NOON)
    run(2)
    finding = Finding.objects.get(check_code="revoked-access-there")
    assert (finding.detail, finding.severity) == ("Still there", "high")
    AccessReviewProof.objects.create(entry=entry, kind="gone", at=NOON)
    run(3)
    assert "revoked-access-there" not in codes()


def test_packs_have_reviews_and_their_lines():
    assert {"access_reviews", "access_review_lines"} <= set(BY_NAME)
