"""A BagIt bag (RFC 8493) as a zip that is written as it grows and never held in memory."""

from __future__ import annotations

import datetime as dt
import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO, Self

CHUNK = 1 << 20
_LEVEL = 6
_REGULAR_FILE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class BagFile:
    """A file of the bag: its path below the bag's folder, SHA-256 in hex, and bytes."""

    path: str
    sha256: str
    size: int

    def line(self) -> str:
        """Its line in a manifest, as `sha256sum -c` reads it."""
        return f"{self.sha256}  {self.path}\n"


class BagEntry:
    """One file while it is being written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._sha256 = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        self._sha256.update(chunk)
        self.size += len(chunk)
        self._stream.write(chunk)

    def sha256(self) -> str:
        return self._sha256.hexdigest()


class BagWriter:
    """Writes a bag of one folder; the same content and moment give the same bytes.

    `moment` (UTC) is the date of every entry: the clock and the file system have no part in it.
    Payload goes to `data/` first; `seal` adds the manifests and the other tag files. Use it as a
    context manager: without `seal` what it leaves is no bag.
    """

    def __init__(self, target: BinaryIO, *, folder: str, moment: dt.datetime) -> None:
        self.folder = folder
        self.moment = moment
        self.payload: list[BagFile] = []
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        self._tags: list[BagFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._zip.close()

    @contextmanager
    def entry(self, path: str) -> Iterator[BagEntry]:
        """Write one payload file piece by piece; `path` is below `data/`."""
        with self._open(f"data/{path}") as entry:
            yield entry
        self.payload.append(BagFile(f"data/{path}", entry.sha256(), entry.size))

    def add(self, path: str, content: bytes) -> BagFile:
        """Write one payload file at once; `path` is below `data/`."""
        with self.entry(path) as entry:
            entry.write(content)
        return self.payload[-1]

    def add_stream(self, path: str, source: BinaryIO) -> BagFile:
        """Copy one payload file from the start of `source`; `path` is below `data/`."""
        source.seek(0)
        with self.entry(path) as entry:
            while chunk := source.read(CHUNK):
                entry.write(chunk)
        return self.payload[-1]

    def seal(self, info: Mapping[str, str], extra: Mapping[str, str]) -> None:
        """Write `bagit.txt`, `bag-info.txt` with `info`, `extra` tag files, then the manifests."""
        octets = sum(file.size for file in self.payload)
        info = {**info, "Payload-Oxum": f"{octets}.{len(self.payload)}"}
        self._tag("bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
        self._tag("bag-info.txt", "".join(f"{name}: {text}\n" for name, text in info.items()))
        for name, text in sorted(extra.items()):
            self._tag(name, text)
        self._tag("manifest-sha256.txt", _manifest(self.payload))
        self._tag("tagmanifest-sha256.txt", _manifest(self._tags))

    def _tag(self, path: str, text: str) -> None:
        with self._open(path) as entry:
            entry.write(text.encode())
        self._tags.append(BagFile(path, entry.sha256(), entry.size))

    @contextmanager
    def _open(self, path: str) -> Iterator[BagEntry]:
        moment = self.moment.astimezone(dt.UTC)
        entry = zipfile.ZipInfo(f"{self.folder}/{path}", moment.timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system = 3
        entry.external_attr = _REGULAR_FILE
        # Always the form for large files, so that a file's size changes nothing but its own bytes.
        with self._zip.open(entry, "w", force_zip64=True) as stream:
            yield BagEntry(stream)


def _manifest(files: list[BagFile]) -> str:
    return "".join(file.line() for file in sorted(files, key=lambda file: file.path))
