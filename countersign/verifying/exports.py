"""Verifies an export of a ledger: its entries, leaves, tiles and checkpoints (docs/ledger.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from countersign import checkpoints, merkle, notes, tiles
from countersign.verifying import sources
from countersign.verifying.chain import Chain, Options
from countersign.verifying.keys import Keys
from countersign.verifying.report import Report

FORMAT = "countersign-ledger"
DESCRIPTION = "ledger.json"


class ExportError(Exception):
    """The export has not the form it must have. Quotes none of its content."""


@dataclass(frozen=True)
class Description:
    """What `ledger.json` says: whose entries these are, and where in the ledger they begin."""

    origin: str
    start: merkle.Frontier
    keys: tuple[notes.Verifier, ...]


def is_export(source: sources.Source) -> bool:
    """Whether the source holds an export, at its top or in folders of it."""
    return bool(_folders(source))


def _folders(source: sources.Source) -> list[str]:
    return [
        name.removesuffix(DESCRIPTION)
        for name in source.names()
        if name == DESCRIPTION or name.endswith("/" + DESCRIPTION)
    ]


def verify(source: sources.Source, options: Options) -> list[Report]:
    """Verify every ledger of the export."""
    return [_verify(source, folder, options) for folder in _folders(source)]


def _verify(source: sources.Source, folder: str, options: Options) -> Report:
    report = Report()
    try:
        said = described(sources.content(source, folder + DESCRIPTION))
        report.origin = said.origin
        chain = Chain(
            report,
            Keys(said.origin, trusted=options.keys, named=said.keys),
            options,
            said.start,
        )
        _Walk(source, folder, chain).go()
    except (sources.SourceError, ExportError, notes.NoteError, tiles.TileError) as error:
        report.problem(f"Reading stopped: {error}.")
        return report
    return chain.finish()


def described(content: bytes) -> Description:
    """Read a description. Raises: ExportError, NoteError for a bad key."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT or found.get("version") != 1:
        raise ExportError(f"{DESCRIPTION} is not the description of an export of version 1")
    origin, first = found.get("origin"), found.get("first_index")
    frontier, keys = _texts(found.get("frontier")), _texts(found.get("keys", []))
    if not isinstance(origin, str) or type(first) is not int or frontier is None or keys is None:
        raise ExportError(f"{DESCRIPTION} lacks a member, or has one of another type")
    try:
        start = merkle.Frontier.unpacked(first, bytes.fromhex("".join(frontier)))
    except ValueError:
        raise ExportError(f"the frontier of {DESCRIPTION} is not that of its first index") from None
    return Description(origin, start, tuple(map(notes.Verifier.from_vkey, keys)))


def _texts(found: object) -> list[str] | None:
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        return None
    return found


@dataclass
class _Walk:
    """Brings together the files of entries and the file of checkpoints, both in order."""

    source: sources.Source
    folder: str
    chain: Chain
    _next: tuple[checkpoints.Checkpoint, notes.Note, str] | None = field(default=None, init=False)

    def go(self) -> None:
        """Feed the chain until both are at their end."""
        names = set(self.source.names())
        stored = _StoredTiles(self.source, self.folder, names)
        if stored.present:
            self.chain.on_leaves = TileCheck(
                stored, self.chain.report, self.chain.start.size
            ).leaves
        notes_in_order = self._checkpoints(names)
        self._next = next(notes_in_order, None)
        for first, name in self._files(names):
            if first < self.chain.size:
                raise ExportError(f"{name} begins before the file before it ends")
            if first > self.chain.size:
                self._pass_over(first, stored, notes_in_order)
            for chunk in sources.chunks(self.source, name):
                self._feed(chunk.split(b"\n"), notes_in_order)
        if self._next is not None:
            self.chain.report.problem(
                f"The checkpoint of size {self._next[0].size:,} reaches beyond the last entry."
            )

    def _files(self, names: set[str]) -> list[tuple[int, str]]:
        """The files of entries, each named by the index of its first."""
        found = []
        for name in names:
            if not name.startswith(self.folder + "entries/"):
                continue
            number = name.removeprefix(self.folder + "entries/").removesuffix(".gz")
            digits = number.removesuffix(".jsonl")
            if not (digits.isascii() and digits.isdecimal() and number.endswith(".jsonl")):
                raise ExportError("a file of entries is not named by the index of its first")
            found.append((int(digits), name))
        return sorted(found)

    def _checkpoints(
        self, names: set[str]
    ) -> Iterator[tuple[checkpoints.Checkpoint, notes.Note, str]]:
        name = self.folder + "checkpoints.jsonl"
        for chunk in sources.chunks(self.source, name if name in names else name + ".gz"):
            for line in chunk.split(b"\n"):
                yield self._checkpoint(line)

    def _checkpoint(self, line: bytes) -> tuple[checkpoints.Checkpoint, notes.Note, str]:
        try:
            note = json.loads(line)["note"]
            parts = notes.parsed(note)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ExportError("a line of checkpoints.jsonl holds no note") from None
        checkpoint = checkpoints.parsed(parts.text)
        if checkpoint.origin != self.chain.keys.origin or checkpoint.extensions:
            raise ExportError("a checkpoint is of another ledger, or says more than ours do")
        return checkpoint, parts, note

    def _feed(
        self,
        lines: Sequence[bytes],
        waiting: Iterator[tuple[checkpoints.Checkpoint, notes.Note, str]],
    ) -> None:
        """Give the chain lines, and each checkpoint that they reach."""
        self.chain.entries(lines)
        while self._next is not None and self._next[0].size <= self.chain.size:
            checkpoint, parts, note = self._next
            self.chain.checkpoint(checkpoint.size, checkpoint.root, parts.signatures)
            if len(parts.signatures) > 1:
                self.chain.cosigned(note)
            self._next = next(waiting, None)

    def _pass_over(
        self,
        first: int,
        stored: _StoredTiles,
        waiting: Iterator[tuple[checkpoints.Checkpoint, notes.Note, str]],
    ) -> None:
        """Go on at `first`, where the next entries are; checkpoints in between cannot be met."""
        left_out = 0
        while self._next is not None and self._next[0].size <= first:
            left_out += 1
            self._next = next(waiting, None)
        if left_out:
            self.chain.report.remark(f"{left_out:,} checkpoints lie in gaps and were passed over.")
        reader = tiles.Reader(first, stored.read)
        self.chain.gap(first, reader)


class _StoredTiles:
    """The tiles that the export has."""

    def __init__(self, source: sources.Source, folder: str, names: set[str]) -> None:
        self._source = source
        self._folder = folder
        self._names = names
        self.present = any(name.startswith(folder + "tile/") for name in names)

    def find(self, tile: tiles.Tile) -> bytes | None:
        """A tile's bytes, if it is there."""
        name = self._folder + tile.path()
        if name not in self._names:
            return None
        return sources.content(self._source, name, max_bytes=tiles.FULL_BYTES)

    def read(self, tile: tiles.Tile) -> bytes:
        """A tile's bytes; a wider one serves as well. Raises: TileError."""
        for width in range(tile.width, tiles.WIDTH + 1):
            found = self.find(tile._replace(width=width))
            if found is not None:
                return found
        raise tiles.TileError("a gap needs a tile that is not here")


class TileCheck:
    """Holds leaves against the full tiles that were stored of them, and says which differs."""

    def __init__(self, stored: _StoredTiles, report: Report, size: int) -> None:
        self._stored = stored
        self._report = report
        self._at = size
        # Hashes of the tile that is being filled, a list a level; None where it began before us.
        self._open: list[list[bytes] | None] = [[] if size % tiles.WIDTH == 0 else None]

    def leaves(self, first: int, leaves: Sequence[bytes]) -> None:
        """Take the next leaves."""
        if first != self._at:
            self._open = [[] if first % tiles.WIDTH == 0 else None]
        self._at = first
        done = 0
        while done < len(leaves):
            room = tiles.WIDTH - self._at % tiles.WIDTH
            part = leaves[done : done + room]
            filling = self._open[0]
            if filling is not None:
                filling += part
            done += len(part)
            self._at += len(part)
            if self._at % tiles.WIDTH == 0:
                self._full(0, self._at // tiles.WIDTH - 1)

    def _full(self, level: int, number: int) -> None:
        """A tile is full: hold it against the stored one, and give its root to the level above."""
        hashes, self._open[level] = self._open[level], []
        if hashes is not None:
            self._compare(tiles.Tile(level, number), hashes)
        if level + 1 == len(self._open):
            self._open.append([] if number % tiles.WIDTH == 0 else None)
        above = self._open[level + 1]
        if above is not None:
            if hashes is None:
                self._open[level + 1] = None
            else:
                above.append(merkle.root_of(hashes))
        if (number + 1) % tiles.WIDTH == 0:
            self._full(level + 1, number // tiles.WIDTH)

    def _compare(self, tile: tiles.Tile, hashes: list[bytes]) -> None:
        stored = self._stored.find(tile)
        if stored is None or stored == b"".join(hashes):
            return
        known = [stored[at : at + merkle.HASH_SIZE] for at in range(0, len(stored), 32)]
        differ = [at for at, found in enumerate(hashes) if known[at : at + 1] != [found]]
        first = tile.start + (differ[0] << tiles.HEIGHT * tile.level if differ else 0)
        what = "Entry" if tile.level == 0 else "A tile that begins with entry"
        self._report.problem(
            f"{what} {first:,} does not have the hash that the tile of level {tile.level} holds."
        )
