"""Where requests wait for their records on an event loop: no thread stands by for one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from audits.ledger.jobs import Job
from audits.services import writing
from audits.services.looping import LoopWriter

# How often it is looked whether somebody waits for too long, in seconds.
LOOK_SECONDS = 1.0


# Told when the jobs are done; with an error if nothing is known of them.
Told: TypeAlias = Callable[[BaseException | None], None]


@dataclass(slots=True)
class _Waiting:
    """A request whose jobs are with the writer; `left` of them are not done."""

    told: Told
    left: int
    until: float


class Desk:
    """Takes jobs to the writer for one loop, and tells their requests once a batch."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        # Held by the one request whose many lines are being read.
        self.reading = asyncio.Lock()
        self._writer = LoopWriter(loop, self._tell)
        self._waiting: dict[int, _Waiting] = {}
        self._looks = False

    def submit(self, jobs: Sequence[Job], told: Told) -> None:
        """Have the jobs done; `told` is called on the loop then. Raises: Busy."""
        waiting = _Waiting(told, len(jobs), time.monotonic() + writing.PATIENCE)
        for job in jobs:
            self._waiting[id(job)] = waiting
        try:
            self._writer.submit(jobs)
        except writing.Busy:
            for job in jobs:
                del self._waiting[id(job)]
            raise
        if not self._looks:
            self._looks = True
            self.loop.call_later(LOOK_SECONDS, self._look)

    async def stored(self, jobs: Sequence[Job]) -> None:
        """Have the jobs done. Raises: Busy, Stopped if it takes longer than the writer allows."""
        if not jobs:
            return
        future: asyncio.Future[None] = self.loop.create_future()

        def told(error: BaseException | None) -> None:
            if future.done():
                return  # nobody waits any more
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self.submit(jobs, told)
        await future

    def _tell(self, jobs: list[Job]) -> None:
        for job in jobs:
            waiting = self._waiting.pop(id(job), None)
            if waiting is not None:
                waiting.left -= 1
                if waiting.left == 0:
                    waiting.told(None)

    def _look(self) -> None:
        """Give up for those who waited for too long: the writer may hang on the database."""
        self._writer.look_after()
        now = time.monotonic()
        late = {key: each for key, each in self._waiting.items() if each.until < now}
        for key in late:
            del self._waiting[key]
        for waiting in {id(each): each for each in late.values()}.values():
            waiting.told(writing.Stopped())
        self._looks = bool(self._waiting)
        if self._looks:
            self.loop.call_later(LOOK_SECONDS, self._look)
