"""Single statements on Django's connection, below its cursors: prepared, one round trip each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import DatabaseError, connection, transaction
from psycopg.rows import dict_row

from audits.models import Call, Completion

Row = dict[str, Any]


def _columns(model: type[Call | Completion]) -> list[str]:
    return [f.attname for f in model._meta.concrete_fields]


CALL_COLUMNS = _columns(Call)
COMPLETION_COLUMNS = _columns(Completion)

# A batch of an epoch that never was: it goes all the way to the trigger that refuses it.
PROBE = """
INSERT INTO public.audits_batch (first_index, size, received_at, epoch, ledger_key_id, ledger_id,
                                 root, signature, entries)
SELECT size, size + 1, now(), -1, 0, ledger_id, '', '', '' FROM public.audits_ledgerhead
WHERE ledger_id = 1
"""
EPOCH_HAS_PASSED = "CS001"

TOUCH_KEY = """
INSERT INTO policies_keyuse (key_id, last_used_at) VALUES (%s, %s)
ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at
WHERE policies_keyuse.last_used_at < excluded.last_used_at
"""
# A network that the key comes from for the first time is an event, unless it is the key's first.
# Both in one statement: the event's trigger notes it for the ledger, which the next sealing does.
TOUCH_NETWORK = """
WITH seen AS (
    INSERT INTO audits_keynetwork (key_id, network, first_seen_at)
    VALUES (%(key_id)s, %(network)s, %(at)s)
    ON CONFLICT (key_id, network) DO NOTHING
    RETURNING key_id
)
INSERT INTO audits_securityevent
    (at, kind, outcome, key_id, network, method, reason, subject, client)
SELECT %(at)s, 'key-new-network', 'success', key_id, %(network)s, '', '', '', ''
FROM seen WHERE EXISTS (SELECT FROM audits_keynetwork k WHERE k.key_id = seen.key_id)
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

    Goes the way of a batch up to the trigger, which lets none of epoch -1 in.
    Raises: django.db.Error.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(PROBE)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", "") == EPOCH_HAS_PASSED:
            return True
        raise
    return False
