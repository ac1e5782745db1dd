"""Who gets a mail, when, once, and what happens when mail fails."""

import threading
from smtplib import SMTPServerDisconnected

import pytest
from celery.exceptions import Retry
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connections

from evidence.models import Finding, Notice
from evidence.services.notices import MailNotSent, send_notices, window
from evidence.tasks import send_notices as send_task
from evidence.tests.make import at, day, run
from policies.tests.make import person
from vendors.tests import make as register

WINDOWS = [90, 60, 30, 14, 7, 1, 0]


class DeadBackend(BaseEmailBackend):
    """A mail server that takes nothing from anybody whose address begins with dead."""

    def send_messages(self, email_messages):
        for message in email_messages:
            if message.to[0].startswith("dead"):
                raise SMTPServerDisconnected("secret address dead@example.com")
            mail.outbox.append(message)
        return len(email_messages)


DEAD = f"{__name__}.DeadBackend"


@pytest.mark.parametrize(
    ("days_left", "expected"),
    [
        (91, None),
        (90, 90),
        (61, 90),
        (60, 60),
        (31, 60),
        (30, 30),
        (15, 30),
        (14, 14),
        (8, 14),
        (7, 7),
        (2, 7),
        (1, 1),
        (0, 0),
        (-1, 0),
        (-6, 0),
        (-7, -7),
        (-13, -7),
        (-14, -14),
        (-400, -399),
    ],
)
def test_the_window_of_a_day(days_left, expected):
    assert window(days_left, WINDOWS) == expected


def run_and_send(days: int) -> None:
    run(days)
    send_notices(at=at(days))


def notices() -> list[tuple[int, str]]:
    return list(Notice.objects.order_by("pk").values_list("window_days", "recipient"))


def test_each_window_is_told_once_from_ninety_days_on_and_weekly_after(db, settings):
    settings.NOTICE_WINDOWS_DAYS = [30, 14, 7, 1, 0]
    owner = person(email="owner@example.com")
    register.vendor(next_review_on=day(30), owner=owner)
    for days in range(46):
        run_and_send(days)
    assert [w for w, _ in notices()] == [30, 14, 7, 1, 0, -7, -14]


def test_after_a_time_of_silence_one_notice_goes_out_not_each_that_was_missed(db):
    person("officer")
    register.vendor(next_review_on=day(30))
    run()
    run(29)  # the worker was down for four weeks
    assert [w for w, _ in notices()] == [1]
    send_notices(at=at(29))
    assert len(mail.outbox) == 1


def test_the_owner_is_told_and_without_one_every_officer(db):
    first, second = person("officer", "a@example.com"), person("officer", "b@example.com")
    gone = person("officer", "gone@example.com")
    gone.is_active = False
    gone.save()
    owner = person("engineer", "owner@example.com")
    register.vendor(next_review_on=day(0), owner=owner)
    run()
    send_notices(at=at())
    assert notices() == [(0, "owner@example.com")]
    owner.is_active = False
    owner.save()
    run(1)
    assert [r for _, r in notices()][1:] == [first.email, second.email]


def test_all_that_waits_for_a_person_is_one_calm_mail_with_links(db, settings):
    settings.PUBLIC_URL = "https://portal.example"
    settings.ORGANIZATION_NAME = "Harbor & Health"
    person("officer", "officer@example.com")
    register.vendor(name="A & B <Labs>", next_review_on=day(-2))
    register.vendor(next_review_on=day(5))
    register.vendor(next_review_on=day(20))
    run()
    assert send_notices(at=at()) == 1
    (message,) = mail.outbox
    assert message.to == ["officer@example.com"]
    assert message.subject == "Countersign: 3 findings to look at, 1 overdue"
    finding = Finding.objects.earliest("due_on")
    assert f"https://portal.example/findings/{finding.pk}/" in message.body
    assert "- Vendor review due: A & B <Labs>, 18 Nov 2026" in message.body
    assert "Harbor & Health" in message.body
    order = [message.body.index(each) for each in ("Overdue", "Due in 7 days", "Due later")]
    assert order == sorted(order)
    assert Notice.objects.filter(sent_at=at()).count() == 3
    assert send_notices(at=at()) == 0


def test_a_long_mail_names_some_and_counts_the_rest(db):
    person("officer")
    for _ in range(43):
        register.vendor(next_review_on=day(0))
    run()
    send_notices(at=at())
    body = mail.outbox[0].body
    assert body.count("Vendor review due") == 40
    assert "and 3 more." in body


def test_a_mail_that_fails_waits_and_does_not_hold_up_the_others(db, settings, caplog):
    settings.EMAIL_BACKEND = DEAD
    dead = person("officer", "dead@example.com")
    alive = person("officer", "zoe@example.com")
    register.vendor(next_review_on=day(0), owner=dead)
    register.vendor(next_review_on=day(0), owner=alive)
    run()
    with pytest.raises(MailNotSent, match="1 of 2 mails"):
        send_notices(at=at())
    assert [message.to for message in mail.outbox] == [["zoe@example.com"]]
    waiting = Notice.objects.failed().get()
    assert (waiting.recipient, waiting.attempts) == ("dead@example.com", 1)
    assert "dead@" not in caplog.text
    assert "SMTPServerDisconnected" in caplog.text

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_notices(at=at(1)) == 1
    assert not Notice.objects.waiting().exists()


def test_the_task_tries_again_later(db, settings):
    settings.EMAIL_BACKEND = DEAD
    register.vendor(next_review_on=day(0), owner=person(email="dead@example.com"))
    run()
    with pytest.raises(Retry):
        send_task.apply(throw=True)
    assert send_task.retry_backoff


def test_what_waits_for_a_window_that_has_passed_is_dropped(db):
    """Mail was dead for a week: the person gets the notice of today, not two."""
    person("officer")
    register.vendor(next_review_on=day(10))
    run()
    assert [w for w, _ in notices()] == [14]
    run(4)
    assert [w for w, _ in notices()] == [7]


def test_what_waits_for_a_finding_that_closed_is_dropped(db):
    person("officer")
    vendor = register.vendor(next_review_on=day(10))
    run()
    vendor.next_review_on = None
    vendor.save()
    run(1)
    assert notices() == []


def test_a_due_day_that_moved_is_told_again(db):
    person("officer")
    vendor = register.vendor(next_review_on=day(10))
    run()
    send_notices(at=at())
    vendor.next_review_on = day(12)
    vendor.save()
    run()
    assert [w for w, _ in notices()] == [14, 14]


def test_a_finding_without_a_day_counts_from_when_it_was_found(db):
    person("officer")
    service = register.service()
    register.baa(service.vendor)  # without its document
    for days in (0, 1, 6, 7, 8, 14):
        run_and_send(days)
    assert [w for w, _ in notices()] == [0, -7, -14]


def test_two_workers_at_once_send_each_mail_once(committed):
    for number in range(5):
        owner = person(email=f"owner{number}@example.com")
        register.vendor(next_review_on=day(0), owner=owner)
    run()
    ready = threading.Barrier(2)
    sent = []

    def work() -> None:
        try:
            ready.wait(timeout=20)
            sent.append(send_notices(at=at()))
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert sum(sent) == 5
    assert sorted(message.to[0] for message in mail.outbox) == [
        f"owner{number}@example.com" for number in range(5)
    ]
