"""Bursts of denied calls: an actor, or a key, that the gate turns away again and again.

Somebody tries what they may not, a program loops, or an integration lost its approval: in each
case somebody should look now, not at the end of the day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from audits.bursts import Burst, Happened, bursts
from audits.models import Call, Ledger

# Of the newest denials so many are looked at, by their own index: a flood costs no more than this,
# and is a burst itself.
MOST = 50_000


@dataclass(frozen=True, slots=True)
class Denied:
    """A burst of one integration's live calls: of one of its keys, else of one actor.

    `reasons` are codes of the first of them that is known.
    """

    integration_id: int
    key_id: int | None
    burst: Burst
    reasons: tuple[str, ...]


def denials(most: int = MOST) -> QuerySet[Call]:
    """The newest denied live calls, the newest first."""
    rows = Call.objects.filter(ledger=Ledger.LIVE, decision=Call.Decision.DENY)
    return rows.order_by("-index")[:most]


def denied_often(*, since: dt.datetime, until: dt.datetime) -> list[Denied]:
    """Bursts that went on within the time, the largest first; both moments UTC, the last left out.

    One query by the index of denials, and one more where there are bursts.
    """
    gap = settings.BURST_GAP
    rows = denials().values_list(
        "index", "received_at", "integration_id", "key_id", "actor_type", "actor_id"
    )
    by_actor, by_key = [], []
    for index, at, integration, key, *actor in sorted(rows, key=lambda row: row[1]):
        if since - gap <= at < until:
            by_actor.append(Happened(index, at, (integration, None, *actor)))
            by_key.append(Happened(index, at, (integration, key)))
    found = [
        burst
        for happened, least in (
            (by_actor, settings.BURST_ACTOR_DENIALS),
            (by_key, settings.BURST_KEY_DENIALS),
        )
        # What goes on from before counts too: nothing is named by its first call.
        for burst in bursts(happened, least=least, gap=gap, since=since - gap)
        if burst.ended_at >= since
    ]
    reasons = _reasons([burst.first_pk for burst in found])
    told = [_told(burst, reasons) for burst in found]
    return sorted(told, key=lambda each: (-each.burst.count, each.burst.first_pk))


def _reasons(indices: list[int]) -> dict[int, tuple[str, ...]]:
    if not indices:
        return {}
    rows = Call.objects.filter(ledger=Ledger.LIVE, index__in=indices)
    return {index: tuple(codes) for index, codes in rows.values_list("index", "reasons")}


def _told(burst: Burst, reasons: dict[int, tuple[str, ...]]) -> Denied:
    assert isinstance(burst.whose, tuple)
    integration, key, *_ = burst.whose
    return Denied(integration, key, burst, reasons.get(burst.first_pk, ()))
