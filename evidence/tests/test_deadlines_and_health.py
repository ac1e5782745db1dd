"""One list of days, and the signs of life."""

import datetime as dt

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils.module_loading import import_string
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import ModelEntry

from evidence.models import CheckRun, Finding, Notice
from evidence.services.deadlines import deadlines
from evidence.services.findings import start_run
from evidence.services.health import HEARTBEAT_TASK, beat, health
from evidence.tasks import catch_up, heartbeat
from evidence.tests import make
from evidence.tests.make import at, day, quiet, run
from policies.tests.make import key, person
from vendors.tests import make as register
from vendors.tests.make import TODAY

MINUTE = dt.timedelta(minutes=1)


def test_deadlines_come_from_every_paper_earliest_first(db):
    made = quiet(service=make.service(baa={"ends_on": day(20)}, next_review_on=day(-3)))
    key(made, expires_at=at(10))
    found = deadlines(TODAY, within_days=30)
    assert [(d.code, d.days_left) for d in found] == [
        ("review-due", -3),
        ("key-expiring", 10),
        ("baa-ending", 20),
    ]
    assert [d.overdue for d in found] == [True, False, False]
    assert [d.code for d in deadlines(TODAY, within_days=10)] == ["review-due", "key-expiring"]


def test_deadlines_look_further_than_the_daily_checks(db):
    quiet()
    run()
    assert not Finding.objects.exists()
    codes = {d.code for d in deadlines(TODAY, within_days=400)}
    assert codes == {
        "access-review-to-begin",
        "approval-expiring",
        "baa-ending",
        "fact-stale",
        "report-ending",
        "review-due",
    }


def test_deadlines_of_some(db):
    owner = person()
    mine = quiet(service=make.service(next_review_on=day(3), owner=owner))
    key(mine, expires_at=at(5))
    register.vendor(next_review_on=day(3))
    vendor = mine.service.vendor_id
    assert len(deadlines(TODAY)) == 3
    assert len(deadlines(TODAY, vendor_ids=[vendor])) == 2
    assert [d.code for d in deadlines(TODAY, integration_ids=[mine.pk])] == ["key-expiring"]
    assert [d.code for d in deadlines(TODAY, owner_id=owner.pk)] == ["review-due"]


@pytest.fixture
def scheduled(db):
    """The scheduler's own row for the heartbeat, as it makes it from the settings."""
    entry = settings.CELERY_BEAT_SCHEDULE["heartbeat"]
    ModelEntry.from_entry("heartbeat", app=None, **entry)
    return PeriodicTask.objects.get(task=HEARTBEAT_TASK)


def asked_at(task: PeriodicTask, moment: dt.datetime) -> None:
    PeriodicTask.objects.filter(pk=task.pk).update(last_run_at=moment, date_changed=moment)


def test_all_is_well_while_the_heart_beats_and_checks_run(scheduled):
    run()
    beat(at=at())
    asked_at(scheduled, at())
    found = health(at() + 2 * MINUTE)
    assert found.ok
    assert (found.worker_alive, found.scheduler_alive) == (True, True)


def test_a_dead_worker_is_told_from_a_dead_scheduler(scheduled):
    run()
    beat(at=at())
    asked_at(scheduled, at() + 9 * MINUTE)
    found = health(at() + 10 * MINUTE)
    assert (found.worker_alive, found.scheduler_alive) == (False, True)
    assert found.problems == (
        "The worker has been silent since 20 Nov 2026, 12:00: checks, mails and packs wait.",
    )
    asked_at(scheduled, at())
    found = health(at() + 10 * MINUTE)
    assert (found.worker_alive, found.scheduler_alive) == (None, False)
    assert found.problems[0].startswith("The scheduler has been silent since")


def test_a_scheduler_that_has_just_started_is_no_alarm(scheduled):
    run()
    PeriodicTask.objects.filter(pk=scheduled.pk).update(last_run_at=None, date_changed=at())
    found = health(at() + MINUTE)
    assert found.ok
    assert (found.worker_alive, found.scheduler_alive) == (None, True)


def test_the_schedule_reaches_the_database_with_its_ends(scheduled):
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
        ModelEntry.from_entry(name, app=None, **entry)
        stored = PeriodicTask.objects.get(name=name)
        assert import_string(stored.task).name == entry["task"]
        assert stored.expire_seconds == entry.get("options", {}).get("expire_seconds")
    assert scheduled.expire_seconds == 120


def test_a_portal_that_never_worked_says_so(db):
    found = health(at())
    assert not found.ok
    assert found.checked_at is None
    assert any("have not run yet" in words for words in found.problems)


def test_late_checks_and_mails_that_wait_are_told(scheduled):
    person("officer")
    register.vendor(next_review_on=day(0))
    run()
    Notice.objects.update(attempts=1)
    beat(at=at(2))
    found = health(at(2))
    assert found.mail_waiting == 1
    assert len(found.problems) == 2
    assert "daily checks have not run" in found.problems[0]
    assert "1 notice waits" in found.problems[1]


def test_a_run_that_was_only_asked_for_is_no_sign_of_life(db):
    start_run(on=day(), at=at())
    assert health(at()).checked_at is None


def test_the_heartbeat_task_beats(db):
    heartbeat()
    assert Finding.objects.count() == 0
    assert health(dt.datetime.now(dt.UTC)).worker_alive


@pytest.mark.parametrize(("hours_ago", "runs"), [(1, 0), (30, 1)])
def test_catching_up_asks_for_a_run_only_if_a_day_was_missed(
    db, monkeypatch, hours_ago, runs, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr("evidence.tasks.run_checks.apply_async", lambda *a, **k: sent.append(a))
    done = run()
    CheckRun.objects.filter(pk=done.pk).update(
        started_at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours_ago)
    )
    with django_capture_on_commit_callbacks(execute=True):
        catch_up()
    assert len(sent) == runs


def test_the_command_runs_the_checks_and_sends_the_mails(db, capsys, mailoutbox):
    person("officer")
    register.vendor(next_review_on=day(-3))
    call_command("run_checks")
    assert "1 opened, 0 closed, 1 notices" in capsys.readouterr().out
    assert len(mailoutbox) == 1
    call_command("run_checks", "--no-mail")
    assert "0 opened, 0 closed" in capsys.readouterr().out
