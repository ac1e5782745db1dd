"""Whether what is not there was disposed of lawfully: an entry says which range, and its root."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection

from countersign.merkle import Frontier
from countersign.verifying.walk import Problem

# Canonical JSON escapes quotes within strings, so only a member reads like this.
DISPOSAL = b'"type":"disposal"'


class Disposals:
    """The ranges that partitions call disposed of, and what entries of the ledger say of them.

    A partition's state alone is no word of anybody: who drops tables can set it too.
    """

    def __init__(self, ledger_id: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT first_index, end_index FROM audits_partition "
                "WHERE ledger_id = %s AND state = 'disposed' ORDER BY first_index",
                [ledger_id],
            )
            self.ranges: list[tuple[int, int]] = [(first, end) for first, end in cursor.fetchall()]
        self._trees: dict[tuple[int, int], Frontier] = {}
        self._said: set[tuple[int, int, str]] = set()

    def range_at(self, index: int) -> tuple[int, int] | None:
        """The range that holds this index, if it was disposed of."""
        return next(((first, end) for first, end in self.ranges if first <= index < end), None)

    def after(self, start: int) -> int:
        """How many entries from index `start` on were disposed of."""
        return sum(max(0, end - max(first, start)) for first, end in self.ranges)

    def take(self, of: tuple[int, int], leaves: Sequence[bytes]) -> None:
        """The next leaves of a range, whose entries are gone."""
        self._trees[of] = self._trees.get(of, Frontier()).extended(leaves)

    def read(self, entries: bytes) -> None:
        """Take note of what entries say was disposed of."""
        if DISPOSAL not in entries:
            return
        for line in entries.split(b"\n"):
            if DISPOSAL in line:
                payload = json.loads(line).get("payload", {})
                first, end = payload.get("first_index", 0), payload.get("end_index", 0)
                self._said.add((first, end, str(payload.get("root", ""))))

    def problems(self) -> list[Problem]:
        """Ranges passed over whole that no entry names with their own root."""
        return [
            Problem("disposal-unsaid", first, what=f"{first} to {end}")
            for (first, end), tree in self._trees.items()
            if tree.size == end - first and (first, end, tree.root().hex()) not in self._said
        ]
