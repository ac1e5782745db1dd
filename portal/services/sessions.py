"""Ending people's sessions: one, or all but the one in hand."""

from __future__ import annotations

import datetime as dt
import uuid

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from audits.models import SecurityEvent
from audits.services.security import note_security
from portal.identity.session_store import close
from portal.idle import ABSOLUTE, IDLE
from portal.models import PersonSession, User


def standing(user: User, *, at: dt.datetime) -> QuerySet[PersonSession]:
    """The sessions in which a person is signed in at this moment, the last used first."""
    idle = dt.timedelta(seconds=settings.SESSION_COOKIE_AGE)
    absolute = dt.timedelta(seconds=settings.SESSION_ABSOLUTE_SECONDS)
    return PersonSession.objects.filter(
        user=user, used_at__gt=at - idle, started_at__gt=at - absolute
    ).order_by("-used_at")


@transaction.atomic
def end_sessions(
    user: User, *, why: str, at: dt.datetime, keep: str | None = None, by: User | None = None
) -> int:
    """End all sessions of a person but the one whose key is `keep`; they open nothing from now on.

    Called by whatever changes what a session rests on: password, second factor, roles, leaving.
    `why` is a word of the record, `by` who did it if not the person. Returns: how many ended.
    """
    rows = PersonSession.objects.filter(user=user)
    if keep is not None:
        rows = rows.exclude(session_key=keep)
    return _end(rows, user=user, why=why, by=by, at=at)


@transaction.atomic
def end_session(user: User, public_id: uuid.UUID, *, at: dt.datetime, by: User) -> int:
    """End one session of a person. Returns: how many ended, which is none if it was over."""
    row = PersonSession.objects.filter(user=user, public_id=public_id)
    return _end(row, user=user, why="by-oneself", by=by, at=at)


def _end(
    rows: QuerySet[PersonSession], *, user: User, why: str, by: User | None, at: dt.datetime
) -> int:
    keys = list(rows.select_for_update().values_list("session_key", flat=True))
    PersonSession.objects.filter(session_key__in=keys).delete()
    # At once, not when the transaction commits: a session that ended too early is opened anew by
    # signing in, one that ended too late was open to somebody.
    close(keys)
    for _ in keys:
        note_security(SecurityEvent.Kind.SESSION_ENDED, at=at, user=user, by=by, reason=why)
    return len(keys)


def end_what_is_over(*, at: dt.datetime) -> int:
    """End the sessions whose time has passed and whose browsers did not come back.

    Remove the rows of those that nobody signed in to. Returns: how many sessions ended.
    """
    PersonSession.objects.filter(user=None, expire_date__lt=at).delete()
    idle = Q(used_at__lte=at - dt.timedelta(seconds=settings.SESSION_COOKIE_AGE))
    old = Q(started_at__lte=at - dt.timedelta(seconds=settings.SESSION_ABSOLUTE_SECONDS))
    count = 0
    for row in PersonSession.objects.filter(idle | old, user__isnull=False).select_related("user"):
        assert row.user is not None and row.used_at is not None  # noqa: PT018 - the query says so
        over = row.used_at + dt.timedelta(seconds=settings.SESSION_COOKIE_AGE) <= at
        one = PersonSession.objects.filter(idle | old, pk=row.pk)  # not if it was used meanwhile
        with transaction.atomic():
            count += _end(one, user=row.user, why=IDLE if over else ABSOLUTE, by=None, at=at)
    return count
