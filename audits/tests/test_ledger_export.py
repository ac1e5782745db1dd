"""An export of a ledger is verified by whoever has it, without the portal."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from audits.models import Cosignature
from audits.services import appending, checkpoints
from audits.services.appending import NewEvent
from audits.tests.make_ledger import Ledger
from countersign import cosignatures, notes
from countersign.commands.verifying import verified
from countersign.verifying.chain import Options

pytestmark = pytest.mark.django_db


def look(folder, **options):
    keys = tuple(map(notes.Verifier.from_vkey, checkpoints.vkeys(1)))
    (found,) = verified(folder, Options(keys=keys, **options))
    return found


@pytest.mark.parametrize("how", [[], ["--gzip"], ["--tiles"], ["--gzip", "--tiles"]])
def test_an_export_of_a_ledger_verifies_without_the_portal(tmp_path, capsys, how):
    ledger = Ledger().grow(1, 300, 5, 700)
    call_command("export_ledger", str(tmp_path / "out"), *how)
    assert capsys.readouterr().out == "1,006 entries from index 0; the ledger has 1,006.\n"
    found = look(tmp_path / "out", kept=(ledger.notes[301],))
    assert found.ok, found.problems
    assert (found.verified, found.checkpoints, found.kept) == (1006, 4, [301])
    assert (tmp_path / "out/tile/1/000.p/3").exists() == ("--tiles" in how)


def test_an_export_may_begin_with_the_batch_of_an_entry(tmp_path):
    Ledger().grow(1, 300, 5, 700)
    call_command("export_ledger", str(tmp_path / "out"), "--from", "303")
    found = look(tmp_path / "out")
    assert found.ok and (found.first_index, found.verified) == (301, 705)


def test_what_the_writer_recorded_is_exported_with_the_witnesses_lines(tmp_path):
    at = dt.datetime.now(dt.UTC)
    for number in range(3):
        appending.append_events([NewEvent("grant", f"user:{number}", {"user": number})], at=at)
    newest = checkpoints.latest(1)
    witness = cosignatures.Cosigner("witness.example/w1", bytes(32))
    Cosignature.objects.create(
        ledger_id=1,
        size=newest.size,
        root=newest.root,
        witness=witness.witness.name,
        line=witness.line(newest.checkpoint.text(), 5),
        signed_at=at,
        received_at=at,
    )
    call_command("export_ledger", str(tmp_path / "out"))
    found = look(tmp_path / "out", witnesses=(witness.witness,))
    assert found.ok, found.problems
    assert found.verified == 4  # the ledger's own start is entry 0
    assert found.cosignatures == [(4, ("witness.example/w1", 5))]


def test_an_export_across_a_change_of_key_verifies_under_the_old_and_the_new(tmp_path, monkeypatch):
    def append():
        appending.append_events([NewEvent("grant", "user:1", {"user": 1})], at=timezone.now())

    append()
    monkeypatch.setattr(settings, "LEDGER_PREVIOUS_SIGNING_KEY", settings.LEDGER_SIGNING_KEY)
    monkeypatch.setattr(settings, "LEDGER_SIGNING_KEY", "ab" * 32)
    call_command("rotate_ledger_key", stdout=StringIO())
    append()
    call_command("export_ledger", str(tmp_path / "out"), stdout=StringIO())
    old, new = checkpoints.verifiers(1)
    for key in (old, new):
        (found,) = verified(tmp_path / "out", Options(keys=(key,)))
        assert found.ok, found.problems
        assert found.verified == 4 and found.remarks == []
    stranger = notes.Verifier(new.name, cosignatures.Cosigner("w", bytes(32)).witness.public_key)
    assert not verified(tmp_path / "out", Options(keys=(stranger,)))[0].ok


def test_entries_that_were_disposed_of_are_passed_over_by_tiles(tmp_path):
    ledger = Ledger().grow(256, 256, 256, 300)
    payload = {"first_index": 256, "end_index": 512}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = %s::regclass",
            ["audits_batch"],
        )
        for table in ["audits_batch", *(name for (name,) in cursor.fetchall())]:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM audits_batch WHERE ledger_id = 1 AND first_index = 256")
    call_command("export_ledger", str(tmp_path / "silent"))
    assert "no entry says that they were disposed of" in look(tmp_path / "silent").problems[0]
    ledger.append([payload], kind="disposal")
    call_command("export_ledger", str(tmp_path / "said"))
    found = look(tmp_path / "said")
    assert found.ok, found.problems
    assert found.verified == 813


def test_what_cannot_be_exported_is_told(tmp_path):
    with pytest.raises(CommandError, match="no entries yet"):
        call_command("export_ledger", str(tmp_path / "out"), "--ledger", "test")
    with pytest.raises(CommandError, match="matching query"):
        call_command("export_ledger", str(tmp_path / "out"), "--ledger", "other")
    Ledger().grow(1)
    with pytest.raises(CommandError, match="there already"):
        call_command("export_ledger", str(tmp_path))
    assert list(tmp_path.iterdir()) == []
