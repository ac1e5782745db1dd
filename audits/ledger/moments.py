"""Moments of the ledger: whole milliseconds since 1970 in UTC, and their one text."""

from __future__ import annotations

import datetime as dt
import time
from functools import lru_cache

_SECOND = dt.timedelta(milliseconds=1)
_START = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def milliseconds(at: dt.datetime) -> int:
    """The moment as milliseconds since 1970; what is finer is cut off."""
    return (at - _START) // _SECOND


def moment(at_ms: int) -> dt.datetime:
    """The moment in UTC."""
    return _START + at_ms * _SECOND


@lru_cache(maxsize=1024)
def _seconds(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(at))


@lru_cache(maxsize=1024)
def text(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, as entries, answers and columns write it."""
    seconds, rest = divmod(at_ms, 1000)
    return f"{_seconds(seconds)}{rest:03d}Z"
