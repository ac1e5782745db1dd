"""From the commit of a change, no later record says allow."""

import datetime as dt
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audits.bodies import CallBody, parse
from audits.models import Call
from audits.services.recording import record_call
from audits.tests import make
from policies.models import Integration, IntegrationKey
from policies.services.keyring import Caller, KeyRefused
from vendors.models import Agreement
from vendors.models.epoch import Epoch
from vendors.services.saving import raise_epoch_at_commit

THREADS = 16


def terminate_the_baa(integration, key) -> None:
    agreement = Agreement.objects.get(vendor=integration.service.vendor)
    agreement.terminated_on = timezone.localdate() - dt.timedelta(days=1)
    agreement.save()


def suspend(integration, key) -> None:
    integration.state = Integration.State.SUSPENDED
    integration.save()


def revoke_the_key(integration, key) -> None:
    key.revoked_at = timezone.now()
    key.save()


def post_until(stop: threading.Event, secret: str, seen: list[tuple[float, int, str]]) -> None:
    """Adds to `seen` when each post began (monotonic), its status, its decision."""
    while not stop.is_set():
        began = time.monotonic()
        answer = make.hot(secret, "calls", make.call_body())
        said = json.loads(answer.body)
        seen.append((began, answer.status, said.get("decision", said.get("type"))))


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (terminate_the_baa, (201, "deny")),
        (suspend, (201, "deny")),
        (revoke_the_key, (401, "urn:countersign:problem:key-revoked")),
    ],
)
def test_no_record_after_the_commit_of_a_change_says_allow(
    live, change: Callable[[Integration, IntegrationKey], None], after
):
    key, secret = make.key(live)
    before, stop = Epoch.objects.get().value, threading.Event()
    committed_at, size_then = 0.0, 0
    seen: list[tuple[float, int, str]] = []

    def work(number: int) -> None:
        nonlocal committed_at, size_then
        if number < THREADS:
            post_until(stop, secret, seen)
            return
        try:
            make.wait_for(lambda: len(seen) > 4 * THREADS)
            with transaction.atomic():
                change(live, key)
                time.sleep(0.1)
            committed_at = time.monotonic()
            with connection.cursor() as cursor:
                cursor.execute("SELECT size FROM audits_ledgerhead WHERE ledger_id = 1")
                size_then = cursor.fetchone()[0]
            make.wait_for(lambda: sum(began > committed_at for began, *_ in seen) > 4 * THREADS)
        finally:
            stop.set()

    make.at_once(THREADS + 1, work)

    allowed = Call.objects.filter(decision="allow")
    assert allowed.count() > THREADS
    assert not allowed.filter(index__gte=size_then).exists()
    assert set(allowed.values_list("epoch", flat=True)) == {before}
    later = [(status, said) for began, status, said in seen if began > committed_at]
    assert len(later) > THREADS
    assert set(later) == {after}
    assert {(status, said) for _, status, said in seen} == {(201, "allow"), after}


def test_a_record_decided_under_a_passed_epoch_is_decided_again(live):
    secret = make.key(live)[1]
    assert json.loads(make.hot(secret, "calls", make.call_body()).body)["decision"] == "allow"
    terminate_the_baa(live, None)
    assert json.loads(make.hot(secret, "calls", make.call_body()).body)["decision"] == "deny"


def decided(secret: str) -> str:
    """What the gate says of a call that is posted over a connection of its own."""
    posted = make.at_once(1, lambda _: make.hot(secret, "calls", make.call_body()))
    return json.loads(posted[0].body)["decision"]


def test_a_change_of_many_rows_holds_no_record_up_until_it_commits(live):
    secret = make.key(live)[1]
    before = Epoch.objects.get().value
    with transaction.atomic():
        raise_epoch_at_commit()
        terminate_the_baa(live, None)
        live.save()
        assert decided(secret) == "allow"
        assert Epoch.objects.get().value == before
    assert Epoch.objects.get().value == before + 1
    assert decided(secret) == "deny"
    # The next transaction raises it at once again.
    with transaction.atomic():
        live.save()
        assert Epoch.objects.get().value == before + 2


def test_a_change_of_many_rows_that_is_taken_back_raises_nothing(live):
    before = Epoch.objects.get().value
    with suppress(ZeroDivisionError), transaction.atomic():
        raise_epoch_at_commit()
        terminate_the_baa(live, None)
        raise ZeroDivisionError
    assert Epoch.objects.get().value == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM vendors_epoch_due")
        assert cursor.fetchone() == (0,)


def test_who_holds_records_up_does_not_wait_long_for_anybody_else(live):
    with transaction.atomic(), connection.cursor() as cursor:
        live.save()
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("5s",)


def test_records_get_through_while_the_register_changes_all_the_time(live):
    secret = make.key(live)[1]
    stop = threading.Event()

    def work(number: int):
        if number:
            try:
                return [make.hot(secret, "calls", make.call_body()).status for _ in range(20)]
            finally:
                if number == 1:
                    stop.set()
        while not stop.is_set():
            live.save()
        return []

    statuses = [status for found in make.at_once(5, work) for status in found]
    assert statuses == [201] * 80


def test_a_call_that_was_on_its_way_when_its_key_was_revoked_is_refused(live):
    key = make.key(live)[0]
    received_at = timezone.now()
    revoke_the_key(live, key)
    body = parse(CallBody, json.dumps(make.call_body()).encode())
    with pytest.raises(KeyRefused) as refused:
        record_call(body, caller=Caller.of(key), received_at=received_at)
    assert refused.value.code == "key-revoked"
    assert not Call.objects.exists()


def test_a_key_made_later_works_at_once_and_a_wrong_one_never(live):
    secret = make.key(live)[1]
    assert make.hot(secret, "calls", make.call_body()).status == 201
    assert make.hot("csk_live_" + "x" * 30, "calls", make.call_body()).status == 401
    other = make.key(live)[1]
    assert make.hot(other, "calls", make.call_body()).status == 201


def test_a_key_that_got_a_scope_is_let_in_though_its_old_facts_are_held(live):
    key, secret = make.key(live, scopes=["calls:read"])
    assert make.hot(secret, "calls", make.call_body()).status == 403
    key.scopes = ["calls:write"]
    key.save()
    assert make.hot(secret, "calls", make.call_body()).status == 201
