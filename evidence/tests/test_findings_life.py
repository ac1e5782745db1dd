"""Findings open, stay, change, close by themselves and come back; under two workers too."""

import threading

import pytest
from django.db import connections

from evidence.models import CheckRun, Finding, FindingEvent
from evidence.services.findings import (
    FindingClosed,
    assign,
    flag_findings,
    note,
    overdue,
    start_run,
)
from evidence.services.notices import plan_notices
from evidence.tests import make
from evidence.tests.make import at, codes, day, quiet, run
from policies.tests.make import person
from vendors.models import Agreement, Vendor
from vendors.tests import make as register


def kinds(finding: Finding) -> list[str]:
    return list(finding.events.order_by("pk").values_list("kind", flat=True))


def test_a_finding_opens_stays_closes_and_comes_back_as_another(db):
    vendor = register.vendor(next_review_on=day(3))
    first = run()
    finding = Finding.objects.get()
    assert (first.opened, first.closed) == (1, 0)
    assert (finding.opened_at, finding.last_seen_at) == (at(), at())

    second = run(1)
    finding.refresh_from_db()
    assert (second.opened, second.closed) == (0, 0)
    assert (finding.opened_at, finding.last_seen_at) == (at(), at(1))
    assert kinds(finding) == ["opened"]

    vendor.next_review_on = day(365)
    vendor.save()
    third = run(2)
    finding.refresh_from_db()
    assert (third.opened, third.closed) == (0, 1)
    assert (finding.last_seen_at, finding.closed_at) == (at(1), at(2))
    assert kinds(finding) == ["opened", "closed"]

    vendor.next_review_on = day(3)
    vendor.save()
    assert run(3).opened == 1
    assert Finding.objects.count() == 2
    finding.refresh_from_db()
    assert finding.closed_at == at(2)


def test_a_run_is_safe_to_repeat_and_finishes_once(db):
    register.vendor(next_review_on=day(3))
    done = run()
    assert done.finished_at is not None
    again = flag_findings(CheckRun.objects.get(pk=done.pk), at=at(200))
    assert (again.opened, again.finished_at) == (1, done.finished_at)
    assert Finding.objects.get().last_seen_at == at()


def test_a_changed_day_and_severity_are_told_once(db):
    vendor = register.vendor(next_review_on=day(25))
    run()
    vendor.next_review_on = day(10)
    vendor.save()
    run(1)
    run(2)
    finding = Finding.objects.get()
    assert kinds(finding) == ["opened", "changed"]
    assert finding.events.first().note == (
        "Due 15 Dec 2026, now 30 Nov 2026. Severity low, now medium."
    )
    assert (finding.due_on, finding.severity) == (day(10), "medium")


def test_time_alone_raises_the_severity(db):
    register.vendor(next_review_on=day(20))
    run()
    assert Finding.objects.get().severity == "low"
    run(6)
    assert Finding.objects.get().severity == "medium"
    run(21)
    assert Finding.objects.get().severity == "high"


def test_the_detail_follows_without_an_entry_in_the_history(db):
    made = quiet()
    make.call(made, answered=False)
    run()
    make.call(made, answered=False)
    run(1)
    finding = Finding.objects.get(check_code="calls-unanswered")
    assert finding.detail.startswith("2 of 2")
    assert kinds(finding) == ["opened"]


def test_an_owner_that_a_person_chose_stays_until_given_back(db):
    officer, chosen, owner = person("officer"), person(), person()
    vendor = register.vendor(next_review_on=day(3), owner=owner)
    run()
    finding = Finding.objects.get()
    assert finding.owner == owner
    assign(finding, to=chosen, by=officer, at=at())
    run(1)
    finding.refresh_from_db()
    assert finding.owner == chosen
    assign(finding, to=None, by=officer, at=at(1))
    run(2)
    finding.refresh_from_db()
    assert finding.owner == vendor.owner
    assert kinds(finding) == ["opened", "assigned", "assigned"]


def test_a_closed_finding_takes_no_owner_and_no_note(db):
    officer = person("officer")
    vendor = register.vendor(next_review_on=day(3))
    run()
    vendor.next_review_on = None
    vendor.save()
    run(1)
    finding = Finding.objects.get()
    with pytest.raises(FindingClosed):
        assign(finding, to=officer, by=officer, at=at(1))
    with pytest.raises(FindingClosed):
        note(finding, text="Seen.", by=officer, at=at(1))
    assert kinds(finding) == ["opened", "closed"]


def test_terminating_a_baa_shows_at_the_next_run(db):
    made = quiet()
    run()
    assert codes() == set()
    agreement = Agreement.objects.get()
    agreement.terminated_on = day(1)
    agreement.save()
    run()
    assert codes() == {"baa-ending"}
    run(1)
    assert codes() == {"baa-not-in-force", "integration-blocked"}
    assert codes(integration=made) == {"integration-blocked"}


@pytest.mark.parametrize(("hours", "missed"), [(23, False), (25, True)])
def test_a_day_without_a_finished_run_is_noticed(db, hours, missed):
    run()
    moment = at() + (at(1) - at()) * (hours / 24)
    start_run(on=day(), at=at(1))  # asked for, never done
    assert overdue(moment) is missed


def test_nobody_ran_yet_is_noticed_too(db):
    assert overdue(at())


def test_two_workers_at_once_open_each_finding_once(committed):
    """Both are in the middle of their transactions at the same time, each on its own connection."""
    for number in range(30):
        register.vendor(name=f"Vendor with review {number}", next_review_on=day(3))
    person("officer")
    ready = threading.Barrier(2)
    runs, errors = [], []

    def work(moment: int) -> None:
        try:
            mine = start_run(on=day(), at=at(moment))
            ready.wait(timeout=20)
            runs.append(flag_findings(mine, at=at(moment)))
        except Exception as error:  # noqa: BLE001 - told by the assertion below
            errors.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work, args=(moment,)) for moment in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert not errors
    assert sorted(each.opened for each in runs) == [0, 30]
    assert sorted(each.notices for each in runs) == [0, 30]
    assert Finding.objects.count() == 30
    assert FindingEvent.objects.filter(kind="opened").count() == 30


def test_a_worker_that_asked_earlier_closes_without_an_end_before_the_beginning(db):
    vendor = register.vendor(next_review_on=day(3))
    early = start_run(on=day(), at=at())
    run(1)
    vendor.next_review_on = None
    vendor.save()
    flag_findings(early, at=at())
    finding = Finding.objects.get()
    assert finding.closed_at == finding.opened_at == at(1)


# Of the 47 checks; each asks once or twice, whatever there is.
QUERIES = 82


def test_the_number_of_queries_does_not_grow_with_the_register(db, django_assert_max_num_queries):
    for number in range(3):
        quiet(service=make.service(next_review_on=day(number)))
    with django_assert_max_num_queries(QUERIES) as few:
        run()
    for number in range(12):
        quiet(service=make.service(next_review_on=day(number)))
    with django_assert_max_num_queries(QUERIES) as many:
        run()
    assert len(many) <= len(few) + 1


def test_ten_thousand_findings_are_written_in_a_handful_of_queries(
    db, django_assert_max_num_queries
):
    Vendor.objects.bulk_create(
        Vendor(name=f"V{n}", slug=f"v{n}", state="approved", next_review_on=day(2))
        for n in range(10_000)
    )
    with django_assert_max_num_queries(QUERIES + 12):
        assert run().opened == 10_000
    with django_assert_max_num_queries(QUERIES - 7):
        assert run(1).opened == 0
    assert plan_notices(day(1)) == 0
    assert Finding.objects.filter(last_seen_at=at(1)).count() == 10_000
