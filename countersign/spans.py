"""One proof for many entries: the whole tree, in which all that is not shown is a few hashes.

An inclusion proof an entry takes 17 hashes in a ledger of 100,000, most of them said again and
again. Here the tree is told once from left to right: entries that are shown, and between them the
largest perfect subtrees that hold none. Whoever folds both and meets the root of a checkpoint knows
that each entry shown stands at its index, that they are in order, and that none was left out of a
run.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from countersign.merkle import HASH_SIZE, Frontier, ProofError, leaf_hash, node_hash

# Leaves that are folded at once: whole subtrees, few enough to stay in the processor's cache.
CHUNK = 1024


class Run(NamedTuple):
    """The entries from index `first` on, `length` of them, are shown."""

    first: int
    length: int


class Subtree(NamedTuple):
    """Of the 2**level leaves from `number` * 2**level on none is shown; their hash is."""

    level: int
    number: int


class Shown(NamedTuple):
    """A subtree with its hash, as a proof holds it."""

    subtree: Subtree
    hash: bytes


Span: TypeAlias = "Run | Subtree"
Step: TypeAlias = "Run | Shown"


def spans(indexes: Iterable[int], size: int) -> Iterator[Span]:
    """What a proof for these indexes consists of, from left to right, in the tree of `size` leaves.

    Raises: ValueError unless they ascend, each once, and lie in the tree.
    """
    first = end = 0
    for index in indexes:
        if not end <= index < size:
            raise ValueError("the indexes must ascend, each once, and lie in the tree")
        if index > end:
            if end > first:
                yield Run(first, end - first)
            yield from between(end, index)
            first = index
        end = index + 1
    if end > first:
        yield Run(first, end - first)
    yield from between(end, size)


def between(start: int, end: int) -> Iterator[Subtree]:
    """The fewest perfect subtrees that make up the leaves from `start` on and before `end`."""
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield Subtree(level, start >> level)
        start += 1 << level


def joined(tree: Frontier, subtree: Subtree, above: bytes) -> Frontier:
    """The tree after a whole subtree with the hash `above` is put to its right end.

    Raises: ProofError unless it begins where the tree ends.
    """
    level, number = subtree
    if level < 0 or tree.size != number << level:
        raise ProofError("a subtree does not begin where the tree before it ends")
    hashes = list(tree.hashes)
    at = number
    while at & 1:
        above = node_hash(hashes.pop(), above)
        at >>= 1
    return Frontier(tree.size + (1 << level), (*hashes, above))


def line(step: Step) -> bytes:
    """A step of a proof as a line of its file."""
    if isinstance(step, Run):
        known: dict[str, object] = {"first": step.first, "length": step.length}
    else:
        level, number = step.subtree
        text = base64.b64encode(step.hash).decode()
        known = {"hash": text, "level": level, "number": number}
    return json.dumps(known, separators=(",", ":")).encode() + b"\n"


def read(text: bytes) -> Step:
    """The step that a line of a proof, with its newline, holds. Raises: ProofError.

    There is one way to write each step: a file that was touched is not taken for the same.
    """
    try:
        step = _step(json.loads(text))
    except (ValueError, RecursionError):
        raise ProofError("a line of the proof is not JSON") from None
    if line(step) != text:
        raise ProofError("a line of the proof is not written as proofs are")
    return step


def _step(known: object) -> Step:
    if not isinstance(known, dict):
        raise ProofError("a line of the proof is no object")
    if set(known) == {"first", "length"}:
        return Run(_number(known["first"]), _number(known["length"], least=1))
    if set(known) == {"level", "number", "hash"}:
        level = _number(known["level"])
        if level > 63:
            raise ProofError("a subtree of the proof is larger than any tree")
        return Shown(Subtree(level, _number(known["number"])), _hash(known["hash"]))
    raise ProofError("a line of the proof is neither a run nor a subtree")


def _number(value: object, least: int = 0) -> int:
    if type(value) is not int or not least <= value < 1 << 63:
        raise ProofError("a number of the proof is none, or out of range")
    return value


def _hash(value: object) -> bytes:
    try:
        found = base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        raise ProofError("a hash of the proof is not base64") from None
    if len(found) != HASH_SIZE:
        raise ProofError("a hash of the proof is not 32 bytes long")
    return found


class Proof:
    """Follows a proof from left to right, and says at its end whether it holds.

    Nothing of `entries()` is proven before it has come to its end without an error: the root is
    met last.
    """

    def __init__(self, steps: Iterable[Step], *, size: int, root: bytes) -> None:
        self.size = size
        self.root = root
        self.count = 0
        self._steps = steps
        self._tree = Frontier()

    def entries(self, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
        """Each entry with its index; `lines` are the entries' bytes in order, no newline.

        Raises: ProofError if the entries are not as many as the proof says, or the tree that they
        make with its hashes has another size or root.
        """
        waiting = iter(lines)
        for step in self._steps:
            if isinstance(step, Shown):
                self._tree = joined(self._tree, step.subtree, step.hash)
                self._check_size()
                continue
            if step.first != self._tree.size:
                raise ProofError("a run of entries does not begin where the tree before it ends")
            yield from self._run(step, waiting)
        if next(waiting, None) is not None:
            raise ProofError("there are more entries than the proof speaks of")
        if self._tree.size != self.size:
            raise ProofError("the proof ends before the tree does")
        if self._tree.root() != self.root:
            raise ProofError("the entries and the proof lead to another root than the checkpoint's")

    def _run(self, run: Run, waiting: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
        left, index = run.length, run.first
        while left:
            chunk = [entry for _, entry in zip(range(min(left, CHUNK)), waiting, strict=False)]
            if not chunk:
                raise ProofError("there are fewer entries than the proof speaks of")
            self._grow([leaf_hash(entry) for entry in chunk])
            for entry in chunk:
                yield index, entry
                index += 1
            left -= len(chunk)
            self.count += len(chunk)

    def _grow(self, leaves: Sequence[bytes]) -> None:
        self._tree = self._tree.extended(leaves)
        self._check_size()

    def _check_size(self) -> None:
        if self._tree.size > self.size:
            raise ProofError("the proof goes on behind the end of the tree")
