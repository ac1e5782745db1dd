"""What stands in for the journal where there is no folder for one: it ends with the process."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from countersign.client import ids
from countersign.client.backlog import DELIVERED, Backlog, Place
from countersign.client.journal import JournalFailed, Line

_NOWHERE = Place(0, 0, 0)


class Memory:
    """As `Journal`, but nothing outlives the process: so no line that has to (`sync`) is taken."""

    run = ""

    def __init__(self, why: str) -> None:
        """`why` is the code of the reason that there is no journal."""
        self.why = why
        self.backlog = Backlog()
        self._lines: dict[int, Line] = {}
        self._number = 0
        self._lock = threading.Lock()

    def append(self, kind: str, fields: Mapping[str, object], *, sync: bool = False) -> int:
        """Take a line. Raises: JournalFailed if it has to be on the disk."""
        if sync:
            raise JournalFailed(self.why)
        with self._lock:
            self._number += 1
            line = {"n": self._number, "at": ids.now(), "kind": kind, **fields}
            self.backlog.apply(line, _NOWHERE)
            if kind in DELIVERED:
                self._lines[self._number] = line
            return self._number

    def done(self, numbers: Iterable[int]) -> None:
        """Forget these lines."""
        told = {"n": 0, "kind": "done", "of": list(numbers)}
        with self._lock:
            self.backlog.apply(told, _NOWHERE)
            for number in numbers:
                self._lines.pop(number, None)

    def sync(self) -> None:
        """Nothing is on a disk here."""

    def batch(self, most: int) -> list[tuple[int, Line]]:
        """The first lines to be delivered, at most so many, with their numbers."""
        with self._lock:
            return [(number, self._lines[number]) for number, _ in self.backlog.first(most)]

    def measure_others(self) -> None:
        """There are no others."""

    def abandon(self) -> None:
        """There is nothing to let go of."""

    def close(self) -> None:
        """What was not delivered is lost."""
