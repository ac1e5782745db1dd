"""When access was last used, as far as records tell: who signed in, read, changed, and called.

Read for access reviews and for nothing else: an answer is as old as the question.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from auditlog.models import LogEntry
from django.contrib.auth import get_user_model
from django.db.models import Max, QuerySet

from audits.models import Call, ReadEvent
from audits.models.ledger import Ledger
from policies.models import PrincipalUse, SightingMark

READS_OF_CALLS = "audits.call"


@dataclass(frozen=True, slots=True)
class AccessUses:
    """The newest use of each kind, as of the moment it was asked of; UTC.

    A use that came while it was asked stands for those before it, where only the last is kept.

    Attributes:
        people: by user id: a sign-in, a read that was recorded or a change in the history.
        readers: by user id: a read of call records, of whichever integration.
        callers: by integration id and actor as `kind:id`: an allowed call of the live ledger.
    """

    people: Mapping[int, dt.datetime]
    readers: Mapping[int, dt.datetime]
    callers: Mapping[tuple[int, str], dt.datetime]


def access_uses(
    at: dt.datetime, *, since: dt.datetime, integrations: Collection[int]
) -> AccessUses:
    """What was used before `at`; calls from `since` on, through the integrations named.

    Seven queries. Calls are the many: up to the entry that the job of each minute came to, what it
    kept is read, and only those after it one by one. What was called before counts as unused.
    """
    return AccessUses(_people(at), _readers(at), _callers(at, since, integrations))


def _people(at: dt.datetime) -> dict[int, dt.datetime]:
    found: dict[int, dt.datetime] = {}
    signed_in = get_user_model().objects.filter(last_login__isnull=False)
    read = ReadEvent.objects.filter(at__lt=at, user__isnull=False).order_by()
    changed = LogEntry.objects.filter(timestamp__lt=at, actor__isnull=False).order_by()
    rows = [
        *signed_in.values_list("pk", "last_login"),
        *read.values_list("user").annotate(last=Max("at")),
        *changed.values_list("actor").annotate(last=Max("timestamp")),
    ]
    for pk, moment in rows:
        found[pk] = max(moment, found.get(pk, moment))
    return found


def _readers(at: dt.datetime) -> dict[int, dt.datetime]:
    read = ReadEvent.objects.filter(at__lt=at, user__isnull=False, subject=READS_OF_CALLS)
    return dict(read.order_by().values_list("user").annotate(last=Max("at")))


def _callers(
    at: dt.datetime, since: dt.datetime, integrations: Collection[int]
) -> dict[tuple[int, str], dt.datetime]:
    kept = PrincipalUse.objects.filter(integration__in=list(integrations), last_used_at__gte=since)
    names = ("integration_id", "principal__kind", "principal__identifier", "last_used_at")
    mark = SightingMark.objects.filter(ledger_id=Ledger.LIVE).values_list("index", flat=True)
    # Read before what was kept: what the job keeps meanwhile is then read twice, not never.
    after = mark.first()
    rows = [*kept.values_list(*names), *_calls_after(-1 if after is None else after, at, since)]
    found: dict[tuple[int, str], dt.datetime] = {}
    for integration, kind, name, last in rows:
        if integration in integrations:
            who = (integration, f"{kind}:{name}")
            found[who] = max(last, found.get(who, last))
    return found


def _calls_after(
    index: int, at: dt.datetime, since: dt.datetime
) -> QuerySet[Call, tuple[int, str, str, dt.datetime]]:
    """Whose allowed calls are after the entry, and the newest of each; by the primary key."""
    calls = Call.objects.filter(
        ledger=Ledger.LIVE,
        index__gt=index,
        received_at__gte=since,
        received_at__lt=at,
        decision=Call.Decision.ALLOW,
    )
    rows = calls.order_by().values_list("integration_id", "actor_type", "actor_id")
    return rows.annotate(last=Max("received_at"))
