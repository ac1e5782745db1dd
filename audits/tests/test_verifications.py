"""Verifications say how many entries of how many fit, and never only that all is well."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command

from audits.models import Cosignature, Ledger, Verification
from audits.services import integrity, kept, verifications, verifying
from audits.tests import make_ledger
from audits.tests.make_ledger import NOON

FULL, NEW = Verification.Kind.FULL, Verification.Kind.INCREMENTAL


@pytest.fixture
def data(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def written(db, data):
    """A ledger of 1,511 entries in five batches."""
    return make_ledger.Ledger().grow(3, 252, 1, 255, 1000)


def run(kind=FULL, at=NOON, **more) -> Verification:
    return verifications.run(Ledger.objects.get(slug="live"), kind, at=at, **more)


def codes(found: Verification) -> set[str]:
    return {problem["code"] for problem in found.problems}


def test_all_that_was_written_fits(written):
    found = run()
    assert found.result == "passed"
    assert (found.verified, found.expected, found.start, found.end) == (1511, 1511, 0, 1511)
    assert (found.row_count, found.checkpoint_count) == (1511, 5)
    assert bytes(found.checkpoint_root) == written.walk.root()
    assert found.gaps == found.problems == []


@pytest.mark.parametrize("key", [b"", bytes(32)], ids=["without", "another"])
def test_signatures_are_checked_without_the_secret_key_too(written, key):
    report = verifying.verify(1, seed=key)
    assert {problem.code for problem in report.problems} == ({"key-not-ours"} if key else set())
    assert report.checkpoints == 5


def test_an_empty_ledger_is_not_said_to_be_fine(db, data):
    assert run().result == "nothing"


def test_what_is_new_begins_with_the_last_batch_that_passed(written):
    run()
    written.grow(10, 20)
    found = run(NEW, at=NOON + dt.timedelta(hours=1))
    assert (found.result, found.start, found.end) == ("passed", 511, 1541)
    again = run(NEW, at=NOON + dt.timedelta(hours=2))
    assert (again.result, again.start, again.verified) == ("passed", 1521, 20)


def test_what_is_new_rests_on_the_root_that_passed(written):
    first = run()
    Verification.objects.create(
        **{
            **{f.attname: getattr(first, f.attname) for f in Verification._meta.concrete_fields},
            "id": None,
            "at": NOON + dt.timedelta(hours=1),
            "checkpoint_root": bytes(32),
        }
    )
    written.grow(5)
    assert codes(run(NEW, at=NOON + dt.timedelta(hours=2))) == {"root-differs"}


def test_kept_checkpoints_are_compared(written, data):
    for size in (3, 256):
        kept.keep("live", written.notes[size], at=NOON)
    found = run(given=[("mail", written.notes[1511])])
    # The newest of the two that were kept stands in its own file, too.
    assert (found.result, found.kept_count) == ("passed", 4)


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ("not a note", "kept-unreadable"),
        (
            make_ledger.signer("another.example/live").sign(
                "another.example/live\n3\n" + "A" * 43 + "=\n"
            ),
            "kept-of-another",
        ),
        (
            make_ledger.signer().sign(make_ledger.ORIGIN + "\n3\n" + "A" * 43 + "=\n"),
            "kept-differs",
        ),
        (
            make_ledger.signer().sign(make_ledger.ORIGIN + "\n7\n" + "A" * 43 + "=\n"),
            "kept-differs",
        ),
        (
            make_ledger.signer().sign(make_ledger.ORIGIN + "\n1512\n" + "A" * 43 + "=\n"),
            "ledger-behind",
        ),
        (
            make_ledger.signer(key=bytes(32)).sign(make_ledger.ORIGIN + "\n3\n" + "A" * 43 + "=\n"),
            "kept-forged",
        ),
    ],
    ids=["no note", "another ledger", "another root", "between batches", "longer", "forged"],
)
def test_a_kept_checkpoint_that_does_not_fit_is_named(written, note, code):
    found = run(given=[("theirs", note)])
    assert found.result == "failed"
    assert [(each["code"], each["what"]) for each in found.problems] == [(code, "theirs")]


def test_a_broken_file_of_checkpoints_is_a_problem(written, data):
    kept.keep("live", written.notes[3], at=NOON)
    (data / "checkpoints" / "live" / "2026-11-20.jsonl").write_text("{}\n")
    assert codes(run()) == {"kept-unreadable"}


def test_what_a_crash_broke_off_is_none(written, data):
    kept.keep("live", written.notes[3], at=NOON)
    with (data / "checkpoints" / "live" / "2026-11-21.jsonl").open("a") as log:
        log.write('"broken of')
    assert run().result == "passed"


def test_cosigned_checkpoints_are_compared_too(written):
    Cosignature.objects.create(
        ledger_id=1,
        size=256,
        root=bytes(32),
        witness="w",
        line="-",
        signed_at=NOON,
        received_at=NOON,
    )
    assert codes(run()) == {"cosigned-differs"}


def test_the_state_says_how_many_of_how_many(written):
    assert integrity.state(1, NOON).kind == "soon"
    run()
    found = integrity.state(1, NOON + dt.timedelta(hours=1))
    assert (found.kind, found.verified, found.expected, found.waiting) == ("ok", 1511, 1511, 0)
    written.grow(9)
    assert integrity.state(1, NOON + dt.timedelta(hours=1)).waiting == 9
    run(NEW, at=NOON + dt.timedelta(hours=2))
    found = integrity.state(1, NOON + dt.timedelta(hours=2))
    assert (found.kind, found.verified, found.expected, found.waiting) == ("ok", 1520, 1520, 0)


def test_the_state_is_bad_when_nobody_looked_for_26_hours(written):
    run()
    assert integrity.state(1, NOON + dt.timedelta(hours=26)).kind == "ok"
    late = integrity.state(1, NOON + dt.timedelta(hours=26, seconds=1))
    assert late.kind == "bad"
    assert "since 21 Nov 2026, 12:00" in late.sentence


def test_the_state_is_bad_after_a_failure_until_the_whole_passes(written):
    run(given=[("theirs", "not a note")])
    failed = integrity.state(1, NOON)
    assert failed.kind == "bad"
    assert failed.problems == ("A kept checkpoint cannot be read (theirs).",)
    run(NEW, at=NOON + dt.timedelta(hours=1))
    assert integrity.state(1, NOON + dt.timedelta(hours=1)).kind == "bad"
    run(at=NOON + dt.timedelta(hours=2))
    assert integrity.state(1, NOON + dt.timedelta(hours=2)).kind == "ok"


def test_every_code_has_a_sentence():
    assert all(
        text and text[0].islower() and not text.endswith(".")
        for text in integrity.SENTENCES.values()
    )


def test_the_command_says_what_was_verified(written, capsys, tmp_path):
    note = tmp_path / "kept.txt"
    note.write_text(written.notes[511])
    call_command("verify_ledger", "--ledger", "live", "--checkpoint", str(note))
    said = capsys.readouterr().out
    assert "PASSED" in said
    assert "verified 1,511 of 1,511 entries, from 0 to before 1,511" in said
    assert "kept checkpoints compared 1" in said
    call_command("verify_ledger", "--json", "--incremental", "--ledger", "live")
    assert json.loads(capsys.readouterr().out)["verified"] == 1000


def test_the_command_fails_when_something_does_not_fit(written, capsys, tmp_path):
    note = tmp_path / "kept.txt"
    note.write_text("something else")
    with pytest.raises(CommandError, match="live"):
        call_command("verify_ledger", "--checkpoint", str(note))
    assert "A kept checkpoint cannot be read (kept.txt)." in capsys.readouterr().out
    with pytest.raises(CommandError, match="no such ledger"):
        call_command("verify_ledger", "--ledger", "other")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_ledger", "--checkpoint", str(tmp_path / "nothing"))
