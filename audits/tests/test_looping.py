"""Batches that an event loop stores itself: as those of the thread, and never waiting for it."""

import asyncio
import json
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from audits.api import desk, ingest
from audits.api.desk import Desk
from audits.ledger.settling import Refused
from audits.models import Batch, Call
from audits.services import appending, looping, writing
from audits.services.appending import NewEvent
from audits.services.scripts import Scripts, Sent
from audits.services.storing import Store
from audits.tests import make
from audits.tests.test_ledger_at_once import assert_whole
from policies.services.keyring import KeyRefused
from policies.services.lifecycle import suspend
from policies.tests import make as policies


@pytest.fixture
def secret(live):
    """The secret of a key by which one call is stored already: the writer is at work."""
    secret = make.key(live)[1]
    assert make.hot(secret, "calls", make.call_body()).status == 201
    return secret


@pytest.fixture
def threaded(monkeypatch):
    """The batches that the thread was given."""
    given, real = [], Store.try_batch

    def try_batch(store, jobs, *, held=None):
        given.append(list(jobs))
        return real(store, jobs, held=held)

    monkeypatch.setattr(Store, "try_batch", try_batch)
    return given


def begun(secret: str, body: dict, path: str = "calls"):
    """The job of a request."""
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
    raw = json.dumps(body).encode()
    request = ingest.Request("POST", f"/api/v1/{path}", headers, lambda: raw, "127.0.0.1")
    return ingest.begin(request, may_wait=True).jobs[0]


def stored(*groups):
    """Have groups of jobs stored by a loop, one group a request, all in one turn of the loop."""

    async def run():
        of_loop = Desk(asyncio.get_running_loop())
        asked = (of_loop.stored(group) for group in groups)
        return await asyncio.gather(*asked, return_exceptions=True)

    for error in asyncio.run(run()):
        if error is not None:
            raise error
    return [job for group in groups for job in group]


def by_loop(secret: str, count: int = 1):
    return stored(*([begun(secret, make.call_body())] for _ in range(count)))


def test_records_of_one_turn_of_the_loop_are_one_batch_and_no_thread_has_to_do_with_it(
    secret, threaded
):
    before = Batch.objects.count()
    jobs = by_loop(secret, 20)
    assert [job.error for job in jobs] == [None] * 20
    assert all(job.created and job.line and job.checkpoint for job in jobs)
    assert len({job.index for job in jobs}) == 20
    assert (Batch.objects.count(), threaded) == (before + 1, [])
    assert_whole()


def test_a_first_batch_waits_for_its_connection_in_the_thread(live, threaded):
    jobs = by_loop(make.key(live)[1])
    assert (jobs[0].error, len(threaded)) == (None, 1)
    assert_whole()


def test_tiles_are_complete_whoever_appended_in_between(secret):
    for number in range(16):
        assert all(job.error is None for job in by_loop(secret, 40))
        if number % 5 == 4:
            with transaction.atomic():
                appending.append_events([NewEvent("test", "x", {"n": 1})] * 7, at=timezone.now())
    assert Call.objects.count() == 641
    assert_whole()


def test_a_repeat_gets_the_first_answer(secret):
    body = make.call_body()
    (first,) = stored([begun(secret, body)])
    again, other = stored([begun(secret, body)], [begun(secret, make.call_body())])
    assert (again.created, again.index, again.line) == (False, first.index, first.line)
    assert again.checkpoint.note == first.checkpoint.note
    assert (other.created, other.error) == (True, None)
    one, two = stored(*([begun(secret, dict(body, call_id=other_id()))] for _ in range(2)))
    assert one.index != two.index
    assert_whole()


def other_id() -> str:
    return make.call_body()["call_id"]


def test_an_id_with_another_body_is_refused_beside_others(secret):
    body = make.call_body()
    stored([begun(secret, body)])
    reused, other = stored(
        [begun(secret, {**body, "purpose": "another"})], [begun(secret, make.call_body())]
    )
    assert isinstance(reused.error, Refused)
    assert (reused.error.code, other.error) == ("call-id-reused", None)
    (alone,) = stored([begun(secret, {**body, "purpose": "another"})])
    assert isinstance(alone.error, Refused)
    assert_whole()


def test_calls_completions_and_leases_are_settled_together(secret):
    body = make.call_body()
    call_id = body["call_id"]
    (call,) = stored([begun(secret, body)])
    lease, end = stored(
        [begun(secret, {}, f"calls/{call_id}/lease")],
        [begun(secret, make.completion_body(), f"calls/{call_id}/completion")],
    )
    assert [call.error, lease.error, end.error] == [None, None, None]
    assert end.entry.call_index == lease.entry.call_index == call.index
    (late,) = stored([begun(secret, {}, f"calls/{call_id}/lease")])
    assert late.error.code == "already-completed"
    assert_whole()


def test_what_was_decided_before_a_change_is_decided_again(secret, live, threaded):
    waiting = [begun(secret, make.call_body()) for _ in range(3)]
    assert {job.verdict.decision for job in waiting} == {"allow"}
    suspend(live, reason="Incident", by=policies.person("officer"), at=timezone.now())
    stored(*([job] for job in waiting))
    assert threaded
    for job in waiting:
        assert isinstance(job.error, KeyRefused) or job.entry.decision == "deny"
    assert_whole()


@contextmanager
def on_growth(body: str):
    """What the database does after the head has moved."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE growths")
        cursor.execute(
            f"CREATE FUNCTION on_growth() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; "
            "RETURN NULL; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER on_growth AFTER UPDATE ON audits_ledgerhead "
            "EXECUTE FUNCTION on_growth()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION on_growth() CASCADE")
            cursor.execute("DROP SEQUENCE growths")


def test_a_connection_that_is_cut_loses_and_doubles_nothing(secret, threaded):
    cut = "PERFORM pg_terminate_backend(pg_backend_pid())"
    with on_growth(f"IF nextval('public.growths') = 1 THEN {cut}; END IF"):
        jobs = by_loop(secret, 8)
    assert ([job.error for job in jobs], len(threaded)) == ([None] * 8, 1)
    assert Call.objects.count() == 9
    assert by_loop(secret)[0].error is None
    assert len(threaded) == 1
    assert_whole()


def test_an_idle_connection_that_went_is_made_anew(secret):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'countersign-writer' AND datname = current_database()"
        )
    assert [job.error for job in by_loop(secret, 3)] == [None] * 3
    assert Call.objects.count() == 4
    assert_whole()


def test_a_commit_whose_answer_was_lost_is_found_again(secret, monkeypatch, threaded):
    send, came = Scripts.send, Sent.came
    last, lost = [], []

    def sends(scripts, script, rows=()):
        sent = send(scripts, script, rows)
        if script.endswith("COMMIT"):
            last.append((sent, scripts.raw))
        return sent

    def comes(sent):
        events = came(sent)
        if not events and not lost and last and last[-1][0] is sent:
            lost.append(sent)
            last[-1][1].close()
            raise psycopg.OperationalError("gone")
        return events

    monkeypatch.setattr(Scripts, "send", sends)
    monkeypatch.setattr(Sent, "came", comes)
    (job,) = by_loop(secret)
    assert (job.error, len(lost), threaded) == (None, 1, [])
    assert Call.objects.count() == 2
    assert_whole()


def test_a_database_that_fails_stores_nothing_and_says_nothing(secret, caplog):
    before = assert_whole()
    fails = "RAISE EXCEPTION 'row of Smith' USING ERRCODE = '53100'"
    with on_growth(fails):
        jobs = by_loop(secret, 3)
    assert all(isinstance(job.error, psycopg.Error) for job in jobs)
    assert "Smith" not in caplog.text
    assert assert_whole() == before
    assert by_loop(secret)[0].error is None
    assert len(assert_whole()) == len(before) + 1


def test_many_records_of_one_request_are_settled_slice_by_slice(secret, threaded):
    many = [begun(secret, make.call_body()) for _ in range(3 * looping.MAX_BATCH)]
    few = [[begun(secret, make.call_body())] for _ in range(10)]
    jobs = stored(*few[:5], many, *few[5:])
    assert [job.error for job in jobs] == [None] * len(jobs)
    assert [job.index for job in jobs] == list(range(jobs[0].index, jobs[0].index + len(jobs)))
    # At most once, for the leaves of a tile that others had begun.
    assert len(threaded) <= 1
    assert_whole()


def test_records_and_repeats_of_one_request_keep_their_order(secret):
    """What a draft cannot take holds nothing up, and nothing overtakes it."""
    old, bodies = make.call_body(), [make.call_body() for _ in range(150)]
    stored([begun(secret, old)])
    mixed = [*bodies[:70], old, bodies[3], *bodies[70:], old]
    jobs = [begun(secret, body) for body in mixed]
    ends = [
        begun(secret, make.completion_body(), f"calls/{body['call_id']}/completion")
        for body in (*bodies, old)
    ]
    stored([*jobs, *ends])
    assert [job.error for job in (*jobs, *ends)] == [None] * (len(jobs) + len(ends))
    assert [job.created for job in jobs].count(False) == 3
    assert all(job.entry.call_index is not None for job in ends)
    assert_whole()


def test_more_than_may_wait_is_told_to_come_again(secret, monkeypatch):
    monkeypatch.setattr(writing, "MAX_WAITING", 2)
    with pytest.raises(writing.Busy):
        stored(*([begun(secret, make.call_body())] for _ in range(3)))


def test_a_batch_that_nobody_hears_of_is_looked_after(secret, monkeypatch):
    """Whatever kept the loop from being told that the database has answered, or gone."""
    monkeypatch.setattr(desk, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(looping.UnderWay, "_wait", lambda *_: None)
    monkeypatch.setattr(looping.UnderWay, "push", lambda *_: None)
    assert [job.error for job in by_loop(secret, 3)] == [None] * 3
    assert_whole()


def test_a_fault_of_the_program_leaves_the_writer_to_others(secret, monkeypatch):
    def broken(*_):
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr(appending, "new_batch", broken)
    assert by_loop(secret)[0].error is None
    assert by_loop(secret)[0].error is None
    assert_whole()
