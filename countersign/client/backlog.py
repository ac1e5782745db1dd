"""What the lines of a journal leave to be done: told line by line, the same when they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import NamedTuple

DELIVERED = frozenset({"call", "end", "gap"})


class Place(NamedTuple):
    """Where a line stands: the segment's number, first byte and length without line feed."""

    segment: int
    offset: int
    length: int


class Backlog:
    """Lines to be delivered by their number, calls that are open, calls that were missed.

    Of a line only its place is held: a portal that is away for a day costs disk, not memory.
    """

    def __init__(self) -> None:
        self.pending: dict[int, Place] = {}
        self.open: dict[str, None] = {}
        # The moment of each line, and its segment.
        self.missed: dict[int, tuple[str, int]] = {}
        self._held: Counter[int] = Counter()
        self._lengths: dict[int, int] = {}

    def __bool__(self) -> bool:
        """Whether anything is left to be done."""
        return bool(self.pending or self.open or self.missed)

    @property
    def bytes_ended(self) -> int:
        """Bytes of the segments that nothing more is written to and that are still there."""
        return sum(self._lengths.values())

    def first(self, most: int) -> list[tuple[int, Place]]:
        """The first lines to be delivered, in their order."""
        return list(islice(self.pending.items(), most))

    def apply(self, line: Mapping[str, object], place: Place) -> None:
        """Take in the next line."""
        kind, number = line["kind"], line["n"]
        assert isinstance(number, int)
        if kind in DELIVERED:
            self.pending[number] = place
            self._held[place.segment] += 1
        if kind == "missed":
            self.missed[number] = str(line["at"]), place.segment
            self._held[place.segment] += 1
        self._open_or_close(line)
        numbers = line.get("of")
        if isinstance(numbers, list):
            for each in numbers:
                self._forget(each)

    def _open_or_close(self, line: Mapping[str, object]) -> None:
        if line["kind"] in {"call", "open"}:
            self.open[str(line["call_id"])] = None
        elif line["kind"] == "end":
            self.open.pop(str(line["call_id"]), None)

    def _forget(self, number: int) -> None:
        place = self.pending.pop(number, None)
        missed = self.missed.pop(number, None)
        if place is not None:
            self._held[place.segment] -= 1
        elif missed is not None:
            self._held[missed[1]] -= 1

    def segment_ended(self, segment: int, length: int) -> None:
        """Note that nothing more is written to this segment."""
        self._lengths[segment] = length

    def spent(self) -> list[int]:
        """The oldest segments that are ended and of which nothing is left; asked for once.

        One that is spent stays while an older one is not: what it says is done stands in the older.
        """
        found = []
        for segment in sorted(self._lengths):
            if self._held[segment] > 0:
                break
            found.append(segment)
            del self._lengths[segment], self._held[segment]
        return found
