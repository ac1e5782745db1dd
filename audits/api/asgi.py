"""The hot path as an ASGI function, for a server of its own: no cookie, no session, no page.

Nothing that may wait for the database runs on the loop; it goes to a few threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar

import msgspec
from django.conf import settings
from django.db import connection

from audits.api import ingest
from audits.api.desk import Desk
from audits.api.events import Lines
from audits.api.health import READY, readiness
from audits.api.ingest import EVENTS, LINGER, ROUTES, Answer, NotHeld, Request, problem
from audits.api.turns import Turn
from audits.services import writing
from vendors.network import peer_of

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

# The headers that are looked at, as the server gives them. A name with an underscore is another
# name here, and is not looked at.
HEADERS = {
    name.encode(): name
    for name in (
        "authorization",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "idempotency-key",
        "transfer-encoding",
        "x-countersign-token-key",
        "x-forwarded-for",
        "x-request-id",
    )
}
# So many lines of a request are read, or answered, before the loop turns to others.
SLICE = 64
# Requests that wait for the database at once; more of them wait for a thread.
THREADS = 8
PROBES = ("/healthz", "/readyz")
COMMON = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]

A = TypeVar("A")
R = TypeVar("R")

_encode = msgspec.json.Encoder().encode
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ingest")
# Unpacks bodies and never waits. One alone, and for nothing else: a thread that works beside the
# loop takes the interpreter from it for milliseconds, each time that the loop asks the kernel.
_unpacks = ThreadPoolExecutor(1, thread_name_prefix="ingest-unpacks")
_held: Desk | None = None


class _Gone(Exception):
    """The caller closed the connection before its request was whole."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what is posted to the hot path and the two probes; there is nothing else here."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "http":
        try:
            answered = await _answer(scope, receive)
        except _Gone:
            return
        await _send(answered, send)
    else:
        await send({"type": "websocket.close"})


async def _answer(scope: Scope, receive: Receive) -> Answer:
    if scope["path"] in PROBES:
        return await _probe(scope["path"], scope["method"])
    headers = headers_of(scope["headers"])
    if not _framed(headers, scope.get("http_version", "1.1")):
        return problem("invalid-header", [("Connection", "close"), *COMMON])
    read = scope["method"] == "POST" and ROUTES.match(scope["path"])
    body = await _body(receive, headers, ingest.largest_body(scope["path"])) if read else b""
    begun = await _begun(asked(scope["method"], scope["path"], headers, scope, body))
    return begun if isinstance(begun, Answer) else await _stored(begun)


def asked(
    method: str, path: str, headers: dict[str, str], scope: Scope, body: bytes | None
) -> Request:
    """The request; `headers` are those looked at, `scope` has all and says how it came."""
    return Request(
        method=method,
        path=path,
        headers=headers,
        read=lambda: body,
        peer=_peer(scope, headers),
        secure=not settings.SECURE_SSL_REDIRECT or _is_https(scope),
    )


async def _stored(begun: Turn) -> Answer:
    """The answer once the writer has done what the request asks for."""
    try:
        await desk(asyncio.get_running_loop()).stored(begun.jobs)
    except (writing.Busy, writing.Stopped) as error:
        return ingest.unavailable(error, begun.common + begun.headers)
    if isinstance(begun, Lines):
        while begun.answer_on(SLICE):
            await asyncio.sleep(0)
    return ingest.finish(begun)


async def _begun(request: Request) -> Turn | Answer:
    """What the request asks for; in a thread if memory does not hold all."""
    try:
        if request.path == EVENTS:
            return await _begun_lines(request)
        return _begun_from_memory(request)
    except NotHeld:
        return await _in_thread(_threads, _begun_there, request)


async def _begun_lines(request: Request) -> Turn | Answer:
    """One request after the other: the first is stored while the next is read."""
    async with desk(asyncio.get_running_loop()).reading:
        if request.headers.get("content-encoding"):
            return await _read(await _in_thread(_unpacks, _begun_from_memory, request))
        return await _read(_begun_from_memory(request))


async def _read(begun: Turn | Answer) -> Turn | Answer:
    """The request with jobs for its lines, if it has many."""
    if isinstance(begun, Lines):
        while begun.read_on(SLICE):
            await asyncio.sleep(0)
    return begun


async def _in_thread(threads: ThreadPoolExecutor, work: Callable[[A], R], given: A) -> R:
    return await asyncio.get_running_loop().run_in_executor(threads, work, given)


def _begun_from_memory(request: Request) -> Turn | Answer:
    return ingest.begin(request, may_wait=False)


def _begun_there(request: Request) -> Turn | Answer:
    # As Django does when a request begins.
    connection.close_if_unusable_or_obsolete()
    return ingest.begin(request, may_wait=True)


def desk(loop: asyncio.AbstractEventLoop) -> Desk:
    """The desk of the loop."""
    global _held  # noqa: PLW0603 - one a loop, and one loop a process
    if _held is None or _held.loop is not loop:
        _held = Desk(loop)
    return _held


def headers_of(given: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers that are looked at; one that is given twice is joined by a comma, as by WSGI."""
    found: dict[str, str] = {}
    for raw, value in given:
        name = HEADERS.get(raw)
        if name is not None:
            text = value.decode("latin-1")
            found[name] = f"{found[name]},{text}" if name in found else text
    return found


def _framed(headers: dict[str, str], version: str) -> bool:
    """Whether the request says in one way only where its body ends; servers differ in this."""
    length = headers.get("content-length")
    if "transfer-encoding" in headers:
        return length is None and version != "1.0"
    return length is None or length.isdecimal()


async def _body(receive: Receive, headers: dict[str, str], largest: int) -> bytes | None:
    """The body, or None if it is larger. Raises: _Gone.

    One that is too large is still read for a while, and thrown away: its caller hears the answer
    only once all is sent. One that asks first is not told to send it.
    """
    told = int(headers.get("content-length", "0")[:12])
    if told > largest + LINGER or (told > largest and "expect" in headers):
        return None
    parts, size = [], 0
    while size <= largest + LINGER:
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        part = message.get("body", b"")
        size += len(part)
        if size <= largest:
            parts.append(part)
        else:
            parts.clear()
        if not message.get("more_body", False):
            return b"".join(parts) if size <= largest else None
    return None


def _peer(scope: Scope, headers: dict[str, str]) -> str:
    client = scope.get("client")
    found = {"REMOTE_ADDR": client[0] if client else ""}
    if "x-forwarded-for" in headers:
        found["HTTP_X_FORWARDED_FOR"] = headers["x-forwarded-for"]
    return peer_of(found)


def _is_https(scope: Scope) -> bool:
    """Whether the request came over TLS, here or at the trusted proxy."""
    if settings.SECURE_PROXY_SSL_HEADER:
        name, value = settings.SECURE_PROXY_SSL_HEADER
        wanted = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
        given = [each.decode("latin-1") for header, each in scope["headers"] if header == wanted]
        return bool(given == [value])
    return bool(scope.get("scheme") == "https")


async def _send(answered: Answer, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in answered.headers]
    headers.append((b"Content-Length", b"%d" % len(answered.body)))
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": answered.body})


# --- probes ----------------------------------------------------------------------------------


async def _probe(path: str, method: str) -> Answer:
    if method not in ("GET", "HEAD"):
        return problem("method-not-allowed", [("Allow", "GET, HEAD"), *COMMON])
    if path == "/healthz":
        return _said(200, "ok")
    said = await asyncio.get_running_loop().run_in_executor(_threads, _readiness_there)
    return _said(200 if said == READY else 503, said)


def _readiness_there() -> str:
    connection.close_if_unusable_or_obsolete()
    return readiness()


def _said(status: int, word: str) -> Answer:
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    return Answer(status, headers, _encode({"status": word}))


# --- start and stop --------------------------------------------------------------------------


async def _live(receive: Receive, send: Send) -> None:
    """Starts when the records can be relied on, and ends when all that was taken is stored."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await asyncio.get_running_loop().run_in_executor(None, _stop)
            await send({"type": "lifespan.shutdown.complete"})
            return


def _stop() -> None:
    """Store what waits, and end the connections."""
    writing.stop()
    _threads.shutdown(wait=True)
