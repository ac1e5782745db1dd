import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from vendors.models import Fact, Service, ServiceModel, ServiceRegion, Vendor
from vendors.posture import Target
from vendors.services.facts import record_fact
from vendors.services.postures import postures
from vendors.services.register import (
    TRANSITIONS,
    change_vendor_state,
    retire_service,
    review_vendor,
    save_service,
)
from vendors.tests import make
from vendors.tests.make import TODAY, person
from vendors.tests.test_agreements import run

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
NOON = dt.datetime.combine(TODAY, dt.time(12), dt.UTC)


def go(vendor: Vendor, to: str) -> Vendor:
    return change_vendor_state(vendor, to, reason="As agreed.", by=None, at=NOON)


def test_a_vendor_goes_from_prospect_to_offboarded():
    vendor = make.vendor(state=Vendor.State.PROSPECT)
    go(vendor, "in_review")
    review_vendor(vendor, on=TODAY)
    for state in ("approved", "suspended", "offboarding", "offboarded"):
        vendor = go(vendor, state)
    assert vendor.state == "offboarded"


def test_every_state_is_in_the_table_and_can_be_left():
    assert set(TRANSITIONS) == set(Vendor.State)
    assert all(TRANSITIONS.values())


@pytest.mark.parametrize(
    ("state", "to"),
    [("prospect", "approved"), ("offboarded", "approved"), ("approved", "nonsense")],
)
def test_a_state_that_cannot_follow_is_refused(state, to):
    with pytest.raises(ValidationError, match="cannot follow"):
        go(make.vendor(state=state), to)


def test_nobody_is_approved_without_a_review():
    with pytest.raises(ValidationError, match="Record a review first"):
        go(make.vendor(state="in_review"), "approved")


def test_the_next_review_is_one_interval_away_unless_told():
    vendor = make.vendor(review_interval_days=90, next_review_on=None)
    assert review_vendor(vendor, on=TODAY).next_review_on == TODAY + 90 * DAY
    assert review_vendor(vendor, on=TODAY, next_on=TODAY + DAY).next_review_on == TODAY + DAY
    with pytest.raises(ValidationError, match="comes after"):
        review_vendor(vendor, on=TODAY, next_on=TODAY)
    with pytest.raises(ValidationError, match="later review"):
        review_vendor(vendor, on=TODAY - DAY)


def test_who_is_due_and_who_has_no_owner():
    due = make.vendor(next_review_on=TODAY + 10 * DAY, owner=person())
    make.vendor(state="rejected", next_review_on=TODAY)
    assert list(Vendor.objects.review_due(TODAY, within_days=10)) == [due]
    assert not Vendor.objects.review_due(TODAY, within_days=9).exists()
    assert list(Vendor.objects.review_overdue(TODAY + 11 * DAY)) == [due]
    assert not Vendor.objects.without_owner().exists()
    due.owner.is_active = False
    due.owner.save()
    assert list(Vendor.objects.without_owner()) == [due]


def test_a_service_is_stored_with_exactly_what_is_named():
    service = Service(vendor=make.vendor(), name="Chat", slug="chat", provider="openai")
    save_service(service, [ServiceModel(pattern="a-*"), ServiceModel(pattern="b-*")], [])
    kept = service.offered_models.get(pattern="b-*")
    save_service(
        service,
        [ServiceModel(pattern="b-*", lifecycle="preview")],
        [ServiceRegion(region="us-east-1", guarantee="contract")],
    )
    assert [(m.pk, m.lifecycle) for m in service.offered_models.all()] == [(kept.pk, "preview")]
    assert [r.region for r in service.regions.all()] == ["us-east-1"]


def test_a_bad_pattern_leaves_the_service_as_it_was():
    service = make.service()
    with pytest.raises(ValidationError, match="model name"):
        save_service(service, [ServiceModel(pattern="two words")], [])
    assert [m.pattern for m in service.offered_models.all()] == ["gpt-*"]


def test_a_retired_service_is_not_offered_from_its_day_on():
    service = retire_service(make.service(), on=TODAY)
    assert not Service.objects.offered(TODAY).exists()
    assert list(Service.objects.offered(TODAY - DAY)) == [service]
    with pytest.raises(ValidationError, match="already"):
        retire_service(service, on=TODAY)


def look(service, **fields) -> Fact:
    fields = {
        "dimension": "training_use",
        "value": "no",
        "grade": "public",
        "source": "https://vendor.example/terms",
        **fields,
    }
    return Fact(service=service, **fields)


def test_a_new_look_takes_the_place_of_the_last_and_keeps_it():
    service = make.service(facts=False)
    record_fact(look(service, value="opt_out"), by=person(), on=TODAY - 100 * DAY)
    record_fact(look(service), by=person(), on=TODAY)
    assert postures([service], TODAY)[service.pk].fact("training_use", Target()).value == "no"
    before = postures([service], TODAY - DAY)[service.pk].fact("training_use", Target())
    assert before.value == "opt_out"
    assert service.facts.count() == 2


def test_a_fact_goes_stale_by_itself():
    service = make.service(facts=False)
    fact = record_fact(look(service), by=person(), on=TODAY)
    assert not Fact.objects.stale(TODAY + 90 * DAY, fresh_days=90).exists()
    assert list(Fact.objects.stale(TODAY + 91 * DAY, fresh_days=90)) == [fact]
    record_fact(look(service), by=person(), on=TODAY + 91 * DAY)
    assert not Fact.objects.stale(TODAY + 91 * DAY, fresh_days=90).exists()


def test_a_fact_goes_stale_on_the_day_its_source_names():
    fact = record_fact(look(make.service(facts=False), expires_on=TODAY + DAY), by=None, on=TODAY)
    assert not Fact.objects.stale(TODAY, fresh_days=90).exists()
    assert list(Fact.objects.stale(TODAY + DAY, fresh_days=90)) == [fact]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": "maybe"}, "dimension's values"),
        ({"dimension": "retention_days", "value": "days"}, "number of days"),
        ({"number": 3}, "number of days"),
        ({"dimension": "mood"}, "not a valid choice"),
        ({"source": ""}, "cannot be blank"),
    ],
)
def test_a_fact_that_says_nothing_is_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        record_fact(look(make.service(facts=False), **change), by=None, on=TODAY)
    assert not Fact.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda: Fact.objects.update(value="no"),
        lambda: run("DELETE FROM vendors_fact"),
        lambda: run("UPDATE vendors_fact SET verified_on = '2026-01-01'"),
        lambda: run("TRUNCATE vendors_fact CASCADE"),
    ],
    ids=["update", "delete", "raw update", "truncate"],
)
def test_a_stored_fact_cannot_be_changed(change):
    make.fact(make.service(facts=False), dimension="training_use", value="opt_out")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        change()
    assert Fact.objects.get().value == "opt_out"
