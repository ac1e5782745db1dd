"""How many table rows a report shows: what renders it needs 0.2 MB a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Measured with WeasyPrint: 1,000 rows 250 MB, 10,000 rows 2 GB.
MOST_ROWS = 1500


class TooManyRows(Exception):
    """The report would hold more table rows than can be rendered in bounded memory."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The rows of a table that are shown, of `total` that there are; `file` holds them all."""

    rows: Sequence[Any]
    total: int
    file: str

    @property
    def cut(self) -> bool:
        return len(self.rows) < self.total


class RowBudget:
    """Counts the table rows of one document."""

    def __init__(self, most: int = MOST_ROWS) -> None:
        self.most = most
        self.used = 0

    def spend(self, rows: int) -> None:
        """Note that `rows` more are shown. Raises: TooManyRows beyond the document's limit."""
        self.used += rows
        if self.used > self.most:
            raise TooManyRows(f"{self.used} rows, at most {self.most}")

    def shown(self, rows: Sequence[Any], *, at_most: int, total: int, file: str) -> Shown:
        """The first `at_most` of `rows`, of `total` in all; fewer when the document is full."""
        first = rows[: min(at_most, self.most - self.used)]
        self.spend(len(first))
        return Shown(first, total, file)
