"""An approval with conditions ends with the first of them that is due."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from vendors.models import Vendor, VendorCondition, VendorTransition
from vendors.services.conditions import (
    approve_with_conditions,
    meet_condition,
    set_conditions,
    waive_condition,
)
from vendors.services.register import change_vendor_state
from vendors.tests import make
from vendors.tests.make import TODAY, person
from vendors.tests.test_agreements import run

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
NOON = dt.datetime.combine(TODAY, dt.time(12), dt.UTC)
LATER = (TODAY + 30 * DAY, TODAY + 60 * DAY)


@pytest.fixture
def vendor():
    return make.vendor(state="in_review", last_reviewed_on=TODAY)


def approve(vendor: Vendor, *days: dt.date) -> Vendor:
    conditions = [VendorCondition(text=f"By {day}.", due_on=day) for day in days]
    return approve_with_conditions(
        vendor, conditions, reason="Contingent.", by=person(), at=NOON, on=TODAY
    )


def until(vendor: Vendor) -> dt.date | None:
    return Vendor.objects.get(pk=vendor.pk).conditional_until


def test_the_approval_lasts_to_the_first_day_that_is_due(vendor):
    assert approve(vendor, *LATER).conditional_until == LATER[0]
    first, second = vendor.conditions.all()
    meet_condition(first, by=person(), on=TODAY, note="It came.")
    assert until(vendor) == LATER[1]
    waive_condition(second, by=person(), on=TODAY, reason="No longer needed.")
    assert until(vendor) is None
    set_conditions(
        vendor, [VendorCondition(text="More.", due_on=TODAY + DAY)], by=person(), on=TODAY
    )
    assert until(vendor) == TODAY + DAY


def test_without_a_condition_it_is_no_approval_with_conditions(vendor):
    with pytest.raises(ValidationError, match="at least one condition"):
        approve(vendor)
    vendor.refresh_from_db()
    assert vendor.state == "in_review"


def test_what_is_open_bars_an_approval_without_conditions(vendor):
    approve(vendor, LATER[0])
    with pytest.raises(ValidationError, match="Conditions are open"):
        change_vendor_state(vendor, "approved", reason="Done.", by=None, at=NOON)
    meet_condition(vendor.conditions.get(), by=person(), on=TODAY)
    approved = change_vendor_state(vendor, "approved", reason="Done.", by=None, at=NOON)
    assert approved.conditional_until is None


def test_a_suspended_vendor_comes_back_under_its_conditions(vendor):
    approve(vendor, LATER[0])
    change_vendor_state(vendor, "suspended", reason="Incident.", by=None, at=NOON)
    assert until(vendor) is None
    back = change_vendor_state(
        vendor, "approved_with_conditions", reason="Solved.", by=None, at=NOON
    )
    assert back.conditional_until == LATER[0]


def test_a_closed_condition_stays_closed_and_its_words_stay(vendor):
    approve(vendor, LATER[0])
    condition = vendor.conditions.get()
    with pytest.raises(ValidationError, match="Say why"):
        waive_condition(condition, by=person(), on=TODAY, reason=" ")
    meet_condition(condition, by=person(), on=TODAY)
    with pytest.raises(ValidationError, match="closed already"):
        waive_condition(condition, by=person(), on=TODAY, reason="Late.")
    for statement in (
        "UPDATE vendors_vendorcondition SET due_on = due_on + 90",
        "DELETE FROM vendors_vendorcondition",
    ):
        refused = pytest.raises(IntegrityError, match=r"keeps its versions|append-only")
        with refused, transaction.atomic():
            run(statement)


def test_a_condition_in_the_past_is_refused(vendor):
    with pytest.raises(ValidationError, match="on the day it is set or later"):
        approve(vendor, TODAY - DAY)
    assert not VendorCondition.objects.exists()


def test_every_step_keeps_why_who_and_when(vendor):
    officer = person()
    change_vendor_state(vendor, "rejected", reason="No BAA.", by=officer, at=NOON)
    step = VendorTransition.objects.get()
    assert (step.from_state, step.to_state, step.reason) == ("in_review", "rejected", "No BAA.")
    assert (step.by, step.at) == (officer, NOON)
    with pytest.raises(ValidationError, match="Say why"):
        change_vendor_state(vendor, "in_review", reason="", by=officer, at=NOON)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run("UPDATE vendors_vendortransition SET reason = 'x'")
