"""What a review of a report leaves to do is told: conditions by their day, CUECs by report."""

import pytest

from evidence.models import Finding
from evidence.services.deadlines import deadlines
from evidence.tests import make
from evidence.tests.make import codes, day, quiet, run
from policies.tests.make import person
from vendors.models import Cuec, ReportCondition


@pytest.fixture
def report(db):
    """An accepted report of a service in use, of which no check has anything to say."""
    service = make.service()
    quiet(service=service)
    return service.vendor.reports.get()


@pytest.mark.parametrize(
    ("due", "severity"), [(31, None), (30, "low"), (14, "medium"), (0, "medium"), (-1, "high")]
)
def test_a_condition_is_told_from_thirty_days_before(report, due, severity):
    ReportCondition.objects.create(report=report, text="Ask again.", due_on=day(due))
    run()
    assert codes() == ({"report-condition"} if severity else set())
    if severity:
        finding = Finding.objects.get()
        assert (finding.severity, finding.due_on) == (severity, day(due))


def test_a_condition_is_a_deadline_of_its_owner(report):
    owner = person("officer")
    ReportCondition.objects.create(report=report, text="Ask again.", due_on=day(5), owner=owner)
    found = [d for d in deadlines(day(), within_days=10) if d.code == "report-condition"]
    assert [(d.days_left, d.owner_id) for d in found] == [(5, owner.pk)]


def test_a_condition_that_is_met_is_told_no_more(report):
    condition = ReportCondition.objects.create(report=report, text="Ask again.", due_on=day(3))
    run()
    condition.state, condition.closed_on, condition.closed_by = "met", day(), person()
    condition.save()
    run(1)
    assert codes() == set()


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("not_assessed", True),
        ("partly", True),
        ("not_in_place", True),
        ("in_place", False),
        ("not_applicable", False),
    ],
)
def test_cuecs_that_are_not_in_place_are_told_once_a_report(report, state, told):
    assessed = {} if state == "not_assessed" else {"assessed_on": day(), "assessed_by": person()}
    for number in range(2):
        Cuec.objects.create(
            report=report, text=f"Users do {number}.", state=state, our_control="List", **assessed
        )
    run()
    assert codes() == ({"cuec-unmet"} if told else set())
    if told:
        assert Finding.objects.get().detail.startswith("2 not in place")
