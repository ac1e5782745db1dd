"""What waits reaches the portal: in its order, once, with poison set aside and nothing lost."""

import contextlib
import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from countersign.client import draining, journal, recovering
from countersign.client.recording import Go, Recorder
from countersign.tests.portal_double import PortalDouble
from countersign.tests.test_recording import SUCCEEDED, body


@pytest.fixture
def portal():
    with PortalDouble(mode="spool") as portal:
        yield portal


@pytest.fixture
def recorder_of(portal, tmp_path):
    with contextlib.ExitStack() as stack:

        def make(**given) -> Recorder:
            recorder = Recorder(portal.settings(tmp_path, **given))
            stack.callback(recorder.close, 1)
            recorder.terms()
            return recorder

        yield make


def spooled(recorder, count=1) -> list[str]:
    found = [recorder.call(body()) for _ in range(count)]
    assert {each.recorded for each in found} == {"journal"}
    return [each.call_id for each in found]


def syncs_of(monkeypatch) -> list[int]:
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(file), fsync(file)))
    return synced


def test_what_was_spooled_is_drained_in_one_packed_body_and_says_that_it_was(portal, recorder_of):
    recorder = recorder_of()
    portal.away = True
    called = spooled(recorder, 30)
    for call_id in called:
        recorder.complete(call_id, SUCCEEDED)
    portal.away = False
    assert recorder.flush(10)
    assert list(portal.calls) == called
    assert {portal.sources[call_id] for call_id in called} == {"events"}
    assert {(call["mode"], "started_at" in call) for call in portal.calls.values()} == {
        ("spool", True)
    }
    assert all(portal.outcomes(call_id) == ["succeeded"] for call_id in called)
    (asked,) = [asked for asked in portal.asked if asked.path.endswith("/events")]
    assert asked.headers["content-encoding"] == "gzip"
    assert len(asked.lines) == 60


def test_a_poison_line_is_set_aside_with_the_reason_and_holds_up_no_other(
    portal, recorder_of, tmp_path
):
    recorder = recorder_of()
    portal.away = True
    first, poison, last = spooled(recorder, 3)
    portal.poison[poison] = "call-id-reused"
    portal.away = False
    assert recorder.flush(10)
    assert list(portal.calls) == [first, last]
    (kept,) = (tmp_path / "spool" / draining.REFUSED).read_text().splitlines()
    kept = json.loads(kept)
    assert (kept["code"], kept["line"]["call_id"]) == ("call-id-reused", poison)


@pytest.mark.parametrize("code", ["key-revoked", "audit-unavailable", "rate-limited"])
def test_a_line_that_the_portal_cannot_take_now_stays(portal, recorder_of, code):
    recorder = recorder_of()
    portal.away = True
    first, later = spooled(recorder, 2)
    portal.poison[later] = code
    portal.away = False
    assert not recorder.flush(1)
    assert list(portal.calls) == [first]
    portal.poison.clear()
    assert recorder.flush(5)
    assert list(portal.calls) == [first, later]


def test_a_body_that_is_refused_as_a_whole_is_halved_until_the_line_is_found(
    portal, recorder_of, monkeypatch
):
    recorder = recorder_of()
    portal.away = True
    called = spooled(recorder, 9)

    def take(asked, real=portal.take):
        if called[6] in [line["body"]["call_id"] for line in asked.lines]:
            return 413, {"type": "urn:countersign:problem:body-too-large", "status": 413}
        return real(asked)

    monkeypatch.setattr(portal, "take", take)
    portal.away = False
    assert recorder.flush(10)
    assert list(portal.calls) == [*called[:6], *called[7:]]


@pytest.mark.parametrize("fault", ["half", "stored-half", "nonsense", "500"])
def test_a_drain_that_is_cut_off_is_done_again_and_nothing_is_doubled(portal, recorder_of, fault):
    recorder = recorder_of()
    portal.away = True
    called = spooled(recorder, 5)
    for call_id in called:
        recorder.complete(call_id, SUCCEEDED)
    portal.fail(fault, path="/events")
    portal.away = False
    assert recorder.flush(10)
    assert list(portal.calls) == called
    assert all(portal.outcomes(call_id) == ["succeeded"] for call_id in called)


def test_the_next_start_drains_what_a_stopped_process_left(portal, recorder_of, tmp_path):
    recorder = recorder_of()
    portal.away = True
    (call_id,) = spooled(recorder)
    recorder.complete(call_id, SUCCEEDED)
    recorder.close(0.2)
    assert recovering.waiting(tmp_path / "spool")["pending"] == 2
    portal.away = False
    following = recorder_of()
    assert following.drain(10)
    assert portal.outcomes(call_id) == ["succeeded"]
    waiting = recovering.waiting(tmp_path / "spool")
    assert (waiting["pending"], waiting["runs"]) == (0, 1)  # its own


KILLED = """
import os, signal, sys, json
from pathlib import Path
from countersign.client.recording import Recorder
from countersign.client.settings import Settings
told = json.loads(sys.argv[1])
recorder = Recorder(Settings.read(environment={}, **told))
for body in json.loads(sys.argv[2]):
    print(recorder.call(body).recorded, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("mode", ["strict", "spool"])
def test_a_kill_between_record_and_end_is_closed_as_unknown(portal, recorder_of, tmp_path, mode):
    portal.content["mode"] = mode
    settings = portal.settings(tmp_path)
    told = {
        "url": portal.url,
        "key": portal.key,
        "integration": settings.integration,
        "bundle_key": portal.bundle_key,
        "spool_dir": str(settings.spool_dir),
    }
    call = body()
    if mode == "spool":
        portal.fail("500", "500")
    arguments = [sys.executable, "-c", KILLED, json.dumps(told), json.dumps([call])]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout.split() == ["journal" if mode == "spool" else "portal"]
    assert recorder_of().drain(10)
    assert list(portal.calls) == [call["call_id"]]
    assert portal.outcomes(call["call_id"]) == ["unknown"]


def test_a_child_has_a_journal_and_connections_of_its_own(portal, recorder_of, tmp_path):
    recorder = recorder_of()
    open_here = recorder.call(body()).call_id
    portal.away = True
    (spooled_here,) = spooled(recorder)
    portal.away = False
    told, telling = os.pipe()
    child = os.fork()
    if not child:
        # Whatever happens, this copy of the test run must end here.
        with contextlib.suppress(BaseException):
            found = recorder.call(call := body())
            recorder.complete(found.call_id, SUCCEEDED)
            ended = recorder.flush(5)
            os.write(telling, f"{ended} {call['call_id']}".encode())
        os._exit(0)
    os.close(telling)
    os.waitpid(child, 0)
    with os.fdopen(told) as said:
        ended, called_there = said.read().split()
    assert ended == "True"
    assert portal.outcomes(called_there) == ["succeeded"]
    recorder.complete(open_here, SUCCEEDED)
    recorder.complete(spooled_here, SUCCEEDED)
    assert recorder.flush(5)
    assert portal.outcomes(open_here) == portal.outcomes(spooled_here) == ["succeeded"]
    assert recorder.call(body()).recorded == "portal"


def _in_a_child(recorder, call) -> None:
    recorder.complete(recorder.call(call).call_id, SUCCEEDED)


def test_a_child_of_multiprocessing_tells_what_it_knows_before_it_ends(portal, recorder_of):
    recorder, call = recorder_of(), body()
    child = multiprocessing.get_context("fork").Process(target=_in_a_child, args=(recorder, call))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert portal.outcomes(call["call_id"]) == ["succeeded"]


def test_threads_that_call_at_once_get_one_record_each(portal, recorder_of):
    recorder = recorder_of()
    called: list[str] = []

    def work() -> None:
        for _ in range(10):
            found = recorder.call(body())
            assert isinstance(found, Go)
            recorder.complete(found.call_id, SUCCEEDED)
            called.append(found.call_id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert recorder.flush(10)
    assert sorted(portal.calls) == sorted(called)
    assert all(portal.outcomes(call_id) == ["succeeded"] for call_id in called)


def test_without_a_folder_strict_goes_on_and_spool_says_why_not(portal, recorder_of, tmp_path):
    (tmp_path / "spool").write_text("a file where a folder should be")
    recorder = recorder_of()
    found = recorder.call(body())
    assert found.recorded == "portal"
    recorder.complete(found.call_id, SUCCEEDED)
    assert recorder.flush(5)
    portal.away = True
    stopped = recorder.call(body())
    assert (stopped.status, stopped.code) == (503, "not-writable")
    assert "spool folder" in stopped.sentence


CANARY = "Mr Smith, HIV positive"


def test_no_content_gets_into_the_folder(portal, recorder_of, tmp_path):
    recorder = recorder_of()
    portal.away = True
    optional = ("endpoint_host", "session_id", "purpose", "input_digest", "bundle", "client")
    for name in optional:
        recorder.call(body(**{name: CANARY}))
    recorder.call(body(features=[CANARY], data_classes=["phi", CANARY], masked={CANARY: 1}))
    recorder.call(body(prompt=CANARY, messages=[{"content": CANARY}]))
    for name in ("error", "finish_reason", "provider_request_id", "response_model", "prompt"):
        recorder.complete(recorder.call(body()).call_id, {**SUCCEEDED, name: CANARY})
    recorder.complete(CANARY, SUCCEEDED)
    recorder.delivery.flush(0.1)
    held = b"".join(path.read_bytes() for path in (tmp_path / "spool").rglob("*.ndjson"))
    assert held.count(b'"kind":"call"') >= 12
    assert b"Smith" not in held
    assert b"HIV" not in held


def test_a_disk_that_fills_up_stops_spooled_calls_and_loses_no_end(
    portal, recorder_of, monkeypatch
):
    recorder = recorder_of()
    going = recorder.call(body()).call_id
    portal.away = True

    def full(file, raw):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(journal.os, "write", full)
    stopped = recorder.call(body())
    assert (stopped.status, stopped.code) == (503, "disk-full")
    recorder.complete(going, SUCCEEDED)
    recorder.delivery.flush(0.1)
    monkeypatch.undo()
    portal.away = False
    assert recorder.flush(10)
    assert portal.outcomes(going) == ["succeeded"]
    assert isinstance(recorder.call(body()), Go)


def test_a_long_absence_costs_disk_and_is_drained_in_few_requests(portal, recorder_of):
    recorder = recorder_of()
    portal.away = True
    for _ in range(1500):
        recorder.delivery.store.append(
            "call", {"call_id": (call := body())["call_id"], "body": call}
        )
        recorder.complete(call["call_id"], SUCCEEDED)
    portal.away = False
    assert recorder.flush(20)
    assert len(portal.calls) == 1500
    assert all(portal.outcomes(call_id) == ["succeeded"] for call_id in portal.calls)
    assert len([asked for asked in portal.asked if asked.path.endswith("/events")]) <= 10


def test_ends_that_lie_in_the_journal_are_put_on_the_disk_together(
    portal, recorder_of, monkeypatch
):
    recorder = recorder_of()
    portal.away = True
    called = spooled(recorder, 20)
    assert not recorder.flush(0.3)
    synced = syncs_of(monkeypatch)
    for call_id in called:
        recorder.complete(call_id, SUCCEEDED)
    until = time.monotonic() + 10
    while (recorder.delivery.queued or not synced) and time.monotonic() < until:
        time.sleep(0.01)
    assert not recorder.delivery.queued
    assert 1 <= len(synced) < 10


def test_ends_that_found_the_portal_gone_are_put_on_the_disk(portal, recorder_of, monkeypatch):
    portal.content["mode"] = "strict"
    recorder = recorder_of()
    called = [recorder.call(body()).call_id for _ in range(3)]
    portal.away = True
    synced = syncs_of(monkeypatch)
    for call_id in called:
        recorder.complete(call_id, SUCCEEDED)
    until = time.monotonic() + 10
    while not synced and time.monotonic() < until:
        time.sleep(0.01)
    assert synced
    assert recorder.delivery.left_lines == 3
