"""Holds the populations of a pack against each other and against the ledger's entries.

A population stands twice in a pack, as JSON lines and as CSV: both must say the same. Rows of the
ledger's populations must be what their entries say, each entry must have its row, and each row its
entry.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from countersign.verifying import sources
from countersign.verifying.report import Report

Row: TypeAlias = "dict[str, Any]"

# Which population an entry's type belongs to; types that are not named are events.
OF_TYPE = {
    "call": "calls",
    "denial": "calls",
    "completion": "completions",
    "lease-loss": "completions",
    "lease": "leases",
}
EVENTS = "ledger_events"
LEDGERED = ("calls", "completions", "leases", EVENTS)
# Columns that say what other tables know of a row; the entry has the ids they were found by.
BESIDE = {
    "calls": frozenset({"index", "integration", "key", "lease_extended_until"}),
    "completions": frozenset({"index"}),
    "leases": frozenset({"index"}),
    EVENTS: frozenset({"index"}),
}
# Without these a row says too little of its entry to be evidence of it.
NEEDED = {
    "calls": frozenset(
        {"index", "call_id", "received_at", "decision", "reasons", "provider", "model", "region"}
        | {"phi_present", "data_classes", "actor_type", "actor_id", "baa_reference"}
    ),
    "completions": frozenset({"index", "event_id", "call_id", "received_at", "outcome", "swept"}),
    "leases": frozenset({"index", "call_id", "received_at", "lease_until"}),
    EVENTS: frozenset({"index", "type", "received_at", "subject", "payload"}),
}
# What a spreadsheet would run; CSV puts an apostrophe before it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_MOST_TOLD = 5


def rows(source: sources.Source, name: str, report: Report) -> Iterator[Row]:
    """The rows of a population, each held against its line of the CSV. `name` has no ending.

    Raises: SourceError if a file cannot be read.
    """
    table = _csv_lines(source, f"{name}.csv")
    headings = next(table, [])
    structured = _structured(source, f"{name}.schema.json")
    told = number = 0
    for piece in sources.chunks(source, f"{name}.jsonl"):
        for line in piece.split(b"\n"):
            number += 1
            row, cells = _object(line), next(table, None)
            if not _same(row, headings, cells, structured):
                told += 1
                if told <= _MOST_TOLD:
                    report.problem(f"{name}: row {number:,} is not the same in CSV and JSON lines.")
            if row is not None:
                yield row
    if next(table, None) is not None:
        report.problem(f"{name}: the CSV has more rows than the JSON lines.")


def _structured(source: sources.Source, name: str) -> frozenset[str]:
    """The columns whose cells are JSON: the schema gives them no type."""
    known = _object(sources.content(source, name)) or {}
    columns = known.get("properties")
    if not isinstance(columns, dict):
        raise sources.SourceError(f"{name} is no schema of a population")
    return frozenset(column for column, found in columns.items() if "type" not in found)


def _same(
    row: Row | None, headings: list[str], cells: list[str] | None, structured: frozenset[str]
) -> bool:
    if row is None or cells is None or list(row) != headings or len(cells) != len(headings):
        return False
    # Nearly always the cells are these; only what is JSON may be written in another way.
    if cells == list(map(_cell, row.values())):
        return True
    return all(
        _same_json(value, cell) if column in structured else _cell(value) == cell
        for (column, value), cell in zip(row.items(), cells, strict=True)
    )


def _same_json(value: object, cell: str) -> bool:
    if value is None:
        return cell in ("", "null")
    text = cell[1:] if cell.startswith("'") else cell
    try:
        return bool(json.loads(text) == value)
    except (ValueError, RecursionError):
        return False


def _csv_lines(source: sources.Source, name: str) -> Iterator[list[str]]:
    with source.open(name) as raw:
        text = io.TextIOWrapper(io.BufferedReader(_Raw(raw)), encoding="utf-8", newline="")
        try:
            yield from csv.reader(text, strict=True)
        except (csv.Error, UnicodeDecodeError):
            raise sources.SourceError(f"{name} is no CSV in UTF-8") from None


class _Raw(io.RawIOBase):
    """A member of a zip as the text layer wants it."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._file.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def _object(line: bytes) -> Row | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _cell(value: object) -> str:
    """A value as the CSV has it."""
    if type(value) is str:
        return f"'{value}" if value.startswith(_FORMULA) else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if isinstance(value, list) and text.startswith(_FORMULA) else text


class Matching:
    """Takes the entries of a pack in their order, and the rows that must go with them."""

    def __init__(self, source: sources.Source, folder: str, report: Report) -> None:
        """`folder` is that of the populations, with a slash at its end."""
        self.matched = 0
        self._report = report
        known = set(source.names())
        self._rows = {
            name: rows(source, f"{folder}{name}", report)
            for name in LEDGERED
            if f"{folder}{name}.jsonl" in known
        }

    def take(self, index: int, entry: bytes) -> None:
        """Hold an entry against the next row of its population."""
        found = _object(entry)
        if found is None:
            self._report.problem(f"Entry {index:,} is no JSON object.")
            return
        name = OF_TYPE.get(str(found.get("type")), EVENTS)
        row = next(self._rows.get(name, iter(())), None)
        if row is None:
            self._report.problem(f"Entry {index:,} has no row in {name}.")
        elif row.get("index") != index:
            self._report.problem(
                f"{name}: the row that should be of entry {index:,} is of another one."
            )
        elif wrong := _differences(name, row, found):
            listed = ", ".join(sorted(wrong)[:_MOST_TOLD])
            self._report.problem(f"{name}: the row of entry {index:,} differs from it in {listed}.")
        else:
            self.matched += 1

    def finish(self) -> int:
        """Say which populations have rows left. Returns: how many there are."""
        total = 0
        for name, left in self._rows.items():
            more = sum(1 for _ in left)
            total += more
            if more:
                self._report.problem(f"{name}: {more:,} rows have no entry.")
        return total


def _differences(name: str, row: Row, entry: Mapping[str, Any]) -> list[str]:
    """The columns in which a row is not what its entry says."""
    beside = BESIDE[name]
    wrong = [column for column in NEEDED[name] if column not in row]
    for column, value in row.items():
        if column in beside:
            continue
        said = entry.get(column)
        if value == said and type(value) is type(said):
            continue
        if not (_unsaid(value) if said is None else _agrees(value, said)):
            wrong.append(column)
    return wrong


def _unsaid(value: object) -> bool:
    """Whether an entry leaves such a value out. Zero is a number that was given."""
    return value is None or value is False or value in ("", [], {})


def _agrees(value: object, said: object) -> bool:
    if isinstance(value, bool) is not isinstance(said, bool):
        return False
    return value == said or _same_moment(value, said)


def _same_moment(value: object, said: object) -> bool:
    """Populations write moments to the microsecond, entries to the millisecond."""
    return (
        isinstance(value, str)
        and isinstance(said, str)
        and len(said) == 24
        and said.endswith("Z")
        and value == f"{said[:-1]}000Z"
    )
