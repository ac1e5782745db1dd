"""Stores batches on an event loop: no thread is woken for them, and none takes the loop's turn.

While one batch is with the database, the requests that the loop reads meanwhile make up the next,
which is ready to be sent when the one before it is stored (`audits.services.drafting`).
Everything that would wait for more than the usual goes to the process's writer: a connection that
is not there, facts that have changed, a repeat, an error.
"""

from __future__ import annotations

import asyncio
import select
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

import psycopg

from audits.ledger.jobs import Job
from audits.services import writing
from audits.services.drafting import Draft
from audits.services.scripts import Sent
from audits.services.signing import LedgerRefused
from audits.services.storing import Store, Waits
from audits.services.trials import Closed, Outcome, Script, Steps, Trial

# So many records are settled before the loop turns to others.
SLICE = 64
MAX_BATCH = 512
# So many answers are written before the database asks for a batch's lines.
FIRST = 4

# Told on the loop which jobs are done.
Told: TypeAlias = Callable[[list[Job]], None]


class LoopWriter:
    """The way of one loop's records into the ledger. All methods are for the loop alone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, told: Told) -> None:
        self.loop = loop
        self._told = told
        # What follows the batch under way: a batch that is ready to be sent, then what a draft has
        # taken, then what waits since no draft can take it.
        self._ready: Closed | None = None
        self._draft: Draft | None = None
        self._waiting: deque[Job] = deque()
        self._called = False
        # Whether something has come since it was looked for.
        self._news = False
        self._under_way: UnderWay | None = None

    def submit(self, jobs: Sequence[Job]) -> None:
        """Have the jobs stored in their order. Raises: writing.Busy."""
        if len(self._waiting) + len(jobs) > writing.MAX_WAITING:
            raise writing.Busy
        self._waiting.extend(jobs)
        self._news = True
        self._call_look()
        if len(self._waiting) < SLICE:
            self._fill()

    def _call_look(self) -> None:
        """Look around after all that this turn of the loop has to read."""
        if not self._called:
            self._called = True
            self.loop.call_soon(self._look)

    def _fill(self) -> bool:
        """Let the draft take a slice of what waits. Returns: whether it may go on with more."""
        draft, waiting = self._draft, self._waiting
        if draft is None:
            return False
        try:
            for _ in range(min(SLICE, len(waiting))):
                if not draft.take(waiting[0], MAX_BATCH):
                    return False
                waiting.popleft()
        except BaseException:
            # What was being settled may stand half in the draft.
            self._undraft()
            raise
        return bool(waiting)

    def _look(self) -> None:
        """Begin; else fill the draft, and get it ready once a turn of the loop brings no more."""
        self._called = False
        if self._under_way is None:
            self._begin()
            self._push()
        elif self._fill() or self._news:
            self._news = False
            self._call_look()
        else:
            self._get_ready(self._under_way)

    def _get_ready(self, under_way: UnderWay) -> None:
        draft = self._draft
        if self._ready is None and draft is not None and 2 * len(draft.jobs) >= under_way.size:
            with suppress(LedgerRefused):
                self._ready = under_way.store.closed(draft)
            if self._ready is not None:
                self._draft = self._ready.follows
                if self._waiting:
                    self._call_look()

    def _begin(self) -> None:
        if not (self._waiting or self._ready or (self._draft and self._draft.jobs)):
            return
        writer = writing.writer()
        store = writer.borrow()
        if store is None:
            self._undraft()
            writer.pass_on(self._waiting, self.done_by_thread)
            self._waiting.clear()
            return
        try:
            trial, steps = self._next(store)
        except BaseException:
            self._undraft()
            writer.give_back_failed(self._waiting, self.done_by_thread)
            self._waiting.clear()
            raise
        self._under_way = UnderWay(self, writer, store, trial, steps)
        if self._waiting:
            self._call_look()
        self._under_way.go()

    def _undraft(self) -> None:
        """Let what the drafts have taken wait, before the others."""
        for draft in (self._draft, self._ready and self._ready.draft):
            if draft is not None:
                self._waiting.extendleft(reversed(draft.forget()))
        self._draft = self._ready = None

    def _next(self, store: Store) -> tuple[Trial, Steps]:
        """The next batch; leaves the draft that follows it."""
        first = self._ready.draft if self._ready else self._draft
        if first is None or not store.holds(first.head):
            self._undraft()
            self._draft = store.draft(self._waiting[0].ledger_id)
        ready, self._ready = self._ready or self._closed(store), None
        if ready is not None:
            return ready.trial, ready.steps
        self._undraft()
        trial = Trial(writing.taken_from(self._waiting, MAX_BATCH))
        return trial, store.steps(trial, may_wait=False)

    def _closed(self, store: Store) -> Closed | None:
        """The draft with some of what waits; None if there is nothing that it can take."""
        self._fill()
        draft, closed = self._draft, None
        if draft is not None and draft.jobs:
            with suppress(LedgerRefused):
                closed = store.closed(draft)
        if closed is not None:
            self._draft = closed.follows
        return closed

    def done_by_thread(self, jobs: list[Job]) -> None:
        """Called by the writer's thread."""
        # A loop that has ended has nobody left who could be told.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._told, jobs)

    def ended(self, jobs: list[Job]) -> None:
        """The batch under way has ended, and these of its jobs are done."""
        self._under_way = None
        # The database first: it works on the next batch while the answers are written.
        self._begin()
        self._told(jobs[:FIRST])
        self._push()
        self._told(jobs[FIRST:])

    def _push(self) -> None:
        if self._under_way is not None:
            self._under_way.push()

    def look_after(self) -> None:
        """See whether the batch under way has come on, or its connection gone, unheard."""
        if self._under_way is not None:
            self._under_way.go()
        elif self._waiting:
            self._call_look()


class UnderWay:
    """A batch that is being stored: its scripts, one after the other, as their answers come."""

    def __init__(
        self, lane: LoopWriter, writer: writing.Writer, store: Store, trial: Trial, steps: Steps
    ) -> None:
        self.store = store
        self.size = len(trial.jobs)
        self._lane = lane
        self._writer = writer
        self._trial = trial
        self._steps = steps
        self._sent: Sent | None = None
        self._copies = 0
        self._file = -1
        self._also_writes = False

    def go(self) -> None:
        """Go on until something has to be waited for."""
        try:
            self._advance()
        except StopIteration as done:
            self._end(done.value)
        except psycopg.Error as error:
            self._fail(error)
        except (Waits, LedgerRefused):
            self._fail(None)
        except BaseException:
            # Something is wrong with this program: nobody else has to wait for it.
            self._fail(None)
            raise

    def _advance(self) -> None:
        """Raises: StopIteration at the end, and what the steps raise."""
        events = self._sent.came() if self._sent is not None else 0
        while not events:
            script, rows = self._asked()
            self._sent = self.store.scripts().send(script, rows)
            events = self._sent.advance()
            self._copies = len(rows)
        self._wait(events)

    def push(self) -> None:
        """Have the lines of its COPYs sent, which the database asks for a moment after its script.

        While the loop had other things to do, the database would wait for them.
        """
        while self._copies and self._comes_at_once():
            self._copies -= 1
            self.go()

    def _comes_at_once(self) -> bool:
        try:
            return self._sent is not None and self._sent.comes_at_once()
        except psycopg.Error:
            return True  # the connection has gone, which `go` finds out

    def _asked(self) -> Script:
        """The next script, after the results of the one before. Raises: as `_advance`."""
        if self._sent is None:
            return next(self._steps)
        try:
            results = self._sent.results()
        except psycopg.Error as error:
            return self._steps.throw(error)
        return self._steps.send(results)

    def _wait(self, events: int) -> None:
        loop = self._lane.loop
        if self._file < 0:
            assert self._sent is not None
            self._file = self._sent.socket
            loop.add_reader(self._file, self.go)
        writes = bool(events & select.POLLOUT)
        if writes and not self._also_writes:
            loop.add_writer(self._file, self.go)
        elif self._also_writes and not writes:
            loop.remove_writer(self._file)
        self._also_writes = writes

    def _stop_waiting(self) -> None:
        if self._file >= 0:
            self._lane.loop.remove_reader(self._file)
            if self._also_writes:
                self._lane.loop.remove_writer(self._file)
            self._file = -1

    def _end(self, outcome: Outcome) -> None:
        _, rest = outcome
        if rest is None:
            # Decided under an epoch that has passed: whoever decides again reads, and waits.
            self._fail(None)
            return
        self._stop_waiting()
        self._copies = 0
        self._writer.give_back()
        done = self._trial.jobs
        if rest:
            self._writer.pass_on(rest, self._lane.done_by_thread)
            without = set(map(id, rest))
            done = [job for job in done if id(job) not in without]
        self._lane.ended(done)

    def _fail(self, error: psycopg.Error | None) -> None:
        """Leave the batch to the thread; `error` is the database's, if it was one."""
        self._stop_waiting()
        self._copies = 0
        self._steps.close()
        told = self._lane.done_by_thread
        if error is not None and self.store.is_cut():
            self._writer.give_back_lost(self._trial, error, told)
        else:
            self._writer.give_back_failed(self._trial.jobs, told)
        self._lane.ended([])
