"""Follows a ledger from left to right: entries, leaves, roots, checkpoints, keys, moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

from countersign import checkpoints, cosignatures, ed25519, merkle, notes, spans
from countersign.verifying.gaps import DISPOSAL, Gaps
from countersign.verifying.keys import CHANGE, START, Keys
from countersign.verifying.moments import Moments
from countersign.verifying.report import Report

# In Python alone a signature takes about a third of a millisecond: beyond so many, each hundredth.
SIGNATURES_IN_PYTHON = 2000

_Signatures: TypeAlias = "tuple[notes.Signature, ...]"
OnLeaves: TypeAlias = "Callable[[int, Sequence[bytes]], None]"


@dataclass(frozen=True)
class Options:
    """What the reader brings along: keys of ledgers, keys of witnesses, notes kept elsewhere."""

    keys: tuple[notes.Verifier, ...] = ()
    witnesses: tuple[cosignatures.Witness, ...] = ()
    kept: tuple[str, ...] = ()
    every_signature: bool = False


@dataclass
class _Stop:
    """A kept checkpoint that is met when the tree has its size."""

    checkpoint: checkpoints.Checkpoint
    note: str


@dataclass
class Chain:
    """One ledger, followed from `start` on. Feed it in order, then `finish()`.

    Nothing counts as verified before a checkpoint that covers it was met. After the first root
    that does not fit, nothing more can be met: entries are then only counted.
    """

    report: Report
    keys: Keys
    options: Options = field(default_factory=Options)
    start: merkle.Frontier = field(default_factory=merkle.Frontier)
    on_leaves: OnLeaves | None = None  # is told each run of leaves, and the index of its first

    def __post_init__(self) -> None:
        """Sort the kept checkpoints by size."""
        self._tree = self.start
        self._broken = False
        self._covered = self.start.size  # by a checkpoint that was met
        self._present = 0  # entries put to the tree since then
        self._leaves: list[bytes] = []  # read and hashed; from `_at` on not yet in the tree
        self._moments_read: list[bytes] = []  # of the same entries
        self._at = 0
        self._moments = Moments(self.report.problem)
        self._moment = b""  # of the last entry in the tree
        self._covered_moment = b""
        self._signed = -1  # size of the last checkpoint whose signature was looked at
        self._waiting: tuple[checkpoints.Checkpoint, _Signatures] | None = None
        self._gaps = Gaps(self.report)
        self._unseen = bool(self.start.size)  # entries that may have changed the key
        self._stops: list[_Stop] = []
        for note in self.options.kept:
            self._keep(note)
        self._stops.sort(key=lambda stop: stop.checkpoint.size)
        if self.start.size:
            self.keys.start(self.start.size)

    @property
    def size(self) -> int:
        """How many leaves were given so far, those above gaps among them."""
        return self._tree.size + len(self._leaves) - self._at

    def _keep(self, note: str) -> None:
        try:
            checkpoint = checkpoints.parsed(notes.parsed(note).text)
        except notes.NoteError as error:
            self.report.problem(f"A kept checkpoint cannot be read: {error}.")
            return
        if checkpoint.origin != self.keys.origin:
            return  # of another ledger; who reads several looks after that
        if checkpoint.size < self.start.size:
            self.report.problem(
                f"The kept checkpoint of size {checkpoint.size:,} lies before what is here."
            )
            return
        self._stops.append(_Stop(checkpoint, note))

    def entries(self, lines: Sequence[bytes]) -> None:
        """Append entries: their bytes, in order. More at once are faster."""
        if not lines:
            return
        first = self.size
        self.report.expected += len(lines)
        if self.report.first_index is None:
            self.report.first_index = first
        leaves = [sha256(b"\x00" + line).digest() for line in lines]
        if self.on_leaves is not None:
            self.on_leaves(first, leaves)
        blob = b"\n".join(lines)
        moments = self._moments.read(first, lines, blob)
        if CHANGE in blob or (first == 0 and START in lines[0]):
            self._named_keys(first, lines)
        if self.report.gaps and DISPOSAL in blob:
            self._gaps.explain(first, lines)
        self._leaves = [*self._leaves[self._at :], *leaves]
        self._moments_read = [*self._moments_read[self._at :], *moments]
        self._at = 0

    def _advance(self, size: int) -> None:
        """Put leaves to the tree until it has this size, or all are in it.

        It stops at the size of each kept checkpoint on the way.
        """
        size = min(size, self.size)
        while self._stops and self._stops[0].checkpoint.size <= size and not self._broken:
            self._extend(self._stops[0].checkpoint.size)
            self._meet(self._stops.pop(0))
        self._extend(size)

    def _extend(self, size: int) -> None:
        count = size - self._tree.size
        if count <= 0:
            return
        until = self._at + count
        if self._broken:
            self._tree = merkle.Frontier(size, ())
        else:
            self._tree = self._tree.extended(self._leaves[self._at : until])
            self._present += count
            self._moment = self._moments_read[until - 1]
        self._at = until

    def _meet(self, stop: _Stop) -> None:
        """Hold a kept checkpoint against the tree as it is now."""
        size, root = stop.checkpoint.size, stop.checkpoint.root
        if self._tree.size != size:
            self.report.problem(f"The kept checkpoint of size {size:,} lies inside a gap.")
        elif self._tree.root() != root:
            self.report.problem(
                f"The kept checkpoint of size {size:,} has another root: "
                "what it covers was changed."
            )
        else:
            self._kept_is_signed(stop)

    def _kept_is_signed(self, stop: _Stop) -> None:
        try:
            checkpoints.opened(stop.note, self.keys.known())
        except notes.NoteError:
            # The root was met all the same: the note only says less about who wrote it.
            self.report.remark(
                f"The kept checkpoint of size {stop.checkpoint.size:,} is met, "
                "but is not signed by a key known here."
            )
        self.report.kept.append(stop.checkpoint.size)
        self.cosigned(stop.note)

    def _named_keys(self, first: int, lines: Sequence[bytes]) -> None:
        for index, line in enumerate(lines, first):
            if CHANGE in line or (index == 0 and START in line):
                self.keys.read(index, line, self.report)

    def gap(self, end: int, read: merkle.Read) -> None:
        """Pass over entries that are not here, by the hashes above them, up to before `end`.

        `read` gives nodes (`tiles.Reader`). Whatever it raises passes through.
        """
        self._advance(self.size)
        start = self._tree.size
        nodes = [
            (subtree, read(subtree.level, subtree.number)) for subtree in spans.between(start, end)
        ]
        self._unseen = True
        self._gaps.add(start, end, [above for _, above in nodes])
        if self._broken:
            self._tree = merkle.Frontier(end, ())
            return
        for subtree, above in nodes:
            self._tree = spans.joined(self._tree, subtree, above)
        while self._stops and self._stops[0].checkpoint.size <= self._tree.size:
            self._meet(self._stops.pop(0))

    def checkpoint(self, size: int, root: bytes, signatures: Sequence[notes.Signature]) -> None:
        """Hold a checkpoint against the tree; the leaves below it must have been given.

        `signatures` are the lines of its note; one must be of the key of that time.
        """
        self._advance(size)
        if self._broken:
            return
        if size != self._tree.size:
            self._break(f"The checkpoint of size {size:,} does not lie where a batch ends.")
            return
        if root != self._tree.root():
            self._break(
                f"The entries {self._covered:,} to {size - 1:,} do not give the root of the "
                f"checkpoint of size {size:,}: one of them, or the checkpoint, was changed."
            )
            return
        found = checkpoints.Checkpoint(self.keys.origin, size, root)
        if self._is_signed(found, tuple(signatures)):
            self._cover(found)

    def _break(self, sentence: str) -> None:
        self.report.problem(sentence)
        self._broken = True

    def _cover(self, checkpoint: checkpoints.Checkpoint) -> None:
        self.report.checkpoints += 1
        self.report.checkpoint = checkpoint
        self.report.verified += self._present
        self._covered, self._present = checkpoint.size, 0
        self._covered_moment = self._moment

    def _is_signed(self, checkpoint: checkpoints.Checkpoint, signatures: _Signatures) -> bool:
        """Whether the signature is good, or will be looked at later; else say so."""
        changed = self.keys.changes_before(checkpoint.size)
        if changed is not None:
            self._look_at_waiting()
            if self._signed != changed:
                self._break(f"The change of key at size {changed:,} was not signed by the old key.")
                return False
            self.keys.change()
        elif self.keys.verifier() is None:
            self.keys.start(self.start.size)
        if self._may_wait():
            if self._waiting is not None:
                self.report.signatures_left += 1
            self._waiting = checkpoint, signatures
            return not self._broken
        if self._waiting is not None:
            self.report.signatures_left += 1
            self._waiting = None
        self._look_at(checkpoint, signatures)
        return not self._broken

    def _may_wait(self) -> bool:
        """In Python alone, of many signatures one in a hundred is looked at, and the last."""
        if ed25519.HAS_CRYPTOGRAPHY or self.options.every_signature:
            return False
        return self.report.checkpoints > SIGNATURES_IN_PYTHON and self.report.checkpoints % 100 > 0

    def _look_at_waiting(self) -> None:
        if self._waiting is not None:
            checkpoint, signatures = self._waiting
            self._waiting = None
            self._look_at(checkpoint, signatures)

    def _look_at(self, checkpoint: checkpoints.Checkpoint, signatures: _Signatures) -> None:
        if self._unseen:
            self.keys.adopt(signatures)
            self._unseen = False
        key = self.keys.verifier()
        if key is None:
            self._break("Nothing names the key that signs this ledger: give it with --key.")
            return
        found = [signature for signature in signatures if signature[:2] == (key.name, key.key_id)]
        if not found:
            self._break(f"The checkpoint of size {checkpoint.size:,} is signed by another key.")
        elif not key.verify(checkpoint.text(), found[0].signature):
            self._break(f"The signature of the checkpoint of size {checkpoint.size:,} is not good.")
        else:
            self.report.signatures += 1
            self._signed = checkpoint.size
            self.keys.good()

    def cosigned(self, note: str) -> None:
        """Take the witnesses' lines of a note of this ledger whose root was met."""
        if self.options.witnesses:
            self.report.take_cosignatures(note, self.options.witnesses)

    def finish(self) -> Report:
        """Say what is left: entries that nothing covers, kept checkpoints beyond the end."""
        self._advance(self.size)
        self._look_at_waiting()
        report = self.report
        report.origin = self.keys.origin
        if report.checkpoint is not None:
            report.last_index = report.checkpoint.size - 1
        report.first_received_at = self._moments.first.decode()
        report.last_received_at = self._covered_moment.decode()
        if self._present and not self._broken:
            report.problem(f"No checkpoint covers the last {self._present:,} entries.")
        for stop in self._stops:
            why = (
                "could not be reached."
                if stop.checkpoint.size <= self._tree.size
                else "reaches beyond the end: the ledger was cut, or an older copy restored."
            )
            report.problem(f"The kept checkpoint of size {stop.checkpoint.size:,} {why}")
        self._gaps.judge()
        self.keys.judge(report)
        missing = {witness.name for witness in self.options.witnesses}
        for name in sorted(missing - {seen.name for _, seen in report.cosignatures}):
            report.problem(f"There is no cosignature of the witness {name}.")
        return report
