"""Makes ledgers for tests: entries, checkpoints and exports, as the portal would write them."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from countersign import canonical, checkpoints, cosignatures, merkle, notes, tiles

ORIGIN = "portal.example/live"
START = dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)


def signer(number: int = 1, origin: str = ORIGIN) -> notes.Signer:
    return notes.Signer(origin, number.to_bytes(32, "big"))


def witness(number: int = 100) -> cosignatures.Cosigner:
    return cosignatures.Cosigner(f"witness.example/w{number}", number.to_bytes(32, "big"))


def moment(milliseconds: int) -> str:
    at = START + dt.timedelta(milliseconds=milliseconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry(number: int, **members: object) -> bytes:
    told = {"v": 1, "type": "call", "received_at": moment(number), "model": "m"} | members
    return canonical.canonical(told)


@dataclass
class Ledger:
    """A ledger in memory: what the portal has in its database."""

    signer: notes.Signer = field(default_factory=signer)
    entries: list[bytes] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    named: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.named.append(self.signer.vkey)

    @property
    def leaves(self) -> list[bytes]:
        return [merkle.leaf_hash(line) for line in self.entries]

    def append(self, lines: list[bytes]) -> str:
        """A batch: its entries and the checkpoint over all so far."""
        self.entries += lines
        return self.sign()

    def sign(self) -> str:
        size = len(self.entries)
        checkpoint = checkpoints.Checkpoint(self.signer.name, size, merkle.root_of(self.leaves))
        note = checkpoints.signed(checkpoint, self.signer)
        self.notes.append((size, note))
        return note

    def grow(self, *batches: int) -> Ledger:
        for count in batches:
            first = len(self.entries)
            self.append([entry(number) for number in range(first, first + count)])
        return self

    def begin(self) -> Ledger:
        payload = {"origin": self.signer.name, "public_key": self.signer.public_key.hex()}
        self.append([entry(0, type="ledger-start", payload=payload)])
        return self

    def change_key(self, new: notes.Signer) -> None:
        payload = {
            "public_key": new.public_key.hex(),
            "previous_public_key": self.signer.public_key.hex(),
        }
        self.append([entry(len(self.entries), type="key-change", payload=payload)])
        self.signer = new

    def tiles(self) -> dict[str, bytes]:
        """All tiles by their paths, the last of each level partial."""
        found = {}
        level, hashes = 0, self.leaves
        while hashes:
            rows = [hashes[at : at + 256] for at in range(0, len(hashes), 256)]
            for number, row in enumerate(rows):
                found[tiles.Tile(level, number, len(row)).path()] = b"".join(row)
            level, hashes = level + 1, [merkle.root_of(row) for row in rows if len(row) == 256]
        return found

    def files(self, *, first: int = 0, a_file: int = 100, gaps: tuple = ()) -> dict[str, bytes]:
        """An export from entry `first` on, `a_file` entries a file, without those in `gaps`."""
        frontier = merkle.Frontier().extended(self.leaves[:first])
        told = {
            "format": "countersign-ledger",
            "version": 1,
            "origin": self.signer.name,
            "first_index": first,
            "frontier": [above.hex() for above in frontier.hashes],
            "keys": self.named,
        }
        found = {"ledger.json": json.dumps(told).encode()}
        found["checkpoints.jsonl"] = b"".join(
            json.dumps({"note": note}).encode() + b"\n"
            for size, note in self.notes
            if size >= first
        )
        for at in range(first, len(self.entries), a_file):
            if not any(start <= at < end for start, end in gaps):
                lines = self.entries[at : at + a_file]
                found[f"entries/{at:020}.jsonl"] = b"".join(line + b"\n" for line in lines)
        return found


def folder(files: dict[str, bytes], top: Path) -> Path:
    for name, content in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return top


def zipped(files: dict[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def compressed(files: dict[str, bytes]) -> dict[str, bytes]:
    """The same with every file of lines as .gz."""
    return {
        name + ".gz" if name.endswith(".jsonl") else name: gzip.compress(content)
        if name.endswith(".jsonl")
        else content
        for name, content in files.items()
    }
