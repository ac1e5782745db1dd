"""The writer: one connection a process and a thread for it, which store batches of records.

While it commits one batch, the next one's records gather; so the more callers there are, the less
each costs. Nobody is answered before the commit. A batch is decided under one epoch: if that passed
in between, what was decided by the old one is decided again.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

import psycopg
from django.db import Error as DatabaseError
from django.db import connection

from audits.ledger.jobs import Job
from audits.ledger.settling import Refused
from audits.services import uses
from audits.services.signing import LedgerRefused
from audits.services.storing import Lost, Store
from audits.services.tiling import TilesMissing
from audits.services.trials import Trial
from policies.services.keyring import KeyRefused

logger = logging.getLogger(__name__)

Sink: TypeAlias = "Callable[[list[Job]], None]"

# Records that may wait; those that come when it is full are told to come again.
MAX_WAITING = 20_000
MAX_BATCH = 4_000
# How long a request waits for its record, in seconds.
PATIENCE = 30.0
FREE_TRIES = 2

FAILURES = (psycopg.Error, DatabaseError, LedgerRefused, TilesMissing, OSError)


class Busy(Exception):
    """More records wait than the writer takes; nothing was stored."""


class Stopped(Exception):
    """The writer stopped before it could say what became of the record."""


class Writer:
    """Stores jobs that threads or an event loop hand in; its thread starts with the first of them.

    An event loop may borrow the store for a batch that it can store without waiting.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._store = Store()
        # Whoever holds it uses the store: the thread, or who borrowed it.
        self._turn = threading.Lock()
        self._inherited: Lost | None = None
        self._in_hand: list[Job] = []
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._stopping = False

    def submit(self, jobs: Sequence[Job], sink: Sink) -> None:
        """Have the jobs stored in their order. Returns at once.

        `sink` is called by the writer's thread, once a batch with those jobs of it that came with
        this sink: each has its place or its error then. Raises: Busy.
        """
        with self._changed:
            if len(self._waiting) + len(jobs) > MAX_WAITING:
                raise Busy
            self._take_in(jobs, sink)

    def pass_on(self, jobs: Sequence[Job], sink: Sink) -> None:
        """As `submit`, for jobs that were taken from their callers already."""
        with self._changed:
            self._take_in(jobs, sink)

    def _take_in(self, jobs: Sequence[Job], sink: Sink) -> None:
        for job in jobs:
            job.done = sink
        self._waiting.extend(jobs)
        self._wake()

    def _wake(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._start()
        self._changed.notify()

    def borrow(self) -> Store | None:
        """The store for one batch, if nobody uses it or waits for it, and it can begin at once.

        Given back by one of the three methods that follow. Never waits.
        """
        if self._waiting or not self._turn.acquire(blocking=False):
            return None
        if not self._store.is_ready():
            self._turn.release()
            return None
        return self._store

    def give_back(self) -> None:
        """The batch is stored, or nothing of it was begun."""
        self._turn.release()
        if uses.are_due():
            with self._changed:
                self._wake()

    def give_back_failed(self, jobs: Sequence[Job], sink: Sink) -> None:
        """The batch was not stored; the thread tries."""
        self._store.abandon()
        for job in jobs:
            job.forget()
        self.pass_on(jobs, sink)
        self._turn.release()

    def give_back_lost(self, trial: Trial, error: psycopg.Error, sink: Sink) -> None:
        """The connection went, and nobody knows whether with the batch; the thread finds out."""
        for job in trial.jobs:
            job.done = sink
        with self._changed:
            self._inherited = Lost(trial, error)
            self._wake()
        # Nobody borrows what has no connection.
        self._turn.release()

    def do(self, jobs: Sequence[Job], *, patience: float = PATIENCE) -> None:
        """Have the jobs stored, and wait for it. Raises: Busy, or Stopped if it takes too long."""
        left = len(jobs)
        done = threading.Event()

        def sink(some: list[Job]) -> None:
            nonlocal left
            left -= len(some)
            if left == 0:
                done.set()

        self.submit(jobs, sink)
        if not done.wait(patience):
            raise Stopped

    def alive(self) -> bool:
        """Whether the thread runs; it starts with the first record."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self, *, patience: float = PATIENCE) -> None:
        """Store what waits, then end the thread and its connections."""
        with self._changed:
            thread, self._stopping = self._thread, True
            self._changed.notify()
        if thread is not None:
            thread.join(patience)
        self._stopping = False

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while self._is_wanted():
                self._write_next()
                self._write_uses()
        finally:
            # Reached with jobs in hand only if something is wrong with this program itself: those
            # who wait are told, and the next record starts a new thread.
            self._deliver_unsettled()
            with self._turn:
                self._store.close()
            connection.close()

    def _write_next(self) -> None:
        if not (self._waiting or self._inherited):
            return
        with self._turn:
            # What came while the turn was waited for is in the batch too.
            lost, self._inherited = self._inherited, None
            self._in_hand = lost.trial.jobs if lost else self._take(MAX_BATCH)
            if self._in_hand:
                self._write(self._in_hand, lost)
            self._in_hand = []

    def _is_wanted(self) -> bool:
        """Waits until there is something to do; false when it is time to stop."""
        with self._changed:
            while not (self._waiting or self._inherited or uses.are_due() or self._stopping):
                self._changed.wait()
            return bool(self._waiting or self._inherited or not self._stopping)

    def _take(self, most: int) -> list[Job]:
        """The jobs at the front that go to one ledger."""
        with self._changed:
            return taken_from(self._waiting, most)

    def _write(self, jobs: list[Job], lost: Lost | None = None) -> None:
        """Store the jobs, whatever it takes, and tell whoever waits.

        `lost` is an attempt that may have succeeded.
        """
        try:
            rest = self._store_or_again(jobs, lost)
        except psycopg.DataError as error:
            self._store.reset()
            if len(jobs) > 1:
                # One that does not fit its column must not spoil the others.
                self._write_halves(jobs)
                return
            rest = self._failed(jobs, error)
        except FAILURES as error:
            self._store.reset()
            rest = self._failed(jobs, error)
        if rest:
            with self._changed:
                self._waiting.extendleft(reversed(rest))
        self._deliver(jobs, rest)

    def _write_uses(self) -> None:
        """Nobody waits for this: a key's last use is no evidence."""
        try:
            uses.write()
        except FAILURES as error:
            logger.warning("use of a key not noted: %s", type(error).__name__)
            connection.close()

    def _write_halves(self, jobs: list[Job]) -> None:
        for job in jobs:
            job.forget()
        middle = len(jobs) // 2
        self._write(jobs[:middle])
        self._write(jobs[middle:])

    def _failed(self, jobs: list[Job], error: BaseException) -> list[Job]:
        # The error's text can hold a row; its class says enough.
        logger.error("batch not stored: %s", type(error).__name__)
        for job in jobs:
            job.fail(error)
        return []

    def _store_or_again(self, jobs: list[Job], lost: Lost | None = None) -> list[Job]:
        """Store the jobs; once more on a new connection, if the one held was lost."""
        if lost is None:
            try:
                return self._store_decided(jobs)
            except Lost as gone:
                lost = gone
        self._store.reset()
        if self._store.landed(lost.trial):
            return lost.trial.rest
        for job in jobs:
            job.forget()
        try:
            return self._store_decided(jobs)
        except Lost as again:
            raise again.error from None

    def _store_decided(self, jobs: list[Job]) -> list[Job]:
        """Store jobs under the epoch that stands. Returns: those for which there was no room."""
        # Facts are read over Django's connection of this thread, which may be old.
        connection.close_if_unusable_or_obsolete()
        for _ in range(FREE_TRIES):
            epoch, rest = self._store.try_batch(jobs)
            if rest is not None:
                return rest
            decide_again(jobs, epoch)
        # Now hold changes off while deciding.
        epoch = self._store.hold_epoch()
        decide_again(jobs, epoch)
        _, rest = self._store.try_batch(jobs, held=epoch)
        assert rest is not None
        return rest

    def _deliver(self, jobs: list[Job], rest: list[Job]) -> None:
        waiting = set(map(id, rest))
        by_sink: dict[Sink, list[Job]] = {}
        for job in jobs:
            if job.done is not None and id(job) not in waiting:
                by_sink.setdefault(job.done, []).append(job)
                job.done = None
        for sink, done in by_sink.items():
            sink(done)

    def _deliver_unsettled(self) -> None:
        with self._changed:
            jobs, self._in_hand = [*self._in_hand, *self._waiting], []
            self._waiting.clear()
        for job in jobs:
            job.fail(Stopped())
        self._deliver(jobs, [])


def taken_from(waiting: deque[Job], most: int) -> list[Job]:
    """The jobs at the front that go to one ledger, at most so many; they are taken away."""
    taken: list[Job] = []
    while waiting and len(taken) < most:
        if taken and waiting[0].ledger_id != taken[0].ledger_id:
            break
        taken.append(waiting.popleft())
    return taken


def decide_again(jobs: Sequence[Job], epoch: int) -> None:
    """Decide by the facts of `epoch` what was decided by those of another one."""
    for job in jobs:
        if job.decided_by is None or job.epoch == epoch or job.error is not None:
            continue
        try:
            job.decided_by(job, job.facts.of_epoch(epoch))
        except (Refused, KeyRefused) as refused:
            job.error = refused


_held: Writer | None = None
_lock = threading.Lock()


def writer() -> Writer:
    """This process's writer. A process that was forked has one of its own."""
    global _held  # noqa: PLW0603 - one a process is what it is for
    if _held is None or _held.pid != os.getpid():
        with _lock:
            if _held is None or _held.pid != os.getpid():
                _held = Writer()
    return _held


def stop() -> None:
    """End this process's writer, if it has one; a record that comes later starts another."""
    global _held
    held, _held = _held, None
    if held is not None and held.pid == os.getpid():
        held.stop()
