"""Posts to a server over kept connections and measures the answers; a process of its own.

It shares the machine with what it measures, so it is frugal: raw sockets, one epoll, requests made
beforehand but for the id. Reads its orders as one JSON object from standard input, writes one to
standard output. Needs Python's standard library alone.
"""

from __future__ import annotations

import json
import os
import resource
import select
import socket
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PLACEHOLDER = b"00000000-0000-4000-8000-000000000000"


def ids() -> Iterator[bytes]:
    """New UUIDs of version 7, as text: the millisecond, then random digits."""
    while True:
        rest = os.urandom(10 * 512).hex()
        moment = f"{time.time_ns() // 1_000_000:012x}"
        head = f"{moment[:8]}-{moment[8:]}-7"
        for at in range(0, len(rest), 20):
            tail = rest[at : at + 20]
            yield f"{head}{tail[:3]}-8{tail[3:6]}-{tail[6:18]}".encode()


@dataclass(slots=True)
class Line:
    """One kept connection: what has come of the answer, and when it was asked for."""

    socket: socket.socket
    buffer: bytes = b""
    left: int = 0  # bytes of the answer that are yet to come, once its head is known
    begun: float = 0.0
    waits: bool = False


@dataclass
class Load:
    """A load on one address: `request` is head and body, with PLACEHOLDER where ids belong."""

    port: int
    request: bytes
    connections: int
    seconds: float
    a_second: float = 0.0  # 0: each connection asks again as soon as it is answered
    beforehand: int = 0  # so many requests are made before the clock starts
    times: array[float] = field(default_factory=lambda: array("d"))
    refused: int = 0
    cpu: float = 0.0  # seconds, from when the clock starts

    def run(self) -> None:
        pieces = self.request.split(PLACEHOLDER)
        fresh = ids()
        poll = select.epoll()
        lines = {}
        for _ in range(self.connections):
            opened = socket.create_connection(("127.0.0.1", self.port))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            lines[opened.fileno()] = Line(opened)
            poll.register(opened.fileno(), select.EPOLLIN)

        def request() -> bytes:
            parts = [pieces[0]]
            for piece in pieces[1:]:
                parts += [next(fresh), piece]
            return b"".join(parts)

        made = [request() for _ in range(self.beforehand)]
        before = _cpu()

        def ask(line: Line) -> None:
            line.waits = True
            body = made.pop() if made else request()
            line.begun = time.perf_counter()
            line.socket.sendall(body)

        if self.a_second:
            self._paced(lines, poll, ask)
        else:
            self._full(lines, poll, ask)
        self.cpu = _cpu() - before

    def _full(self, lines: dict[int, Line], poll: select.epoll, ask: Any) -> None:
        end = time.perf_counter() + self.seconds
        for line in lines.values():
            ask(line)
        answered, clock = self._answered, time.perf_counter
        while (now := clock()) < end:
            for number, _ in poll.poll(1):
                line = lines[number]
                if answered(line):
                    ask(line)
        del now

    def _paced(self, lines: dict[int, Line], poll: select.epoll, ask: Any) -> None:
        """So many requests a second, each on the next connection that is free."""
        free = list(lines.values())
        begun = time.perf_counter()
        sent = 0
        while (now := time.perf_counter() - begun) < self.seconds:
            while free and sent / self.a_second <= now:
                ask(free.pop(0))
                sent += 1
            for number, _ in poll.poll(max(0.0, sent / self.a_second - now)):
                if self._answered(lines[number]):
                    free.append(lines[number])

    def _answered(self, line: Line) -> bool:
        """Whether the whole answer has come; its time is noted if it stored a record."""
        # Small enough that the allocator asks the kernel for nothing.
        came = line.socket.recv(1 << 16)
        if not came:
            raise SystemExit("The server closed a connection.")
        if line.left > 0:
            line.left -= len(came)
        else:
            line.buffer += came
            line.left = _left(line.buffer)
        if line.left:
            return False
        buffer, line.buffer = line.buffer, b""
        if buffer[9:11] == b"20":
            self.times.append((time.perf_counter() - line.begun) * 1000)
        elif self.refused == 0:
            self.refused = 1
            sys.stderr.write(buffer[:2000].decode(errors="replace") + "\n")
        else:
            self.refused += 1
        return True


def _left(buffer: bytes) -> int:
    """How many bytes of an answer that begins so are yet to come; -1 while its head is not whole.

    What comes of a large answer is only counted: to join it anew each time would take longer than
    to make it.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return -1
    at = buffer.find(b"content-length: ", 0, end) + 16
    if at < 16:
        at = buffer.lower().find(b"content-length: ", 0, end) + 16
    return end + 4 + int(buffer[at : buffer.find(b"\r", at)]) - len(buffer)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    orders = json.load(sys.stdin)
    orders["request"] = orders["request"].encode()
    load = Load(**orders)
    load.run()
    print(json.dumps({"times": list(load.times), "refused": load.refused, "cpu": load.cpu}))


if __name__ == "__main__":
    main()
