"""Each check of uses finds what it is for, and nothing else."""

import datetime as dt

import pytest

from evidence.models import Finding
from evidence.tests import make
from evidence.tests.make import at, call, codes, complete, day, paper, quiet, run
from policies.models import Approval, Integration
from policies.tests.make import approve, integration, key, person


def found(code: str) -> Finding:
    return Finding.objects.open().get(check_code=code)


@pytest.mark.parametrize(("last", "told"), [(61, False), (60, True), (-1, True)])
def test_an_approval_is_told_sixty_days_before_it_ends(db, last, told):
    made = integration(service=make.service())
    approve(made, on=day(last - 365))
    assert Approval.objects.get().expires_on == day(last)
    run()
    assert ("approval-expiring" in codes()) is told
    if told:
        assert found("approval-expiring").due_on == day(last)
        assert found("approval-expiring").owner == made.owner


def test_a_newer_approval_closes_it(db):
    made = integration(service=make.service())
    approve(made, on=day(-360))
    run()
    assert codes() == {"approval-expiring"}
    approve(made)
    run(1)
    assert codes() == set()


def test_an_approval_of_a_retired_integration_is_not_told(db):
    made = integration(service=make.service())
    approve(made, on=day(-360))
    made.state = Integration.State.RETIRED
    made.save()
    run()
    assert codes() == set()


@pytest.mark.parametrize(("lasts", "told"), [(31, False), (30, True), (0, True)])
def test_a_key_is_told_thirty_days_before_it_ends(db, lasts, told):
    key(quiet(), expires_at=at(lasts) + dt.timedelta(hours=1))
    run()
    assert codes() == ({"key-expiring"} if told else set())
    if told:
        assert found("key-expiring").due_on == day(lasts)


@pytest.mark.parametrize(
    "change",
    [{"revoked_at": at(-1)}, {"livemode": False}],
    ids=["revoked", "test-key"],
)
def test_a_key_that_opens_nothing_is_not_told(db, change):
    key(quiet(), expires_at=at(5), **change)
    run()
    assert codes() == set()


def test_a_rotated_key_is_not_told(db):
    made = quiet()
    old, _ = key(made, expires_at=at(5))
    key(made, replaces=old)
    run()
    assert codes() == set()


def test_a_key_that_ran_out_is_told_while_there_is_no_other(db):
    made = quiet()
    key(made, expires_at=at(-2), created_at=at(-20))
    run()
    assert found("key-expiring").severity == "high"
    key(made)
    run(1)
    assert codes() == set()


@pytest.mark.parametrize(("last", "told"), [(91, False), (90, True), (-1, True)])
def test_a_determination_is_told_ninety_days_before_it_ends(db, last, told):
    quiet(
        deidentification="expert",
        deidentification_document=paper(),
        deidentification_expires_on=day(last),
    )
    run()
    assert ("determination-expiring" in codes()) is told


def test_an_integration_whose_owner_left_is_told_and_goes_to_the_officers(db):
    made = quiet()
    run()
    assert codes() == set()
    made.owner.is_active = False
    made.owner.save()
    run(1)
    assert codes() == {"integration-no-owner"}
    assert found("integration-no-owner").owner is None
    made.owner = person("engineer")
    made.save()
    run(2)
    assert codes() == set()


def test_a_draft_without_owner_is_not_told(db):
    made = integration(service=make.service())
    made.owner = None
    made.save()
    run()
    assert codes() == set()


def test_a_live_integration_that_the_gate_denies_is_told_with_every_reason(db):
    made = quiet()
    run()
    assert codes() == set()
    made.region = "eu-west-1"
    made.save()
    run(1)
    assert codes() == {"integration-blocked"}
    assert found("integration-blocked").detail == "Approval void, Region not allowed"
    assert found("integration-blocked").integration == made


def test_a_suspended_integration_is_not_told_as_blocked(db):
    made = quiet(region="eu-west-1")
    made.state = Integration.State.SUSPENDED
    made.save()
    run()
    assert "integration-blocked" not in codes()


def test_answered_calls_and_running_ones_are_no_finding(db):
    made = quiet()
    call(made)
    call(made, days_ago=0, answered=False)  # its lease still runs
    call(made, days_ago=8, answered=False)  # told a week ago
    call(made, answered=False, livemode=False)
    call(made, answered=False, decision="deny")
    run()
    assert codes() == set()


@pytest.mark.parametrize(
    ("lost", "answered", "severity"), [(4, 1, "medium"), (5, 10, "high"), (5, 96, "medium")]
)
def test_calls_without_completion_are_counted_for_each_integration(db, lost, answered, severity):
    made = quiet()
    for _ in range(answered):
        call(made)
    complete(call(made, answered=False), swept=True)
    for _ in range(lost - 1):
        call(made, answered=False)
    run()
    finding = found("calls-unanswered")
    assert finding.detail == f"{lost} of {answered + lost} allowed calls in the last 7 days"
    assert finding.severity == severity


def test_a_late_answer_closes_it(db):
    late = call(quiet(), answered=False)
    complete(late, swept=True)
    run()
    assert codes() == {"calls-unanswered"}
    complete(late)
    run(1)
    assert "calls-unanswered" not in codes()
