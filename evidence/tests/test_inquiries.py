"""Questionnaires among the daily checks, and in the evidence pack."""

from __future__ import annotations

import pytest
from django.db import connection

from evidence.models import Finding
from evidence.pack.datasets import BY_NAME, sql
from evidence.tests.make import at, codes, day, run
from vendors.services.answering import Given, save_answers
from vendors.services.inquiries import note_opening, withdraw_inquiry
from vendors.services.inquiry_reviews import (
    Confirmed,
    accept_rest,
    fact_changes,
    finish_review,
    record_facts,
)
from vendors.tests import make as register
from vendors.tests import make_inquiries

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("on", "severity"), [(2, None), (3, "low"), (10, "low"), (11, "medium"), (40, "medium")]
)
def test_a_link_that_ends_unanswered_is_found_a_week_before(on, severity):
    inquiry = make_inquiries.inquiry(at=at())
    note_opening(inquiry, peer="203.0.113.9", at=at(1))
    run(on)
    found = Finding.objects.open().filter(check_code="inquiry-unanswered").first()
    assert (found.severity if found else None) == severity
    if found:
        assert found.due_on == day(10)
        assert found.owner == inquiry.sent_by
        assert found.detail == "Not submitted, link opened"


def test_it_is_closed_by_the_answers_or_by_withdrawing_it():
    make_inquiries.submitted(at=at())
    withdraw_inquiry(make_inquiries.inquiry(at=at()))
    run(9)
    assert "inquiry-unanswered" not in codes()


@pytest.mark.parametrize(("on", "severity"), [(0, "low"), (14, "low"), (15, "medium")])
def test_answers_are_to_be_reviewed_within_two_weeks(on, severity):
    make_inquiries.submitted(at=at())
    run(on)
    found = Finding.objects.open().get(check_code="inquiry-to-review")
    assert (found.due_on, found.severity) == (day(14), severity)


def test_a_review_that_is_closed_is_found_no_more():
    inquiry, officer = make_inquiries.submitted(at=at()), register.person()
    accept_rest(inquiry, by=officer, on=day())
    finish_review(inquiry, by=officer, on=day())
    run(20)
    assert "inquiry-to-review" not in codes()


def rows(name: str, vendor_ids: list[int] | None = None) -> list[dict[str, object]]:
    with connection.cursor() as cursor:
        cursor.execute(sql(BY_NAME[name]), {"vendor_ids": vendor_ids})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_the_pack_tells_what_was_asked_answered_and_made_of_it():
    inquiry, officer = make_inquiries.submitted(at=at()), register.person()
    accept_rest(inquiry, by=officer, on=day())
    change = next(c for c in fact_changes(inquiry, day()) if c.proposal.code == "T1")
    (fact,) = record_facts(inquiry, [Confirmed(change.key)], by=officer, on=day())
    (told,) = rows("inquiries", [inquiry.vendor_id])
    assert told["submission_digests"] == [inquiry.submissions.get().digest]
    assert told["questionnaire_digest"] == inquiry.questionnaire.digest
    assert rows("inquiries", [0]) == rows("answers", [0]) == []
    answers = {row["code"]: row for row in rows("answers")}
    assert answers["T1"]["fact_ids"] == [fact.pk]
    assert (answers["T1"]["value"], answers["R1"]["value"]) == ('"no"', "30")
    assert answers["T1"]["reviewed_by"] == officer.email


def test_words_and_drafts_stay_out_of_the_pack():
    inquiry = make_inquiries.submitted({"T1": "yes", "T2": "Our reasons", "R1": "3"}, at=at())
    assert "Our reasons" not in str(rows("answers"))
    assert {row["code"]: row["answered_in_words"] for row in rows("answers")}["T2"]
    waiting = make_inquiries.inquiry(at=at())
    save_answers(waiting, {"T1": Given("no")}, at=at())
    assert {row["inquiry_id"] for row in rows("answers")} == {inquiry.pk}
