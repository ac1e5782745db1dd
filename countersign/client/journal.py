"""The journal: what has to be told to the portal, on the disk of the machine that knows it.

A folder serves many processes. Each has a run of its own: a file `<run>.lock` that it holds locked
while it lives, and segments `<run>.<number>.ndjson`. A line is JSON with its number `n`, its moment
`at`, its `kind`, `prev`, and at its end `sha256`, that of all before it; `prev` is the one of the
line before. So none is changed, left out or put in between by accident, or without changing all
after it. A line without its line feed was never finished and counts for nothing. A run whose lock
can be had belongs to nobody any more: whoever gets it goes on with it.

| kind | says |
|---|---|
| segment | the first line of a file: whose journal it is |
| call | a call that the portal has not got; to be delivered |
| open | a call that the portal has got, and whose end has not come |
| end | how a call ended; to be delivered |
| missed | a call that was made without a record |
| gap | how many calls were missed (`of` names their lines); to be delivered |
| done | lines (`of`) that were delivered, or set aside for good |

There are ids, numbers, digests and words of lists in it, never content.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import threading
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

from countersign.client import ids
from countersign.client.backlog import Backlog, Place

try:
    import fcntl
except ImportError:  # Windows
    HAS_LOCKS = False
else:
    HAS_LOCKS = True

Line: TypeAlias = dict[str, object]

SEGMENT_BYTES = 4 * 1024 * 1024
# Ends of calls are still taken where calls are not: nothing that happened may be lost.
HEADROOM = 1.1
FIRST = "0" * 64
_ENCODED = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


class JournalFailed(Exception):
    """A line does not stand. `code` says why, and `SENTENCES` in words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


SENTENCES = {
    "no-locks": "The spool needs a system with file locks, such as Linux or macOS.",
    "folder-refused": "The spool folder is another user's, or others may write into it.",
    "disk-full": "The disk that holds the spool folder is full.",
    "not-writable": "The spool folder cannot be written.",
    "spool-full": "The spool folder holds as much as it may (max_spool_bytes).",
}


def encoded(line: Mapping[str, object]) -> bytes:
    """A line of the journal without its line feed."""
    return _ENCODED(line).encode()


def sealed(raw: bytes) -> tuple[bytes, str]:
    """The line with its own digest at its end, and the digest."""
    digest = hashlib.sha256(raw[:-1]).hexdigest()
    return b'%b,"sha256":"%b"}' % (raw[:-1], digest.encode()), digest


def checked_folder(folder: Path) -> None:
    """Make the folder if it is not there, for its user alone. Raises: JournalFailed."""
    if not HAS_LOCKS:
        raise JournalFailed("no-locks")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.stat()
    except OSError as error:
        raise JournalFailed(_code(error)) from None
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise JournalFailed("folder-refused")


class Journal:
    """One run: written by this process alone. Safe to use from many threads, not after a fork."""

    def __init__(self, folder: Path, run: str, lock: int, whose: Mapping[str, object]) -> None:
        self.folder = folder
        self.run = run
        self.backlog = Backlog()
        self._whose = dict(whose)
        self._lock_file = lock
        self._lock = threading.Lock()
        self._syncing = threading.Lock()
        self._file = -1
        self._segment = 0
        self._length = 0
        self._number = 0
        self._prev = FIRST
        self._written = self._synced = 0
        self._stale = False
        self.max_bytes = 2**63
        self._others = 0

    @classmethod
    def new(cls, folder: Path, whose: Mapping[str, object], max_bytes: int) -> Journal:
        """A run of this process. Raises: JournalFailed."""
        checked_folder(folder)
        run = ids.uuid7().replace("-", "")
        lock = locked(folder / f"{run}.lock")
        if lock is None:
            raise JournalFailed("not-writable")
        journal = cls(folder, run, lock, whose)
        journal.max_bytes = max_bytes
        journal.measure_others()
        try:
            journal._next_segment()
        except OSError as error:
            journal.abandon()
            raise JournalFailed(_code(error)) from None
        return journal

    def go_on(self, backlog: Backlog, segment: int, number: int, prev: str) -> None:
        """Take up a run that was read, in a new segment. Raises: OSError."""
        self.backlog = backlog
        self._segment, self._number, self._prev = segment, number, prev
        self._next_segment()

    def measure_others(self) -> None:
        """Look how much room the other runs of the folder take."""
        total = 0
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                if not path.name.startswith(self.run):
                    with contextlib.suppress(OSError):
                        total += path.stat().st_size
        self._others = total

    @property
    def size(self) -> int:
        """Bytes of this run's segments."""
        return self.backlog.bytes_ended + self._length

    def append(self, kind: str, fields: Mapping[str, object], *, sync: bool = False) -> int:
        """Write a line; with `sync` it is on the disk when this returns. Returns: its number.

        Raises: JournalFailed; then the line does not stand, or (`sync`) may not stand.
        """
        with self._lock:
            number = self._append(kind, fields)
        if sync:
            self.sync()
        return number

    def done(self, numbers: Iterable[int]) -> None:
        """Note that these lines need nothing more. Raises: JournalFailed."""
        with self._lock:
            self._append("done", {"of": sorted(numbers)})
            self._drop_delivered()

    def sync(self) -> None:
        """Return when all that was written is on the disk. Raises: JournalFailed."""
        upto = self._written
        with self._syncing:
            if self._synced >= upto:
                return
            with self._lock:
                file, segment, reached = self._file, self._segment, self._written
            try:
                os.fsync(file)
            except OSError as error:
                with self._lock:
                    # A segment that was ended meanwhile was put on the disk then.
                    if self._segment == segment:
                        # What the disk has of it is not known any more: go on in another one.
                        self._stale = True
                        raise JournalFailed(_code(error)) from None
            self._synced = reached

    def batch(self, most: int) -> list[tuple[int, Line]]:
        """The first lines to be delivered, at most so many, with their numbers.

        Raises: JournalFailed if they cannot be read.
        """
        with self._lock:
            places = self.backlog.first(most)
        found = []
        try:
            for segment, of_it in groupby(places, key=lambda each: each[1].segment):
                with self._path(segment).open("rb", buffering=0) as file:
                    for number, place in of_it:
                        raw = os.pread(file.fileno(), place.length, place.offset)
                        found.append((number, json.loads(raw)))
        except (OSError, ValueError):
            raise JournalFailed("not-writable") from None
        return found

    def abandon(self) -> None:
        """Let go of the files without a word: a child does so with what its parent holds."""
        for file in (self._file, self._lock_file):
            if file >= 0:
                with contextlib.suppress(OSError):
                    os.close(file)
        self._file = self._lock_file = -1

    def close(self) -> None:
        """Let another process have the run, or remove it if nothing is left to be done."""
        with self._lock:
            if self._file >= 0 and not self.backlog:
                remove_run(self.folder, self.run)
            self.abandon()

    def _append(self, kind: str, fields: Mapping[str, object]) -> int:
        if self._file < 0:
            raise JournalFailed("not-writable")
        try:
            if self._stale or self._length >= SEGMENT_BYTES:
                self._next_segment()
            self._check_room(kind)
            return self._write(kind, fields)
        except OSError as error:
            raise JournalFailed(_code(error)) from None

    def _check_room(self, kind: str) -> None:
        most = self.max_bytes if kind in {"call", "missed"} else self.max_bytes * HEADROOM
        if kind != "done" and self._others + self.size > most:
            raise JournalFailed("spool-full")

    def _write(self, kind: str, fields: Mapping[str, object]) -> int:
        number = self._number + 1
        line = {"n": number, "at": ids.now(), "prev": self._prev, "kind": kind, **fields}
        raw, digest = sealed(encoded(line))
        self._put(raw + b"\n")
        place = Place(self._segment, self._length, len(raw))
        self._length += len(raw) + 1
        self._number = self._written = number
        self._prev = digest
        self.backlog.apply(line, place)
        return number

    def _put(self, raw: bytes) -> None:
        """Write all of it or nothing. Raises: OSError."""
        try:
            if os.write(self._file, raw) != len(raw):
                raise OSError(errno.ENOSPC, "written in part")
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._length)
            raise

    def _next_segment(self) -> None:
        """Begin the next file, and say again in it which calls are open. Raises: OSError."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        file = os.open(self._path(self._segment + 1), flags, 0o600)
        if self._file >= 0:
            if not self._stale:
                os.fsync(self._file)
            os.close(self._file)
            self.backlog.segment_ended(self._segment, self._length)
        self._file, self._segment, self._length = file, self._segment + 1, 0
        self._stale = True  # until its beginning is whole
        self._write("segment", {"v": 1, **self._whose})
        for call_id in list(self.backlog.open):
            self._write("open", {"call_id": call_id})
        sync_folder(self.folder)
        self._stale = False
        self._drop_delivered()

    def _drop_delivered(self) -> None:
        """Remove the oldest segments while nothing of them is still to be delivered."""
        for segment in self.backlog.spent():
            with contextlib.suppress(OSError):
                self._path(segment).unlink()

    def _path(self, segment: int) -> Path:
        return segment_path(self.folder, self.run, segment)


def segment_path(folder: Path, run: str, segment: int) -> Path:
    """The file of a segment."""
    return folder / f"{run}.{segment:06d}.ndjson"


def locked(path: Path) -> int | None:
    """The file, locked for this process until it ends; None if another one has it or it is gone.

    Raises: JournalFailed if it cannot be opened.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise JournalFailed(_code(error)) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Removed by its holder between our opening and our locking it: it names nothing any more.
        if os.fstat(file).st_nlink:
            return file
    except OSError:
        pass
    os.close(file)
    return None


def remove_run(folder: Path, run: str) -> None:
    """Remove a run's files, its lock last; a segment that was found broken is kept."""
    for path in sorted(folder.glob(f"{run}.*.ndjson")):
        with contextlib.suppress(OSError):
            path.unlink()
    with contextlib.suppress(OSError):
        (folder / f"{run}.lock").unlink()


def sync_folder(folder: Path) -> None:
    """Have the names of the folder on the disk. Raises: OSError."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _code(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "disk-full"
    return "not-writable"
