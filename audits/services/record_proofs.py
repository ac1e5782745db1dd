"""The proof of one entry, as a page shows it and as a file that anybody can verify."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import msgspec

from audits.models import Ledger
from audits.services import checkpoints, proofs, witnesses
from audits.services.lines import Line, lines
from countersign.verifying.records import FORMAT


@dataclass(frozen=True, slots=True)
class RecordProof:
    """That an entry stands at its index in the tree of `size` leaves that the note signs.

    `line` is None where the entry was disposed of: its place is proven by its hash all the same.
    """

    ledger: Ledger
    index: int
    line: Line | None
    leaf: bytes
    size: int
    root: bytes
    path: tuple[bytes, ...]
    note: str
    keys: tuple[str, ...]

    @property
    def steps(self) -> list[str]:
        """The path in base64, from the leaf up."""
        return [base64.b64encode(step).decode() for step in self.path]

    def as_json(self) -> bytes:
        """What `python -m countersign verify` takes: entry, path, checkpoint, keys."""
        assert self.line is not None
        return msgspec.json.format(
            msgspec.json.encode(
                {
                    "format": FORMAT,
                    "version": 1,
                    "entry": self.line.entry.decode(),
                    "index": self.index,
                    "proof": self.steps,
                    "checkpoint": self.note,
                    "keys": list(self.keys),
                }
            )
        )

    def as_tlog_proof(self) -> str:
        """The same without the entry. Source: https://c2sp.org/tlog-proof."""
        head = ["c2sp.org/tlog-proof@v1", f"index {self.index}", *self.steps, ""]
        return "\n".join(head) + f"\n{self.note}"


def prove(ledger: Ledger, index: int) -> RecordProof | None:
    """The proof of the entry against the newest checkpoint; None if the ledger has it not."""
    newest = checkpoints.latest(ledger.pk)
    if newest is None or not 0 <= index < newest.size:
        return None
    try:
        found = proofs.inclusion(ledger.pk, index, newest.size)
    except proofs.NotKept:
        return None
    return RecordProof(
        ledger=ledger,
        index=index,
        line=lines(ledger.pk, [index]).get(index),
        leaf=found.leaf,
        size=newest.size,
        root=newest.root,
        path=tuple(found.proof),
        note=witnesses.cosigned(newest, ledger.pk),
        keys=tuple(checkpoints.vkeys(ledger.pk)),
    )
