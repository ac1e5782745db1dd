"""Verifies a ledger in the database: entries, tree, signatures, columns, and what is kept outside.

Three levels, each of which finds what those below cannot (docs/threat-model.md): columns against
entries; entries against tree and signatures; all of it against checkpoints kept elsewhere.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from django.db import connection

from audits.ledger import moments
from audits.services import checkpoints, tiles
from audits.services.verifying_disposals import Disposals
from audits.services.verifying_rows import Columns
from audits.services.verifying_shape import beyond_head, triggers_missing
from audits.services.verifying_signatures import Signatures
from countersign import checkpoints as checkpoint_notes
from countersign import merkle
from countersign.notes import NoteError
from countersign.tiles import WIDTH, width_at
from countersign.verifying.walk import Batch, Problem, Walk, split

# So many entries are read at once: some megabytes, and no transaction that lasts.
WINDOW = 1 << 14
# Problems that are told one by one; the rest is counted.
TOLD = 200


class Mark(NamedTuple):
    """A root that the tree of `size` leaves must have, because somebody outside holds it.

    `code` is what is wrong if it has another one, unless `note`, the signed note it was read from,
    turns out not to be signed by the ledger.
    """

    size: int
    root: bytes
    code: str
    what: str = ""
    note: str = ""


@dataclass(slots=True)
class Report:
    """What a verification found. Entries count from index `start` to before `end`.

    `expected` leaves out those that were disposed of, whose hashes alone were verified. `gaps` are
    runs of entries that are missing, the end not counting.
    """

    ledger_id: int
    start: int
    end: int = 0
    expected: int = 0
    verified: int = 0
    disposed: int = 0
    rows: int = 0
    checkpoints: int = 0
    kept: int = 0
    root: bytes = merkle.EMPTY_ROOT
    received_at: str = ""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    seconds: float = 0.0

    def add(self, *problems: Problem) -> None:
        self.problem_count += len(problems)
        self.problems += problems[: max(0, TOLD - len(self.problems))]

    @property
    def ok(self) -> bool:
        """Whether everything fits, every entry was read, and there was one at all."""
        return not self.problem_count and self.verified == self.expected and self.verified > 0


@dataclass(frozen=True, slots=True)
class Head:
    """The head's row."""

    size: int
    root: bytes
    frontier: bytes
    last_received_at: dt.datetime | None


def verify(
    ledger_id: int,
    *,
    start: int = 0,
    marks: Sequence[Mark] = (),
    columns: bool = True,
    seed: bytes = b"",
) -> Report:
    """Verify the entries from index `start` on, and what belongs to them.

    `start` is 0, or where a batch begins: the tree before it is then taken from its tiles, and is
    as good as the mark of its size. `marks` hold the tree to roots known from elsewhere. With the
    ledger's own `seed`, its signatures are made again and compared, which is quicker.
    """
    began = time.perf_counter()
    found = read_head(ledger_id)
    report = Report(ledger_id, start)
    if found is None:
        report.add(Problem("head-missing", 0))
        return report
    run = _Run(report, found, marks, seed)
    run.walk_all(Columns(ledger_id) if columns else None)
    run.check_head()
    run.check_marks()
    if start == 0:
        report.add(*beyond_head(ledger_id), *triggers_missing(ledger_id))
    report.seconds = time.perf_counter() - began
    return report


def read_head(ledger_id: int) -> Head | None:
    """The head's row; None if there is none."""
    sql = """SELECT size, root, frontier, last_received_at FROM audits_ledgerhead
              WHERE ledger_id = %s"""
    for size, root, frontier, at in _rows(sql, ledger_id):
        return Head(size, bytes(root), bytes(frontier), at)
    return None


def walk_at(ledger_id: int, size: int) -> Walk:
    """A walk that goes on after `size` entries, its beginning taken from tiles.

    Raises: tiles.NotKept.
    """
    kept, _, _ = checkpoints.head(ledger_id)
    levels: list[list[bytes]] = []
    level = 0
    while (nodes := size >> (8 * level)) or not levels:
        number, width = divmod(nodes, WIDTH)
        place = tiles.Place(level, number)
        hashes = b""
        if width:
            full = width_at(level, number, kept) == WIDTH
            hashes = tiles.hashes(ledger_id, {place}, full=full)[place]
        levels.append(list(split(hashes[: width * merkle.HASH_SIZE])))
        if len(levels[-1]) != width:
            raise tiles.NotKept
        level += 1
    return Walk(levels[0], levels[1:])


class _Run:
    """One verification on its way."""

    def __init__(self, report: Report, head: Head, marks: Sequence[Mark], seed: bytes) -> None:
        self.report = report
        self.head = head
        self.ledger_id = report.ledger_id
        report.end = head.size
        self.disposals = Disposals(self.ledger_id)
        self.signatures = Signatures(self.ledger_id, seed)
        report.add(*self.signatures.problems)
        self.marks: Mapping[int, list[Mark]] = _by_size(marks)
        self.marks_left = set(self.marks)
        report.expected = head.size - report.start - self.disposals.after(report.start)
        try:
            self.walk = walk_at(self.ledger_id, report.start)
        except tiles.NotKept:
            report.add(Problem("tile-missing", report.start))
            self.walk = Walk()
            report.start = 0
        self._mark()

    def walk_all(self, columns: Columns | None) -> None:
        """Every batch from where the walk stands to the head."""
        while self.walk.size < self.head.size:
            window = self.walk.size
            lines: list[bytes] = []
            rows = 0
            for key_id, signature, batch in _batches(self.ledger_id, window, self.head.size):
                rows += 1
                if batch.first_index > self.walk.size and not self._pass_over(batch.first_index):
                    return
                skipped = batch.first_index - window - len(lines)
                lines += [b""] * skipped
                self._batch(batch, key_id, signature)
                lines += batch.entries.split(b"\n")
            if not rows and not self._pass_over(self._next(window)):
                return
            self._tiles()
            if columns is not None and lines:
                columns.compare(window, lines, self.report)
            self.report.verified = self.walk.verified

    def _batch(self, batch: Batch, key_id: int, signature: bytes) -> None:
        before = self.walk.size
        self.report.add(*self.walk.batch(batch))
        if self.walk.size == before:
            return
        self.report.checkpoints += 1
        self.signatures.read(batch.first_index, batch.entries)
        self.disposals.read(batch.entries)
        wrong = self.signatures.wrong(batch, key_id, signature)
        if wrong:
            self.report.add(Problem(wrong, batch.size, batch.received_at))
        self._mark()

    def _mark(self) -> None:
        """Compare the tree with what is known of its size from elsewhere."""
        if self.walk.size in self.marks_left:
            self.marks_left.discard(self.walk.size)
            self._compare(self.walk.size, self.walk.root())

    def _compare(self, size: int, root: bytes) -> None:
        for mark in self.marks[size]:
            self.report.kept += 1
            if mark.root != root:
                self._belie(mark, mark.code)

    def _belie(self, mark: Mark, code: str) -> None:
        """The ledger is not what the mark says; whose word that is, its signature tells."""
        if mark.note:
            try:
                checkpoint_notes.opened(mark.note, checkpoints.verifiers(self.ledger_id))
            except NoteError:
                code = "kept-forged"
        self.report.add(Problem(code, mark.size, what=mark.what))

    def _pass_over(self, to: int) -> bool:
        """Go on to index `to` by hashes of leaves alone; false if they are not there.

        What was not disposed of is a gap.
        """
        while self.walk.size < to:
            start = self.walk.size
            lawful = self.disposals.range_at(start)
            end = min(lawful[1], to) if lawful else to
            if not lawful:
                later = [first for first, _ in self.disposals.ranges if start < first < end]
                end = min([end, *later])
                self.report.gaps.append((start, end))
                self.report.add(Problem("index-gap", start))
            try:
                self._append_leaves(end, lawful)
            except tiles.NotKept:
                self.report.add(Problem("tile-missing", start))
                return False
            if lawful:
                self.report.disposed += end - start
            self._mark()
        return True

    def _append_leaves(self, end: int, lawful: tuple[int, int] | None) -> None:
        while self.walk.size < end:
            number, offset = divmod(self.walk.size, WIDTH)
            most = min(number + WIDTH, -(-end // WIDTH))
            places = [tiles.Place(0, each) for each in range(number, most)]
            stored = tiles.hashes(self.ledger_id, places, full=True)
            leaves = [leaf for place in places for leaf in split(stored[place])]
            leaves = leaves[offset : offset + end - self.walk.size]
            if lawful:
                self.disposals.take(lawful, leaves)
            self.walk.append(leaves)
            self._tiles()

    def _next(self, index: int) -> int:
        """Where entries go on after `index`, or the ledger's end."""
        sql = """SELECT min(first_index) FROM audits_batch
                  WHERE ledger_id = %s AND first_index > %s AND first_index < %s"""
        ((found,),) = _rows(sql, self.ledger_id, index, self.head.size)
        return self.head.size if found is None else int(found)

    def _tiles(self) -> None:
        """Compare the tiles that became full with those that are stored."""
        full = self.walk.tiles()
        if not full:
            return
        sql = """SELECT level, number, hashes, root FROM audits_tile
                  WHERE ledger_id = %s
                    AND (level, number) IN (SELECT * FROM unnest(%s::int[], %s::bigint[]))"""
        levels, numbers = [tile.level for tile in full], [tile.number for tile in full]
        stored = {
            (level, number): (bytes(hashes), bytes(root))
            for level, number, hashes, root in _rows(sql, self.ledger_id, levels, numbers)
        }
        for tile in full:
            kept = stored.get((tile.level, tile.number))
            if kept != (tile.hashes, tile.root):
                code = "tile-missing" if kept is None else "tile-differs"
                first = tile.number << (8 * tile.level + 8)
                self.report.add(Problem(code, first, what=f"{tile.level}/{tile.number}"))

    def check_head(self) -> None:
        """Compare the tree with the head's row."""
        report, head, walk = self.report, self.head, self.walk
        report.verified = walk.verified
        report.root = walk.root()
        report.received_at = walk.received_at
        gone = self.disposals.range_at
        report.add(*self.signatures.unnamed(report.start, walk.size, gone))
        report.add(*self.disposals.problems())
        if walk.size < head.size:
            report.gaps.append((walk.size, head.size))
            return
        wrong = walk.root() != head.root or walk.frontier().packed() != head.frontier
        at = head.last_received_at
        if at is not None and walk.received_at > moments.text(moments.milliseconds(at)):
            wrong = True
        if wrong:
            report.add(Problem("head-differs", head.size))

    def check_marks(self) -> None:
        """Sizes between batches, and those that the ledger does not reach."""
        for size in sorted(self.marks_left):
            if size > self.head.size:
                for mark in self.marks[size]:
                    self.report.kept += 1
                    self._belie(mark, "ledger-behind")
                continue
            try:
                root = root_from_tiles(self.ledger_id, size, self.head.size)
            except tiles.NotKept:
                self.report.add(Problem("tile-missing", size))
                continue
            self._compare(size, root)


def root_from_tiles(ledger_id: int, size: int, kept: int) -> bytes:
    """The root of the first `size` leaves of a ledger of size `kept`. Raises: tiles.NotKept."""
    if size == 0:
        return merkle.EMPTY_ROOT
    wanted = merkle.covering(0, size)
    found = tiles.nodes(ledger_id, wanted, kept=kept)
    return merkle.fold([found[node] for node in wanted])


def _by_size(marks: Sequence[Mark]) -> dict[int, list[Mark]]:
    found: dict[int, list[Mark]] = {}
    for mark in marks:
        found.setdefault(mark.size, []).append(mark)
    return found


def _batches(ledger_id: int, start: int, end: int) -> Iterator[tuple[int, bytes, Batch]]:
    """The batches that begin in the next window, with key and signature."""
    sql = """SELECT first_index, size, received_at, root, entries, ledger_key_id, signature
               FROM audits_batch
              WHERE ledger_id = %s AND first_index >= %s AND first_index < %s
              ORDER BY first_index"""
    for first, size, at, root, entries, key_id, signature in _rows(
        sql, ledger_id, start, min(end, start + WINDOW)
    ):
        received_at = moments.text(moments.milliseconds(at))
        yield key_id, signature, Batch(first, size, received_at, root, entries)


def _rows(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """All rows, in the binary form, which halves the bytes of hashes and entries.

    Django's own cursors bind on the client, where there is no binary form.
    """
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(sql.encode(), parameters, binary=True)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
