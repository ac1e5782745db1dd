"""Checks of how vendors stand: conditions of an approval, and leaving."""

import pytest

from evidence.models import Finding
from evidence.services.deadlines import deadlines
from evidence.tests.make import TODAY, codes, day, run
from policies.tests.make import NOON, person
from vendors.models import OffboardingStep, VendorCondition
from vendors.services.conditions import approve_with_conditions, meet_condition
from vendors.services.offboarding import do_step, start_offboarding
from vendors.tests import make as register

pytestmark = pytest.mark.django_db


@pytest.fixture
def vendor():
    return register.vendor(state="in_review", last_reviewed_on=day(-1), owner=person("officer"))


def approve(vendor, *, due: int, owner=None) -> VendorCondition:
    condition = VendorCondition(text="Send the Type II.", due_on=day(due), owner=owner)
    approve_with_conditions(
        vendor, [condition], reason="Contingent.", by=person("officer"), at=NOON, on=day(0)
    )
    return condition


@pytest.mark.parametrize(
    ("due", "severity"), [(61, None), (60, "low"), (30, "medium"), (0, "high")]
)
def test_a_condition_is_told_sixty_days_before(vendor, due, severity):
    approve(vendor, due=due)
    run()
    assert codes() == ({"vendor-condition-due"} if severity else set())
    if severity:
        finding = Finding.objects.open().get()
        assert (finding.due_on, finding.severity) == (day(due), severity)
        assert finding.detail == "The approval of the vendor ends with this day"
        assert finding.owner == vendor.owner


def test_who_sees_to_a_condition_gets_it_and_it_goes_when_it_is_met(vendor):
    condition = approve(vendor, due=5, owner=person("engineer"))
    run()
    assert Finding.objects.open().get().owner == condition.owner
    assert [each.code for each in deadlines(TODAY, within_days=10)] == ["vendor-condition-due"]
    meet_condition(condition, by=person("officer"), on=day(0))
    run()
    assert codes() == set()


def test_an_offboarding_near_its_last_day_names_the_steps_to_do(vendor):
    approve(vendor, due=300)
    officer = person("officer")
    begun = start_offboarding(
        vendor, reason="Replaced.", planned_last_day=day(20), by=officer, at=NOON, on=day(0)
    )
    do_step(begun.steps.get(kind=OffboardingStep.Kind.KEYS), by=officer, on=day(0))
    run()
    finding = Finding.objects.open().get()
    assert (finding.check_code, finding.due_on) == ("offboarding-due", day(20))
    assert "Integrations retired" in finding.detail
    assert "Keys revoked" not in finding.detail
