"""Bursts of security events are findings; what is far apart is not."""

from __future__ import annotations

import datetime as dt

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection
from django.utils import timezone

from audits.bursts import Happened, bursts
from audits.services import security_bursts
from audits.services.security import note_security
from evidence import tasks
from evidence.models import CheckRun, Finding, Notice
from evidence.services.findings import flag_findings, start_run, watch
from evidence.services.notices import send_notices
from evidence.tests import make as records
from policies.services.people import officers
from policies.tests import make

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def many(count: int, kind: str, *, apart: dt.timedelta = MINUTE, **details) -> dt.datetime:
    """Events up to a while ago; returns the moment of the last."""
    last = timezone.now() - 30 * MINUTE
    for step in reversed(range(count)):
        note_security(kind, at=last - step * apart, **details)
    return last


def run(days: int = 0) -> None:
    at = timezone.now() + dt.timedelta(days=days)
    flag_findings(start_run(on=at.date(), at=at), at=at)


def found(code: str) -> list[tuple[str, str, str]]:
    rows = Finding.objects.open().filter(check_code=code).order_by("subject_label")
    return [(row.subject_label, row.severity, row.detail.partition(" in ")[0]) for row in rows]


def test_ten_failures_of_one_person_are_a_finding_that_closes_after_a_month():
    person = make.person("viewer", "vera@example.com")
    many(10, "sign-in-failed", user=person, address="203.0.113.7")
    run()
    assert found("sign-in-burst") == [(str(person), "medium", "10 failures")]
    run()
    assert len(found("sign-in-burst")) == 1
    run(31)
    assert found("sign-in-burst") == []


def test_it_is_high_where_somebody_got_in_afterwards():
    person = make.person("viewer")
    last = many(12, "second-factor-failed", user=person)
    note_security("sign-in", at=last + MINUTE, user=person)
    run()
    assert found("sign-in-burst")[0][1] == "high"


@pytest.mark.parametrize(
    ("count", "apart"), [(9, MINUTE), (20, 11 * MINUTE)], ids=["few", "far apart"]
)
def test_somebody_who_forgot_a_password_is_no_burst(count, apart):
    many(count, "sign-in-failed", apart=apart, user=make.person("viewer"))
    run()
    assert found("sign-in-burst") == []


def test_a_network_that_tries_addresses_nobody_has_is_a_finding():
    many(30, "sign-in-failed", apart=MINUTE / 4, address="203.0.113.7")
    run()
    assert found("sign-in-burst") == [("203.0.113.0/24", "medium", "30 failures")]


def test_a_key_from_three_new_networks_in_a_day_is_its_owners_finding():
    owner = make.person("engineer")
    key, _ = make.key(make.active_integration(owner=owner))
    for network in ("203.0.113.7", "198.51.100.7"):
        many(1, "key-new-network", key_id=key.pk, address=network)
    run()
    assert found("key-on-the-move") == []
    many(1, "key-new-network", key_id=key.pk, address="192.0.2.7")
    run()
    [finding] = Finding.objects.open().filter(check_code="key-on-the-move")
    assert (finding.subject, finding.owner, finding.severity) == (key.integration, owner, "high")
    assert key.public_id in finding.detail


def test_what_a_directory_is_refused_counts_for_its_network():
    many(30, "directory-refused", address="203.0.113.7")
    run()
    assert found("sign-in-burst") == [("203.0.113.0/24", "medium", "30 failures")]


def test_thirty_changes_of_others_access_in_minutes_are_a_finding():
    officer = make.person("officer")
    people = [make.person() for _ in range(3)]
    for person in people:
        many(10, "role-changed", user=person, by=officer)
    run()
    assert found("access-changes-burst") == [
        (str(officer), "medium", "30 changes of others' access")
    ]


@pytest.fixture
def integration():
    return make.active_integration(name="Scribe", owner=make.person("engineer", "o@example.com"))


def denied(integration, count: int, *, apart: dt.timedelta = MINUTE / 4, **fields) -> None:
    """Denied calls of one actor up to a while ago, and an allowed one among them."""
    last = timezone.now() - 30 * MINUTE
    fields = {"decision": "deny", "reasons": ["principal-not-granted"], **fields}
    records.call(integration, received_at=last - MINUTE, actor_id=fields.get("actor_id", "intake"))
    for step in reversed(range(count)):
        at = last - step * apart
        records.call(integration, received_at=at, answered=False, **fields)


def test_thirty_denied_calls_of_one_actor_are_a_finding_of_the_integration(integration):
    denied(integration, 30, actor_id="clinician@example.com")
    tasks.watch()
    [finding] = Finding.objects.open().filter(check_code="calls-denied-burst")
    assert (finding.subject, finding.owner) == (integration, integration.owner)
    assert finding.severity == "medium"
    assert finding.detail.startswith("30 denied calls of one actor in 7 minutes from ")
    assert finding.detail.endswith("the first: principal-not-granted")
    # Nothing that a call carried is in a finding.
    assert "clinician" not in finding.detail + finding.subject_label
    told = Notice.objects.values_list("recipient", flat=True)
    assert sorted(told) == sorted({*(each.email for each in officers()), integration.owner.email})
    tasks.watch()
    run()
    assert len(found("calls-denied-burst")) == 1
    run(31)
    assert found("calls-denied-burst") == []


@pytest.mark.parametrize(
    ("count", "details"),
    [
        (29, {}),
        (60, {"apart": 11 * MINUTE}),
        (60, {"decision": "allow", "reasons": []}),
        (60, {"livemode": False}),
    ],
    ids=["few", "far apart", "allowed", "of a test key"],
)
def test_what_is_denied_now_and_then_is_no_burst(integration, count, details):
    denied(integration, count, **details)
    run()
    assert found("calls-denied-burst") == []


def test_denied_calls_of_many_actors_count_for_their_key(integration, settings):
    settings.BURST_KEY_DENIALS = 40
    key, _ = make.key(integration)
    other, _ = make.key(integration)
    for number in range(13):
        denied(integration, 3, actor_id=f"user-{number}", key=key)
    denied(integration, 5, actor_id="somebody", key=other)
    run()
    assert found("calls-denied-burst") == []
    denied(integration, 1, actor_id="one-more", key=key)
    run()
    [finding] = Finding.objects.open().filter(check_code="calls-denied-burst")
    assert finding.detail.startswith(f"40 denied calls of key {key.public_id} in ")


@pytest.mark.parametrize("number", [3, 11])
def test_how_many_denied_calls_are_a_burst_is_a_setting(integration, settings, number):
    settings.BURST_ACTOR_DENIALS = number
    denied(integration, number - 1, actor_id="one")
    denied(integration, number - 1, actor_id="another")
    run()
    assert found("calls-denied-burst") == []
    denied(integration, number, actor_id="third")
    run()
    assert len(found("calls-denied-burst")) == 1


def test_a_burst_keeps_its_first_event_for_as_long_as_it_is_told_of():
    events = [Happened(n, NOON + n * MINUTE, "x") for n in range(20)]
    told = {
        burst.first_pk
        for since in range(-10, 20)
        for burst in bursts(events, least=3, gap=MINUTE, since=NOON + since * MINUTE)
    }
    assert told == {0}


def test_bursts_of_several_do_not_mix():
    events = [Happened(n, NOON + n * MINUTE, "xy"[n % 2]) for n in range(8)]
    found = bursts(events, least=4, gap=2 * MINUTE, since=NOON)
    assert [(each.whose, each.first_pk, each.count) for each in found] == [("x", 0, 4), ("y", 1, 4)]


def test_a_burst_is_found_and_mailed_within_minutes_not_with_the_daily_checks():
    told = [make.person("officer").email, make.person("officer").email]
    person = make.person("viewer")
    many(10, "sign-in-failed", user=person)
    tasks.watch()
    assert found("sign-in-burst") == [(str(person), "medium", "10 failures")]
    send_notices(at=timezone.now())
    assert sorted(mailed.to[0] for mailed in mail.outbox) == sorted(told)
    assert "Many failed sign-ins" in mail.outbox[0].body
    # Told once, whoever looks again: the next minutes, and the daily checks.
    tasks.watch()
    run()
    send_notices(at=timezone.now())
    assert len(mail.outbox) == 2
    assert len(found("sign-in-burst")) == 1


def test_that_somebody_got_in_is_told_anew():
    make.person("officer")
    person = make.person("viewer")
    last = many(12, "sign-in-failed", user=person)
    watch(at=timezone.now())
    send_notices(at=timezone.now())
    note_security("sign-in", at=last + MINUTE, user=person)
    assert watch(at=timezone.now()) == 1
    run()
    send_notices(at=timezone.now())
    assert len(mail.outbox) == 2
    [finding] = Finding.objects.open().filter(check_code="sign-in-burst")
    assert finding.severity == "high"
    assert {each.note for each in finding.events.all()} >= {"Severity medium, now high."}
    assert watch(at=timezone.now()) == 0


def test_the_owner_of_a_key_is_told_beside_the_officers():
    owner = make.person("engineer")
    key, _ = make.key(make.active_integration(owner=owner))
    start = timezone.now() - dt.timedelta(hours=47)
    for step, network in enumerate(("203.0.113.7", "198.51.100.7", "192.0.2.7")):
        at = start + dt.timedelta(hours=23 * step)
        note_security("key-new-network", at=at, key_id=key.pk, address=network)
    watch(at=timezone.now())
    told = Notice.objects.values_list("recipient", flat=True)
    assert sorted(told) == sorted({*(each.email for each in officers()), owner.email})


def test_looking_often_closes_nothing_and_leaves_other_findings_alone():
    many(10, "sign-in-failed", user=make.person("viewer"))
    run()
    before = list(Finding.objects.order_by("pk").values())
    later = timezone.now() + dt.timedelta(days=2)
    assert watch(at=later) == 0
    assert list(Finding.objects.order_by("pk").values()) == before
    assert CheckRun.objects.count() == 1


def test_looking_often_is_cheap(django_assert_max_num_queries):
    make.person("officer")
    watch(at=timezone.now())
    # Lock, savepoint, and one each for failures, keys, changes of access, and denied calls.
    with django_assert_max_num_queries(7):
        watch(at=timezone.now())
    for number in range(20):
        many(9, "sign-in-failed", address=f"203.0.{number}.7", user=make.person("viewer"))
    with django_assert_max_num_queries(7):
        watch(at=timezone.now())


def test_it_asks_by_an_index_for_what_is_new_alone():
    rule = security_bursts.of_person()
    events = security_bursts.events_of(rule, since=NOON - MINUTE, until=NOON)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = events.explain()
    assert "securityevent_kind" in plan or "securityevent_at" in plan


@pytest.mark.parametrize("number", [3, 11])
def test_how_many_are_a_burst_is_a_setting(settings, number):
    settings.BURST_PERSON_FAILURES = number
    many(number - 1, "sign-in-failed", user=make.person("viewer"))
    run()
    assert found("sign-in-burst") == []
    person = make.person("viewer")
    many(number, "sign-in-failed", user=person)
    run()
    assert found("sign-in-burst") == [(str(person), "medium", f"{number} failures")]


def test_every_five_minutes_somebody_looks():
    entry = settings.CELERY_BEAT_SCHEDULE["bursts of security events"]
    assert entry["task"] == tasks.watch.name
    assert entry["schedule"].minute == set(range(4, 60, 5))
