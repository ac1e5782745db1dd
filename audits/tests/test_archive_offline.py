"""Archived partitions are verified by the library's command, from their files alone."""

from __future__ import annotations

import base64
import json

import pytest

from audits.services import checkpoints
from audits.tests import make_archive as make
from audits.tests.make_archive import ENTRIES, LEDGER
from countersign import cosignatures, notes
from countersign.__main__ import main
from countersign.commands.verifying import verified
from countersign.verifying.chain import Options

pytestmark = pytest.mark.django_db
WITNESS = cosignatures.Cosigner("witness.example/w1", bytes(32))


@pytest.fixture
def folder(tmp_path, monkeypatch, settings):
    settings.LEDGER_ARCHIVE_FORMAT = "ndjson"
    make.archive_in(tmp_path, monkeypatch)
    make.small_ledger()
    make.fill(2 * ENTRIES + 100)
    for number in (0, 1):
        make.archived(number)
    return tmp_path


def kept_of(number: int) -> str:
    return checkpoints.covering(LEDGER, number).note


def test_each_partition_is_reported_with_what_it_holds(folder, capsys):
    (key,) = checkpoints.vkeys(LEDGER)
    assert main(["verify", str(folder), "--key", key, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["ledgers"]
    assert [(found["first_index"], found["last_index"]) for found in told] == [
        (0, ENTRIES - 1),
        (ENTRIES, 2 * ENTRIES - 1),
    ]
    assert all(found["verified"] == ENTRIES and not found["remarks"] for found in told)
    assert told[0]["first_received_at"] == told[1]["last_received_at"] == "2019-03-01T09:00:00.000Z"
    assert main(["verify", str(folder / "small/000001")]) == 0
    assert "not whose it is" in capsys.readouterr().out


def test_kept_checkpoints_and_witnesses_are_met_in_the_partition_they_belong_to(folder):
    kept = kept_of(ENTRIES + 40)
    text = notes.parsed(kept).text
    cosigned = kept + WITNESS.line(text, 5)
    options = Options(kept=(kept_of(40), cosigned), witnesses=(WITNESS.witness,))
    first, second = verified(folder, options)
    assert first.ok and second.ok
    assert len(first.kept) == len(second.kept) == 1
    assert second.cosignatures == [(second.kept[0], ("witness.example/w1", 5))]

    beyond = verified(folder, Options(kept=(kept_of(2 * ENTRIES + 50),)))
    assert "was not met" in beyond[-1].problems[0]
    silent = verified(folder, Options(witnesses=(WITNESS.witness,)))
    assert silent[-1].problems == ["There is no cosignature of the witness witness.example/w1."]
    size = first.kept[0]
    lied = text.replace(text.split("\n")[2], base64.b64encode(bytes(32)).decode())
    lied = lied.replace(text.split("\n")[1], str(size))
    note = notes.joined(lied, [notes.signature_line("x", bytes(4), b"x")])
    assert "has another root" in verified(folder, Options(kept=(note,)))[0].problems[0]


def test_a_changed_file_or_a_missing_one_is_no_success(folder, capsys):
    part = folder / "small/000000"
    (entries,) = sorted((part / "entries").iterdir())
    content = entries.read_bytes()
    entries.chmod(0o600)
    entries.write_bytes(content[:-9])
    assert main(["verify", str(part)]) == 1
    entries.unlink()
    assert main(["verify", str(part)]) == 1
    assert "is missing" in capsys.readouterr().out
