"""What a transaction noted stands in the ledger once it has committed, or nothing of it does."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audits import tasks
from audits.models import Batch, Event, LedgerHead, Pending, ReadEvent
from audits.services import sealing
from audits.services.reads import Read, record_read
from audits.services.signing import LedgerRefused
from audits.tests import make
from audits.tests.event_types import misfits
from policies.models import DataClass
from policies.services.deciding import class_terms, policy_digest
from policies.tests import make as policies
from vendors import as_of
from vendors.models import Vendor
from vendors.models.epoch import Epoch
from vendors.services.saving import raise_epoch_at_commit

READ = Read("list", "audits.call", 3, filters={"decision": "deny"})


def entries(ledger_id: int = 1) -> list[dict]:
    """Every entry as it was hashed, in order."""
    batches = Batch.objects.filter(ledger_id=ledger_id).order_by("first_index")
    return [json.loads(line) for b in batches for line in bytes(b.entries).split(b"\n")]


def size() -> int:
    return LedgerHead.objects.get(ledger_id=1).size


@pytest.fixture
def person(committed):
    made = policies.person("auditor")
    sealing.seal_pending(at=timezone.now())
    return made


def test_a_read_is_in_the_ledger_when_it_is_answered(person):
    before = timezone.now()
    event = record_read(READ, by=person, at=before)
    last = Event.objects.latest("index")
    assert (last.type, last.subject, last.payload["row"]) == ("read", "audits.call", event.pk)
    assert entries()[-1]["payload"] == last.payload
    assert abs(last.received_at - before) < dt.timedelta(seconds=5)
    assert not Pending.objects.exists()


def test_what_is_rolled_back_leaves_nothing(person):
    before = size()
    with transaction.atomic():
        record_read(READ, by=person, at=timezone.now())
        transaction.set_rollback(True)
    with transaction.atomic():
        with transaction.atomic():
            record_read(READ, by=person, at=timezone.now())
            transaction.set_rollback(True)
        assert not connection.to_seal()
    assert (size(), ReadEvent.objects.count(), Pending.objects.count()) == (before, 0, 0)


def test_a_transaction_that_notes_nothing_asks_the_ledger_nothing(person):
    began = size()
    with connection.execute_wrapper(lambda *_: pytest.fail("asked")), transaction.atomic():
        assert not connection.to_seal()
    with transaction.atomic():
        Vendor.objects.exists()
        assert not connection.to_seal()
    assert size() == began


def test_a_statement_that_commits_by_itself_is_sealed_by_the_next_that_seals(person):
    policies.data_class()
    sealing.seal_pending(at=timezone.now())
    DataClass.objects.update(position=7)
    assert [note.type for note in Pending.objects.all()] == ["policy"]
    record_read(READ, by=person, at=timezone.now())
    assert [entry["type"] for entry in entries()[-2:]] == ["policy", "read"]
    assert not Pending.objects.exists()


def test_a_statement_that_commits_by_itself_is_sealed_by_the_task_of_each_minute(person):
    policies.data_class()
    DataClass.objects.update(position=7)
    assert Pending.objects.exists()
    tasks.seal_pending()
    assert not Pending.objects.exists()
    assert entries()[-1]["payload"] == {"policy_digest": policy_digest(class_terms())}
    assert (
        settings.CELERY_BEAT_SCHEDULE["notes no commit sealed"]["task"] == tasks.seal_pending.name
    )


def test_a_policy_changed_in_many_statements_is_published_once(person):
    with transaction.atomic():
        made = policies.data_class("pii")
        made.max_retention_days = 30
        made.save()
        made.allowed_regions = ["us-east-1"]
        made.save()
    published = [entry for entry in entries() if entry["type"] == "policy"]
    assert [p["payload"]["policy_digest"] for p in published] == [policy_digest(class_terms())]


def test_a_read_of_a_past_day_is_sealed_in_the_present(person):
    policies.data_class()
    DataClass.objects.update(position=3)
    with as_of.reading(timezone.localdate() - dt.timedelta(days=1)):
        record_read(READ, by=person, at=timezone.now())
        assert not DataClass.objects.exists()
    assert [entry["type"] for entry in entries()[-2:]] == ["policy", "read"]
    assert entries()[-2]["payload"] == {"policy_digest": policy_digest(class_terms())}


def test_nothing_is_stored_that_the_ledger_refuses(person, monkeypatch):
    record_read(READ, by=person, at=timezone.now())
    before = size()
    done = []
    monkeypatch.setattr(settings, "LEDGER_SIGNING_KEY", "ab" * 32)

    @transaction.atomic
    def read() -> None:
        record_read(READ, by=person, at=timezone.now())
        transaction.on_commit(lambda: done.append(1))

    with pytest.raises(LedgerRefused, match="LEDGER_SIGNING_KEY"):
        read()
    monkeypatch.undo()
    assert (size(), ReadEvent.objects.count(), Pending.objects.count()) == (before, 1, 0)
    with transaction.atomic():
        record_read(READ, by=person, at=timezone.now())
    assert (ReadEvent.objects.count(), done) == (2, [])


def test_nothing_is_stored_that_the_database_does_not_take_into_the_ledger(person):
    record_read(READ, by=person, at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE audits_event ADD CONSTRAINT no_reads CHECK (type <> 'read') NOT VALID"
        )
    try:
        with pytest.raises(DatabaseError), transaction.atomic():
            record_read(READ, by=person, at=timezone.now())
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audits_event DROP CONSTRAINT no_reads")
    assert (ReadEvent.objects.count(), Pending.objects.count()) == (1, 0)
    assert Vendor.objects.count() == 0  # the connection goes on


def test_what_is_deferred_to_the_end_comes_before_the_head_is_held(person):
    epoch = Epoch.objects.get().value
    with transaction.atomic():
        raise_epoch_at_commit()
        vendor = Vendor.objects.create(name="Quillwork", slug="quillwork")
        assert Epoch.objects.get().value == epoch
    assert Epoch.objects.get().value == epoch + 1
    assert entries()[-1]["subject"] == f"vendors.vendor:{vendor.pk}"


def test_two_that_seal_at_once_seal_everything_once(person):
    policies.data_class()
    for position in range(50):
        DataClass.objects.update(position=position + 1)
    assert Pending.objects.count() == 50
    before = size()
    counts = make.at_once(4, lambda _: sealing.seal_pending(at=timezone.now()))
    assert (sum(counts), size() - before) == (1, 1)  # fifty notes of one policy
    assert not Pending.objects.exists()


def test_the_clock_of_an_entry_does_not_go_back(person):
    record_read(READ, by=person, at=timezone.now())
    long_ago = timezone.now() - dt.timedelta(days=3)
    with transaction.atomic():
        record_read(READ, by=person, at=long_ago)
        sealing.seal_pending(at=long_ago)
    first, second = list(Event.objects.order_by("-index")[:2])[::-1]
    assert second.received_at >= first.received_at
    assert second.payload["at"] < first.payload["at"]


def test_every_entry_fits_its_type(person):
    policies.active_integration()
    found = [entry for entry in entries() if entry["type"] not in ("call", "denial")]
    assert len({entry["type"] for entry in found}) > 5
    assert [e for e in found if misfits(e["type"], e["payload"])] == []


def post_until(stop: threading.Event, secret: str) -> int:
    """How many calls were recorded."""
    done = 0
    while not stop.is_set():
        assert make.hot(secret, "calls", make.call_body()).status == 201
        done += 1
    return done


def test_changes_that_raise_the_epoch_do_not_lock_up_with_calls_and_reads(live):
    """16 threads post calls, one reads, two change what decisions rest on; nobody deadlocks."""
    _key, secret = make.key(live)
    stop = threading.Event()
    person = policies.person("auditor")
    ends = time.monotonic() + 3

    @transaction.atomic
    def step(number: int) -> None:
        if number == 16:
            record_read(READ, by=person, at=timezone.now())
            return
        if number == 18:
            raise_epoch_at_commit()
            live.service.vendor.save()
        live.save()

    def work(number: int) -> int:
        if number < 16:
            return post_until(stop, secret)
        done = 0
        try:
            while time.monotonic() < ends:
                step(number)
                done += 1
        finally:
            stop.set()
        return done

    assert all(make.at_once(19, work))
    assert not Pending.objects.exists()
    moments = [entry["received_at"] for entry in entries()]
    assert moments == sorted(moments)
