"""Ids and moments as the portal wants them."""

from __future__ import annotations

import datetime as dt
import os
import random
import time
from functools import lru_cache

# No secret: so the kernel is asked for a seed alone, which would let another thread go first each
# time. Not the module's own, which programs seed for results that repeat: ids never may.
_CHANCE = random.Random()  # noqa: S311 # nosec B311
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_CHANCE.seed)


def uuid7() -> str:
    """A new UUID of version 7: milliseconds since 1970, then chance. Source: RFC 9562, 5.7."""
    number = _CHANCE.getrandbits(80)
    milliseconds = time.time_ns() // 1_000_000 & (1 << 48) - 1
    return (
        f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7{number >> 68 & 0xFFF:03x}"
        f"-{number >> 48 & 0x3FFF | 0x8000:04x}-{number & (1 << 48) - 1:012x}"
    )


def now() -> str:
    """This moment in RFC 3339, UTC with milliseconds."""
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
