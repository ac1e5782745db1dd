"""The columns that pages and queries read, against the entries that were hashed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec
import psycopg
from django.db import connection
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from audits.ledger.entries import Kind, entry_of_row
from audits.ledger.rebuilding import fits
from countersign.verifying.walk import Problem

# For a call also what its verdict rested on; a row of the dictionary that is gone leaves nulls.
_TABLES: tuple[tuple[Kind, str], ...] = (
    (
        "call",
        """SELECT r.*, v.agreement_id, v.baa_reference, v.report_id, v.fact_ids, v.valid_until,
                  v.terms_digest, v.policy_digest
             FROM audits_call r LEFT JOIN audits_verdict v ON v.id = r.verdict_id""",
    ),
    ("completion", "SELECT r.* FROM audits_completion r"),
    ("lease", "SELECT r.* FROM audits_lease r"),
    ("event", "SELECT r.* FROM audits_event r"),
)
_RANGE = ' WHERE r.ledger_id = %s AND r."index" >= %s AND r."index" < %s'


class Counts(Protocol):
    """What a comparison adds to."""

    rows: int

    def add(self, *problems: Problem) -> None: ...


class Columns:
    """Compares rows with entries, a run of indexes at a time."""

    def __init__(self, ledger_id: int) -> None:
        self.ledger_id = ledger_id

    def compare(self, start: int, lines: Sequence[bytes], report: Counts) -> None:
        """Every entry has one row that says the same, and every row an entry.

        `lines` are the entries from index `start` on; an empty one is not there, and has no row.
        """
        seen = bytearray(len(lines))
        for kind, select in _TABLES:
            for row in self._read(select, start, start + len(lines)):
                index = row["index"]
                line = lines[index - start]
                report.rows += 1
                if not line:
                    report.add(Problem("row-without-entry", index, what=kind))
                elif seen[index - start]:
                    report.add(Problem("row-twice", index, what=kind))
                elif not fits(kind, row, line):
                    what = ", ".join(_differing(entry_of_row(kind, row), line))
                    report.add(Problem("column-differs", index, what=what))
                seen[index - start] = 1
        for offset, line in enumerate(lines):
            if line and not seen[offset]:
                report.add(Problem("row-missing", start + offset))

    def _read(self, select: str, start: int, end: int) -> Iterator[dict[str, Any]]:
        connection.ensure_connection()
        with psycopg.Cursor(connection.connection, row_factory=dict_row) as cursor:
            set_json_loads(msgspec.json.decode, cursor)
            sql = (select + _RANGE).encode()
            cursor.execute(sql, (self.ledger_id, start, end), binary=True)
            yield from cursor


def _differing(rebuilt: bytes, line: bytes) -> list[str]:
    """The names of members that are not the same."""
    try:
        ours, stored = json.loads(rebuilt), json.loads(line)
    except ValueError:
        return []
    if not isinstance(stored, dict):
        return []
    return sorted(
        name for name in ours.keys() | stored.keys() if ours.get(name) != stored.get(name)
    )
