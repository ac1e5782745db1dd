"""Closes calls of which nobody said how they ended."""

from __future__ import annotations

import datetime as dt

from django.db import connection

BATCH = 500

# A call that has an unfinished lease is left alone. Two workers that meet take different calls or
# lose to the unique (call_id, swept); neither way is a call closed twice.
SWEEP = """
WITH over AS (
    SELECT c.call_id, c.key_id, c.livemode
    FROM audits_call c
    WHERE c.decision = 'allow' AND c.lease_until <= %(at)s
      AND NOT EXISTS (SELECT 1 FROM audits_completion o WHERE o.call_id = c.call_id)
      AND NOT EXISTS (SELECT 1 FROM audits_lease l
                      WHERE l.call_id = c.call_id AND l.lease_until > %(at)s)
    ORDER BY c.lease_until
    LIMIT %(batch)s
)
INSERT INTO audits_completion (
    event_id, call_id, body_sha256, received_at, swept, late, without_call, livemode, key_id,
    outcome, error, finish_reason, usage_source, provider_request_id, response_model, output_digest
)
SELECT gen_random_uuid(), call_id, sha256(call_id::text::bytea), %(at)s, true, false, false,
       livemode, key_id, 'unknown', '', '', 'none', '', '', ''
FROM over
ON CONFLICT DO NOTHING
"""


def sweep(*, at: dt.datetime, batch: int = BATCH) -> int:
    """Close as unknown every allowed call whose lease was over at `at` and that has no completion.

    Never as failed: nobody knows. A completion that comes later is stored too, marked late. Safe
    to repeat and to run twice at once; each batch is a transaction of its own.
    Returns: how many calls this one closed.
    """
    closed = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(SWEEP, {"at": at, "batch": batch})
            found: int = cursor.rowcount
        closed += found
        if found < batch:
            return closed
