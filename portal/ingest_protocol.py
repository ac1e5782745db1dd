"""uvicorn's HTTP protocol with a short way for a record.

A request for one record whose key and facts are in memory needs no task, no queue of messages and
no list of headers: its bytes are read, its job goes to the writer, the answer's bytes are written.
All else, the first request of a key among it, goes uvicorn's way to `audits.api.asgi`, by the same
functions and to the same answers.

A caller says the same head again and again. One that was parsed and checked, byte for byte, is not
parsed again: its digest tells what came of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import http
from typing import NamedTuple, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from audits.api import asgi, ingest
from audits.api.turns import Answer, Asked, Turn
from audits.services import writing
from audits.services.recording import NotHeld
from countersign.problems import MEDIA_TYPE, PROBLEMS
from vendors.bodies.reading import MAX_BYTES

# How long a request may take to arrive, from its first byte or from the connection's opening.
HEADER_SECONDS = 10
BODY_SECONDS = 20
MAX_CONNECTIONS = 4096

# Heads that are known: so many, none longer than this.
MAX_HEADS = 2048
MAX_HEAD_BYTES = 2048

PREFIX = b"/api/v1/"
HEAD_END = b"\r\n\r\n"
STATUS_LINES = {
    each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in http.HTTPStatus
}


class Head(NamedTuple):
    """What came of a head: whom and what for, and how long the body is that follows it."""

    asked: Asked
    length: int


# By the digest of the head's bytes, as they hold a secret, and the address that they came from.
_heads: dict[tuple[bytes, str], Head] = {}


class _Silent:
    """Stands for an event that nobody waits for."""

    def set(self) -> None:
        """Nothing follows."""


SILENT = _Silent()


class RecordCycle:
    """One request on the short way; stands where uvicorn keeps its own kind of cycle."""

    __slots__ = (
        "body",
        "disconnected",
        "keep_alive",
        "message_event",
        "more_body",
        "path",
        "protocol",
        "response_complete",
    )

    def __init__(self, protocol: Protocol, path: str, *, keep_alive: bool) -> None:
        self.protocol = protocol
        self.path = path
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.more_body = True
        self.response_complete = False
        self.disconnected = False
        # uvicorn sets this event when something has come, or the connection has gone.
        self.message_event = self

    def set(self) -> None:
        if not self.more_body and not self.disconnected:
            # Only once: what follows is no news.
            self.message_event = SILENT  # type: ignore[assignment]
            self.protocol.record(self)


class Protocol(HttpToolsProtocol):
    """Answers what is no HTTP with a problem, and takes no more connections than it can hold."""

    # Whether no request is on its way in: what comes begins one.
    between = True
    # What came last, if it began a request.
    came = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        if len(self.connections) > MAX_CONNECTIONS:
            transport.close()

    def send_400_response(self, msg: str) -> None:
        self._refuse("invalid-header", b"HTTP/1.1 400 Bad Request\r\n")

    def _refuse(self, code: str, status_line: bytes) -> None:
        body = msgspec.json.encode(PROBLEMS[code].body(code))
        self.transport.write(
            b"%scontent-type: %s\r\ncontent-length: %d\r\n"
            b"cache-control: no-store\r\nconnection: close\r\n\r\n%s"
            % (status_line, MEDIA_TYPE.encode(), len(body), body)
        )
        self.transport.close()

    def awaited(self) -> tuple[object, int] | None:
        """What is waited for from the caller, and for how many seconds; None if nothing is."""
        cycle = self._cycle()
        if cycle is not None and cycle.more_body:
            return cycle, BODY_SECONDS
        if self.timeout_keep_alive_task is not None or (
            cycle is not None and not cycle.response_complete
        ):
            return None
        if isinstance(cycle, RecordCycle) and self.between:
            return cycle, self.timeout_keep_alive
        return self if cycle is None else cycle, HEADER_SECONDS

    def _cycle(self) -> RequestResponseCycle | None:
        """The present or last request; uvicorn's types know no time before the first."""
        return self.cycle

    # --- the short way -----------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.between and self._record_at_once(data):
            return
        self.came = data if self.between else b""
        self.between = False
        super().data_received(data)

    def on_message_begin(self) -> None:
        self.between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self.between = True
        super().on_message_complete()

    def _record_at_once(self, data: bytes) -> bool:
        """Take a whole request with a head that is known. Returns: false if it is not that."""
        before = self._cycle()
        if before is not None and not before.response_complete:
            return False
        end = data.find(HEAD_END, 0, MAX_HEAD_BYTES) + len(HEAD_END)
        head = _heads.get((hashlib.sha256(data[:end]).digest(), self.peer))
        if head is None or len(data) - end != head.length:
            return False
        self._unset_keepalive_if_required()
        cycle = RecordCycle(self, "", keep_alive=True)
        cycle.more_body, cycle.message_event = False, SILENT  # type: ignore[assignment]
        self.cycle = cycle  # type: ignore[assignment]
        try:
            self._take(cycle, ingest.begin_again(head.asked, data[end:]))
        except NotHeld:
            self.cycle = before  # type: ignore[assignment]
            return False
        except BaseException:
            self._refuse("internal-error", b"HTTP/1.1 500 Internal Server Error\r\n")
            raise
        return True

    def _remember(self, cycle: RecordCycle, asked: Asked, headers: dict[str, str]) -> None:
        """Know the head again that came last, if the request came whole and as one piece."""
        end = self.came.find(HEAD_END, 0, MAX_HEAD_BYTES) + len(HEAD_END)
        if (
            end < len(HEAD_END)
            or len(self.came) - end != len(cycle.body)
            or not cycle.keep_alive
            or "x-request-id" in headers
        ):
            return
        if len(_heads) >= MAX_HEADS:
            _heads.clear()
        digest = hashlib.sha256(self.came[:end]).digest()
        _heads[digest, self.peer] = Head(asked, len(cycle.body))

    def on_headers_complete(self) -> None:
        if self._is_record():
            path = self.url.decode("ascii")
            keep_alive = self.parser.should_keep_alive()
            self.cycle = RecordCycle(self, path, keep_alive=keep_alive)  # type: ignore[assignment]
        else:
            super().on_headers_complete()

    def _is_record(self) -> bool:
        """Whether the request may go the short way: one record, of a length that it says."""
        if not self.url.startswith(PREFIX) or self.expect_100_continue:
            return False
        cycle = self._cycle()
        if cycle is not None and not cycle.response_complete:
            return False  # the one before it is not answered yet
        if self.parser.get_method() != b"POST" or self.parser.get_http_version() != "1.1":
            return False
        if self.parser.should_upgrade() or self.url == ingest.EVENTS.encode():
            return False
        lengths = [value for name, value in self.headers if name == b"content-length"]
        return (
            len(lengths) == 1
            and len(lengths[0]) < 6
            and lengths[0].isdigit()
            and int(lengths[0]) <= MAX_BYTES
            and ingest.ROUTES.match(self.url.decode("latin-1")) is not None
        )

    def record(self, cycle: RecordCycle) -> None:
        """Ask the writer for what the request asks for, and answer when it is done."""
        try:
            headers = asgi.headers_of(self.headers)
            scope = cast("asgi.Scope", self.scope)
            request = asgi.asked("POST", cycle.path, headers, scope, bytes(cycle.body))
            begun = ingest.begin(request, may_wait=False)
            if isinstance(begun, Turn) and begun.asked is not None:
                self._remember(cycle, begun.asked, headers)
            self._take(cycle, begun)
        except NotHeld:
            self._long_way(cycle)
        except BaseException:
            self._refuse("internal-error", b"HTTP/1.1 500 Internal Server Error\r\n")
            raise

    def _take(self, cycle: RecordCycle, begun: Turn | Answer) -> None:
        """Have done what the request asks for, or answer it."""
        if not isinstance(begun, Turn):
            self.answer(cycle, begun)
            return
        try:
            desk = asgi.desk(self.loop)
            desk.submit(begun.jobs, lambda error: self.tell(cycle, begun, error))
        except writing.Busy as busy:
            self.answer(cycle, ingest.unavailable(busy, begun.common + begun.headers))

    def tell(self, cycle: RecordCycle, turn: Turn, error: BaseException | None) -> None:
        """Answer a request whose jobs are done, or of which nothing is known (`error`)."""
        if cycle.disconnected:
            return
        try:
            if error is not None:
                answered = ingest.unavailable(error, turn.common + turn.headers)
            else:
                answered = ingest.finish(turn)
            self.answer(cycle, answered)
        except BaseException:
            self._refuse("internal-error", b"HTTP/1.1 500 Internal Server Error\r\n")
            raise

    def answer(self, cycle: RecordCycle, answered: Answer) -> None:
        """Write the answer, as one piece."""
        parts = [STATUS_LINES[answered.status]]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        text = "".join([f"{name}: {value}\r\n" for name, value in answered.headers])
        parts += (text.encode("latin-1"), b"content-length: %d\r\n" % len(answered.body))
        if not cycle.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", answered.body)
        self.transport.write(b"".join(parts))
        cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        if self.pipeline:
            self.on_response_complete()
        else:
            self.flow.resume_reading()
            # No timer for each answer: the server looks for idle connections (`awaited`).
            self.server_state.total_requests += 1

    def _long_way(self, cycle: RecordCycle) -> None:
        """Let uvicorn take a request that has come whole."""
        self.cycle = None  # type: ignore[assignment]
        super().on_headers_complete()
        self.cycle.body = cycle.body
        self.cycle.more_body = False
        self.cycle.message_event.set()
