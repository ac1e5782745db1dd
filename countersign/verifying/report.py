"""What a verification found, for people and for programs. Holds no content of any entry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from countersign import checkpoints, cosignatures, notes
from countersign.checkpoints import Checkpoint
from countersign.cosignatures import Cosignature, Witness

MAX_PROBLEMS = 100


@dataclass(frozen=True)
class Gap:
    """Entries whose bytes are not there: from `first_index` on, before `end_index`.

    `disposed_by` is the index of the entry that says so, and None if no entry does.
    """

    first_index: int
    end_index: int
    disposed_by: int | None = None

    def sentence(self) -> str:
        """One line for people."""
        size, last = self.end_index - self.first_index, self.end_index - 1
        where = f"{size:,} entries, {self.first_index:,} to {last:,}"
        if self.disposed_by is None:
            return f"{where}: not here, and no entry says that they were disposed of"
        return f"{where}: disposed of, as entry {self.disposed_by:,} says"


@dataclass
class Report:
    """One ledger's verification, filled as it goes on.

    `verified` entries are covered by a checkpoint that was met; `expected` is how many there are.
    `signatures` were good, `signatures_left` not looked at (their checkpoints' roots were met).
    Problems are what does not hold; remarks are what a reader must know to weigh the result.
    """

    origin: str = ""
    verified: int = 0
    expected: int = 0
    first_index: int | None = None
    last_index: int | None = None
    first_received_at: str = ""
    last_received_at: str = ""
    checkpoints: int = 0
    signatures: int = 0
    signatures_left: int = 0
    checkpoint: Checkpoint | None = None
    gaps: list[Gap] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)  # sizes of kept checkpoints that were met
    cosignatures: list[tuple[int, Cosignature]] = field(default_factory=list)  # with the size
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything holds. Where nothing was verified, nothing does."""
        return not self.problems and 0 < self.verified == self.expected

    def problem(self, sentence: str) -> None:
        """Add what does not hold; beyond a hundred, only that there are more."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(sentence)
        elif len(self.problems) == MAX_PROBLEMS:
            self.problems.append("More does not hold than is listed here.")

    def remark(self, sentence: str) -> None:
        """Add what a reader must know, once."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def take_cosignatures(self, note: str, witnesses: Sequence[Witness]) -> None:
        """Take the witnesses' lines of a note whose root was met."""
        try:
            seen = cosignatures.opened(note, witnesses)
        except notes.NoteError as error:
            self.problem(f"A cosignature does not hold: {error}.")
            return
        size = checkpoints.parsed(notes.parsed(note).text).size
        self.cosignatures += [(size, cosignature) for cosignature in seen]

    def text(self) -> str:
        """The report for people, several lines, the last with its newline."""
        lines = [
            f"{self.origin or 'A ledger without a name'}: "
            + ("everything holds" if self.ok else "NOT VERIFIED"),
            f"  verified     {self.verified:,} of {self.expected:,} entries",
            *self._range(),
            *self._signed(),
            *(f"  gap          {gap.sentence()}" for gap in self.gaps),
            *(["  gaps         none"] if not self.gaps else []),
            *self._outside(),
            *(f"  note         {sentence}" for sentence in self.remarks),
            *(f"  PROBLEM      {sentence}" for sentence in self.problems),
        ]
        if not self.verified:
            lines.append("  PROBLEM      Nothing was verified.")
        return "".join(f"{line}\n" for line in lines)

    def _range(self) -> list[str]:
        if self.first_index is None or self.last_index is None:
            return []
        return [
            f"  entries      {self.first_index:,} to {self.last_index:,}",
            f"  received     {self.first_received_at} to {self.last_received_at}",
        ]

    def _signed(self) -> list[str]:
        left = f", {self.signatures_left:,} not looked at" if self.signatures_left else ""
        lines = [
            (
                f"  checkpoints  {self.checkpoints:,}, each a prefix of the next; "
                f"{self.signatures:,} signatures good{left}"
            )
        ]
        if self.checkpoint is not None:
            size, root = self.checkpoint.size, self.checkpoint.root.hex()
            lines.append(f"  last         size {size:,}, root {root}")
        return lines

    def _outside(self) -> list[str]:
        lines = [f"  kept         checkpoint of size {size:,} is a prefix" for size in self.kept]
        lines += [
            f"  witness      {seen.name} saw size {size:,} at {seen.timestamp} (Unix time)"
            for size, seen in self.cosignatures
        ]
        return lines

    def members(self) -> dict[str, object]:
        """The report for programs; its names are part of the interface (docs/ledger.md)."""
        last = self.checkpoint
        return {
            "ok": self.ok,
            "origin": self.origin,
            "verified": self.verified,
            "expected": self.expected,
            "first_index": self.first_index,
            "last_index": self.last_index,
            "first_received_at": self.first_received_at,
            "last_received_at": self.last_received_at,
            "checkpoints": self.checkpoints,
            "signatures": self.signatures,
            "signatures_left": self.signatures_left,
            "checkpoint": None if last is None else {"size": last.size, "root": last.root.hex()},
            "gaps": [
                {"first_index": gap.first_index, "end_index": gap.end_index}
                | ({} if gap.disposed_by is None else {"disposed_by": gap.disposed_by})
                for gap in self.gaps
            ],
            "kept": self.kept,
            "cosignatures": [
                {"size": size, "name": seen.name, "timestamp": seen.timestamp}
                for size, seen in self.cosignatures
            ],
            "problems": self.problems,
            "remarks": self.remarks,
        }


def as_text(reports: list[Report]) -> str:
    """All reports for people."""
    return "\n".join(report.text() for report in reports) or "Nothing to verify was found.\n"


def as_json(reports: list[Report]) -> str:
    """All reports for programs, with one answer over all."""
    found = {"ok": all_hold(reports), "ledgers": [report.members() for report in reports]}
    return json.dumps(found, indent=2) + "\n"


def all_hold(reports: list[Report]) -> bool:
    """Whether there is something and all of it holds."""
    return bool(reports) and all(report.ok for report in reports)
