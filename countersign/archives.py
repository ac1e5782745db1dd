"""The archive of a range of a ledger: what its manifest says (docs/ledger.md, "The archive").

One folder holds one partition: the entries' bytes, the checkpoints over them, the tiles of their
leaves, the typed rows that the database had, and `manifest.json` with the SHA-256 of each file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from countersign.canonical import canonical
from countersign.merkle import HASH_SIZE, Frontier

VERSION = 1
KIND = "archive"
MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoints.ndjson.gz"
ENTRIES = "entries/"
TILES = "tiles/"
# A file holds the entries of so many indexes; the last may hold fewer.
ENTRIES_A_FILE = 65_536
FORMATS = ("ndjson", "parquet")
ENDINGS = {"ndjson": ".ndjson.gz", "parquet": ".parquet"}

_NAME = re.compile(r"[a-z0-9_]+(?:/[a-z0-9_]+)?(?:\.[a-z0-9]+)+")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_MEMBERS = {
    "v": int,
    "kind": str,
    "origin": str,
    "ledger": str,
    "partition": int,
    "first_index": int,
    "end_index": int,
    "count": int,
    "format": str,
    "frontier": list,
    "root": str,
    "checkpoint": str,
    "keys": list,
    "files": list,
    "columns": dict,
}


class ArchiveError(Exception):
    """A manifest has not the form it must have. Quotes none of its content."""


class File(NamedTuple):
    """A file of the archive; `rows` are what it holds: entries, batches, rows or tiles."""

    name: str
    size: int
    sha256: str
    rows: int


@dataclass(frozen=True)
class Manifest:
    """What an archive says it holds: the entries from `first_index` up to before `end_index`.

    `before` is the tree before the first of them, `root` that of all leaves up to the last,
    `checkpoint` the signed note over it; `keys` are the keys that signed, as their text forms.
    `columns` are names and types, as PostgreSQL calls them, of each table that has typed rows.
    """

    origin: str
    ledger: str
    partition: int
    first_index: int
    end_index: int
    format: str
    before: Frontier
    root: bytes
    checkpoint: str
    keys: tuple[str, ...]
    files: tuple[File, ...]
    columns: Mapping[str, list[list[str]]]

    @property
    def count(self) -> int:
        """How many entries it holds."""
        return self.end_index - self.first_index

    def named(self, folder: str) -> list[File]:
        """The files of a folder of the archive, in the order of their names."""
        return sorted(file for file in self.files if file.name.startswith(folder))

    def content(self) -> bytes:
        """The bytes of the manifest: the same for the same archive."""
        return canonical(
            {
                "v": VERSION,
                "kind": KIND,
                "origin": self.origin,
                "ledger": self.ledger,
                "partition": self.partition,
                "first_index": self.first_index,
                "end_index": self.end_index,
                "count": self.count,
                "format": self.format,
                "frontier": [node.hex() for node in self.before.hashes],
                "root": self.root.hex(),
                "checkpoint": self.checkpoint,
                "keys": list(self.keys),
                "files": [
                    {"name": name, "bytes": size, "sha256": sha256, "rows": rows}
                    for name, size, sha256, rows in sorted(self.files)
                ],
                "columns": {name: list(columns) for name, columns in self.columns.items()},
            }
        )


def parsed(content: bytes) -> Manifest:
    """The manifest of these bytes. Raises: ArchiveError."""
    try:
        members = json.loads(content)
    except ValueError:
        raise ArchiveError("the manifest is not JSON") from None
    if not isinstance(members, dict) or set(members) != set(_MEMBERS):
        raise ArchiveError("the manifest has not the members it must have")
    for name, kind in _MEMBERS.items():
        if type(members[name]) is not kind:
            raise ArchiveError(f"the member {name} of the manifest has another type")
    if members["v"] != VERSION or members["kind"] != KIND:
        raise ArchiveError("the manifest is of another version or kind")
    first, end = members["first_index"], members["end_index"]
    if not 0 <= first < end or members["count"] != end - first:
        raise ArchiveError("the range of the manifest is none")
    if members["format"] not in FORMATS:
        raise ArchiveError("the format of the manifest is not known")
    return Manifest(
        origin=members["origin"],
        ledger=members["ledger"],
        partition=members["partition"],
        first_index=first,
        end_index=end,
        format=members["format"],
        before=_frontier(first, members["frontier"]),
        root=_hash(members["root"]),
        checkpoint=members["checkpoint"],
        keys=tuple(_text(key) for key in members["keys"]),
        files=tuple(_file(file) for file in members["files"]),
        columns=_columns(members["columns"]),
    )


def _frontier(size: int, hashes: list[Any]) -> Frontier:
    packed = b"".join(_hash(node) for node in hashes)
    try:
        return Frontier.unpacked(size, packed)
    except ValueError:
        raise ArchiveError("the frontier of the manifest is not that of its first index") from None


def _file(members: Any) -> File:
    if not isinstance(members, dict) or set(members) != {"name", "bytes", "sha256", "rows"}:
        raise ArchiveError("a file of the manifest has not the members it must have")
    name, size, rows = members["name"], members["bytes"], members["rows"]
    # Names are read as paths: nothing that leads out of the folder gets through.
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name == MANIFEST:
        raise ArchiveError("the name of a file of the manifest has not the form it must have")
    if type(size) is not int or type(rows) is not int or min(size, rows) < 0:
        raise ArchiveError("a file of the manifest has no proper size")
    return File(name, size, _hash(members["sha256"]).hex(), rows)


def _columns(members: dict[str, Any]) -> dict[str, list[list[str]]]:
    return {
        _text(table): [[_text(name), _text(kind)] for name, kind in columns]
        for table, columns in members.items()
    }


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ArchiveError("a member of the manifest is no text")
    return value


def _hash(value: Any) -> bytes:
    if not isinstance(value, str) or len(value) != 2 * HASH_SIZE or not _HEX.fullmatch(value):
        raise ArchiveError("a hash of the manifest is not 64 hex digits")
    return bytes.fromhex(value)
