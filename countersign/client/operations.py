"""Which attempts belong to one logical call: an SDK's retries share its operation's id."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from countersign.client.ids import uuid7

# SDKs wait at most two minutes before they try again; so many failures are kept in mind.
WITHIN_S = 180.0
KEPT = 1024
MOST_ATTEMPTS = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """The attempt's place in its operation: `attempt` counts from 1."""

    operation_id: str
    attempt: int


class Operations:
    """Finds the operation that a request goes on with: same actor, address and body as one that
    has just failed. An SDK that counts its retries is believed where it says "none so far".
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: OrderedDict[tuple[str, ...], tuple[float, Place]] = OrderedDict()

    def join(self, key: tuple[str, ...], retry: int | None) -> Place:
        """The place of a request with this key; a failure is gone on with once."""
        with self._lock:
            at, last = self._failed.pop(key, (0.0, None))
        if last is None or retry == 0 or time.monotonic() - at > WITHIN_S:
            return Place(uuid7(), 1)
        return Place(last.operation_id, min(last.attempt + 1, MOST_ATTEMPTS))

    def failed(self, key: tuple[str, ...], place: Place) -> None:
        """Remember that an attempt failed, so that a retry finds it."""
        with self._lock:
            self._failed[key] = (time.monotonic(), place)
            self._failed.move_to_end(key)
            while len(self._failed) > KEPT:
                self._failed.popitem(last=False)
