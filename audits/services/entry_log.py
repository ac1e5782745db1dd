"""The entries of a ledger of every type, page by page, without counting."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from audits.ledger.event_type import EventType
from audits.ledger.types import TYPES
from audits.models import Call, Completion, Lease
from audits.services.lines import Line, lines
from audits.services.reading import Row, cursor_at, read_cursor

_CALL = "CASE decision WHEN 'deny' THEN 'denial' ELSE 'call' END"
_END = "CASE WHEN swept THEN 'lease-loss' ELSE 'completion' END"
# Where entries of each kind have their rows: table, type, subject, call id.
_TABLES = {
    "call": ("audits_call", _CALL, "''", "call_id"),
    "completion": ("audits_completion", _END, "''", "call_id"),
    "lease": ("audits_lease", "'lease'", "''", "call_id"),
    "event": ("audits_event", "type", "subject", "NULL::uuid"),
}
# Types that are part of a table, and how they are told from the rest of it.
_PARTS = {
    "call": ("call", "decision = 'allow'"),
    "denial": ("call", "decision = 'deny'"),
    "completion": ("completion", "NOT swept"),
    "lease-loss": ("completion", "swept"),
    "lease": ("lease", "true"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry in a list: its row's key columns, and its bytes if they are in the database."""

    ledger_id: int
    index: int
    type: EventType
    received_at: dt.datetime
    subject: str
    call_id: uuid.UUID | None
    line: Line | None


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Entries, newest first, and the cursors of the pages before and after; "" where none is."""

    rows: list[Entry]
    newer: str
    older: str


def type_of(code: str) -> EventType:
    """What is known of a type; one of a later release is shown by its code."""
    return TYPES.get(code) or EventType(code, code, "A type that this release does not know.")


def page(ledger_id: int, *, limit: int, type_code: str = "", cursor: str = "") -> EntryPage:
    """The newest `limit` entries of one type or of all, or those that the cursor leads to.

    Three queries, however deep the page is. Raises: reading.BadCursor.
    """
    direction, at = read_cursor(cursor) if cursor else ("older", None)
    found = _rows(ledger_id, type_code, direction, at, limit + 1)
    shown = found[:limit] if direction == "older" else found[:limit][::-1]
    more = len(found) > limit
    newer = more if direction == "newer" else at is not None and bool(shown)
    older = more if direction == "older" else bool(shown)
    return EntryPage(
        with_lines(ledger_id, shown),
        cursor_at("newer", shown[0][0]) if newer else "",
        cursor_at("older", shown[-1][0]) if older else "",
    )


Found = tuple[int, dt.datetime, str, str, uuid.UUID | None]


def with_lines(ledger_id: int, rows: Iterable[Found]) -> list[Entry]:
    """The rows with their bytes."""
    listed = list(rows)
    kept = lines(ledger_id, [row[0] for row in listed])
    return [
        Entry(ledger_id, index, type_of(code), at, subject, call_id, kept.get(index))
        for index, at, code, subject, call_id in listed
    ]


def of_index(ledger_id: int, index: int) -> Entry | None:
    """The entry of this index, if its row is in the database."""
    found = _rows(ledger_id, "", "newer", index - 1, 1)
    return with_lines(ledger_id, found)[0] if found and found[0][0] == index else None


def of_call(row: Row) -> list[Entry]:
    """All entries of a call, oldest first: itself, its leases, how it ended."""
    same = {"ledger_id": row["ledger_id"], "call_id": row["call_id"]}
    code = "denial" if row["decision"] == Call.Decision.DENY else "call"
    rows: list[Found] = [(row["index"], row["received_at"], code, "", row["call_id"])]
    leases = Lease.objects.filter(**same).values_list("index", "received_at")
    rows += [(index, at, "lease", "", row["call_id"]) for index, at in leases]
    ends = Completion.objects.filter(**same).values_list("index", "received_at", "swept")
    for index, at, swept in ends:
        rows.append((index, at, "lease-loss" if swept else "completion", "", row["call_id"]))
    return with_lines(row["ledger_id"], sorted(rows))


def call_of(entry: Entry) -> Call | None:
    """The call that an entry is about, if it is about one that is here."""
    if entry.call_id is None:
        return None
    return Call.objects.filter(ledger_id=entry.ledger_id, call_id=entry.call_id).first()


def _rows(
    ledger_id: int, type_code: str, direction: str, at: int | None, limit: int
) -> list[Found]:
    order, compared = ("DESC", "<") if direction == "older" else ("ASC", ">")
    table, condition = _PARTS.get(type_code, ("event", "type = %(type)s"))
    parts = [(table, condition)] if type_code else [(name, "true") for name in _TABLES]
    bound = "" if at is None else f"AND index {compared} %(at)s"
    selects = [
        f"(SELECT index, received_at, {_TABLES[name][1]}, {_TABLES[name][2]}, {_TABLES[name][3]} "  # noqa: S608 - of the tables above
        f"FROM {_TABLES[name][0]} WHERE ledger_id = %(ledger)s AND {only} {bound} "
        f"ORDER BY index {order} LIMIT %(limit)s)"
        for name, only in parts
    ]
    either = " UNION ALL ".join(selects)
    sql = f"SELECT * FROM ({either}) entries ORDER BY index {order} LIMIT %(limit)s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {"ledger": ledger_id, "type": type_code, "at": at, "limit": limit})
        found: list[Found] = cursor.fetchall()
    return found
