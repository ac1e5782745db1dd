"""The archive as files on a disk: written once, read-only, never over another."""

from __future__ import annotations

import datetime as dt
import os
import stat
import tempfile
from pathlib import Path
from typing import Protocol

from django.core.files.storage import FileSystemStorage

MODE = 0o440
FOLDER_MODE = 0o750


class NotKept(Exception):
    """A file of the archive is not kept as it has to be. The text names it and says why."""


class ArchiveStorage(Protocol):
    """Where archives are: what storages["archive"] has beyond Django's storages."""

    def put(self, name: str, content: bytes, *, at: dt.datetime) -> None:
        """Store a new file for good. Raises: FileExistsError, NotKept, OSError."""

    def get(self, name: str) -> bytes:
        """The content of a file. Raises: FileNotFoundError, OSError."""

    def confirm(self, name: str, *, at: dt.datetime) -> None:
        """Make sure that the file will stay as it is. Raises: NotKept."""

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""


class ArchiveFiles(FileSystemStorage):
    """Files on a disk, mode 0440, on it for certain before `put` returns."""

    def put(self, name: str, content: bytes, *, at: dt.datetime) -> None:
        """Store a new file: whole or not at all, whatever breaks off.

        Raises: FileExistsError if there is one of this name already; OSError.
        """
        path = Path(self.path(name))
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), MODE)
                os.fsync(file.fileno())
            # Unlike a rename, a link never takes the place of what is there.
            os.link(temporary, path)
        finally:
            os.unlink(temporary)  # noqa: PTH108 - beside mkstemp and link, which pathlib has not
        for folder in (path.parent, *path.parent.parents[: self._depth(path)]):
            _sync(folder)

    def _depth(self, path: Path) -> int:
        """How many folders above the file's own are of the archive, its root included."""
        return len(path.parent.relative_to(Path(self.base_location).resolve()).parts)

    def get(self, name: str) -> bytes:
        """The content of a file. Raises: FileNotFoundError, OSError."""
        return Path(self.path(name)).read_bytes()

    def confirm(self, name: str, *, at: dt.datetime) -> None:
        """Make sure that nobody may write to it. Raises: NotKept."""
        try:
            found = Path(self.path(name)).lstat().st_mode
        except FileNotFoundError:
            raise NotKept(f"The file {name} of the archive is missing.") from None
        if not stat.S_ISREG(found) or found & 0o222:
            raise NotKept(f"The file {name} of the archive may be written to.")

    def delete(self, name: str) -> None:
        """Refused: an archive is removed by hand, outside the portal, or not at all."""
        raise NotImplementedError("the portal removes nothing from the archive")


def _sync(folder: Path) -> None:
    """A new name is on the disk once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
