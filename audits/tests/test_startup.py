"""A process begins only where head, last checkpoint, rows, key and kept checkpoint agree."""

from __future__ import annotations

import json
import threading

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from audits.models import Event, Ledger, Verification
from audits.services import checkpoints, kept, startup, verifications
from audits.tests import make
from audits.tests import tampering as t


@pytest.fixture
def data(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    startup.STANDING.forget()
    yield tmp_path
    startup.STANDING.forget()


@pytest.fixture
def calls(api, data):
    """Three calls, of which the last is the ledger's end; its checkpoint is kept."""
    for _ in range(3):
        assert api.open().status_code == 201
    live = Ledger.objects.get(slug="live")
    for size in (t.size() - 1, t.size()):
        kept.keep("live", checkpoints.of_size(1, size).note, at=timezone.now())
    return live


def refusal() -> str:
    with pytest.raises(startup.LedgerRefused) as refused:
        startup.check()
    return str(refused.value)


def test_an_empty_ledger_and_one_as_it_was_written_may_serve(db, data, request):
    startup.check()
    request.getfixturevalue("calls")
    startup.check()
    assert Client().get("/readyz").status_code == 200


def test_a_head_that_was_set_back_is_refused(calls):
    with t.superuser():
        t.sql("UPDATE audits_ledgerhead SET size = size - 1 WHERE ledger_id = 1")
    assert "does not end where its last checkpoint says" in refusal()
    assert Client().get("/readyz").json() == {"status": "the ledger is not as it was signed"}


def test_a_tail_that_was_cut_off_is_refused(calls):
    with t.superuser():
        t.remove(t.size() - 1, t.size())
    assert "manage.py verify_ledger" in refusal()


def test_a_last_record_that_was_deleted_is_refused(calls):
    with t.superuser():
        t.sql("DELETE FROM audits_call WHERE index = %s", t.size() - 1)
    assert "last records" in refusal()


def test_a_frontier_that_is_not_the_trees_is_refused(calls):
    with t.superuser():
        t.sql("UPDATE audits_ledgerhead SET frontier = 'x' WHERE ledger_id = 1")
    assert "does not hold the tree" in refusal()


def test_another_key_is_refused(calls, settings):
    settings.LEDGER_SIGNING_KEY = "ab" * 32
    assert "rotate_ledger_key" in refusal()


def test_a_process_that_has_the_previous_key_too_may_serve(calls, settings):
    settings.LEDGER_PREVIOUS_SIGNING_KEY = settings.LEDGER_SIGNING_KEY
    settings.LEDGER_SIGNING_KEY = "ab" * 32
    startup.check()


def test_what_others_record_meanwhile_does_not_keep_a_process_from_serving(live, data):
    _key, secret = make.key(live)
    stop = threading.Event()

    def work(number: int) -> None:
        try:
            if number:
                while not stop.is_set():
                    assert make.hot(secret, "calls", make.call_body()).status == 201
            else:
                for _ in range(40):
                    startup.check()
        finally:
            stop.set()

    make.at_once(4, work)


def test_a_checkpoint_that_somebody_else_signed_is_refused(calls):
    with t.superuser():
        copy = t.Copy()
        copy.write(t.own_key())
    assert "not signed by its key" in refusal()


def test_a_witness_that_is_no_key_is_refused(calls, settings):
    settings.LEDGER_WITNESSES = ["nobody"]
    assert refusal().startswith("LEDGER_WITNESSES:")


def test_a_kept_checkpoint_that_cannot_be_read_is_refused(calls, data):
    (data / "checkpoints" / "live" / "latest").write_text("?")
    assert "cannot be read" in refusal()


def restored(api) -> None:
    """An older backup: the last call is not in it."""
    with t.superuser():
        copy = t.Copy()
        last = copy.batches.pop()
        t.remove(last.first, last.size)
        copy.write(t.stolen_key())


def test_an_older_backup_is_refused_until_the_loss_is_accepted(api, calls, data, capsys):
    lost = checkpoints.latest(1)
    restored(api)
    said = refusal()
    assert "an older backup was restored" in said
    assert "accept_restore" in said
    call_command("accept_restore", "--yes")
    assert "1 entries" in capsys.readouterr().out
    startup.check()
    event = Event.objects.get(type="ledger-restored")
    assert event.payload == {
        "size": lost.size - 1,
        "root": checkpoints.of_size(1, lost.size - 1).root.hex(),
        "lost_size": lost.size,
        "lost_root": lost.root.hex(),
        "signed": True,
    }
    found = verifications.run(calls, Verification.Kind.FULL, at=timezone.now())
    assert (found.result, found.kept_count) == ("passed", 1)
    (aside,) = (data / "checkpoints" / "live").glob("lost-*")
    assert (aside / "latest").read_text() == lost.note
    # Who keeps the lost checkpoint still shows the loss.
    again = verifications.run(
        calls, Verification.Kind.FULL, at=timezone.now(), given=[("theirs", lost.note)]
    )
    assert [each["code"] for each in again.problems] == ["kept-differs"]


def test_an_empty_database_beside_a_kept_checkpoint_is_refused(db, data):
    note = t.notes.Signer("portal.example/live", bytes(32)).sign(
        "portal.example/live\n7\n" + "A" * 43 + "=\n"
    )
    kept.keep("live", note, at=timezone.now())
    assert "is shorter than the checkpoint kept" in refusal()


def test_nothing_is_accepted_where_nothing_is_lost(calls):
    with pytest.raises(CommandError, match="Nothing is lost"):
        call_command("accept_restore", "--yes")


def test_checkpoints_are_kept_once_each(calls, data):
    note = checkpoints.latest(1).note
    assert not kept.keep("live", note, at=timezone.now())
    (log,) = (data / "checkpoints" / "live").glob("*.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) == 2
    assert lines[-1] == note == kept.latest_note("live")
