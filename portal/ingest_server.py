"""uvicorn as this portal runs it: for records alone, and with an end to all that is slow.

uvicorn waits for ever for the rest of a request. Nothing of ours is held up by that but a socket
and some memory, and these have an end too.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import sys
from types import FrameType

from uvicorn import Config, Server

from audits.api.asgi import application
from portal.ingest_protocol import MAX_CONNECTIONS, Protocol

# Longer than a proxy keeps an idle connection, so that it is the proxy that closes it.
KEEP_ALIVE_SECONDS = 75
# What was taken is stored and answered before the end, within this time.
STOP_SECONDS = 10
ENDING = (signal.SIGTERM, signal.SIGINT)
TICKS_A_SECOND = 10
SWITCH_SECONDS = 0.0005
# Records make no circles: what a request leaves behind goes without being searched for. Python's
# own thresholds would search all that was loaded several times a second.
GARBAGE_THRESHOLDS = (50_000, 20, 20)


class IngestServer(Server):
    """A server that closes the connections whose requests do not arrive."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._since: dict[object, int] = {}

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_A_SECOND == 0:
            self._close_slow()
        return await super().on_tick(counter)

    def _close_slow(self) -> None:
        """Called once a second, so that a request costs nothing for being watched."""
        seen = {}
        for protocol in list(self.server_state.connections):
            assert isinstance(protocol, Protocol)
            waits = protocol.awaited()
            if waits is None:
                continue
            what, seconds = waits
            seen[what] = self._since.get(what, 0) + 1
            if seen[what] > seconds:
                protocol.transport.close()
        self._since = seen


def config() -> Config:
    """uvicorn's configuration; nothing of a request is logged."""
    return Config(
        application,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def run(listener: socket.socket) -> None:
    """Serve on the socket until a signal ends it. Raises: SystemExit if it cannot start."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * MAX_CONNECTIONS)), hard))
    # Loop and writer are two threads of one interpreter. The writer wakes about three times a
    # batch, and would each time wait Python's 5 ms for its turn.
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    IngestServer(config()).run(sockets=[listener])


def run_many(listener: socket.socket, processes: int) -> int:
    """Serve by several processes on one socket. One of them ending ends all.

    Returns: the status to end with: that of the process that ended first.
    """
    # What asks to end comes before the first process, or after there is somebody to pass it on.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    children = [_forked(listener) for _ in range(processes)]
    asked: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        _signal(children, signal.SIGTERM)

    for number in ENDING:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    ended, status = os.wait()
    children.remove(ended)
    _signal(children, signal.SIGTERM)
    while children:
        children.remove(os.wait()[0])
    return 0 if asked else os.waitstatus_to_exitcode(status) or 1


def _forked(listener: socket.socket) -> int:
    """The number of a new process that serves on the socket."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            run(listener)
            status = 0
        finally:
            os._exit(status)
    return pid


def _signal(children: list[int], number: signal.Signals) -> None:
    for pid in children:
        os.kill(pid, number)
