"""Reading the register as it was known at the end of a day.

Inside `reading(day)` every query of this connection, by the ORM or by hand, finds the tables as
they were: PostgreSQL looks in the schema `as_of` first, whose views take the versions of that
moment from the schema `history`. Nothing can be written to those views. Tables that have no view
there (people, roles, sessions, grants) are today's, so what a reader may see is what they may see
today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

# How the names of permissions begin that change nothing.
LOOKING = ("view_", "export_", "read_")
# The last that has a day after it.
LAST_DAY = dt.date.max - dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Reading:
    day: dt.date
    end: dt.datetime


_reading: ContextVar[_Reading | None] = ContextVar("as_of", default=None)


def day_read() -> dt.date | None:
    """The past day that is being read, or None: then it is today, as things stand now."""
    now = _reading.get()
    return now.day if now else None


def forbids(codename: str) -> bool:
    """Whether nobody holds the permission now: while a past day is read, all may look at most."""
    return day_read() is not None and not codename.startswith(LOOKING)


def reading_day() -> dt.date:
    """The day that a page speaks of: the one being read as of, else today, in TIME_ZONE."""
    return day_read() or timezone.localdate()


def reading_moment() -> dt.datetime:
    """The moment that a page speaks of: the last of the day being read, else now."""
    now = _reading.get()
    return now.end - dt.timedelta(microseconds=1) if now else timezone.now()


def cache_part() -> str:
    """What a name in the cache must carry beside the epoch: the day read as of, empty for today."""
    day = day_read()
    return f"{day.isoformat()}." if day else ""


def first_day() -> dt.date:
    """The first day that can be read: the one on which this database began to keep versions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(began) FROM history.tables WHERE moment IS NULL")
        return timezone.localdate(cursor.fetchone()[0])


def end_of(day: dt.date) -> dt.datetime:
    """The first instant after the day, in TIME_ZONE; of the calendar's last day, its first."""
    day = min(day, LAST_DAY)
    return timezone.make_aware(dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min))


@contextmanager
def reading(day: dt.date) -> Iterator[None]:
    """Everything read inside is as it was known at the end of the day `day`, in one transaction.

    What is written inside to tables that have no view of the past (a note that somebody read) is
    written as ever. Query results must be fetched before it ends.
    """
    with reading_until(day, end_of(day)):
        yield


@contextmanager
def reading_until(day: dt.date, end: dt.datetime) -> Iterator[None]:
    """As `reading`, of the state just before the moment `end` of the day `day`."""
    nested = connection.in_atomic_block
    token = _reading.set(_Reading(day, end))
    features = connection.features
    # A view has no primary key, so GROUP BY has to name every column that is selected.
    grouped = features.allows_group_by_selected_pks
    features.allows_group_by_selected_pks = False
    try:
        with transaction.atomic():
            before = _look_at("as_of, public", end.isoformat())
            yield
            # Else the transaction's end does it.
            if nested and not connection.needs_rollback:
                _look_at(*before)
    finally:
        features.allows_group_by_selected_pks = grouped
        _reading.reset(token)


def _look_at(path: str, moment: str) -> tuple[str, str]:
    """Sets where unqualified names are looked for and the moment, until the transaction ends.

    Returns: what was set before.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH before AS MATERIALIZED (SELECT current_setting('search_path') AS path, "
            "coalesce(current_setting('countersign.as_of', true), '') AS moment) "
            "SELECT path, moment, set_config('search_path', %s, true), "
            "set_config('countersign.as_of', %s, true) FROM before",
            [path, moment],
        )
        before = cursor.fetchone()
    return before[0], before[1]
