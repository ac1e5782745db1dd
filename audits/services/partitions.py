"""Partitions of the ledgers, made before an entry needs them."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

from audits.models import LedgerHead, Partition

# Whole partitions that stand empty behind the one that is being filled.
AHEAD = 2


def keep_ahead() -> int:
    """Make the partitions that the next entries will need, and note what the full ones hold.

    Safe to repeat and to run twice at once. Returns: how many partitions were made.
    """
    made = 0
    for head in LedgerHead.objects.order_by("ledger_id"):
        last = Partition.objects.filter(ledger_id=head.ledger_id).order_by("number").last()
        number, end = (last.number, last.end_index) if last else (-1, 0)
        while end < head.size + (AHEAD + 1) * settings.LEDGER_PARTITION_SIZE:
            number, end = number + 1, end + settings.LEDGER_PARTITION_SIZE
            made += make_partition(head.ledger_id, number)
    with connection.cursor() as cursor:
        cursor.execute("SELECT audits_note_moments()")
    return made


def make_partition(ledger_id: int, number: int) -> bool:
    """Make the tables of a partition, which follows the one before it. Returns: if it was new."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT audits_make_partition(%s, %s, %s)",
            [ledger_id, number, settings.LEDGER_PARTITION_SIZE],
        )
        return bool(cursor.fetchone()[0])
