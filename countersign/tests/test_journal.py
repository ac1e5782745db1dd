"""The journal on disk: killed at any byte, a full disk, many processes; what it says is kept."""

import errno
import hashlib
import itertools
import json
import os
import signal
import stat
import subprocess
import sys
import threading

import pytest

from countersign.client import journal, recovering
from countersign.client.ids import uuid7
from countersign.client.journal import Journal, JournalFailed

WHOSE = {"portal": "portal.example", "integration": "i", "log": "test"}
MOST = 2**28


def new(folder, most=MOST) -> Journal:
    return Journal.new(folder, WHOSE, most)


def segments(folder):
    return sorted(folder.glob("*.ndjson"))


def lines(folder) -> list[dict]:
    return [json.loads(raw) for path in segments(folder) for raw in path.read_bytes().splitlines()]


def call(written: Journal, call_id: str | None = None, *, sync=True) -> str:
    call_id = call_id or uuid7()
    written.append("call", {"call_id": call_id, "body": {"call_id": call_id}}, sync=sync)
    return call_id


def end(written: Journal, call_id: str) -> int:
    body = {"event_id": uuid7(), "outcome": "succeeded"}
    return written.append("end", {"call_id": call_id, "body": body})


def taken_up(folder) -> list[Journal]:
    found = []
    for run, lock in recovering.dead_runs(folder, ()):
        one = recovering.taken_up(folder, run, lock, WHOSE)
        if one is not None:
            found.append(one)
    return found


def kinds(one: Journal) -> list[tuple[str, str]]:
    return [(str(line["kind"]), str(line["call_id"])) for _, line in one.batch(100)]


def test_each_line_holds_its_digest_and_that_of_the_one_before(tmp_path):
    written = new(tmp_path)
    end(written, call(written))
    raw = segments(tmp_path)[0].read_bytes().splitlines()
    assert [json.loads(line)["kind"] for line in raw] == ["segment", "call", "end"]
    assert json.loads(raw[0])["prev"] == "0" * 64
    for before, after in itertools.pairwise(raw):
        content, _, digest = before.rpartition(b',"sha256":"')
        assert digest == hashlib.sha256(content).hexdigest().encode() + b'"}'
        assert json.loads(after)["prev"] == json.loads(before)["sha256"]


def test_only_its_user_can_read_it_and_a_folder_others_can_write_is_refused(tmp_path):
    folder = tmp_path / "spool"
    written = new(folder)
    call(written)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    folder.chmod(0o777)
    with pytest.raises(JournalFailed, match="folder-refused"):
        new(folder)


def test_what_a_call_rests_on_is_on_the_disk_when_append_returns(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(journal.os, "fsync", synced.append)
    written = new(tmp_path)
    synced.clear()
    call(written, sync=False)
    assert synced == []
    call(written)
    assert len(synced) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from countersign.client.journal import Journal
from countersign.client.ids import uuid7
whose = {"portal": "portal.example", "integration": "i", "log": "test"}
journal = Journal.new(Path(sys.argv[1]), whose, 2**28)
for number in range(3):
    call_id = f"{number:08d}-0000-7000-8000-000000000000"
    journal.append("call", {"call_id": call_id, "body": {"call_id": call_id}}, sync=True)
journal.append("end", {"call_id": call_id, "body": {"event_id": uuid7(), "outcome": "failed"}})
journal.append("open", {"call_id": "99999999-0000-7000-8000-000000000000"})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_was_killed_leaves_its_calls_to_the_next(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    assert done.returncode == -signal.SIGKILL
    (one,) = taken_up(tmp_path)
    found = [
        (str(line["kind"]), str(line["call_id"])[:8], line["body"]) for _, line in one.batch(9)
    ]
    assert [(kind, call_id) for kind, call_id, _ in found] == [
        ("call", "00000000"),
        ("call", "00000001"),
        ("call", "00000002"),
        ("end", "00000002"),
        ("end", "00000000"),
        ("end", "00000001"),
        ("end", "99999999"),
    ]
    assert [body["outcome"] for *_, body in found[3:]] == [
        "failed",
        "unknown",
        "unknown",
        "unknown",
    ]
    assert taken_up(tmp_path) == []  # it is held now


def test_cut_off_at_any_byte_all_whole_lines_count_and_no_other(tmp_path):
    written = new(tmp_path)
    called = [call(written) for _ in range(2)]
    (path,) = segments(tmp_path)
    whole = path.read_bytes()
    written.abandon()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        found = recovering.read_run(tmp_path, written.run)
        count = whole[:length].count(b"\n")
        assert list(found.backlog.open) == called[: max(count - 1, 0)]
        assert (found.broken, found.number) == ([], count)


@pytest.mark.parametrize("length", [60, 400, 900])
def test_a_run_that_was_cut_off_is_gone_on_with_and_stays_whole(tmp_path, length):
    written = new(tmp_path)
    for _ in range(3):
        call(written)
    (path,) = segments(tmp_path)
    written.abandon()
    os.truncate(path, length)
    for one in taken_up(tmp_path):
        call(one)
        one.abandon()
    assert recovering.waiting(tmp_path)["broken"] == 0


def changed(raw):
    raw[3] = raw[3].replace(b'"call"', b'"open"')


def resealed(raw):
    """As someone would who knows how it is made, but changes no line after it."""
    content = raw[3].rstrip(b"\n")[: -len(b',"sha256":""}') - 64]
    raw[3] = journal.sealed(content.replace(b'"call"', b'"open"') + b"}")[0] + b"\n"


def left_out(raw):
    del raw[3]


def zeroed(raw):
    raw[3:] = [bytes(400) + b"\n"]


@pytest.mark.parametrize("harm", [changed, resealed, left_out, zeroed])
def test_from_what_does_not_follow_on_nothing_is_believed_and_the_file_is_kept(tmp_path, harm):
    written = new(tmp_path)
    called = [call(written) for _ in range(4)]
    (path,) = segments(tmp_path)
    raw = path.read_bytes().splitlines(keepends=True)
    harm(raw)
    path.write_bytes(b"".join(raw))
    written.abandon()
    (one,) = taken_up(tmp_path)
    assert [call_id for kind, call_id in kinds(one) if kind == "call"] == called[:2]
    one.done([number for number, _ in one.batch(100)])
    one.close()
    (kept,) = tmp_path.glob("*.broken")
    assert kept.read_bytes() == b"".join(raw)
    assert recovering.waiting(tmp_path)["broken"] == 1


def test_a_full_disk_is_said_so_and_leaves_no_half_line(tmp_path, monkeypatch):
    written = new(tmp_path)
    first = call(written)
    real = os.write
    monkeypatch.setattr(journal.os, "write", lambda file, raw: real(file, raw[: len(raw) // 2]))
    with pytest.raises(JournalFailed, match="disk-full"):
        call(written)

    def full(file, raw):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(journal.os, "write", full)
    with pytest.raises(JournalFailed, match="disk-full"):
        call(written)
    monkeypatch.undo()
    last = call(written)
    assert [line.get("call_id") for line in lines(tmp_path)] == [None, first, last]
    assert recovering.read_run(tmp_path, written.run).broken == []


def test_a_disk_that_does_not_keep_a_line_is_said_so_and_another_file_begun(tmp_path, monkeypatch):
    written = new(tmp_path)

    def failing(file):
        raise OSError(errno.EIO, "lost")

    monkeypatch.setattr(journal.os, "fsync", failing)
    with pytest.raises(JournalFailed, match="not-writable"):
        call(written)
    monkeypatch.undo()
    call(written)
    assert len(segments(tmp_path)) == 2


def test_no_more_room_is_taken_than_allowed_but_ends_still_fit(tmp_path):
    written = new(tmp_path, most=4000)
    called = [call(written) for _ in range(8)]
    with pytest.raises(JournalFailed, match="spool-full"):
        [call(written) for _ in range(10)]
    end(written, called[0])


def test_files_are_removed_once_they_are_delivered(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 2000)
    written = new(tmp_path)
    long = call(written)  # goes on all the time
    for _ in range(50):
        end(written, call(written))
        numbers = [number for number, _ in written.batch(100)]
        written.done(numbers)
    assert len(segments(tmp_path)) <= 2
    assert list(written.backlog.open) == [long]
    written.abandon()
    (one,) = taken_up(tmp_path)
    assert kinds(one) == [("end", long)]


def test_a_run_with_nothing_left_is_removed(tmp_path):
    written = new(tmp_path)
    end(written, call(written))
    written.done([number for number, _ in written.batch(100)])
    written.abandon()
    assert taken_up(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_anothers_run_is_left_alone(tmp_path):
    written = Journal.new(tmp_path, {**WHOSE, "integration": "another"}, MOST)
    call(written)
    written.abandon()
    assert taken_up(tmp_path) == []
    assert len(segments(tmp_path)) == 1


def test_many_threads_write_whole_lines_in_one_chain(tmp_path):
    written = new(tmp_path)
    threads = [
        threading.Thread(target=lambda: [end(written, call(written)) for _ in range(50)])
        for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found = recovering.read_run(tmp_path, written.run)
    assert (len(found.backlog.pending), found.broken) == (800, [])
    assert found.backlog.pending == written.backlog.pending
