"""What a pack says of the ledger that its records stand in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from evidence.pack import cells

FOLDER = "log-proofs"


@dataclass(frozen=True, slots=True)
class Proven:
    """The checkpoint that all entries of a pack are proven against, and what was shown.

    `shown` entries from `first` to `last` (both None if there are none); `hidden` of the tree are
    there as hashes alone. `earlier` are sizes of checkpoints shown to be its beginning. Those of
    `disposed` were lawfully deleted: first index, and the one after the last. `note` is the signed
    checkpoint itself.
    """

    slug: str
    origin: str
    size: int
    root: str
    signed_at: dt.datetime
    shown: int
    first: int | None
    last: int | None
    runs: int
    earlier: tuple[int, ...]
    witnesses: tuple[str, ...]
    disposed: tuple[tuple[int, int], ...]
    note: str

    @property
    def hidden(self) -> int:
        return self.size - self.shown

    def members(self) -> dict[str, object]:
        """As scope.json, index.json and the sheets say it."""
        return {
            "ledger": self.slug,
            "origin": self.origin,
            "checkpoint_size": self.size,
            "merkle_root": self.root,
            "checkpoint_signed_at": cells.moment(self.signed_at),
            "entries_shown": self.shown,
            "first_index": self.first,
            "last_index": self.last,
            "entries_as_hashes_alone": self.hidden,
            "earlier_checkpoints": list(self.earlier),
            "witnesses": list(self.witnesses),
            "disposed": [{"first_index": a, "end_index": b} for a, b in self.disposed],
            "proofs": f"data/{FOLDER}/{self.slug}/",
        }
