"""When events come so close together that somebody should look: pure, by their moments alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Happened:
    """An event: its number, its moment (UTC), and who or what it is counted for."""

    pk: int
    at: dt.datetime
    whose: Hashable


@dataclass(frozen=True, slots=True)
class Burst:
    """Events of one `whose`, none more than the gap after the one before; `first_pk` names it."""

    whose: Hashable
    first_pk: int
    count: int
    began_at: dt.datetime
    ended_at: dt.datetime


def bursts(
    happened: Iterable[Happened], *, least: int, gap: dt.timedelta, since: dt.datetime
) -> list[Burst]:
    """Every run of at least `least` events, by its first moment.

    `happened` is in order of `at`. A run that began before `since` is left out, so that a burst
    keeps its first event, and with it its name, for as long as it is told of: read the events from
    `since - gap` on.
    """
    running: dict[Hashable, Burst] = {}
    found = []
    for event in happened:
        before = running.get(event.whose)
        if before is not None and event.at - before.ended_at <= gap:
            running[event.whose] = Burst(
                event.whose, before.first_pk, before.count + 1, before.began_at, event.at
            )
            continue
        if before is not None:
            found.append(before)
        running[event.whose] = Burst(event.whose, event.pk, 1, event.at, event.at)
    found += running.values()
    enough = [each for each in found if each.count >= least and each.began_at >= since]
    return sorted(enough, key=lambda burst: (burst.began_at, burst.first_pk))
