"""What a grant gives a call: from its first moment, until just before its last, without any job."""

import datetime as dt
import json
import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audits.models import Call, Ledger
from audits.services import facts
from audits.services.actors import note_actors
from audits.tests import make
from policies.gate import CallTerms
from policies.models import Grant, Principal, SightingMark
from policies.services import directory, granting
from policies.services.principals import principal_of
from policies.services.trail import Refused
from policies.tests import make as policies
from policies.tests.make import NOON, person
from vendors.models.epoch import Epoch

HOUR = dt.timedelta(hours=1)
MOMENT = dt.timedelta(microseconds=1)
NOT_GRANTED = ["principal-not-granted"]


def known(**fields):
    return make.active_integration(known_actors_only=True, **fields)


def asked(secret: str, actor: str) -> tuple[str, list[str]]:
    kind, _, identifier = actor.partition(":")
    body = make.call_body(actor={"type": kind, "id": identifier})
    said = json.loads(make.hot(secret, "calls", body).body)
    return said["decision"], [reason["code"] for reason in said["reasons"]]


def test_the_gate_follows_each_step_of_a_grant(db):
    integration, now = known(), timezone.now()
    secret = make.key(integration)[1]
    clinician, officer = person("engineer"), person("officer")
    actor = f"user:{clinician.email}"
    assert asked(secret, actor) == ("deny", NOT_GRANTED)
    wanted = granting.Wanted(
        permission="send_prompt",
        principal=principal_of(clinician, at=now),
        purpose="Notes",
        ends_at=now + 24 * HOUR,
    )
    grant = granting.request_grant(integration, wanted, by=clinician, at=now)
    assert asked(secret, actor) == ("deny", NOT_GRANTED)
    granting.approve_grant(grant, by=officer, at=now)
    assert asked(secret, actor) == ("allow", [])
    assert asked(secret, "user:somebody@example.com") == ("deny", NOT_GRANTED)
    granting.withdraw_grant(grant, by=officer, at=timezone.now())
    assert asked(secret, actor) == ("deny", NOT_GRANTED)


def test_a_grant_that_ended_a_moment_ago_denies_though_no_job_has_run(db):
    integration, now = known(), timezone.now()
    secret = make.key(integration)[1]
    clinician, late = person("engineer"), person("engineer")
    policies.grant(integration, late, at=now - HOUR, ends_at=now + HOUR)
    policies.grant(integration, clinician, at=now - HOUR, ends_at=now - MOMENT)
    assert Grant.objects.lapsed(now).get().state == "standing"
    assert asked(secret, f"user:{clinician.email}") == ("deny", NOT_GRANTED)
    assert asked(secret, f"user:{late.email}")[0] == "allow"


def test_facts_in_memory_know_the_moment_without_a_query(db, django_assert_num_queries):
    integration = known()
    clinician = person("engineer")
    (grant,) = policies.grant(integration, clinician, ends_at=NOON + HOUR)
    call = CallTerms("gpt-4.1", "us-east-1", phi_present=True, actor=f"user:{clinician.email}")
    state = facts.Facts().state()
    first = state.decide(integration.pk, call, NOON)
    assert (first.decision, first.valid_until) == (
        "allow",
        timezone.localdate(grant.ends_at - MOMENT).isoformat(),
    )
    with django_assert_num_queries(0):
        before = state.decide(integration.pk, call, NOON + HOUR - MOMENT)
        after = state.decide(integration.pk, call, NOON + HOUR)
        early = state.decide(integration.pk, call, NOON - MOMENT)
    assert before.decision == "allow"
    assert (after.decision, after.reasons) == ("deny", NOT_GRANTED)
    assert early.decision == "deny"


def test_a_service_calls_as_a_member_of_its_group_and_stops_with_its_membership(db):
    integration, now, officer = known(), timezone.now(), person("officer")
    secret = make.key(integration)[1]
    batch = directory.add_principal("service", "claims-batch", source="csv", at=now)
    group = directory.add_group("Batches", source="csv", at=now)
    policies.grant(integration, group, at=now, by=officer)
    assert asked(secret, batch.actor)[0] == "deny"
    directory.change_members(group, add=[batch], by=officer, at=now)
    assert asked(secret, batch.actor)[0] == "allow"
    directory.change_principal(batch, {"state": "left"}, by=officer, at=now)
    assert asked(secret, batch.actor) == ("deny", NOT_GRANTED)
    directory.change_principal(batch, {"state": "active"}, by=officer, at=now)
    assert asked(secret, batch.actor) == ("deny", NOT_GRANTED)


def test_emergency_access_opens_the_gate_at_once(db):
    integration, now, clinician = known(), timezone.now(), person("engineer")
    secret = make.key(integration)[1]
    granting.break_in(
        integration, permission="send_prompt", by=clinician, at=now, reason="Patient portal is down"
    )
    assert asked(secret, f"user:{clinician.email}")[0] == "allow"


def test_no_record_after_a_withdrawal_says_allow(committed):
    integration, officer, clinician = known(), person("officer"), person("engineer")
    (grant,) = policies.grant(integration, clinician, at=timezone.now(), by=officer)
    secret = make.key(integration)[1]
    stop, before, size_then = threading.Event(), Epoch.objects.get().value, 0
    seen: list[str] = []

    def work(number: int) -> None:
        nonlocal size_then
        if number:
            while not stop.is_set():
                seen.append(asked(secret, f"user:{clinician.email}")[0])
            return
        try:
            make.wait_for(lambda: "allow" in seen)
            granting.withdraw_grant(grant, by=officer, at=timezone.now())
            with connection.cursor() as cursor:
                cursor.execute("SELECT size FROM audits_ledgerhead WHERE ledger_id = 1")
                size_then = cursor.fetchone()[0]
            make.wait_for(lambda: "deny" in seen)
        finally:
            stop.set()

    make.at_once(5, work)
    assert set(seen) == {"allow", "deny"}
    allowed = Call.objects.filter(decision="allow")
    assert not allowed.filter(index__gte=size_then).exists()
    assert set(allowed.values_list("epoch", flat=True)) == {before}


def test_of_two_who_approve_at_once_one_decides_and_the_other_is_told(committed):
    integration, clinician = known(), person("engineer")
    officers = [person("officer"), person("officer")]
    now = timezone.now()
    wanted = granting.Wanted(
        permission="send_prompt",
        principal=principal_of(clinician, at=now),
        purpose="Notes",
        ends_at=now + HOUR,
    )
    grant = granting.request_grant(integration, wanted, by=clinician, at=now)

    def approve(number: int) -> str:
        try:
            granting.approve_grant(grant, by=officers[number], at=timezone.now())
        except Refused as refusal:
            return str(refusal)
        return "approved"

    said = make.at_once(2, approve)
    assert sorted(said) == ["It is standing already.", "approved"]
    grant.refresh_from_db()
    assert grant.decided_by == officers[said.index("approved")]


def test_two_who_give_the_same_at_once_make_one_grant(committed):
    integration, clinician = known(), person("engineer")
    officers = [person("officer"), person("officer")]
    holder = principal_of(clinician, at=timezone.now())

    def give(number: int) -> str:
        try:
            policies.grant(integration, holder, by=officers[number], at=timezone.now())
        except Refused as refusal:
            return str(refusal)
        return "given"

    assert sorted(make.at_once(2, give)) == ["Such a grant stands at that time already.", "given"]
    assert Grant.objects.count() == 1


def test_who_calls_is_noted_once_and_holds_nothing_until_somebody_says_who_it_is(db):
    integration, now, officer = make.active_integration(), timezone.now(), person("officer")
    secret = make.key(integration)[1]
    assert note_actors(now) == 0
    for actor in ("user:u-7", "service:batch", "user:u-7"):
        asked(secret, actor)
    before = Epoch.objects.get().value
    assert note_actors(now, entries=1) == 2
    assert Epoch.objects.get().value == before
    seen = Principal.objects.get(identifier="u-7")
    assert (seen.state, seen.source, seen.kind) == ("unknown", "seen", "user")
    assert seen.first_seen_at < seen.last_seen_at
    assert note_actors(now) == 0
    with pytest.raises(Refused, match="who this is"):
        policies.grant(integration, seen, by=officer, at=now)
    known_now = directory.change_principal(seen, {"state": "active"}, by=officer, at=now)
    assert policies.grant(integration, known_now, by=officer, at=now)
    with pytest.raises(Refused, match="stays known"):
        directory.change_principal(known_now, {"state": "unknown"}, by=officer, at=now)


def test_two_jobs_do_not_look_for_callers_at_once_nor_wait_for_each_other(committed):
    integration, now = make.active_integration(), timezone.now()
    asked(make.key(integration)[1], "user:u-7")
    SightingMark.objects.create(ledger_id=Ledger.LIVE)

    def beside(_number: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        return note_actors(now)

    with transaction.atomic():
        SightingMark.objects.select_for_update().get()
        assert make.at_once(1, beside) == [0]
    assert note_actors(now) == 1


def test_a_grant_that_is_taken_back_with_its_transaction_gives_nothing(db):
    integration, now = known(), timezone.now()
    secret = make.key(integration)[1]
    clinician = person("engineer")
    with transaction.atomic():
        policies.grant(integration, clinician, at=now)
        transaction.set_rollback(True)
    assert asked(secret, f"user:{clinician.email}") == ("deny", NOT_GRANTED)
