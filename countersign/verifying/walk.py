"""Walks a ledger from one size to another, batch by batch, and says what does not fit.

It needs the entries' bytes and what is claimed of each batch: where it begins, the size and the
root of the tree after it, and when it was received. From the entries alone it builds the tree anew,
with its full tiles. Whether a signature is good is another question, asked of each root.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from countersign import merkle
from countersign.merkle import HASH_SIZE, Frontier

TILE = 256


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not fit. `index` is the entry or size it is about, `at` a moment.

    `what` names columns, tiles, triggers or keys; never what stands in an entry.
    """

    code: str
    index: int
    at: str = ""
    what: str = ""


class Batch(NamedTuple):
    """What is claimed of entries that were stored together.

    They have the indexes from `first_index` to before `size`; `root` is that of the tree of `size`
    leaves; `received_at` as in the last entry; `entries` are lines without a newline at the end.
    """

    first_index: int
    size: int
    received_at: str
    root: bytes
    entries: bytes


class Tile(NamedTuple):
    """A full tile of the tree: 256 nodes of level 8 `level`, and the node above them."""

    level: int
    number: int
    hashes: bytes
    root: bytes


class Walk:
    """The tree as far as it was walked.

    `verified` counts the entries that were read and hashed; entries that are passed over by their
    hashes alone are not among them.
    """

    def __init__(self, leaves: Sequence[bytes] = (), above: Sequence[Sequence[bytes]] = ()) -> None:
        """Begins with an empty tree, or in the middle of one.

        `leaves` are those of its last tile of level 0, fewer than 256; `above` are the hashes of
        the last tile of each level above, from level 1 up.
        """
        self._open: list[list[bytes]] = [list(leaves), *map(list, above)]
        self._numbers = [0] * len(self._open)
        size = 0
        for level in reversed(range(len(self._open))):
            self._numbers[level] = size
            size = size * TILE + len(self._open[level])
        self.size = size
        self._inner = Frontier().extended(self._open[0])
        self._outer = Frontier()
        for hashes in reversed(self._open[1:]):
            perfect = Frontier(self._outer.size * TILE, self._outer.hashes)
            self._outer = perfect.extended(hashes)
        self.received_at = ""
        self.verified = 0
        self._full: list[Tile] = []

    def root(self) -> bytes:
        """The root of the tree."""
        hashes = (*self._outer.hashes, *self._inner.hashes)
        return merkle.fold(hashes) if hashes else merkle.EMPTY_ROOT

    def frontier(self) -> Frontier:
        """The frontier of the tree."""
        return Frontier(self.size, (*self._outer.hashes, *self._inner.hashes))

    def tiles(self) -> list[Tile]:
        """The tiles that became full since this was asked last."""
        full, self._full = self._full, []
        return full

    def batch(self, batch: Batch) -> list[Problem]:
        """Append a batch, and say what of it does not fit.

        One that does not begin where the tree ends is not appended; its entries would get the
        hashes of others.
        """
        first, size, at, root, entries = batch
        if first != self.size:
            code = "index-gap" if first > self.size else "index-twice"
            return [Problem(code, self.size, at)]
        lines = entries.split(b"\n")
        problems = []
        if len(lines) != size - first:
            problems.append(Problem("size-differs", first, at))
        problems += self._moments(first, at, lines)
        self.append([sha256(b"\x00" + line).digest() for line in lines])
        self.verified += len(lines)
        if self.root() != root:
            problems.append(Problem("root-differs", size, at))
        return problems

    def _moments(self, first: int, at: str, lines: Sequence[bytes]) -> Iterator[Problem]:
        """What is wrong with when entries were received: never earlier than one before them."""
        received = b'"received_at":"' + at.encode() + b'"'
        if at >= self.received_at and all(received in line for line in lines):
            self.received_at = at
            return
        moment = ""
        for offset, line in enumerate(lines):
            moment = _moment(line)
            if not moment:
                yield Problem("entry-unreadable", first + offset, at)
            elif moment < self.received_at:
                yield Problem("time-goes-back", first + offset, moment)
            else:
                self.received_at = moment
        if moment != at:
            yield Problem("time-differs", first, at)

    def append(self, leaves: Sequence[bytes]) -> None:
        """Append hashes of leaves."""
        tile = self._open[0]
        done = 0
        while done < len(leaves):
            part = leaves[done : done + TILE - len(tile)]
            self._inner = self._inner.extended(part)
            tile += part
            done += len(part)
            if len(tile) == TILE:
                (root,) = self._inner.hashes
                self._inner = Frontier()
                self._close(0, root)
                self._outer = self._outer.extended([root])
        self.size += len(leaves)

    def _close(self, level: int, root: bytes) -> None:
        """Take note of a full tile, and hand its root to the tile above."""
        hashes = b"".join(self._open[level])
        self._full.append(Tile(level, self._numbers[level], hashes, root))
        self._open[level].clear()
        self._numbers[level] += 1
        if level + 1 == len(self._open):
            self._open.append([])
            self._numbers.append(0)
        above = self._open[level + 1]
        above.append(root)
        if len(above) == TILE:
            self._close(level + 1, merkle.root_of(above))


def _moment(line: bytes) -> str:
    """When an entry says it was received; empty if it says nothing."""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    said = entry.get("received_at") if isinstance(entry, dict) else None
    return said if isinstance(said, str) else ""


def split(hashes: bytes) -> Iterator[bytes]:
    """The hashes of a tile, one by one."""
    for at in range(0, len(hashes), HASH_SIZE):
        yield hashes[at : at + HASH_SIZE]
