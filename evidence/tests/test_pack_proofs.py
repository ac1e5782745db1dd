"""A pack proves every record in it; whatever is changed in a pack is found offline."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from audits.models import LedgerKey
from audits.services import checkpoints
from countersign import notes
from countersign.commands.verifying import verified
from countersign.verifying.chain import Options
from evidence.models import EvidencePack
from evidence.tests import make, make_packs
from policies.tests.make import active_integration

pytestmark = pytest.mark.usefixtures("committed", "pack_root", "no_report")
PROOFS = "data/log-proofs/live/"


@pytest.fixture
def uses():
    made = [active_integration(), active_integration()]
    for number in range(6):
        make.call(made[number % 2], days_ago=9 - number, actor_id=f"user:{number}")
    make.call(made[0], decision="deny", reasons=["baa-expired"], purpose="=1+1", answered=False)
    return made


def build(tmp_path, **fields) -> Path:
    pack = make_packs.built(**fields)
    assert pack.state == EvidencePack.State.READY, pack.failure
    with zipfile.ZipFile(pack.file.path) as archive:
        archive.extractall(tmp_path / "unpacked" / str(pack.pk))
    (inner,) = (tmp_path / "unpacked" / str(pack.pk)).iterdir()
    return inner


@pytest.fixture
def bag(uses, tmp_path):
    return build(tmp_path)


def verify(bag: Path, **options):
    (report,) = verified(bag, Options(**options))
    return report


def reseal(bag: Path) -> None:
    """Write the manifests anew, as somebody who forges a pack would."""
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        lines = (bag / manifest).read_text().splitlines()
        names = [line.partition("  ")[2] for line in lines]
        digests = [hashlib.sha256((bag / name).read_bytes()).hexdigest() for name in names]
        text = "".join(f"{d}  {n}\n" for d, n in zip(digests, names, strict=True))
        (bag / manifest).write_text(text)


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def change_row(bag: Path, name: str, number: int, change) -> None:
    """Change a row in both of its forms."""
    path = bag / f"data/populations/{name}.jsonl"
    lines = lines_of(path)
    row = json.loads(lines[number])
    change(row)
    lines[number] = json.dumps(row).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    rewrite_csv(bag, name, lines)


def rewrite_csv(bag: Path, name: str, lines: list[bytes]) -> None:
    path = bag / f"data/populations/{name}.csv"
    with path.open(newline="") as file:
        table = {row[0]: row for row in csv.reader(file)}
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(next(iter(table.values())))
    headings = next(iter(table.values()))
    for line in lines:
        row = json.loads(line)
        old = table[str(row["index"])]
        writer.writerow(
            [
                str(row[column])
                if isinstance(row[column], str | int)
                and cell not in ("true", "false")
                and not cell.startswith("'")
                else cell
                for column, cell in zip(headings, old, strict=True)
            ]
        )
    path.write_text(text.getvalue(), newline="")


def test_every_record_is_verified_and_the_counts_are_those_of_the_pack(bag):
    report = verify(bag)
    assert report.problems == []
    rows = sum(
        len(lines_of(bag / f"data/populations/{name}.jsonl"))
        for name in ("calls", "completions", "leases", "ledger_events")
    )
    assert report.verified == report.expected == rows
    assert report.ok
    scope = json.loads((bag / "data/scope.json").read_text())
    assert scope["checkpoint"]["checkpoint_size"] == report.checkpoint.size
    assert scope["checkpoint"]["merkle_root"] == report.checkpoint.root.hex()
    sheet = json.loads((bag / "data/ipe/calls.json").read_text())
    assert sheet["ledger"]["merkle_root"] == report.checkpoint.root.hex()
    assert sheet["gap_count"] == 0


def test_the_command_verifies_a_zip_without_django(uses, tmp_path):
    pack = make_packs.built()
    key = checkpoints.vkeys(1)[0]
    done = subprocess.run(
        [sys.executable, "-m", "countersign", "verify", pack.file.path, "--key", key],
        cwd=settings.BASE_DIR,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything holds" in done.stdout
    assert "verified" in done.stdout


def test_a_narrow_pack_shows_others_as_hashes_alone(uses, tmp_path):
    pack = make_packs.asked(integrations=[uses[0]])
    bag = build(tmp_path, pack=pack)
    report = verify(bag)
    assert report.ok, report.text()
    shown = (bag / f"{PROOFS}entries.ndjson").read_bytes()
    assert b'"actor_id":"user:0"' in shown
    assert b'"actor_id":"user:1"' not in shown
    assert b'"level"' in (bag / f"{PROOFS}spans.jsonl").read_bytes()
    assert "not in this pack" in report.text()


def test_the_next_pack_shows_that_the_log_grew_out_of_the_last_one(uses, tmp_path):
    first = build(tmp_path)
    kept = (first / f"{PROOFS}checkpoint").read_text()
    make.call(uses[0], days_ago=0.5)
    second = build(tmp_path)
    report = verify(second, kept=(kept,))
    assert report.ok, report.text()
    assert len(report.kept) == 1
    assert len(lines_of(second / f"{PROOFS}earlier.jsonl")) == 1


def test_a_kept_checkpoint_of_another_tree_is_told(bag):
    note = (bag / f"{PROOFS}checkpoint").read_text()
    text, _, lines = note.partition("\n\n")
    origin, size, _ = text.split("\n")
    forged = f"{origin}\n{size}\n{'A' * 43}=\n\n{lines}"
    assert any("another root" in problem for problem in verify(bag, kept=(forged,)).problems)


def test_another_key_than_the_one_that_was_told_is_refused(bag):
    origin = LedgerKey.objects.get(ledger=1).ledger.origin
    other = notes.Signer(origin, bytes(31) + b"\x09").verifier
    report = verify(bag, keys=(other,))
    assert not report.ok
    assert report.verified == 0


def test_any_changed_byte_of_any_file_is_found(bag):
    """One byte in the middle of each file, one after the other."""
    found = {}
    for path in sorted(bag.rglob("*")):
        if not path.is_file() or not path.stat().st_size:
            continue
        before = path.read_bytes()
        at = len(before) // 2
        path.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :])
        try:
            found[path.name] = verify(bag).ok
        except Exception as error:  # noqa: BLE001 - any refusal is one
            found[path.name] = type(error).__name__ == "nothing"
        path.write_bytes(before)
    assert len(found) > 50
    assert {name for name, ok in found.items() if ok} == set()
    assert verify(bag).ok


@contextmanager
def forged(bag: Path):
    """A pack whose manifests are written anew after it was changed; afterwards it is as before."""
    before = {path: path.read_bytes() for path in bag.rglob("*") if path.is_file()}
    yield
    reseal(bag)
    forged.report = verify(bag)
    for path, content in before.items():
        path.write_bytes(content)


def test_any_changed_byte_of_a_proof_is_found_though_the_manifest_is_forged(bag):
    for name in ("entries.ndjson", "spans.jsonl", "checkpoint", "keys.txt"):
        path = bag / f"{PROOFS}{name}"
        before = path.read_bytes()
        for at in range(0, len(before), max(1, len(before) // 8)):
            with forged(bag):
                path.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :])
            assert not forged.report.ok, (name, at)
            assert forged.report.problems


ROW_CHANGES = [
    ("calls", {"actor_id": "user:9"}),
    ("calls", {"model": "gpt-9"}),
    ("calls", {"received_at": "2026-01-01T00:00:00.000000Z"}),
    ("calls", {"epoch": 1_000_000}),
    ("calls", {"input_bytes": 0}),
    ("calls", {"phi_present": 1}),
    ("calls", {"stream": True}),
    ("calls", {"baa_reference": "BAA-1"}),
    ("completions", {"outcome": "failed"}),
]


def test_a_row_that_differs_from_its_entry_is_found_though_the_manifest_is_forged(bag):
    for name, change in ROW_CHANGES:
        with forged(bag):
            change_row(bag, name, 0, lambda row, change=change: row.update(change))
        problems = forged.report.problems
        assert any(name in told and "differs" in told for told in problems), (change, problems)


def test_a_column_that_is_left_out_is_missed(bag):
    with forged(bag):
        path = bag / "data/populations/calls.jsonl"
        rows = [json.loads(line) for line in lines_of(path)]
        for row in rows:
            del row["decision"]
        path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    assert any("decision" in told for told in forged.report.problems)


SETS = [
    (lambda lines: lines[1:], "another one"),
    (lambda lines: lines[:-1], "has no row"),
    (lambda lines: [*lines, lines[-1]], "rows have no entry"),
    (lambda lines: [lines[1], lines[0], *lines[2:]], "another one"),
]


def test_rows_that_are_removed_added_or_swapped_are_found(bag):
    for change, told in SETS:
        with forged(bag):
            path = bag / "data/populations/calls.jsonl"
            lines = change(lines_of(path))
            path.write_bytes(b"".join(lines))
            rewrite_csv(bag, "calls", lines)
        problems = forged.report.problems
        assert any(told in problem for problem in problems), (told, problems)


def test_a_csv_that_says_something_else_than_the_lines_is_found(bag):
    for name in ("calls", "vendors", "facts"):
        with forged(bag):
            path = bag / f"data/populations/{name}.csv"
            before = path.read_bytes()
            path.write_bytes(before[:-3] + b"x" + before[-2:])
        assert any(f"populations/{name}: row" in told for told in forged.report.problems), name


def test_a_file_that_is_added_or_lost_is_found(bag):
    (bag / "data/more.csv").write_text("a\n")
    assert any("in no manifest" in problem for problem in verify(bag).problems)
    (bag / "data/more.csv").unlink()
    (bag / "data/scope.json").unlink()
    assert any("is not there" in problem for problem in verify(bag).problems)
