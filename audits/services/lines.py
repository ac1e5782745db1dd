"""Entries as their bytes were hashed, by index, and the batch that holds each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from audits.models import Batch
from countersign.merkle import leaf_hash

# The batch of an index is the last that begins at or before it.
FIRST_INDEXES = """
SELECT DISTINCT b.first_index FROM unnest(%s::bigint[]) AS asked (index), LATERAL (
    SELECT first_index FROM audits_batch
    WHERE ledger_id = %s AND first_index <= asked.index ORDER BY first_index DESC LIMIT 1
) b
"""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry: canonical JSON, without the line feed that parts it from the next."""

    index: int
    entry: bytes
    batch: Batch

    @property
    def leaf_hash(self) -> bytes:
        return leaf_hash(self.entry)


def lines(ledger_id: int, indexes: Collection[int]) -> dict[int, Line]:
    """The entries of these indexes that are in the database; two queries for any number."""
    if not indexes:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(FIRST_INDEXES, [list(indexes), ledger_id])
        first_indexes = [first for (first,) in cursor.fetchall()]
    batches = Batch.objects.filter(ledger_id=ledger_id, first_index__in=first_indexes)
    found = {}
    for batch in batches.select_related("ledger", "ledger_key").order_by("first_index"):
        entries = bytes(batch.entries).split(b"\n")
        for index in indexes:
            if batch.first_index <= index < batch.size:
                found[index] = Line(index, entries[index - batch.first_index], batch)
    return found
