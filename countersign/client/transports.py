"""The one mechanism: a transport around the transport of whichever HTTP client an SDK owns.

httpx and httpx2 are two packages with the same shapes; neither is imported here. What a client
gives to its transport is a request with `method`, `url`, `headers`, `stream` and `extensions`;
what it gets is a response with `status_code`, `headers`, `stream` and `extensions`.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple

from countersign.client.attempts import Attempt
from countersign.client.desk import Desk
from countersign.client.listening import MAX_ANSWER, unpacked
from countersign.client.refusals import Refusal
from countersign.client.requests import (
    SIGN,
    Body,
    aread_body,
    asked_of,
    fields_of,
    library,
    read_body,
    rebuilt,
)
from countersign.client.waiting import Threads, off_loop

_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "DELETE"))


class Begun(NamedTuple):
    """What came of asking: why not, or what to send, and the attempt unless it just passes."""

    attempt: Attempt | None
    request: Any
    refusal: Refusal | None = None


class Guarded:
    """What the transports for both kinds of clients have in common."""

    def __init__(self, inner: Any, desk: Desk, threads: Threads) -> None:
        self.inner = inner
        self.desk = desk
        self.threads = threads

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.inner!r})"

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked of a transport, such as its pool; never what sends unguarded."""
        if name in {"handle_request", "handle_async_request"}:
            raise AttributeError("This transport is guarded for the other kind of client.")
        return getattr(self.inner, name)

    def passes(self, request: Any, headers: Mapping[str, str]) -> bool:
        """Whether a request sends nothing that a rule or a record could be about."""
        length = headers.get("content-length", "0")
        chunked = "transfer-encoding" in headers
        return request.method.upper() in _SAFE and length == "0" and not chunked


class GuardedTransport(Guarded):
    """For clients that wait: the shape of `httpx.BaseTransport`."""

    def handle_request(self, request: Any) -> Any:
        """One attempt: record, request, completion."""
        begun = self.begin(request)
        attempt = begun.attempt
        if begun.refusal is not None:
            return answer_of(request, begun.refusal)
        if attempt is None:
            _sign(request)
            return self.inner.handle_request(request)
        attempt.sending()
        try:
            _sign(begun.request)
            response = self.inner.handle_request(begun.request)
            if attempt.judges:
                return _judged(request, response, attempt, _gathered(response.stream))
        except BaseException as error:
            attempt.broken(error)
            raise
        return _watched(response, attempt)

    def begin(self, request: Any) -> Begun:
        """Rules and record for a request that is about to be sent."""
        headers = fields_of(request.headers)
        if _upgrades(request, headers):
            return Begun(None, request, self.desk.bypassing())
        if self.passes(request, headers):
            return Begun(None, request)
        body = read_body(request, headers, self.desk.most_bytes)
        attempt = self.desk.begin(asked_of(request, headers, body), *self.desk.caller())
        return _begun(attempt, request, body)

    def close(self) -> None:
        self.inner.close()

    def __enter__(self) -> GuardedTransport:
        self.inner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self.inner.__exit__(kind, error, trace)


class GuardedAsyncTransport(Guarded):
    """For clients that await: the shape of `httpx.AsyncBaseTransport`."""

    async def handle_async_request(self, request: Any) -> Any:
        """One attempt: record, request, completion."""
        begun = await self.begin(request)
        attempt = begun.attempt
        if begun.refusal is not None:
            return answer_of(request, begun.refusal)
        if attempt is None:
            await _asign(request)
            return await self.inner.handle_async_request(request)
        attempt.sending()
        try:
            await _asign(begun.request)
            response = await self.inner.handle_async_request(begun.request)
            if attempt.judges:
                return _judged(request, response, attempt, await _agathered(response.stream))
        except BaseException as error:
            attempt.broken(error)
            raise
        return _watched(response, attempt)

    async def begin(self, request: Any) -> Begun:
        """Rules and record, made in a thread: the event loop goes on meanwhile."""
        if not self.desk.is_ready():
            await off_loop(self.threads, self.desk.get_ready, _unneeded)
        headers = fields_of(request.headers)
        if _upgrades(request, headers):
            return Begun(None, request, self.desk.bypassing())
        if self.passes(request, headers):
            return Begun(None, request)
        body = await aread_body(request, headers, self.desk.most_bytes)
        asked = asked_of(request, headers, body)
        scope, voice = self.desk.caller()
        attempt = await off_loop(
            self.threads, lambda: self.desk.begin(asked, scope, voice), _never_sent
        )
        return _begun(attempt, request, body)

    async def aclose(self) -> None:
        await self.inner.aclose()

    async def __aenter__(self) -> GuardedAsyncTransport:
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self.inner.__aexit__(kind, error, trace)


class Watched:
    """A response's stream that tells the attempt what passes.

    Clients ask with isinstance whether it is a stream of their own kind; `__class__` says so, as
    it does for the doubles of unittest.mock, without a base class of either package.
    """

    def __init__(self, stream: Any, attempt: Attempt) -> None:
        self._stream = stream
        self._attempt = attempt
        self._kind = type(stream)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self._kind

    def __iter__(self) -> Iterator[bytes]:
        yield from self._attempt.passing(self._stream)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._attempt.abandoned()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                if out := self._attempt.chunk(chunk):
                    yield out
            if out := self._attempt.rest():
                yield out
        except GeneratorExit:
            self._attempt.abandoned()
            raise
        except BaseException as error:
            self._attempt.broken(error)
            raise
        self._attempt.end()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._attempt.abandoned()


def _begun(begun: Attempt | Refusal, request: Any, body: Body) -> Begun:
    """What to send for an attempt: the caller's request, unless its body is another now or gone."""
    if isinstance(begun, Refusal):
        return Begun(None, request, begun)
    if begun.refusal is not None:
        return Begun(begun, request, begun.refusal)
    content = begun.body
    if content is None and body.consumed:
        content = body.content
    if content is not None:
        request = rebuilt(request, content)
    if begun.encodings is not None:
        request.headers["accept-encoding"] = begun.encodings
    return Begun(begun, request)


def answer_of(request: Any, refusal: Refusal) -> Any:
    """The answer of a provider who was never asked."""
    return library(request).Response(
        refusal.status, headers=refusal.headers(), content=refusal.body(), request=request
    )


def _upgrades(request: Any, headers: Mapping[str, str]) -> bool:
    return bool(headers.get("upgrade")) or request.url.scheme in {"ws", "wss"}


def _unneeded(ready: None) -> None:
    """Nothing was begun."""


def _never_sent(begun: Attempt | Refusal) -> None:
    """The task was cancelled while its record was being made."""
    if isinstance(begun, Attempt):
        begun.abandoned()


def _watched(response: Any, attempt: Attempt) -> Any:
    """The response, with a stream that tells the attempt what passes."""
    attempt.head(response.status_code, fields_of(response.headers))
    if attempt.strips:
        response.headers.pop("content-length", None)
    if not hasattr(response, "_content"):
        response.stream = Watched(response.stream, attempt)
        return response
    # A transport that needs no network gave an answer that is read already.
    return library(response).Response(
        response.status_code,
        headers=response.headers,
        stream=Watched(response.stream, attempt),
        extensions=response.extensions,
    )


def _gathered(stream: Any) -> bytes | None:
    """The whole of an answer that is held back; None for one without an end."""
    parts, size = [], 0
    try:
        for part in stream:
            size += len(part)
            if size > MAX_ANSWER:
                return None
            parts.append(part)
    finally:
        stream.close()
    return b"".join(parts)


async def _agathered(stream: Any) -> bytes | None:
    """The same, awaited."""
    parts, size = [], 0
    try:
        async for part in stream:
            size += len(part)
            if size > MAX_ANSWER:
                return None
            parts.append(part)
    finally:
        await stream.aclose()
    return b"".join(parts)


def _judged(request: Any, response: Any, attempt: Attempt, raw: bytes | None) -> Any:
    """A response whose whole body the rules for answers have looked at, and may have changed."""
    headers = response.headers
    attempt.head(response.status_code, headers)
    encoding = headers.get("content-encoding", "").strip().lower()
    plain = None if raw is None else unpacked(attempt.chunk(raw) + attempt.rest(), encoding)
    body = attempt.judged(plain)
    if attempt.refusal is not None:
        return answer_of(request, attempt.refusal)
    attempt.end()
    kept = [
        (name, value)
        for name, value in headers.raw
        if name.lower() not in {b"content-length", b"content-encoding", b"transfer-encoding"}
    ]
    return library(response).Response(
        response.status_code, headers=kept, content=body, extensions=response.extensions
    )


def _sign(request: Any) -> None:
    """Have a client that signs do it now that the body stands."""
    sign = request.extensions.pop(SIGN, None)
    if sign is not None:
        sign(request)


async def _asign(request: Any) -> None:
    sign = request.extensions.pop(SIGN, None)
    if sign is not None:
        signed = sign(request)
        if inspect.isawaitable(signed):
            await signed
