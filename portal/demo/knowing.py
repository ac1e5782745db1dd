"""Gives the demonstration's history its invented days.

The demonstration is made in seconds, so PostgreSQL would say that all of it became known today, and
a page as of last spring would be empty. While it is told, each act notes when it really began and
ended and the moment it stands for; at the end the versions made meanwhile are moved to those
moments. This is the only place that lifts the guard of the history, it touches nothing that was
there before the telling began but the people made for it, and no other code may do the same.

What waits for the ledger gets the moment of its act too, and is sealed in the order of the story:
an entry never says that it came earlier than the one before it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.db import connection

from audits.services.sealing import seal_pending
from portal.demo.people import PEOPLE


@dataclass
class _Telling:
    """Stretches of real time with the moment that each stands for, and the acts still going on."""

    began: dt.datetime
    stretches: list[tuple[dt.datetime, dt.datetime, dt.datetime]] = field(default_factory=list)
    open: list[tuple[dt.datetime, dt.datetime]] = field(default_factory=list)

    def enter(self, moment: dt.datetime) -> None:
        now = _clock()
        if self.open:
            self._close(now)
        self.open.append((now, moment))

    def leave(self) -> None:
        now = _clock()
        self._close(now)
        self.open.pop()
        if self.open:
            self.open[-1] = (now, self.open[-1][1])

    def _close(self, now: dt.datetime) -> None:
        began, moment = self.open[-1]
        self.stretches.append((began, now, moment))
        with connection.cursor() as cursor:
            cursor.execute(NOTED, {"moment": moment, "began": began, "ended": now})


NOTED = """
UPDATE audits_pending SET at = %(moment)s + (at - %(began)s)
WHERE at >= %(began)s AND at < %(ended)s
"""

_telling: ContextVar[_Telling | None] = ContextVar("telling", default=None)


def _clock() -> dt.datetime:
    """The database's clock, which dates the versions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: dt.datetime = cursor.fetchone()[0]
    return now


@contextmanager
def known_at(moment: dt.datetime) -> Iterator[None]:
    """What is recorded inside became known at the moment, if a demonstration is being told."""
    telling = _telling.get()
    if telling is None:
        yield
        return
    telling.enter(moment)
    yield
    telling.leave()


def sealed_until(moment: dt.datetime) -> int:
    """Seal what became known up to the moment, each day's at its end. Returns: how many entries."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(at) FROM audits_pending WHERE at <= %s "
            "GROUP BY (at AT TIME ZONE 'UTC')::date ORDER BY 1",
            [moment],
        )
        ends = [end for (end,) in cursor.fetchall()]
    return sum(seal_pending(at=end, until=end) for end in ends)


@contextmanager
def telling() -> Iterator[None]:
    """Versions made inside, within `known_at`, get its moments when this ends."""
    current = _Telling(_clock())
    token = _telling.set(current)
    try:
        yield
    finally:
        _telling.reset(token)
    _date(current)


MOVE = """
UPDATE history.{table} h SET {column} = s.moment + (h.{column} - s.began)
FROM unnest(%(began)s::timestamptz[], %(ended)s::timestamptz[], %(moment)s::timestamptz[])
    AS s (began, ended, moment)
WHERE h.{column} >= s.began AND h.{column} < s.ended
"""


def _date(told: _Telling) -> None:
    if not told.stretches:
        return
    began, ended, moments = (list(each) for each in zip(*told.stretches, strict=True))
    values = {"began": began, "ended": ended, "moment": moments}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracked FROM history.tables WHERE moment IS NULL ORDER BY tracked")
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE history.{table} DISABLE TRIGGER guard")
            for column in ("known_from", "known_until"):
                cursor.execute(MOVE.format(table=table, column=column), values)
            if table == "portal_user":
                cursor.execute(
                    "UPDATE history.portal_user SET known_from = %s WHERE email = ANY (%s)",
                    [min(moments), list(PEOPLE)],
                )
            cursor.execute(f"ALTER TABLE history.{table} ENABLE TRIGGER guard")
        cursor.execute("UPDATE history.tables SET began = least(began, %s)", [min(moments)])
