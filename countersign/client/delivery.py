"""The thread that brings ends of calls, and what the journal holds, to the portal."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from countersign.client import contract, draining, ids, recovering
from countersign.client.http import PortalHttp, Unreachable
from countersign.client.journal import Journal, JournalFailed
from countersign.client.memory import Memory

if TYPE_CHECKING:
    from countersign.client.settings import Settings

LOG = logging.getLogger("countersign")
LOOK_AROUND_S = 10.0
LONGEST_WAIT_S = 30.0
GATHER_S = 0.05
# So many ends of calls may wait for the thread; then callers write them down themselves.
MAX_QUEUED = 1000


@dataclass(slots=True)
class _Watched:
    """A call that is under way: when to say so next, how often, and whether it still is."""

    due: float
    every_s: float
    goes_on: Callable[[], bool]


class Delivery:
    """The journal, the queue before it, and the thread behind it; one to a process."""

    def __init__(
        self, settings: Settings, http: PortalHttp, delivered: Callable[[], None] = lambda: None
    ) -> None:
        """`delivered` is told when the portal took something."""
        self._delivered = delivered
        self._settings = settings
        self._http = http
        self._whose = {
            "portal": urlsplit(settings.url).netloc,
            "integration": settings.integration,
            "log": "live" if settings.livemode else "test",
        }
        self.renew()

    def renew(self) -> None:
        """Begin anew, with nothing: after a fork what was here is the parent's."""
        self._queue: queue.SimpleQueue[tuple[str, str, Mapping[str, object]]] = queue.SimpleQueue()
        self._store: Journal | Memory | None = None
        self._adopted: list[Journal] = []
        self._spare: Memory | None = None
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # from the queue to the journal
        self._working = threading.Lock()  # from the journal to the portal: held while it answers
        self._leases: list[str] = []
        self._watched: dict[str, _Watched] = {}
        self._wakes_at = 0.0
        self._stop = threading.Event()
        self._failures = 0
        self._next_try = self._next_look = 0.0
        self.trouble = ""
        self.delivered_lines = self.refused_lines = 0

    def forked(self) -> None:
        """In a child: leave the parent's files to the parent, and begin anew."""
        inherited = [*self._adopted, self._store]
        self.renew()
        for each in inherited:
            if each is not None:
                each.abandon()

    @property
    def store(self) -> Journal | Memory:
        """The journal of this process; what stands in for it where none can be had."""
        with self._lock:
            if self._store is None:
                folder, most = self._settings.spool_dir, self._settings.max_spool_bytes
                try:
                    self._store = Journal.new(folder, self._whose, most)
                except JournalFailed as failed:
                    LOG.warning("countersign: no journal (%s); ends of calls are in memory", failed)
                    self._store = Memory(failed.code)
            return self._store

    @property
    def queued(self) -> int:
        """Ends and signs of life that are in memory alone."""
        return self._queue.qsize()

    @property
    def left_lines(self) -> int:
        """Lines that wait to be delivered."""
        return sum(len(store.backlog.pending) for store in self._stores())

    def start(self) -> None:
        """Have the thread run."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._thread = threading.Thread(
                target=self._run, args=(self._stop,), name="countersign-delivery", daemon=True
            )
            self._thread.start()

    def end(self, call_id: str, body: Mapping[str, object]) -> None:
        """Hand over how a call ended: takes no lock, so that it may come from anywhere."""
        self._watched.pop(call_id, None)
        self._queue.put(("end", call_id, body))
        self._bell.put(None)

    def lease(self, call_id: str) -> None:
        """Hand over that a call goes on."""
        self._queue.put(("lease", call_id, {}))
        self._bell.put(None)

    def watch(self, call_id: str, every_s: float, goes_on: Callable[[], bool]) -> None:
        """Hand over that a call goes on, each `every_s`, until it ends or `goes_on` says no."""
        due = time.monotonic() + every_s
        self._watched[call_id] = _Watched(due, every_s, goes_on)
        if due < self._wakes_at:
            self._bell.put(None)

    def make_room(self) -> None:
        """Write down what waits, if that is too much. Called before a call, never at its end."""
        if self._queue.qsize() > MAX_QUEUED:
            self._write_down()
            self._sync_if_they_stay()

    def wake(self) -> None:
        """Have the thread look at the journal now."""
        self._bell.put(None)

    def flush(self, seconds: float) -> bool:
        """Deliver what there is, at most for so long. Returns: whether nothing is left."""
        deadline = time.monotonic() + seconds
        wait_s = 0.0
        while time.monotonic() + wait_s < deadline:
            time.sleep(wait_s)
            self._write_down()
            self._sync_if_they_stay()
            with self._working:
                if not self._left():
                    return True
                wait_s = self._round()
            self._sync_if_they_stay()
        return not self._left()

    def drain(self, seconds: float) -> bool:
        """As `flush`, and what processes that ended have left."""
        with self._working:
            self._look_around()
        return self.flush(seconds)

    def close(self, seconds: float) -> None:
        """Deliver what there is and let go of the journal; what is left stays in it."""
        self._stop.set()
        self.wake()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)
        self.flush(seconds)
        with self._working:
            for store in self._stores():
                store.close()
            self.renew()

    def _stores(self) -> list[Journal | Memory]:
        mine = [each for each in (self._store, self._spare) if each is not None]
        return [*self._adopted, *mine]

    def _left(self) -> bool:
        return bool(self._queue.qsize() or self._leases) or any(
            store.backlog.pending or store.backlog.missed for store in self._stores()
        )

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            now = time.monotonic()
            until = min(self._next_try if self._left() else now + LOOK_AROUND_S, self._next_look)
            self._wakes_at = min([until, *(each.due for each in self._under_way().values())])
            self._wait(max(self._wakes_at - now, 0.0))
            self._watch()
            wrote = self._write_down()
            if self._left() and (wrote or not self._failures):
                # Several ends in one request, or put on the disk at once, cost what one does. They
                # are in the journal by now; the line of a next call puts them on the disk with it.
                stop.wait(GATHER_S)
                self._write_down()
            self._sync_if_they_stay()
            with self._working:
                if time.monotonic() >= self._next_look:
                    self._look_around()
                if self._left() and time.monotonic() >= self._next_try:
                    self._round()
            self._sync_if_they_stay()  # the round may be the first that failed

    def _wait(self, seconds: float) -> None:
        try:
            self._bell.get(timeout=seconds)
            while True:
                self._bell.get_nowait()
        except queue.Empty:
            pass

    def _write_down(self) -> bool:
        """Bring what waits in memory into the journal. Returns: whether there were ends."""
        wrote = False
        with self._writing, contextlib.suppress(queue.Empty):
            while True:
                kind, call_id, body = self._queue.get_nowait()
                if not contract.CALL["call_id"](call_id):
                    LOG.warning("countersign: an end without the id of its call is left out")
                elif kind == "end":
                    wrote = True
                    self._write_end(call_id, contract.fitted_completion(body, ids.uuid7()))
                else:
                    self._leases.append(call_id)
        return wrote

    def _sync_if_they_stay(self) -> None:
        """While the portal takes nothing, lines lie in the journal for long: onto the disk."""
        if self._failures:
            with contextlib.suppress(JournalFailed):
                self.store.sync()

    def _write_end(self, call_id: str, body: dict[str, object]) -> None:
        line = {"call_id": call_id, "body": body}
        try:
            self.store.append("end", line)
        except JournalFailed as failed:
            LOG.warning("countersign: the journal takes no line (%s)", failed)
            if self._spare is None:
                self._spare = Memory(failed.code)
            self._spare.append("end", line)

    def _under_way(self) -> dict[str, _Watched]:
        """A copy of what is watched; others add and take away meanwhile."""
        return self._watched.copy()

    def _watch(self) -> None:
        """Note for each call that is due that it goes on; forget those of which nobody says so."""
        now = time.monotonic()
        for call_id, each in self._under_way().items():
            if each.due > now:
                continue
            if each.goes_on():
                each.due = now + each.every_s
                self._leases.append(call_id)
            else:
                self._watched.pop(call_id, None)

    def _tell_leases(self) -> None:
        leases, self._leases = self._leases, []
        if self._failures:
            return  # a sign of life that comes later says nothing
        with contextlib.suppress(Unreachable):
            for call_id in leases:
                self._http.post(f"/calls/{call_id}/lease", b"{}")

    def _look_around(self) -> None:
        """Take up the runs of processes that have ended."""
        self._next_look = time.monotonic() + LOOK_AROUND_S
        store = self.store
        if isinstance(store, Memory):
            return
        store.measure_others()
        for run, lock in recovering.dead_runs(self._settings.spool_dir, self._runs()):
            try:
                found = recovering.taken_up(self._settings.spool_dir, run, lock, self._whose)
            except JournalFailed as failed:
                LOG.warning("countersign: a journal that was left cannot be read (%s)", failed)
                continue
            if found is not None:
                self._adopted.append(found)

    def _runs(self) -> set[str]:
        return {store.run for store in self._stores()}

    def _round(self) -> float:
        """Deliver the first lines that wait. Returns: seconds to wait before the next round."""
        self._tell_leases()
        for store in self._stores():
            if store.backlog.pending or store.backlog.missed:
                self._deliver(store)
                return max(self._next_try - time.monotonic(), 0.0)
        return 0.0

    def _deliver(self, store: Journal | Memory) -> None:
        folder = self._settings.spool_dir if isinstance(store, Journal) else None
        try:
            found = draining.drained(store, self._http, folder)
        except JournalFailed as failed:
            found = draining.Drained(wait_s=1.0, code=failed.code)
        self._note(found)
        if store in self._adopted and not store.backlog:
            store.close()  # and with it its files
            self._adopted = [each for each in self._adopted if each is not store]

    def _note(self, found: draining.Drained) -> None:
        """Remember what came of a round, for the next one and for people."""
        self.delivered_lines += found.delivered
        self.refused_lines += found.refused
        if found.refused:
            LOG.warning("countersign: the portal refused %d lines for good", found.refused)
        if found.wait_s is None:
            if self._failures:
                LOG.warning("countersign: the portal takes records again")
            self._failures, self._next_try, self.trouble = 0, 0.0, ""
            self._delivered()
            return
        if not self._failures:
            LOG.warning("countersign: the portal takes no records now (%s)", found.code)
        self._failures += 1
        self.trouble = found.code
        wait_s = max(found.wait_s, min(2.0 ** (self._failures - 2), LONGEST_WAIT_S))
        self._next_try = time.monotonic() + wait_s
