"""An approval with conditions ends the gate's verdict with the first day that is due."""

import datetime as dt

import pytest

from policies.models import Integration
from policies.services.phi import phi_by_service
from policies.services.verdicts import for_gate, verdicts
from policies.tests import make
from policies.tests.make import NOON
from vendors.models import VendorCondition
from vendors.services.conditions import approve_with_conditions, meet_condition
from vendors.services.register import change_vendor_state
from vendors.tests.make import TODAY

pytestmark = pytest.mark.django_db
DUE = TODAY + dt.timedelta(days=20)


@pytest.fixture
def integration():
    """Active, of a vendor that was reviewed, suspended, and is approved with a condition now."""
    made = make.active_integration()
    make.data_class()
    vendor = made.service.vendor
    vendor.last_reviewed_on = TODAY
    vendor.save()
    officer = make.person("officer")
    change_vendor_state(vendor, "suspended", reason="An incident.", by=officer, at=NOON)
    condition = VendorCondition(text="Send the root cause.", due_on=DUE)
    approve_with_conditions(vendor, [condition], reason="Contained.", by=officer, at=NOON, on=TODAY)
    return made


def verdict(integration: Integration, on: dt.date):
    [found] = for_gate(Integration.objects.filter(pk=integration.pk))
    return verdicts([found], on)[found.pk]


def test_the_last_day_of_the_condition_is_the_last_day_of_the_verdict(integration):
    assert verdict(integration, TODAY).allowed
    assert verdict(integration, TODAY).until == DUE
    assert verdict(integration, DUE).allowed
    after = verdict(integration, DUE + dt.timedelta(days=1))
    assert "review-overdue" in after.reasons
    service = integration.service
    assert phi_by_service([service], TODAY)[service.pk].verdict.until == DUE


def test_once_it_is_met_the_verdict_goes_on(integration):
    condition = integration.service.vendor.conditions.get()
    meet_condition(condition, by=make.person("officer"), on=TODAY)
    after = verdict(integration, DUE + dt.timedelta(days=1))
    assert "review-overdue" not in after.reasons
