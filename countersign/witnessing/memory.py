"""What a witness remembers of each ledger: the last checkpoint that it cosigned, on disk."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from countersign import checkpoints, notes

try:
    import fcntl
except ImportError:  # Windows: everything but a witness works there
    HAS_LOCKS = False
else:
    HAS_LOCKS = True

_LOCK = "lock"


class MemoryLost(Exception):
    """The memory cannot be used. A witness that starts afresh could be shown another ledger."""


class Memory:
    """A folder with a file for each ledger; one process at a time holds it.

    A file is replaced whole, and is on the disk (fsync of file and folder) before `remember`
    returns. `refused/` keeps what was shown to the witness and did not fit: it may be proof that
    a ledger shows different trees to different people.
    """

    def __init__(self, folder: Path) -> None:
        """Raises: MemoryLost if another process holds the folder, or none can on this system."""
        if not HAS_LOCKS:
            raise MemoryLost("a witness needs a system with file locks, such as Linux or macOS")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._lock = (folder / _LOCK).open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise MemoryLost("another witness holds this folder") from None

    def close(self) -> None:
        """Let another process have the folder."""
        self._lock.close()

    def _path(self, origin: str) -> Path:
        # An origin may hold slashes: its digest names the file, the file says which it is.
        return self._folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.checkpoint"

    def last(self, origin: str) -> checkpoints.Checkpoint | None:
        """The last checkpoint cosigned; None if there never was one.

        Raises: MemoryLost if the file is there and cannot be read: that is not "never".
        """
        path = self._path(origin)
        if not path.exists():
            return None
        try:
            found = checkpoints.parsed(notes.parsed(path.read_bytes()).text)
        except (OSError, notes.NoteError):
            raise MemoryLost("the file of a ledger's last checkpoint cannot be read") from None
        if found.origin != origin:
            raise MemoryLost("the file of a ledger's last checkpoint is another's")
        return found

    def remember(self, origin: str, note: str) -> None:
        """Replace what is remembered of the ledger, and return when it is on the disk."""
        written(self._path(origin), note)

    def keep_refused(self, note: str, why: str) -> None:
        """Keep a signed checkpoint that did not fit, once."""
        folder = self._folder / "refused"
        folder.mkdir(exist_ok=True, mode=0o700)
        path = folder / f"{hashlib.sha256(note.encode()).hexdigest()}.checkpoint"
        if not path.exists():
            written(path, note)
            written(path.with_suffix(".reason"), why + "\n")


def written(path: Path, text: str) -> None:
    """Replace a file whole, and return when it and its folder are on the disk."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    if not HAS_LOCKS:
        return  # nor can a folder be opened to put it on the disk
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
