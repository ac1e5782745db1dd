"""The columns of a list, declared once for its page, its files and its saved views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PARAMETER = "cols"
SEPARATOR = "."


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the page has it, and the columns of a file that say the same.

    `sort` is the name that the OrderingFilter knows it by; `extra` ones show only if chosen.
    `cells`: heading and value of each column of the file, the value taken from a row.
    """

    key: str
    label: str
    cells: tuple[tuple[str, Callable[[Any], Any]], ...] = ()
    sort: str = ""
    css: str = ""
    extra: bool = False


@dataclass(frozen=True, slots=True)
class ListSpec:
    """A list that people can keep views of. The first column is always there, and first.

    `keeps_text`: whether the text filters of a view are stored; never where PHI could be in them.
    """

    name: str
    title: str
    url_name: str
    views_url_name: str
    columns: tuple[Column, ...]
    keeps_text: bool = True

    def known(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys that are columns, each once, in the order given."""
        names = {column.key for column in self.columns}
        return [key for key in dict.fromkeys(keys) if key in names]

    def chosen(self, query: Mapping[str, Any]) -> list[Column]:
        """The columns that the address names, in its order; the usual ones if it names none."""
        return self.shown(query.get(PARAMETER, "").split(SEPARATOR))

    def shown(self, keys: Iterable[str]) -> list[Column]:
        by_key = {column.key: column for column in self.columns}
        found = [by_key[key] for key in self.known(keys)]
        if not found:
            return [column for column in self.columns if not column.extra]
        first = self.columns[0]
        return [first, *(column for column in found if column is not first)]


def headers(columns: Sequence[Column]) -> list[str]:
    """The headings of a file with these columns."""
    return [heading for column in columns for heading, _ in column.cells]


def file_rows(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[list[Any]]:
    """The rows of a file with these columns."""
    values = [value for column in columns for _, value in column.cells]
    for row in rows:
        yield [value(row) for value in values]
