"""What the database must have for a ledger beside its entries: triggers, and nothing too much."""

from __future__ import annotations

from django.db import connection

from countersign.verifying.walk import Problem

PARTITIONED = ("audits_batch", "audits_call", "audits_completion", "audits_lease", "audits_event")
WHOLE = (
    "audits_tile",
    "audits_verdict",
    "audits_ledger",
    "audits_ledgerkey",
    "audits_ledgerhead",
    "audits_partition",
    "audits_cosignature",
    "audits_verification",
    "audits_checkpointdelivery",
)

# Triggers of our name that also fire where replication is replayed, on each table and partition.
_UNGUARDED = """
SELECT c.relname
  FROM pg_class c
 WHERE (c.relname = ANY(%s)
        OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY(%s::regclass[])))
   AND c.relnamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT 1 FROM pg_trigger t
                    WHERE t.tgrelid = c.oid AND t.tgname = 'append_only' AND t.tgenabled = 'A'
                      AND NOT t.tgisinternal AND t.tgtype & 1 = 0
                      AND t.tgtype & 8 = 8 AND t.tgtype & 32 = 32)
 ORDER BY c.relname
"""

# One statement, and so one moment: what came after the head was read is not too much.
_BEYOND = """
SELECT h.size,
       (SELECT count(*) FROM audits_batch b WHERE b.ledger_id = h.ledger_id
                                              AND b.first_index >= h.size),
       (SELECT count(*) FROM audits_call r WHERE r.ledger_id = h.ledger_id AND r.index >= h.size),
       (SELECT count(*) FROM audits_completion r WHERE r.ledger_id = h.ledger_id
                                                   AND r.index >= h.size),
       (SELECT count(*) FROM audits_lease r WHERE r.ledger_id = h.ledger_id AND r.index >= h.size),
       (SELECT count(*) FROM audits_event r WHERE r.ledger_id = h.ledger_id AND r.index >= h.size),
       (SELECT count(*) FROM audits_tile t WHERE t.ledger_id = h.ledger_id
                                             AND t.number >= h.size >> (8 * t.level + 8))
  FROM audits_ledgerhead h WHERE h.ledger_id = %s
"""
_TABLES = ("batch", "call", "completion", "lease", "event", "tile")


def triggers_missing(ledger_id: int) -> list[Problem]:
    """Tables and partitions that could be changed unseen."""
    tables = [*PARTITIONED, *WHOLE]
    with connection.cursor() as cursor:
        cursor.execute(_UNGUARDED, [tables, list(PARTITIONED)])
        return [Problem("trigger-missing", 0, what=name) for (name,) in cursor.fetchall()]


def beyond_head(ledger_id: int) -> list[Problem]:
    """Rows with an index that the ledger has not reached."""
    with connection.cursor() as cursor:
        cursor.execute(_BEYOND, [ledger_id])
        found = cursor.fetchone()
    if found is None:
        return []
    size, *counts = found
    return [
        Problem("row-beyond-head", size, what=table)
        for table, count in zip(_TABLES, counts, strict=True)
        if count
    ]
