"""Packs that are cancelled, fail, lose their worker, or are built by two at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import threading
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, connections
from django.utils import timezone

from audits.models import Call
from evidence.models import EvidencePack, PackEvent
from evidence.services import packs, packs_building, packs_populations, packs_progress, packs_report
from evidence.tests import make, make_packs
from policies.tests.make import NOON, active_integration, person
from vendors.tests.make import TODAY

pytestmark = pytest.mark.usefixtures("committed", "pack_root", "no_report")
State = EvidencePack.State


def kinds(pack):
    return list(pack.events.order_by("pk").values_list("kind", flat=True))


def files(folder: Path):
    return [path for path in folder.rglob("*") if path.is_file()]


def while_writing(monkeypatch, what):
    """Do `what` once, after the first population was written."""
    write = packs_populations.write
    left = [what]

    def written(*args):
        population = write(*args)
        if left:
            left.pop()()
        return population

    monkeypatch.setattr(packs_populations, "write", written)


def elsewhere(work):
    """Do `work` in another thread, which has a connection of its own, and wait for it."""

    def run():
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_a_pack_that_is_cancelled_while_it_is_built_leaves_nothing(monkeypatch, pack_root):
    pack = make_packs.asked()
    officer = person("officer")
    cancel = lambda: packs.cancel_pack(pack, by=officer, at=NOON)  # noqa: E731
    while_writing(monkeypatch, lambda: elsewhere(cancel))
    make_packs.built(pack)
    assert pack.state == State.CANCELLED
    assert kinds(pack) == ["asked", "started", "cancelled"]
    assert not files(pack_root)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError("No space left on device"), "disk may be full"),
        (OperationalError("gone"), "database stopped answering"),
        (packs_report.ReportFailed(), "PDF report could not be made"),
        (packs_populations.IncompletePopulation("calls"), "as many rows"),
        (make_packs.TimeIsUp(), "shorter period"),
    ],
)
def test_a_failure_says_why_quotes_nothing_and_leaves_nothing(
    monkeypatch, pack_root, error, sentence
):
    def fail(*_args):
        raise error

    monkeypatch.setattr(packs_populations, "withheld", fail)
    pack = make_packs.built()
    assert pack.state == State.FAILED
    assert sentence in pack.failure
    assert str(error) not in pack.failure or not str(error)
    assert kinds(pack) == ["asked", "started", "failed"]
    assert not files(pack_root)


def test_what_nobody_foresaw_fails_too_and_is_raised_for_the_log(monkeypatch):
    def fail(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr(packs_populations, "withheld", fail)
    pack = make_packs.asked()
    with pytest.raises(ZeroDivisionError):
        make_packs.built(pack)
    pack.refresh_from_db()
    assert pack.state == State.FAILED
    assert "unforeseen" in pack.failure


def test_a_failed_pack_is_built_at_the_next_try(monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(packs_populations, "withheld", lambda _plan: 1 / 0)
        pack = make_packs.asked()
        with pytest.raises(ZeroDivisionError):
            make_packs.built(pack)
    pack.refresh_from_db()
    packs.retry_pack(pack, by=pack.requested_by, at=NOON)
    make_packs.built(pack)
    assert pack.state == State.READY
    assert not pack.failure
    assert kinds(pack) == ["asked", "started", "failed", "retried", "started", "built"]


def test_a_finished_pack_is_not_built_again():
    pack = make_packs.built()
    written = Path(pack.file.path).stat().st_mtime_ns
    make_packs.built(pack)
    assert Path(pack.file.path).stat().st_mtime_ns == written
    assert kinds(pack).count("started") == 1


def test_two_workers_cannot_build_a_pack_at_once(monkeypatch):
    pack = make_packs.asked()
    second = lambda: packs_building.build_pack(pack.pk, at=NOON, time_up=make_packs.TimeIsUp)  # noqa: E731
    while_writing(monkeypatch, lambda: elsewhere(second))
    make_packs.built(pack)
    assert pack.state == State.READY
    assert kinds(pack) == ["asked", "started", "built"]


def test_a_pack_whose_worker_died_is_taken_over():
    """The task comes again once the worker is lost; the lock went with its connection."""
    pack = make_packs.asked()
    EvidencePack.objects.update(state=State.BUILDING, heartbeat_at=NOON)
    make_packs.built(pack)
    assert (pack.state, pack.attempt) == (State.READY, 2)


def test_a_pack_that_kills_every_worker_is_given_up():
    pack = make_packs.asked()
    attempt = packs_progress.MOST_ATTEMPTS
    EvidencePack.objects.update(state=State.BUILDING, attempt=attempt)
    make_packs.built(pack)
    assert pack.state == State.FAILED
    assert "several times" in pack.failure


def test_a_slow_builder_stops_when_the_pack_was_tried_again(monkeypatch, pack_root):
    """Its worker was not dead after all; the newer attempt's file is the one that counts."""
    pack = make_packs.asked()

    def silent_then_retried():
        EvidencePack.objects.update(heartbeat_at=NOON)
        packs.retry_pack(pack, by=pack.requested_by, at=NOON + dt.timedelta(days=1))
        make_packs.built(pack)

    while_writing(monkeypatch, lambda: elsewhere(silent_then_retried))
    make_packs.built(pack)
    assert (pack.state, pack.attempt) == (State.READY, 2)
    assert [str(path) for path in files(pack_root)] == [pack.file.path]
    assert kinds(pack) == ["asked", "started", "retried", "started", "built"]


def test_the_same_state_and_moment_give_the_same_bytes():
    use = active_integration()
    make.call(use)
    pack = make_packs.built(at=NOON)
    first = Path(pack.file.path).read_bytes()
    EvidencePack.objects.update(state=State.QUEUED)
    make_packs.built(pack, at=NOON)
    second = Path(pack.file.path).read_bytes()
    assert first == second
    assert hashlib.sha256(second).hexdigest() == pack.sha256


def test_what_comes_after_the_moment_or_during_the_build_stays_out(monkeypatch):
    use = active_integration()
    make.call(use, days_ago=0)
    late = lambda: make.call(use, days_ago=0.01)  # noqa: E731 - received before the moment
    while_writing(monkeypatch, lambda: elsewhere(late))
    make.call(use, days_ago=-1)
    pack = make_packs.built()
    rows = {row["dataset"]: row["rows"] for row in packs.contents(pack)["datasets"]}
    assert rows["calls"] == rows["completions"] == 1
    assert Call.objects.count() == 3


def test_a_scope_narrows_what_is_in_the_pack():
    inside, outside = make.quiet(), make.quiet()
    for use in (inside, inside, outside):
        make.call(use)
    pack = make_packs.built(vendors=[inside.service.vendor])
    rows = {row["dataset"]: row["rows"] for row in packs.contents(pack)["datasets"]}
    narrowed = ("vendors", "services", "agreements", "assurance_reports", "integrations")
    assert [rows[name] for name in narrowed] == [1, 1, 1, 1, 1]
    assert rows["calls"] == rows["completions"] == 2
    pack = make_packs.built(integrations=[outside])
    rows = {row["dataset"]: row["rows"] for row in packs.contents(pack)["datasets"]}
    assert [rows[name] for name in narrowed] == [1, 1, 1, 1, 1]
    assert rows["calls"] == 1


def test_only_datasets_that_were_asked_for_are_in_it():
    pack = make_packs.built(datasets=["calls", "vendors"])
    index = packs.contents(pack)
    assert [row["dataset"] for row in index["datasets"]] == ["vendors", "calls"]


@pytest.mark.parametrize(
    "fields",
    [
        {"period": (TODAY, TODAY - dt.timedelta(days=1))},
        {"period": (TODAY, TODAY + dt.timedelta(days=1))},
        {"datasets": ["nothing"]},
        {"datasets": []},
    ],
)
def test_the_service_refuses_what_makes_no_sense(fields):
    with pytest.raises(ValidationError):
        make_packs.asked(**fields)
    assert not EvidencePack.objects.exists()
    assert not PackEvent.objects.exists()


def test_the_snapshot_can_change_nothing():
    with packs_populations.snapshot(), pytest.raises(Exception, match="read-only"):
        person()
    assert connection.get_autocommit()


def test_no_word_of_a_record_reaches_the_log(monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    use = active_integration(description="CANARY Mr Smith")
    make.call(use, purpose="canary-purpose")
    monkeypatch.setattr(
        packs_populations, "withheld", lambda _plan: (_ for _ in ()).throw(OSError("canary"))
    )
    make_packs.built()
    assert "canary" not in caplog.text.lower()


def test_silence_is_measured_from_the_last_sign_of_life():
    pack = make_packs.asked(at=NOON)
    assert not packs.is_silent(pack, NOON + packs.QUEUE_SILENT)
    assert packs.is_silent(pack, NOON + packs.QUEUE_SILENT + dt.timedelta(seconds=1))
    pack.state = State.READY
    assert not packs.is_silent(pack, timezone.now() + dt.timedelta(days=400))
