"""`portal.call()`: rules and record for a call that is not HTTP, or not Python's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from countersign.client.asking import Asked, Described
from countersign.client.attempts import Attempt
from countersign.client.desk import Desk
from countersign.client.refusals import Refusal, raised
from countersign.client.usage import counts
from countersign.client.waiting import Threads, off_loop

# The text travels to the rules as the only member of an object.
_MEMBER = "text"
_USAGE = ("input", "output", "cache", "reasoning")


class ManualCall:
    """A block around one call, `with` or `async with`.

    It begins with the rules and the record: `text` is what may be sent (None where no text was
    given), and Denied or Unavailable is raised if nothing may. It ends with exactly one
    completion: what `result` was told, or the class of the exception that left the block.
    """

    def __init__(
        self, desk: Desk, threads: Threads, about: Described, *, text: str | None = None
    ) -> None:
        self._desk = desk
        self._threads = threads
        self._about = about
        self._attempt: Attempt | None = None
        self._result: dict[str, Any] = {}
        self.text = text

    @property
    def call_id(self) -> str | None:
        """The id of the record, once there is one."""
        return self._attempt.call_id if self._attempt is not None else None

    def result(
        self,
        *,
        usage: Mapping[str, int] | None = None,
        finish_reason: str | None = None,
        response_model: str | None = None,
        provider_request_id: str | None = None,
        http_status: int | None = None,
    ) -> None:
        """What the answer said of itself. `usage` by the portal's names or the provider's."""
        told = usage or {}
        found = {name: told[name] for name in _USAGE if name in told} or counts(told)
        self._result = {
            "usage": found or None,
            "usage_source": "provider" if found else None,
            "finish_reason": finish_reason,
            "response_model": response_model,
            "provider_request_id": provider_request_id,
            "http_status": http_status,
        }

    def __enter__(self) -> ManualCall:
        self._take(self._desk.begin(self._asked(), *self._desk.caller(), self._about))
        return self

    async def __aenter__(self) -> ManualCall:
        asked, caller = self._asked(), self._desk.caller()
        begun = await off_loop(
            self._threads, lambda: self._desk.begin(asked, *caller, self._about), _never_made
        )
        self._take(begun)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._attempt is None:
            return
        if error is None:
            told = {name: value for name, value in self._result.items() if value is not None}
            self._attempt.manual("succeeded", None, told)
        else:
            self._attempt.broken(error)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    def _asked(self) -> Asked:
        body = b""
        if self.text is not None:
            body = json.dumps({_MEMBER: self.text}).encode()
        return Asked("CALL", self._about.endpoint_host or "", "", "application/json", body)

    def _take(self, begun: Attempt | Refusal) -> None:
        if isinstance(begun, Refusal):
            raise raised(begun)
        if begun.refusal is not None:
            raise raised(begun.refusal)
        if begun.body is not None:
            self.text = str(json.loads(begun.body)[_MEMBER])
        self._attempt = begun
        begun.sending()


def _never_made(begun: Attempt | Refusal) -> None:
    if isinstance(begun, Attempt):
        begun.abandoned()
