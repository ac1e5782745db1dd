"""Bursts of denied calls: an actor, or a key, that the gate turns away again and again.

Somebody tries what they may not, a program loops, or an integration lost its approval: in each
case somebody should look now, not at the end of the day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from audits.bursts import Burst
from audits.models import Call, Ledger

# Read by the index of denials from the first call of the time on, and counted by pieces as long as
# the gap, within which nothing is further apart: a flood is a few rows before any is sorted. Each
# counts for its actor and for its key; what comes more than the gap after the one before starts a
# run, as in `audits.bursts`.
DENIED_OFTEN = """
WITH denied AS (
  SELECT c.integration_id, whose.key_id, whose.actor_type, whose.actor_id, whose.least,
         count(*) AS denials, min(c.index) AS first,
         min(c.received_at) AS began_at, max(c.received_at) AS ended_at
  FROM audits_call c
  CROSS JOIN LATERAL (VALUES
    (NULL, c.actor_type, c.actor_id, %(of_actor)s),
    (c.key_id, NULL, NULL, %(of_key)s)
  ) AS whose (key_id, actor_type, actor_id, least)
  WHERE c.ledger_id = %(ledger)s AND c.decision = 'deny'
    AND c.index >= (SELECT audits_first_call(%(ledger)s, %(start)s))
    AND c.received_at >= %(start)s AND c.received_at < %(until)s
  GROUP BY 1, 2, 3, 4, 5, date_bin(%(gap)s, c.received_at, %(start)s)
),
compared AS (
  SELECT *, coalesce(began_at - lag(ended_at) OVER one > %(gap)s, true) AS starts
  FROM denied
  WINDOW one AS (PARTITION BY integration_id, key_id, actor_type, actor_id ORDER BY began_at)
),
numbered AS (
  SELECT *, count(*) FILTER (WHERE starts) OVER one AS run
  FROM compared
  WINDOW one AS (PARTITION BY integration_id, key_id, actor_type, actor_id ORDER BY began_at)
)
SELECT integration_id, key_id, actor_type, actor_id, min(first), sum(denials)::bigint,
       min(began_at), max(ended_at)
FROM numbered
GROUP BY integration_id, key_id, actor_type, actor_id, run, least
HAVING sum(denials) >= least AND max(ended_at) >= %(since)s
"""


@dataclass(frozen=True, slots=True)
class Denied:
    """A burst of one integration's live calls: of one of its keys, else of one actor.

    `reasons` are codes of the first of them that is known.
    """

    integration_id: int
    key_id: int | None
    burst: Burst
    reasons: tuple[str, ...]


def denied_often(*, since: dt.datetime, until: dt.datetime) -> list[Denied]:
    """Bursts that went on within the time, the largest first; both moments UTC, the last left out.

    One query, and one more where there are bursts, however many calls were denied.
    """
    gap = settings.BURST_GAP
    asked: dict[str, Any] = {
        "ledger": Ledger.LIVE,
        # What goes on from before counts too: nothing is named by its first call.
        "start": since - gap,
        "since": since,
        "until": until,
        "gap": gap,
        "of_actor": settings.BURST_ACTOR_DENIALS,
        "of_key": settings.BURST_KEY_DENIALS,
    }
    with connection.cursor() as cursor:
        cursor.execute(DENIED_OFTEN, asked)
        found = [Burst(row[:4], *row[4:]) for row in cursor.fetchall()]
    reasons = _reasons([burst.first_pk for burst in found])
    told = [_told(burst, reasons) for burst in found]
    return sorted(told, key=lambda each: (-each.burst.count, each.burst.first_pk, each.key_id or 0))


def _reasons(indices: list[int]) -> dict[int, tuple[str, ...]]:
    if not indices:
        return {}
    rows = Call.objects.filter(ledger=Ledger.LIVE, index__in=indices)
    return {index: tuple(codes) for index, codes in rows.values_list("index", "reasons")}


def _told(burst: Burst, reasons: dict[int, tuple[str, ...]]) -> Denied:
    assert isinstance(burst.whose, tuple)
    integration, key, *_ = burst.whose
    return Denied(integration, key, burst, reasons.get(burst.first_pk, ()))
