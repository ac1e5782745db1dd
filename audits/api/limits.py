"""How many requests a key may make: a token bucket a key, in each process."""

from __future__ import annotations

import time
from typing import NamedTuple

WINDOW_SECONDS = 60


class Allowance(NamedTuple):
    """What is left: `wait_seconds` is 0 if this request is within the limit."""

    limit: int
    remaining: int
    reset_seconds: int
    wait_seconds: int

    def headers(self) -> list[tuple[str, str]]:
        """As in draft-ietf-httpapi-ratelimit-headers."""
        found = [
            ("RateLimit-Policy", f'"key";q={self.limit};w={WINDOW_SECONDS}'),
            ("RateLimit", f'"key";r={self.remaining};t={self.reset_seconds}'),
        ]
        if self.wait_seconds:
            found.append(("Retry-After", str(self.wait_seconds)))
        return found


class Buckets:
    """Each key fills `limit` a minute, and can hold as much; kept in this process alone."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[float, float]] = {}

    def take(self, key_id: int, limit: int, count: int = 1) -> Allowance:
        """Take requests of the key's bucket, all or none; threads may race by a request or two.

        Of more than the bucket can ever hold, as many are taken as it holds.
        """
        count = min(count, limit)
        now = time.monotonic()
        rate = limit / WINDOW_SECONDS
        left, at = self._held.get(key_id, (float(limit), now))
        left = min(float(limit), left + (now - at) * rate)
        short = left < count
        self._held[key_id] = (left if short else left - count, now)
        left = self._held[key_id][0]
        wait = int((count - left) / rate) + 1 if short else 0
        return Allowance(limit, int(left), int((limit - left) / rate), wait)

    def forget(self) -> None:
        """Hold nothing, as after a start."""
        self._held.clear()


BUCKETS = Buckets()
