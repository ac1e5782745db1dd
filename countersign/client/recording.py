"""Has each call recorded before it goes, by the mode that holds for it.

| the portal | strict | spool | observe |
|---|---|---|---|
| allows | go | go | go |
| denies | stop | stop | stop |
| is away, or half answers | stop; told later | go if the journal holds it | go, and count it |
| refuses the key or the record | stop | stop | go, and count it |

What is told later goes through the journal. Ends of calls are handed to a thread.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import time
import weakref
from collections.abc import Callable, Mapping

from countersign.client import contract, ids
from countersign.client.answers import Go, Reason, Stop, Terms
from countersign.client.bundles import Bundles
from countersign.client.delivery import Delivery
from countersign.client.http import PortalHttp, Unreachable
from countersign.client.journal import JournalFailed, encoded
from countersign.client.settings import Settings
from countersign.client.standing import objections
from countersign.client.verdicts import Away, Denied, Refused, Verdict, judged

__all__ = ["Go", "Reason", "Recorder", "Stop", "Terms"]

LOG = logging.getLogger("countersign")
# After a try in vain the portal is left alone for this long, twice as long after the next.
AWAY_S, LONGEST_AWAY_S = 1.0, 15.0
CLOSE_S = 3.0


class Recorder:
    """Records calls for one portal and integration. Safe from many threads and after a fork."""

    def __init__(
        self,
        settings: Settings,
        *,
        http: PortalHttp | None = None,
        bundles: Bundles | None = None,
    ) -> None:
        """Opens no socket and writes no file yet."""
        self.settings = settings
        self.http = http or PortalHttp(settings)
        self.bundles = bundles or Bundles(settings, self.http)
        self.delivery = Delivery(settings, self.http, self._portal_is_back)
        self._away_until, self._away_s = 0.0, AWAY_S
        self._closed = False
        _RECORDERS.add(self)

    def terms(self) -> Terms:
        """What holds for the next call. Asks the portal only if there is no bundle that counts."""
        self.delivery.start()
        return self.bundles.terms()

    def is_ready(self) -> bool:
        """Whether `terms` answers from memory, without waiting for the portal."""
        return self.bundles.is_held()

    def call(self, body: Mapping[str, object], terms: Terms | None = None) -> Go | Stop:
        """Record a call that is about to be made; it may be made only after `Go`.

        What `body` leaves out of mode, enforcement, bundle, integration, client and started_at is
        filled in. A call that may not go under these terms leaves a record too, as blocked.
        """
        terms = terms or self.terms()
        try:
            call = contract.fitted_call({**self._filled_in(terms), **body})
        except contract.Unfit as unfit:
            reason = Reason("invalid-body", f"The field {unfit.field} does not fit.")
            return Stop(400, "invalid-body", (reason,))
        self.delivery.start()
        self.delivery.make_room()
        if terms.stop is not None:
            self._tell_blocked(call)
            return terms.stop
        verdict = self._asked(call, terms)
        if isinstance(verdict, Go):
            self._note_open(verdict.call_id)
            return verdict
        call_id = str(call["call_id"])
        if isinstance(verdict, Denied):
            return Stop(403, "denied", verdict.reasons, call_id)
        return self._without_answer(call, verdict, terms)

    def complete(self, call_id: str, body: Mapping[str, object]) -> None:
        """Hand over how a call ended; returns at once and never raises."""
        self.delivery.end(call_id, body)

    def lease(self, call_id: str) -> None:
        """Hand over that a call still goes on; returns at once and never raises."""
        self.delivery.lease(call_id)

    def watch(self, call_id: str, every_s: float, goes_on: Callable[[], bool]) -> None:
        """Say so of a call for as long as `goes_on` answers yes and no end of it came."""
        self.delivery.watch(call_id, every_s, goes_on)

    def flush(self, seconds: float = CLOSE_S) -> bool:
        """Deliver what waits, at most for so long. Returns: whether nothing is left."""
        return self.delivery.flush(seconds)

    def drain(self, seconds: float) -> bool:
        """As `flush`, and also what processes that ended have left in the spool folder."""
        return self.delivery.drain(seconds)

    def close(self, seconds: float = CLOSE_S) -> None:
        """Deliver what waits and stop; what cannot be delivered in time stays in the journal."""
        if self._closed:
            return
        self._closed = True
        self.bundles.close()
        self.delivery.close(seconds)
        self.http.close()

    def forked(self) -> None:
        """In a child: renew what was the parent's."""
        self.http.forked()
        self.bundles.forked()
        self.delivery.forked()

    def _filled_in(self, terms: Terms) -> dict[str, object]:
        return {
            "integration": self.settings.integration,
            "mode": terms.mode,
            "enforcement": terms.enforcement,
            "bundle": terms.bundle.id if terms.bundle is not None else None,
            "client": self.settings.client,
            "started_at": ids.now(),
        }

    def _asked(self, call: dict[str, object], terms: Terms) -> Verdict:
        """Ask the portal, unless it was away a moment ago and the mode can do without it."""
        if terms.mode != "strict" and time.monotonic() < self._away_until:
            return Away("away")
        verdict = self._posted(call)
        if isinstance(verdict, Refused) and verdict.code == "clock-skew":
            # This machine's clock is wrong; the portal's says when the record was made.
            del call["started_at"]
            verdict = self._posted(call)
        if isinstance(verdict, Away):
            self._away_until = time.monotonic() + self._away_s
            self._away_s = min(self._away_s * 2, LONGEST_AWAY_S)
        else:
            self._portal_is_back()
        return verdict

    def _portal_is_back(self) -> None:
        self._away_until, self._away_s = 0.0, AWAY_S

    def _posted(self, call: Mapping[str, object]) -> Verdict:
        raw = encoded(call)
        try:
            answer = self.http.post("/calls", raw)
        except Unreachable as error:
            return Away(error.code)
        return judged(answer, str(call["call_id"]))

    def _without_answer(
        self, call: dict[str, object], verdict: Away | Refused, terms: Terms
    ) -> Go | Stop:
        call_id = str(call["call_id"])
        if terms.mode == "observe":
            self._miss()
            return Go(call_id, recorded="gap")
        if isinstance(verdict, Refused):
            return Stop(503, verdict.code)  # recorded nowhere, now or later
        if terms.mode == "strict":
            self._tell_blocked(call)
            return Stop(503, "audit-unavailable", (Reason(verdict.code, _WORDS),))
        return self._spooled(call, terms)

    def _spooled(self, call: dict[str, object], terms: Terms) -> Go | Stop:
        """Go on without the portal if its last word allows it and the journal holds the call."""
        call_id = str(call["call_id"])
        assert terms.bundle is not None  # without one the terms stop every call
        reasons = objections(terms.bundle, call, self.bundles.portal_day())
        if reasons and terms.enforcement == "enforce":
            self._tell_blocked(call)
            return Stop(403, "denied", reasons, call_id)
        line = {"call_id": call_id, "body": call}
        try:
            self.delivery.store.append("call", line, sync=True)
        except JournalFailed as failed:
            self.complete(call_id, BLOCKED)
            return Stop(503, failed.code)
        self.delivery.wake()
        return Go(call_id, recorded="journal")

    def _note_open(self, call_id: str) -> None:
        """Have the journal know of the call, for the case that this process dies before it ends."""
        with contextlib.suppress(JournalFailed):  # the portal closes what nobody closes
            self.delivery.store.append("open", {"call_id": call_id})

    def _tell_blocked(self, call: Mapping[str, object]) -> None:
        """Have the portal told, when it can be, of a call that was not made."""
        call_id = str(call["call_id"])
        try:
            self.delivery.store.append("call", {"call_id": call_id, "body": call})
        except JournalFailed as failed:
            LOG.warning("countersign: a refused call leaves no record (%s)", failed)
        else:
            self.complete(call_id, BLOCKED)

    def _miss(self) -> None:
        try:
            self.delivery.store.append("missed", {})
        except JournalFailed as failed:
            LOG.warning("countersign: a call without record is not counted (%s)", failed)
        self.delivery.wake()


BLOCKED: Mapping[str, object] = {"outcome": "blocked", "error": "AuditUnavailable"}
_WORDS = "The portal gave no whole answer in time."
_RECORDERS: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _renew_all() -> None:
    for recorder in list(_RECORDERS):
        recorder.forked()
    # A child of multiprocessing ends without what atexit knows, but not without its own list,
    # which it empties first.
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(_CHILD, _close_at_its_end)


class _Child:
    """What multiprocessing remembers of us: it wants an object that can go."""


_CHILD = _Child()


def _close_at_its_end(_: _Child) -> None:
    sys.modules["multiprocessing.util"].Finalize(None, _close_all, exitpriority=1)


def _close_all() -> None:
    for recorder in list(_RECORDERS):
        recorder.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
atexit.register(_close_all)
