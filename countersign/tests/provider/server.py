"""The server: keeps each request for the test to look at, answers, and fails as it is told."""

from __future__ import annotations

import contextlib
import itertools
import json
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from countersign.tests.provider import faults
from countersign.tests.provider.faults import Fault
from countersign.tests.provider.model import Model
from countersign.tests.provider.routes import refusal, route_for
from countersign.tests.provider.wire import Asked, Refused, Reply

GARBAGE = b'\x00\xff\xfe not JSON { nor "UTF-8" \x80\x81\n\n'
# Nobody waits longer than this, whatever a test forgot.
PATIENCE_S = 20.0


@dataclass
class Received:
    """A request, and how its answer ended: answered, gone (the caller went) or broken."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    ended: str = ""
    _end: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def text(self) -> str:
        """The body, with what JSON escapes written out: a word is found however it was sent."""
        try:
            return json.dumps(json.loads(self.body), ensure_ascii=False)
        except ValueError:
            return self.body.decode(errors="replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def wait(self, seconds: float = PATIENCE_S) -> str:
        """How it ended, once it has."""
        assert self._end.wait(seconds), "the answer to this request has not ended"
        return self.ended

    def end(self, how: str) -> None:
        self.ended = how
        self._end.set()


class Broken(Exception):
    """The connection is to break here."""


class FakeProvider:
    """A server on a port of its own, from `with` to the end of it. `model` holds what it says."""

    def __init__(self, *, echo: bool = False, **model: Any) -> None:
        self.model = Model(echo=echo, **model)
        self.requests: list[Received] = []
        self.faults: deque[Fault] = deque()
        self.closing = threading.Event()
        self.hurried = threading.Event()
        self._server = _Server(self)
        # Bound and not listening: whoever connects is refused, and nobody else gets the port.
        self._deaf = socket.socket()
        self._deaf.bind(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def refused_url(self) -> str:
        return f"http://127.0.0.1:{self._deaf.getsockname()[1]}"

    def fail(self, *faults: Fault) -> None:
        """The next requests fail so, one each, in this order."""
        self.faults.extend(faults)

    def hurry(self) -> None:
        """Answer what waits for a fault's seconds, and keep nobody waiting from now on."""
        self.hurried.set()

    def next_fault(self, header: str) -> Fault | None:
        if header:
            return Fault.parse(header)
        with contextlib.suppress(IndexError):
            return self.faults.popleft()
        return None

    def __enter__(self) -> FakeProvider:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._deaf.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, provider: FakeProvider) -> None:
        self.provider = provider
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers go without a word in these tests: nothing to print."""

    def close_connections(self) -> None:
        """Ends the threads that wait for a next request, and waits for them."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *args: object) -> None:
        """Silent: requests are kept, not printed."""

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.command, self.path, headers, self._body(headers))
        provider = self.server.provider
        provider.requests.append(received)
        try:
            self._answer(received, provider.next_fault(headers.get(faults.HEADER, "")))
        except Broken:
            self._break()
            received.end("broken")
        except OSError:
            self.close_connection = True
            received.end("gone")
        else:
            received.end("answered")

    do_GET = do_POST  # noqa: N815 - the name that http.server looks for

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, received: Received, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        address = urlsplit(received.target)
        path = unquote(address.path)
        route, parts = route_for(path, received.headers.get("user-agent", ""))
        if kind == "hangs_up":
            raise Broken
        if kind == "slow":
            self._wait_till_gone(fault.number)
        if kind == "status":
            self._send(refusal(route, int(fault.number), "This fault was asked for."), None)
            return
        query = parse_qs(address.query)
        where = (received.method, received.target, path, query, received.headers, received.body)
        asked = Asked(*where, parts, endless=kind == "endless")
        try:
            if route is None or received.method != "POST":
                raise Refused(404, "There is nothing at this address.")
            reply = route.handler(asked, self.server.provider.model)
        except Refused as refused:
            reply = refusal(route, refused.status, refused.message)
        self._send(reply, fault)

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        content = reply.content
        if kind == "garbage":
            content = GARBAGE if isinstance(content, bytes) else iter((GARBAGE, GARBAGE))
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.media_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if isinstance(content, bytes):
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            half = kind in {"dies", "stalls"}
            self.wfile.write(content[: len(content) // 2] if half else content)
            self._fail_if(fault, done=half)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, chunk in enumerate(self._until_closing(content)):
            self._fail_if(fault, done=bool(fault) and number >= fault.number)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def _until_closing(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Even an endless stream ends with the test, and after some time without it."""
        end = time.monotonic() + PATIENCE_S
        closing = self.server.provider.closing
        return itertools.takewhile(
            lambda _: not closing.is_set() and time.monotonic() < end, chunks
        )

    def _fail_if(self, fault: Fault | None, *, done: bool) -> None:
        if done and fault and fault.kind == "dies":
            raise Broken
        if done and fault and fault.kind == "stalls":
            self._wait_till_gone(PATIENCE_S)
            raise Broken

    def _wait_till_gone(self, seconds: float) -> None:
        """Raises: ConnectionResetError as soon as the caller has closed, or the test is over.

        Ends early where the provider is hurried.
        """
        end = time.monotonic() + seconds
        hurried = self.server.provider.hurried
        while (left := end - time.monotonic()) > 0 and not hurried.is_set():
            if self.server.provider.closing.is_set():
                raise ConnectionResetError
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.02))
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError

    def _break(self) -> None:
        """Closes at once: what was not read or sent is lost, as when a machine falls over."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
            )
            self.connection.shutdown(socket.SHUT_RDWR)
