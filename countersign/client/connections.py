"""One connection to the portal: a request goes out in one piece, its whole answer comes back.

The answer is read by the standard library, from a socket of ours that keeps the deadline.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_ANSWER_BYTES = 16 * 1024 * 1024
_READ = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """A socket with a deadline on the monotonic clock: for all of an answer, not for each byte.

    `used`: an answer came over it before. `ended`: it is of no use any more.
    """

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext | None, deadline: float
    ) -> None:
        """Connect within the deadline. Raises: OSError or ValueError."""
        self.used = self.ended = False
        self.deadline = deadline
        raw = socket.create_connection((host, port), self._left())
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                raw.settimeout(self._left())
                raw = context.wrap_socket(raw, server_hostname=host)
        except BaseException:
            raw.close()
            raise
        self._raw = raw

    def exchange(self, method: str, request: bytes) -> Answer:
        """Send a request, head and body, and read its answer.

        Raises: OSError; HTTPException or ValueError if what came is no whole answer.
        """
        self._raw.settimeout(self._left())
        self._raw.sendall(request)
        reader = _Reader(self)
        with HTTPResponse(cast("socket.socket", _Given(reader)), method=method) as response:
            response.begin()
            content = response.read(MAX_ANSWER_BYTES + 1)
            # With an amount the library does not tell that a body ended before its length.
            if len(content) > MAX_ANSWER_BYTES or response.length:
                raise HTTPException
            headers = {name.lower(): value for name, value in response.getheaders()}
        # What follows an answer that nobody asked for belongs to no other one.
        self.ended = response.will_close or reader.has_more
        self.used = True
        return Answer(response.status, headers, content)

    def receive(self, buffer: WriteableBuffer) -> int:
        """Take what comes next, at least a byte unless there is no more. Raises: OSError."""
        self._raw.settimeout(self._left())
        return self._raw.recv_into(buffer)

    def close(self) -> None:
        """Let go of the socket."""
        self.ended = True
        self._raw.close()

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Reader(io.RawIOBase):
    """What comes over a connection, as far as an answer goes: `has_more` if more came with it."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self.is_over = self.has_more = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return 0 if self.is_over else self._connection.receive(buffer)


class _Buffered(io.BufferedReader):
    """The library closes it when it has read the answer."""

    raw: _Reader

    def close(self) -> None:
        if not self.closed:
            self.raw.is_over = True
            self.raw.has_more = bool(self.peek(1))
        super().close()


class _Given:
    """What http.client asks of a socket."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        return _Buffered(self._reader, _READ)
