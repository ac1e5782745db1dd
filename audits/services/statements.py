"""The statements of the hot path: prepared, on Django's connection, one round trip each."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import psycopg
from django.db import connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from audits.models import Call, Completion, Lease

Row = dict[str, Any]


def _columns(model: type[Call | Completion | Lease]) -> list[str]:
    return [f.attname for f in model._meta.concrete_fields if f.attname != "id"]


def _placeholders(columns: Sequence[str]) -> str:
    return ", ".join(f"%({name})s" for name in columns)


CALL_COLUMNS = _columns(Call)
COMPLETION_COLUMNS = _columns(Completion)

# No row comes back if the id is taken, or if the trigger found that the epoch has passed.
INSERT_CALL = f"""
INSERT INTO audits_call ({", ".join(CALL_COLUMNS)}) VALUES ({_placeholders(CALL_COLUMNS)})
ON CONFLICT (call_id) DO NOTHING RETURNING id
"""  # noqa: S608 - names of columns, from the model

SELECT_CALL = f"SELECT id, {', '.join(CALL_COLUMNS)} FROM audits_call WHERE call_id = %s"  # noqa: S608

_GIVEN = [c for c in COMPLETION_COLUMNS if c not in ("late", "without_call")]

# Whether it is late, and whether there is a call at all, is found in the same statement. Nothing
# is stored under a passed epoch (the key may be revoked) or for another integration's call.
INSERT_COMPLETION = f"""
WITH call AS (
    SELECT c.integration_id, c.livemode,
           greatest(c.lease_until, (SELECT max(l.lease_until) FROM audits_lease l
                                    WHERE l.call_id = c.call_id)) AS lease_until
    FROM audits_call c WHERE c.call_id = %(call_id)s
)
INSERT INTO audits_completion ({", ".join(_GIVEN)}, late, without_call)
SELECT {_placeholders(_GIVEN)},
       coalesce((SELECT lease_until <= %(received_at)s FROM call), false),
       NOT EXISTS (SELECT 1 FROM call)
WHERE (SELECT value FROM vendors_epoch) = %(epoch)s
  AND NOT EXISTS (SELECT 1 FROM call WHERE integration_id <> %(integration_id)s
                                        OR livemode <> %(livemode)s)
ON CONFLICT DO NOTHING
RETURNING id, late, without_call
"""  # noqa: S608

SELECT_COMPLETIONS = f"""
SELECT id, {", ".join(COMPLETION_COLUMNS)} FROM audits_completion
WHERE (call_id = %(call_id)s AND NOT swept) OR event_id = %(event_id)s
ORDER BY event_id = %(event_id)s
"""  # noqa: S608

INSERT_LEASE = """
INSERT INTO audits_lease (call_id, received_at, lease_until)
SELECT %(call_id)s, %(received_at)s, %(lease_until)s
FROM audits_call c
WHERE c.call_id = %(call_id)s AND c.decision = 'allow'
  AND c.integration_id = %(integration_id)s AND c.livemode = %(livemode)s
  AND (SELECT value FROM vendors_epoch) = %(epoch)s
  AND NOT EXISTS (SELECT 1 FROM audits_completion o WHERE o.call_id = c.call_id)
RETURNING id
"""

PROBE = "INSERT INTO audits_call (epoch, call_id) VALUES (-1, gen_random_uuid())"

TOUCH_KEY = """
INSERT INTO policies_keyuse (key_id, last_used_at) VALUES (%s, %s)
ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at
WHERE policies_keyuse.last_used_at < excluded.last_used_at
"""


def run(sql: str, parameters: Mapping[str, object] | Sequence[object]) -> Row | None:
    """The first row that `sql` gives, by column; None if it gives none.

    Django's cursor binds on the client and prepares nothing, so this goes below it, on the same
    connection and in the same transaction. Raises: psycopg.Error.
    """
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    before, raw.prepare_threshold = raw.prepare_threshold, 0
    try:
        with psycopg.Cursor(raw, row_factory=dict_row) as cursor:
            cursor.execute(sql.encode(), parameters)
            return cursor.fetchone() if cursor.description else None
    finally:
        raw.prepare_threshold = before


def can_store() -> bool:
    """Whether a record could be stored now: the tables are there, writable, and ours to write.

    Goes the way of a record up to the trigger, which lets none of epoch -1 in.
    Raises: django.db.Error.
    """
    with connection.cursor() as cursor:
        cursor.execute(PROBE)
        return bool(cursor.rowcount == 0)


def insert_call(row: Row) -> int | None:
    """The id of the stored record; None if its call id is taken or its epoch has passed."""
    stored = run(INSERT_CALL, {**row, "masked": Jsonb(row["masked"])})
    return stored["id"] if stored else None


def find_call(call_id: uuid.UUID) -> Row | None:
    """The record of this id with all its columns."""
    row = run(SELECT_CALL, (call_id,))
    if row is None:
        return None
    # Django leaves JSON of its connections as text.
    row["masked"] = msgspec.json.decode(row["masked"])
    return _tidied(row)


def find_completion(call_id: uuid.UUID, event_id: uuid.UUID) -> Row | None:
    """The completion that its caller sent for the call, else the one that bears the event id."""
    row = run(SELECT_COMPLETIONS, {"call_id": call_id, "event_id": event_id})
    return _tidied(row) if row else None


def _tidied(row: Row) -> Row:
    for name, value in row.items():
        if isinstance(value, dt.datetime):
            row[name] = value.astimezone(dt.UTC)
    return row


def entry_sha256(row: Mapping[str, object]) -> str:
    """SHA-256 in hex of the canonical JSON of a stored row, its id left out.

    The same bytes as `countersign.canonical.canonical` gives, which a test holds; this encoder
    takes a twentieth of the time.
    """
    entry = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in row.items()
        if name != "id"
    }
    return hashlib.sha256(msgspec.json.encode(entry, order="sorted")).hexdigest()
