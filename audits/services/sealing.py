"""Takes into the ledger what triggers noted of changes, papers, decisions, access and reads.

At the end of every transaction by `audits.database`; what was noted outside of one (a statement
that commits by itself, a change by psql) by the next transaction that seals, or by the task that
runs every minute.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from django.db import connection, transaction
from psycopg import Connection

from audits.models import Ledger, Pending
from audits.services.appending import NewEvent, append_events_on, lock_head
from policies.services.deciding import class_terms, policy_digest

# So many at once, which a large import may exceed: each is a batch with a checkpoint of its own.
MOST = 10_000
POLICY = "policy"

# Checks that wait for the end of the transaction come first: one of them raises the epoch, which
# must not happen while the head is held (docs/decisions/0016). Whoever reads the past seals in the
# present.
SETTLE = "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL search_path = public"
DRAIN = """
DELETE FROM public.audits_pending WHERE id = ANY (ARRAY(
    SELECT id FROM public.audits_pending
    WHERE %(until)s::timestamptz IS NULL OR at <= %(until)s ORDER BY id LIMIT %(most)s))
RETURNING at, id, type, subject, payload::text
"""


def seal(raw: Connection[Any], *, at: dt.datetime, until: dt.datetime | None = None) -> int:
    """Append everything noted, in the open transaction of `raw`, which has to commit soon.

    What other transactions noted and committed goes with it. With `until` only what was noted up
    to that moment.
    Returns: how many entries. Raises: what appending raises.
    """
    with raw.cursor() as cursor:
        cursor.execute(SETTLE)
        lock_head(raw, Ledger.LIVE)
        sealed = 0
        while True:
            cursor.execute(DRAIN, {"until": until, "most": MOST})
            rows = sorted(cursor.fetchall())
            events = _events(rows)
            if events:
                append_events_on(raw, events, at=at, ledger_id=Ledger.LIVE)
                sealed += len(events)
            if len(rows) < MOST:
                return sealed


def seal_pending(*, at: dt.datetime, until: dt.datetime | None = None) -> int:
    """Append what waits, in the transaction that is open, or in one of its own.

    Safe to repeat and to run twice at once. Returns: how many entries.
    """
    if not Pending.objects.exists():
        return 0
    nested = connection.in_atomic_block
    with transaction.atomic(savepoint=False):
        sealed = seal(connection.connection, at=at, until=until)
        if nested:
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return sealed


def _events(rows: list[tuple[dt.datetime, int, str, str, str]]) -> list[NewEvent]:
    """The entries, in the order in which they were noted; the policy's once, as it now is."""
    last_policy = max((number for _, number, kind, *_ in rows if kind == POLICY), default=None)
    events = []
    for _, number, kind, subject, payload in rows:
        if kind != POLICY:
            events.append(NewEvent(kind, subject, msgspec.json.decode(payload)))
        elif number == last_policy:
            in_force = policy_digest(class_terms())
            events.append(NewEvent(kind, subject, {"policy_digest": in_force}))
    return events
