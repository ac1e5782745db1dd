"""When keys were last used, and from where: noted in memory, written by whoever may wait."""

from __future__ import annotations

import datetime as dt
import time

from audits.services import statements
from vendors.network import network_of

# A key's use is written once in so many seconds and process.
EVERY_SECONDS = 60

# As many callers are remembered; then all are forgotten, which costs a statement for each again.
MOST_CALLERS = 20_000

_noted: dict[int, float] = {}
_due: dict[int, dt.datetime] = {}
_callers: set[tuple[int, str]] = set()
_due_callers: dict[tuple[int, str], dt.datetime] = {}


def note(key_id: int, at: dt.datetime, peer: str = "") -> None:
    """The key was used by the caller at `peer`. Touches nothing but memory."""
    tick = time.monotonic()
    if tick - _noted.get(key_id, -EVERY_SECONDS) >= EVERY_SECONDS:
        _noted[key_id] = tick
        _due[key_id] = at
    caller = (key_id, peer)
    if peer and caller not in _callers:
        if len(_callers) >= MOST_CALLERS:
            _callers.clear()
        _callers.add(caller)
        _due_callers[caller] = at


def are_due() -> bool:
    """Whether there is something to write."""
    return bool(_due or _due_callers)


def write() -> None:
    """Write what is due, on Django's connection. Raises: psycopg.Error."""
    while _due:
        key_id, at = _due.popitem()
        statements.run(statements.TOUCH_KEY, (key_id, at))
    while _due_callers:
        (key_id, peer), at = _due_callers.popitem()
        if network := network_of(peer):
            seen = {"key_id": key_id, "network": network, "at": at}
            statements.run(statements.TOUCH_NETWORK, seen)


def forget() -> None:
    """Hold nothing, as after a start."""
    for each in (_noted, _due, _callers, _due_callers):
        each.clear()
