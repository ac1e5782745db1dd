"""Compares papers, decisions, access and trails with what the ledger sealed of them.

The newest entry of a row counts: each change that is allowed noted a new one. A row that was made,
changed or deleted past the triggers differs from its entry, lacks one, or is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from audits.ledger.types import TYPES
from audits.models import Ledger
from countersign.verifying.walk import Problem

GONE = sorted(code for code, each in TYPES.items() if each.removed)
# Rows that are sealed only once they are finished.
FINISHED = {"vendors_vendorreview": sql.SQL("r.state = 'finished'")}
EVERY = sql.SQL("true")

# One statement, and so one moment: no row is compared with the entry of another version of it.
COMPARE = """
WITH newest AS (
    SELECT DISTINCT ON (payload ->> 'row') index, type, (payload ->> 'row')::bigint AS number,
           (payload ->> 'form')::integer AS columns, payload ->> 'sha256' AS sealed
    FROM audits_event
    WHERE ledger_id = {ledger} AND index >= %(start)s AND payload ->> 'table' = {name}
    ORDER BY payload ->> 'row', index DESC
)
SELECT newest.index, CASE WHEN r.id IS NULL THEN 'seal-missing'
                   WHEN newest.type = ANY (%(gone)s) THEN 'seal-back'
                   ELSE 'seal-differs' END
FROM newest LEFT JOIN {table} r ON r.id = newest.number
WHERE newest.index < %(end)s AND CASE
    WHEN newest.type = ANY (%(gone)s) THEN r.id IS NOT NULL
    ELSE r.id IS NULL
        OR audits_row_sha256({name}, newest.columns, to_jsonb(r)) IS DISTINCT FROM newest.sealed
    END
AND NOT EXISTS (SELECT FROM audits_pending
    WHERE payload ->> 'table' = {name} AND payload ->> 'row' = newest.number::text)
ORDER BY newest.index
"""
# Rows of before the first that was sealed are older than the ledger, or their entries were disposed
# of. What waits in audits_pending is sealed with the next commit.
UNSEALED = """
SELECT count(*) FROM {table} r
WHERE {finished} AND r.id > (
    SELECT min((payload ->> 'row')::bigint) FROM audits_event
    WHERE ledger_id = {ledger} AND payload ->> 'table' = {name})
AND NOT EXISTS (SELECT FROM audits_event WHERE ledger_id = {ledger}
    AND payload ->> 'table' = {name} AND payload ->> 'row' = r.id::text)
AND NOT EXISTS (SELECT FROM audits_pending
    WHERE payload ->> 'table' = {name} AND payload ->> 'row' = r.id::text)
"""
# As the triggers that noted the rows saw them.
SETTINGS = "SELECT set_config('TimeZone', 'UTC', true), set_config('bytea_output', 'hex', true)"
NOTING = """
SELECT tracked FROM audits_seal_form WHERE NOT EXISTS (
    SELECT FROM pg_trigger WHERE tgrelid = to_regclass(tracked) AND tgname LIKE 'note\\_%%'
    AND tgenabled = 'A') ORDER BY tracked
"""


def check(ledger_id: int, start: int, end: int) -> list[Problem]:
    """What differs from the entries with an index from `start` to before `end`.

    With `start` 0 also rows without any entry, and tables whose triggers are off. A problem names
    the table and no row: the entry at its index does.
    """
    if ledger_id != Ledger.LIVE:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        found = [problem for table in _tables() for problem in _differing(table, start, end)]
        if start == 0:
            found += _unsealed(end)
            cursor.execute(NOTING)
            found += [Problem("trigger-missing", 0, what=table) for (table,) in cursor.fetchall()]
    return found


def _tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tracked FROM audits_seal_form ORDER BY tracked")
        return [table for (table,) in cursor.fetchall()]


def _about(query: str, table: str) -> sql.Composed:
    return sql.SQL(query).format(
        table=sql.Identifier(table),
        name=sql.Literal(table),
        ledger=sql.Literal(int(Ledger.LIVE)),
        finished=FINISHED.get(table, EVERY),
    )


def _differing(table: str, start: int, end: int) -> Iterator[Problem]:
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"start": start, "end": end, "gone": GONE}
        cursor.execute(_about(COMPARE, table), values)
        for index, code in cursor.fetchall():
            yield Problem(code, index, what=table)


def _unsealed(end: int) -> list[Problem]:
    found = []
    with connection.cursor() as cursor:
        for table in _tables():
            cursor.execute(_about(UNSEALED, table))
            if count := cursor.fetchone()[0]:
                found.append(Problem("row-unsealed", end, what=f"{table}: {count}"))
    return found
