"""Where a verifier reads from: a folder, or a zip file, opened nowhere but in memory."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, cast

MAX_LINE_BYTES = 1 << 20
CHUNK_BYTES = 1 << 20


class SourceError(Exception):
    """A file that is needed is not there, or cannot be read. Quotes none of its content."""


class Source(Protocol):
    """Files by their names with forward slashes, relative to the top."""

    def names(self) -> list[str]:
        """All names, sorted."""

    def open(self, name: str) -> BinaryIO:
        """The bytes of a file. Raises: SourceError if it is not there."""


class Folder:
    """A folder on this machine. Links are not followed out of it."""

    def __init__(self, top: Path) -> None:
        self._top = top.resolve()

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(
            path.relative_to(self._top).as_posix()
            for path in self._top.rglob("*")
            if path.is_file() and path.resolve().is_relative_to(self._top)
        )

    def open(self, name: str) -> BinaryIO:
        """The bytes of a file. Raises: SourceError if it is not there."""
        path = (self._top / name).resolve()
        if not path.is_relative_to(self._top) or not path.is_file():
            raise SourceError(f"there is no file {name}")
        return path.open("rb")


class Zip:
    """A zip file. Its members are read as streams, never unpacked to disk."""

    def __init__(self, path: Path) -> None:
        """Raises: SourceError if it is no zip file."""
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError):
            raise SourceError("this is neither a folder nor a readable zip file") from None
        names = self._zip.namelist()
        if len(set(names)) != len(names):
            raise SourceError("the zip file holds two files of one name")

    def names(self) -> list[str]:
        """All names of files, sorted."""
        return sorted(name for name in self._zip.namelist() if not name.endswith("/"))

    def open(self, name: str) -> BinaryIO:
        """The bytes of a member. Raises: SourceError if it is not there."""
        try:
            return cast("BinaryIO", self._zip.open(name))
        except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
            raise SourceError(f"there is no readable file {name}") from None


def opened(path: Path) -> Folder | Zip:
    """The source at a path. Raises: SourceError if there is none."""
    if path.is_dir():
        return Folder(path)
    return Zip(path)


def content(source: Source, name: str, *, max_bytes: int = 1 << 24) -> bytes:
    """The whole of a small file. Raises: SourceError if it is absent, too large or broken."""
    with source.open(name) as file:
        try:
            found = file.read(max_bytes + 1)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError):
            raise SourceError(f"{name} cannot be read to its end") from None
    if len(found) > max_bytes:
        raise SourceError(f"{name} is larger than such a file can be")
    return found


def chunks(source: Source, name: str) -> Iterator[bytes]:
    """A file of lines, plain or .gz, in pieces of about 1 MiB of whole lines.

    The last newline of a piece is left out, so `split` gives its lines. Raises: SourceError.
    """
    with source.open(name) as raw:
        try:
            if name.endswith(".gz"):
                with gzip.GzipFile(fileobj=raw) as file:
                    yield from _whole_lines(file, name)
            else:
                yield from _whole_lines(raw, name)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError):
            raise SourceError(f"{name} cannot be read to its end") from None


def _whole_lines(file: BinaryIO | gzip.GzipFile, name: str) -> Iterator[bytes]:
    rest = b""
    while piece := file.read(CHUNK_BYTES):
        head, newline, tail = piece.rpartition(b"\n")
        if not newline:
            rest += piece
            if len(rest) > MAX_LINE_BYTES + CHUNK_BYTES:
                raise SourceError(f"{name} has a line that is longer than any can be")
            continue
        yield rest + head
        rest = tail
    if rest:
        raise SourceError(f"{name} does not end with a newline: it was cut")
