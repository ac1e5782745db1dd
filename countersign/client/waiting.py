"""Lets an event loop go on while a thread waits for the portal."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

# Each thread keeps a connection to the portal; more would only wait for it in another place.
MOST_THREADS = 32


class Threads:
    """A pool that begins anew in a child process."""

    def __init__(self) -> None:
        self._pid = -1
        self._pool: ThreadPoolExecutor | None = None

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have a thread do `work`."""
        if self._pool is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="countersign")
        return self._pool.submit(work)

    def close(self) -> None:
        """Let the threads end once they have done what they were given."""
        if self._pool is not None and self._pid == os.getpid():
            self._pool.shutdown(wait=True)
        self._pool = None


async def off_loop(threads: Threads, work: Callable[[], T], unwanted: Callable[[T], None]) -> T:
    """The result of `work`, done in a thread, under asyncio as under Trio.

    If the task is cancelled meanwhile, a result that still comes goes to `unwanted`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return await _under_trio(work)
    future = threads.submit(work)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        if not future.cancel():
            future.add_done_callback(lambda done: _hand_over(done, unwanted))
        raise


def _hand_over(done: Future[T], unwanted: Callable[[T], None]) -> None:
    if not done.cancelled() and done.exception() is None:
        unwanted(done.result())


async def _under_trio(work: Callable[[], T]) -> T:
    """Trio's own threads, which are waited for even if the task is cancelled meanwhile."""
    trio = sys.modules["trio"]  # nobody gets here without having imported it
    result: T = await trio.to_thread.run_sync(work)
    return result
