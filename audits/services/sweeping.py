"""Closes calls of which nobody said how they ended."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from audits.ledger.jobs import Job, SweepJob
from audits.services import appending

BATCH = 500
_BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

# A call that has an unfinished lease is left alone. Two workers that find the same calls settle
# them one after the other under the ledger's lock, where the second finds them closed.
OVER = """
SELECT c.ledger_id, c.call_id, c.key_id
FROM public.audits_call c
WHERE c.decision = 'allow' AND c.lease_until <= %(at)s AND c.lease_until >= %(since)s
  AND NOT EXISTS (SELECT 1 FROM public.audits_completion o WHERE o.call_id = c.call_id)
  AND NOT EXISTS (SELECT 1 FROM public.audits_lease l
                  WHERE l.call_id = c.call_id AND l.lease_until > %(at)s)
ORDER BY c.lease_until
LIMIT %(batch)s
"""


def sweep(*, at: dt.datetime, since: dt.datetime | None = None, batch: int = BATCH) -> int:
    """Close as unknown every allowed call whose lease was over at `at` and that has no completion.

    Leases that ended before `since` are not looked at: all of them are a walk through the log.
    Never as failed: nobody knows. A completion that comes later is stored too, marked late. Safe
    to repeat and to run twice at once; each batch is a transaction of its own.
    Returns: how many calls this one closed.
    """
    closed = 0
    while True:
        found, jobs = _sweep_some(at, since or _BEGINNING, batch)
        closed += sum(job.created for job in jobs)
        if found < batch:
            return closed


def _sweep_some(at: dt.datetime, since: dt.datetime, batch: int) -> tuple[int, list[Job]]:
    """How many calls one batch found, and what became of each."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(OVER, {"at": at, "since": since, "batch": batch})
            jobs: list[Job] = [
                SweepJob(call_id, at, ledger_id=ledger_id, key_id=key_id)
                for ledger_id, call_id, key_id in cursor.fetchall()
            ]
        appending.append_jobs(connection.connection, jobs)
    return len(jobs), jobs
