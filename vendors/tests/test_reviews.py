"""Reviews by the checklist: answered as a draft, signed off once, sealed afterwards."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from countersign.canonical import digest
from vendors.checklist import ITEMS, asked
from vendors.models import Fact, ReviewItem, Service, Vendor, VendorReview
from vendors.services.facts import record_fact
from vendors.services.pointers import Known
from vendors.services.reviews import (
    SignOff,
    answer_items,
    discard_review,
    finish_review,
    open_items,
    start_review,
)
from vendors.services.snapshots import differences, snapshot
from vendors.tests import make
from vendors.tests.make import TODAY, person
from vendors.tests.test_agreements import run

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def service():
    made = make.service()
    make.baa(made.vendor, reference="BAA-2026-014")
    make.report(made.vendor, by=person(), exception_count=2)
    return made


@pytest.fixture
def draft(service):
    return start_review(service.vendor, by=person(), on=TODAY)


def answers(services: list[Service], answer: str = "yes") -> list[ReviewItem]:
    by_id = {each.pk: each for each in services}
    return [
        ReviewItem(code=code, service=by_id.get(pk), answer=answer) for code, pk in asked(by_id)
    ]


def sign(review: VendorReview, on: dt.date = TODAY, **changes) -> VendorReview:
    seen = digest(snapshot(review.vendor, on))
    return finish_review(
        review, SignOff(**{"outcome": "valid", "seen_digest": seen, **changes}), by=person(), on=on
    )


@pytest.fixture
def finished(draft, service):
    answer_items(draft, answers([service]))
    return sign(draft)


def test_a_vendor_has_one_draft_at_a_time(draft, service):
    assert start_review(service.vendor, by=person(), on=TODAY + DAY) == draft


def test_it_is_not_signed_off_before_everything_is_answered(draft, service):
    given = answers([service])
    answer_items(draft, given[:-1])
    assert open_items(draft, TODAY) == [(given[-1].code, None)]
    with pytest.raises(ValidationError, match="Still to answer: 1"):
        sign(draft)
    answer_items(draft, given[-1:])
    assert sign(draft).state == "finished"


def test_an_answer_given_again_takes_the_place_of_the_first(draft, service):
    answer_items(draft, [ReviewItem(code="baa-signed", answer="no", note="Not found.")])
    baa = service.vendor.agreements.get()
    answer_items(draft, [ReviewItem(code="baa-signed", answer="yes", agreement=baa)])
    item = draft.items.get()
    assert (item.answer, item.note, item.evidence, item.section) == ("yes", "", baa, "baa")
    assert item.question.startswith("Is a BAA in force")


def test_evidence_and_services_of_other_vendors_are_refused(draft):
    other = make.service()
    for wrong in (
        ReviewItem(code="baa-plan", answer="yes", service=other),
        ReviewItem(code="baa-signed", answer="yes", agreement=make.baa(other.vendor)),
        ReviewItem(code="log-calls", answer="yes", fact=other.facts.first()),
    ):
        with pytest.raises(ValidationError, match="of the vendor under review"):
            answer_items(draft, [wrong])
    with pytest.raises(ValidationError, match="no such item"):
        answer_items(draft, [ReviewItem(code="mood", answer="yes")])
    assert not draft.items.exists()


def test_a_service_that_came_meanwhile_is_asked_about_too(draft, service):
    answer_items(draft, answers([service]))
    new = make.service(service.vendor)
    left = open_items(draft, TODAY)
    assert {pk for _, pk in left} == {new.pk}
    assert len(left) == sum(item.each_service for _, item in ITEMS.values())


def test_signing_off_keeps_what_was_reviewed_and_plans_the_next(finished, service):
    assert finished.digest == digest(finished.snapshot)
    assert finished.reviewed_on == TODAY
    service.vendor.refresh_from_db()
    assert service.vendor.last_reviewed_on == TODAY
    assert service.vendor.next_review_on == finished.next_on == TODAY + 365 * DAY


def test_what_changed_while_it_was_read_is_not_signed_for(draft, service):
    answer_items(draft, answers([service]))
    seen = digest(snapshot(service.vendor, TODAY))
    fact = Fact(service=service, dimension="tls_minimum", value="1.3", grade="public", source="x")
    record_fact(fact, by=None, on=TODAY)
    with pytest.raises(ValidationError, match="changed while you reviewed"):
        sign(draft, seen_digest=seen)
    assert sign(draft).state == "finished"


@pytest.mark.parametrize(
    ("cadence", "planned", "expected"),
    [
        ("after_last", TODAY - 10 * DAY, TODAY + 90 * DAY),
        ("after_last", None, TODAY + 90 * DAY),
        ("fixed", TODAY - 10 * DAY, TODAY + 80 * DAY),
        ("fixed", TODAY - 100 * DAY, TODAY + 80 * DAY),
        ("fixed", TODAY - 90 * DAY, TODAY + 90 * DAY),
        ("fixed", TODAY + 5 * DAY, TODAY + 95 * DAY),
        ("fixed", None, TODAY + 90 * DAY),
    ],
)
def test_the_cadence_says_when_the_next_is_due(draft, service, cadence, planned, expected):
    Vendor.objects.filter(pk=draft.vendor_id).update(
        review_cadence=cadence, next_review_on=planned, review_interval_days=90
    )
    answer_items(draft, answers([service]))
    assert sign(draft).next_on == expected


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vendors_vendorreview SET note = 'x'",
        "DELETE FROM vendors_vendorreview",
        "TRUNCATE vendors_vendorreview CASCADE",
        "UPDATE vendors_reviewitem SET answer = 'no'",
        "DELETE FROM vendors_reviewitem",
        "TRUNCATE vendors_reviewitem",
        """
        INSERT INTO vendors_reviewitem (review_id, section, code, question, answer, note)
        SELECT id, 'baa', 'more', 'more', 'yes', '' FROM vendors_vendorreview
        """,
    ],
)
def test_a_finished_review_never_changes(finished, statement):
    # No row may wait for its deferred check, or TRUNCATE is refused for that.
    run("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError, match=r"sealed|append-only"), transaction.atomic():
        run(statement)
    with pytest.raises(ValidationError, match="stays as it is"):
        answer_items(finished, [])
    with pytest.raises(ValidationError, match="stays as it is"):
        discard_review(finished)


def test_a_draft_can_be_thrown_away(draft, service):
    answer_items(draft, answers([service]))
    discard_review(draft)
    assert not VendorReview.objects.exists()


def test_the_next_review_shows_what_changed_since(finished, service):
    vendor = service.vendor
    same = Fact(
        service=service,
        dimension="tls_minimum",
        value="1.2",
        grade="contract",
        source="https://vendor.example/terms",
    )
    record_fact(same, by=None, on=TODAY)
    assert differences(finished.snapshot, snapshot(vendor, TODAY)) == []
    service.plan = "Enterprise"
    service.save()
    make.fact(service, dimension="byok", value="yes", recorded_on=TODAY)
    found = differences(finished.snapshot, snapshot(vendor, TODAY))
    assert [(each.part, each.field, each.before, each.after) for each in found] == [
        ("Service", "plan", "nothing", "Enterprise"),
        ("Fact", "", "not recorded", "new"),
    ]


def test_the_register_points_to_what_it_knows_and_answers_nothing(draft, service):
    make.service(service.vendor, name="Uncovered", facts=False)
    services = list(service.vendor.services.order_by("pk"))
    known = Known(service.vendor, services, TODAY)

    def pointers(code, of=None):
        return [(each.kind, each.text) for each in known.pointers(ITEMS[code][1], of)]

    assert pointers("baa-signed") == [
        ("soon", "BAA-2026-014 in force to 20 Nov 2027, covers 1 of 2 services")
    ]
    [(kind, text)] = pointers("baa-covers", services[1])
    assert kind == "bad"
    assert text == "BAA-2026-014 is in force and does not name it"
    assert "2 exceptions" in pointers("soc2-exceptions")[0][1]
    assert pointers("tls-minimum", services[1]) == [("bad", "TLS minimum is not known.")]
    assert pointers("tls-minimum", services[0])[0][0] == "ok"
    assert not draft.items.exists()
