"""One attempt at a call: asked about, recorded, sent or refused, and completed exactly once."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from countersign.client.digesting import DigestKey
from countersign.client.ids import now, uuid7
from countersign.client.listening import Listener
from countersign.client.recording import Recorder
from countersign.client.refusals import Refusal, refusal

Outcome: TypeAlias = Literal["succeeded", "failed", "timeout", "cancelled", "blocked", "unknown"]
# Looks through a whole answer: what goes on to the caller, or the code of a refusal.
Judge: TypeAlias = "Callable[[bytes, str], bytes | str]"

_REQUEST_IDS = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-goog-request-id",
)
# Streams of these shapes say that they are at their end; one that does not was cut off.
_SAY_THE_END = frozenset(("openai.chat", "openai.responses", "anthropic.messages"))
# Seconds without a byte after which nobody waits any more, whatever holds the attempt.
QUIET_S = 3600.0
_CANCELLED = frozenset(("CancelledError", "Cancelled", "GeneratorExit", "KeyboardInterrupt"))


@dataclass(frozen=True, slots=True)
class Sent:
    """What the attempt needs to know of the call that it makes.

    `lease_s`: seconds for which the call counts as running; None where nobody waits for it.
    `failed` is told when the attempt failed, so that a retry is found to be one.
    """

    call_id: str
    shape: str | None
    lease_s: float | None
    strips: bool
    key: DigestKey
    failed: Callable[[], None]
    judge: Judge | None = None
    fixed: bool = False


class Attempt:
    """What became of one request. Made by `Desk.begin`; the transport tells it what happens.

    `refusal` stands if it must not be sent. `body` is what to send in place of the request's own;
    None: the request goes as it is. Methods never raise, and may be called from any thread;
    after the first that ends the attempt the others do nothing. An attempt that is forgotten
    counts as cancelled; a copy of it in a child process is not the child's to complete.
    """

    def __init__(self, recorder: Recorder, sent: Sent, *, body: bytes | None) -> None:
        self.refusal: Refusal | None = None
        self.body = body
        self._recorder = recorder
        self._sent = sent
        self._listener: Listener | None = None
        self._status: int | None = None
        self._request_id: str | None = None
        self._ttfb_ms: int | None = None
        self._media_type = ""
        self._pid = os.getpid()
        self._started = self._last = time.monotonic()
        # Taking the one item is the right to complete: atomic, and safe where a lock is not,
        # in a finalizer that interrupts the holder of that lock.
        self._open = [True]
        if sent.lease_s:
            # Weakly: an attempt that is forgotten has to be found forgotten.
            found = weakref.ref(self)
            recorder.watch(sent.call_id, sent.lease_s / 2, lambda: _goes_on(found()))

    def __repr__(self) -> str:
        return f"Attempt({self._sent.call_id}, open={bool(self._open)})"

    def __del__(self) -> None:
        if getattr(self, "_open", None) and not sys.is_finalizing():
            self.abandoned()

    @property
    def call_id(self) -> str:
        """The id of the record."""
        return self._sent.call_id

    @property
    def judges(self) -> bool:
        """Whether the answer must be handed to `judged` whole before the caller sees any of it."""
        return self._sent.judge is not None

    @property
    def encodings(self) -> str | None:
        """Which packed answers can be read here; None: the request's headers are signed already."""
        if self._sent.fixed:
            return None
        return "identity" if self._sent.strips else "gzip, deflate"

    @property
    def strips(self) -> bool:
        """Whether less than what came goes on to the caller."""
        return self._listener is not None and self._listener.strips

    @property
    def goes_on(self) -> bool:
        """Whether it is under way; one that hears nothing for `QUIET_S` is taken for forgotten."""
        return bool(self._open) and time.monotonic() - self._last < QUIET_S

    def sending(self) -> None:
        """The request goes out now."""
        self._started = self._last = time.monotonic()

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """The answer begins; `headers` by names in lower case."""
        self._ttfb_ms = self._elapsed_ms()
        self._status = status
        self._request_id = next((headers[n] for n in _REQUEST_IDS if headers.get(n)), None)
        self._media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        encoding = headers.get("content-encoding", "").strip().lower()
        self._listener = Listener(
            self._media_type, encoding, self._sent.key, strips=self._sent.strips
        )
        if status >= 400:
            self._sent.failed()

    def chunk(self, chunk: bytes) -> bytes:
        """A part of the answer's body came. Returns: what of it goes on to the caller."""
        self._last = time.monotonic()
        if self._listener is None:
            return chunk
        return self._listener.feed(chunk)

    def rest(self) -> bytes:
        """The body is at its end. Returns: what was held back and goes on to the caller."""
        return self._listener.rest() if self._listener is not None else b""

    def passing(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """What goes on to the caller of a body, while it comes. Raises: what `chunks` raises."""
        try:
            for chunk in chunks:
                if out := self.chunk(chunk):
                    yield out
            if out := self.rest():
                yield out
        except GeneratorExit:
            self.abandoned()
            raise
        except BaseException as error:
            self.broken(error)
            raise
        self.end()

    def judged(self, body: bytes | None) -> bytes:
        """What goes on to the caller of a whole answer, unpacked; sets `refusal` if nothing may.

        None stands for an answer that could not be read.
        """
        found: bytes | str = "answer-unreadable"
        if body is not None and self._sent.judge is not None:
            found = self._sent.judge(body, self._media_type)
        if isinstance(found, bytes):
            return found
        self.blocked(refusal(found, call_id=self._sent.call_id), error="AnswerBlocked")
        return b""

    def end(self) -> None:
        """The answer came to its end."""
        outcome, error = self._ended()
        self._complete(outcome, error)

    def broken(self, error: BaseException) -> None:
        """Sending or receiving ended with an exception; its class is recorded, never its text."""
        name = type(error).__name__
        names = {kind.__name__ for kind in type(error).__mro__}
        if isinstance(error, asyncio.CancelledError) or names & _CANCELLED:
            self._complete("cancelled", name)
            return
        if self._open:
            self._sent.failed()
        timed_out = any("Timeout" in each for each in names)
        self._complete("timeout" if timed_out else "failed", name)

    def abandoned(self) -> None:
        """The caller wants no more of it. What was complete by then has succeeded."""
        if not self._open:
            return
        if self._listener is None:
            self._complete("cancelled", None)
        elif (self._status or 0) >= 400 or self._listener.reading.finished:
            self.end()
        else:
            self._complete("cancelled", None)

    def blocked(self, refusal: Refusal, *, error: str = "PolicyBlocked") -> None:
        """The library itself lets nothing go on; the caller gets `refusal`."""
        self.refusal = refusal
        self._complete("blocked", error)

    def manual(self, outcome: Outcome, error: str | None, told: Mapping[str, Any]) -> None:
        """The caller says how it ended; `told` are members of a completion."""
        self._complete(outcome, error, told)

    def _ended(self) -> tuple[Outcome, str | None]:
        if self._listener is None or (self._status or 0) >= 400:
            return "failed", None
        reading = self._listener.reading
        if reading.failed:
            return "failed", "ErrorEvent"
        says_it = self._listener.streams and self._sent.shape in _SAY_THE_END
        if says_it and not reading.finished:
            return "failed", "StreamEndedEarly"
        return "succeeded", None

    def _complete(
        self, outcome: Outcome, error: str | None, told: Mapping[str, Any] | None = None
    ) -> None:
        try:
            self._open.pop()
        except IndexError:
            return
        if os.getpid() != self._pid:
            return
        completion: dict[str, Any] = {
            "event_id": uuid7(),
            "outcome": outcome,
            "error": error,
            "http_status": self._status,
            "ttfb_ms": self._ttfb_ms,
            "latency_ms": self._elapsed_ms(),
            "provider_request_id": self._request_id,
            "ended_at": now(),
            **self._listened(),
            **(told or {}),
        }
        known = {name: value for name, value in completion.items() if value is not None}
        self._recorder.complete(self._sent.call_id, known)

    def _listened(self) -> dict[str, Any]:
        if self._listener is None:
            return {}
        reading = self._listener.reading
        return {
            "finish_reason": reading.finish_reason,
            "usage": reading.usage or None,
            "usage_source": "provider" if reading.usage else "none",
            "response_model": reading.model,
            "output_digest": self._listener.digest(),
        }

    def _elapsed_ms(self) -> int:
        return max(0, round((time.monotonic() - self._started) * 1000))


def _goes_on(attempt: Attempt | None) -> bool:
    return attempt is not None and attempt.goes_on
