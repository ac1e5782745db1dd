"""Many writers and one ledger: nothing lost, nothing doubled, one order, one tree."""

import datetime as dt
import json
import os
import subprocess
import sys
import uuid

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from audits.bodies import CallBody, parse
from audits.ledger.entries import entry_of_row
from audits.models import Batch, Call, Completion, LedgerHead, Tile
from audits.services import appending, writing
from audits.services.appending import NewEvent
from audits.services.recording import record_call
from audits.services.scripts import Scripts
from audits.tests import make
from audits.tests.test_receipts import lines, row_of
from countersign.merkle import leaf_hash, root_of
from policies.services.keyring import Caller

# What another process does: it posts calls over its own writer and prints their answers.
OTHER = """
import json, sys
import django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from audits.services import writing
from audits.tests import make
for number in range(int(sys.argv[3])):
    answer = make.hot(sys.argv[2], "calls", make.call_body())
    print(answer.status, json.loads(answer.body)["receipt"]["record"])
writing.stop()
"""


def assert_whole(ledger_id: int = 1) -> list[bytes]:
    """Batches follow each other, and head, tiles and moments are those of the entries."""
    found = lines(ledger_id)
    leaves = [leaf_hash(line) for line in found]
    end = 0
    for batch in Batch.objects.filter(ledger_id=ledger_id).order_by("first_index"):
        assert batch.first_index == end
        end = batch.size
        assert bytes(batch.root) == root_of(leaves[:end])
    head = LedgerHead.objects.get(ledger_id=ledger_id)
    assert (head.size, bytes(head.root)) == (len(found), root_of(leaves))
    tiles = Tile.objects.filter(ledger_id=ledger_id, level=0).order_by("number")
    assert [bytes(tile.hashes) for tile in tiles] == [
        b"".join(leaves[at : at + 256]) for at in range(0, len(leaves) // 256 * 256, 256)
    ]
    moments = [json.loads(line)["received_at"] for line in found]
    assert moments == sorted(moments)
    return found


def test_fifty_equal_posts_at_once_are_one_record(live):
    secret, body = make.key(live)[1], make.call_body()
    answers = make.at_once(50, lambda _: make.hot(secret, "calls", body))
    assert sorted(answer.status for answer in answers) == [200] * 49 + [201]
    assert len({answer.body for answer in answers}) == 1
    assert Call.objects.count() == 1
    assert_whole()


def test_two_processes_and_the_drain_write_at_once(live):
    secret = make.key(live)[1]
    arguments = [sys.executable, "-c", OTHER, connection.settings_dict["NAME"], secret, "120"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    others = [
        subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    api = make.Api(Client(), secret)
    drained = []
    while any(other.poll() is None for other in others) or not drained:
        body = "\n".join(json.dumps({"type": "call", "body": make.call_body()}) for _ in range(40))
        answer = api.post("events", body, content_type="application/x-ndjson")
        drained += [json.loads(line) for line in answer.content.splitlines()]
    posted = [line.split() for other in others for line in other.communicate()[0].splitlines()]
    assert [status for status, _ in posted] == ["201"] * 240
    assert {each["status"] for each in drained} == {201}
    numbers = [int(number) for _, number in posted]
    numbers += [each["body"]["receipt"]["record"] for each in drained]
    assert len(set(numbers)) == len(numbers) == Call.objects.count()
    assert_whole()


def test_a_process_that_writes_between_two_of_our_batches_breaks_no_tile(live):
    """What is held of the last leaves counts only while nobody else appends."""
    secret = make.key(live)[1]
    for _ in range(12):
        for _ in range(20):
            assert make.hot(secret, "calls", make.call_body()).status == 201
        with transaction.atomic():
            appending.append_events([NewEvent("test", "x", {"n": 1})] * 5, at=timezone.now())
    # And what the commits seal of the register beside them.
    assert len(assert_whole()) >= 12 * 25 + 1
    assert Tile.objects.filter(ledger_id=1, level=0).exists()


def test_a_clock_that_jumps_back_does_not_take_the_log_with_it(integration):
    caller = Caller.of(make.key(integration)[0])
    now = timezone.now()
    for offset in (0, -3600, 5):
        body = parse(CallBody, json.dumps(make.call_body()).encode())
        at = now + dt.timedelta(seconds=offset)
        record_call(body, caller=caller, received_at=at)
    stored = list(Call.objects.order_by("index").values_list("received_at", "lease_until"))
    first, back, ahead = (received for received, _ in stored)
    assert first == back < ahead
    assert all(until - received == dt.timedelta(minutes=10) for received, until in stored)
    assert_whole()


def test_a_batch_ends_where_a_partition_does(db):
    with connection.cursor() as cursor:
        # A ledger of its own, whose first partition is small.
        cursor.execute("INSERT INTO audits_ledger (id, slug, livemode) VALUES (9, 'nine', true)")
        cursor.execute("INSERT INTO audits_ledgerhead VALUES (9, 0, '', sha256(''), NULL)")
        cursor.execute("SELECT audits_make_partition(9, 0, 256)")
    appended = appending.append_events(
        [NewEvent("test", str(n), {}) for n in range(700)], at=timezone.now(), ledger_id=9
    )
    assert (appended.first_index, appended.size) == (1, 701)
    batches = Batch.objects.filter(ledger_id=9).order_by("first_index")
    assert [(b.first_index, b.size) for b in batches] == [(0, 256), (256, 701)]
    assert_whole(9)


def test_a_database_that_fails_at_the_commit_stores_nothing(live, caplog):
    """As a disk that is full when the record has been written and has still to be committed."""
    secret = make.key(live)[1]
    assert make.hot(secret, "calls", make.call_body()).status == 201
    before = assert_whole()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'row of Smith' USING ERRCODE = '53100'; END $$"
        )
        cursor.execute(
            "CREATE CONSTRAINT TRIGGER fails AFTER UPDATE ON audits_ledgerhead "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fails()"
        )
    body = make.call_body()
    try:
        answer = make.hot(secret, "calls", body)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION fails() CASCADE")
    assert answer.status == 503
    assert json.loads(answer.body)["type"].endswith(":audit-unavailable")
    assert "Smith" not in answer.body.decode() + caplog.text
    assert assert_whole() == before
    assert make.hot(secret, "calls", body).status == 201
    assert len(assert_whole()) == len(before) + 1


def test_a_connection_that_is_cut_before_the_commit_loses_and_doubles_nothing(live):
    """The server ends the writer's connection in the middle of its transaction, once."""
    secret = make.key(live)[1]
    assert make.hot(secret, "calls", make.call_body()).status == 201
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE cuts")
        cursor.execute(
            "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF nextval('public.cuts') = 1 THEN "
            "PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER cut AFTER UPDATE ON audits_ledgerhead EXECUTE FUNCTION cut()"
        )
    try:
        answers = make.at_once(8, lambda _: make.hot(secret, "calls", make.call_body()))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION cut() CASCADE")
            cursor.execute("DROP SEQUENCE cuts")
    assert [answer.status for answer in answers] == [201] * 8
    assert Call.objects.count() == 9
    assert_whole()


def test_a_commit_whose_answer_was_lost_is_found_again(live, monkeypatch):
    """The batch is stored, and the connection goes before the writer hears of it."""
    secret = make.key(live)[1]
    assert make.hot(secret, "calls", make.call_body()).status == 201
    real, lost = Scripts.run, []

    def run(scripts, script, rows=()):
        results = real(scripts, script, rows)
        if script.endswith("COMMIT") and not lost:
            lost.append(scripts)
            scripts.raw.close()
            raise psycopg.OperationalError("gone")
        return results

    monkeypatch.setattr(Scripts, "run", run)
    answer = make.hot(secret, "calls", make.call_body())
    assert (answer.status, len(lost)) == (201, 1)
    assert Call.objects.count() == 2
    assert_whole()


def test_more_than_may_wait_is_told_to_come_again(live, monkeypatch):
    secret = make.key(live)[1]
    monkeypatch.setattr(writing, "MAX_WAITING", 0)
    answer = make.hot(secret, "calls", make.call_body())
    assert answer.status == 503
    assert dict(answer.headers)["Retry-After"] == "1"
    assert not Call.objects.exists()


@pytest.mark.parametrize("count", [1, 300])
def test_rows_agree_with_entries_over_the_writer(live, count):
    secret = make.key(live)[1]
    api = make.Api(Client(), secret)
    calls = [make.call_body(masked={"b": 1, "a": 2}) for _ in range(count)]
    ends = [make.completion_body() for _ in range(count)]
    body = "\n".join(
        json.dumps(line)
        for call, end in zip(calls, ends, strict=True)
        for line in (
            {"type": "call", "body": call},
            {"type": "completion", "call_id": call["call_id"], "body": end},
        )
    )
    api.post("events", body, content_type="application/x-ndjson")
    found = assert_whole()
    for call in Call.objects.select_related("verdict"):
        assert found[call.index] == entry_of_row("call", row_of(call))
    for row in Completion.objects.values():
        assert found[row["index"]] == entry_of_row("completion", row)
        assert json.loads(found[row["call_index"]])["call_id"] == str(row["call_id"])


def test_a_call_of_long_ago_is_known_by_its_version_7_id(integration):
    """Others are looked for among the records of 30 days."""
    caller = Caller.of(make.key(integration)[0])
    long_ago = timezone.now() - dt.timedelta(days=400)
    seven = uuid.UUID(int=int(long_ago.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62)
    body = parse(CallBody, json.dumps(make.call_body(call_id=str(seven))).encode())
    first = record_call(body, caller=caller, received_at=long_ago)
    assert record_call(body, caller=caller, received_at=timezone.now()).record_id == first.record_id
