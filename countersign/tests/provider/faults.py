"""What can go wrong with a provider, made to happen.

A fault is queued (`provider.fail(Fault.status(429))`: one request each) or asked for by the
request's header `x-fake-fault`, such as `status-429`, `dies-2` or `garbage`.
"""

from __future__ import annotations

from dataclasses import dataclass

HEADER = "x-fake-fault"


@dataclass(frozen=True, slots=True)
class Fault:
    """`kind` says what happens; `number` is a status, a count of chunks or seconds, by the kind."""

    kind: str
    number: float = 0

    @classmethod
    def status(cls, status: int) -> Fault:
        """An error in the provider's own form; it asks for a retry within milliseconds."""
        return cls("status", status)

    @classmethod
    def slow(cls, seconds: float) -> Fault:
        """Nothing is said for so long, or until the caller has gone."""
        return cls("slow", seconds)

    @classmethod
    def dies(cls, after: int = 2) -> Fault:
        """The connection breaks after so many chunks, or half-way through a whole answer."""
        return cls("dies", after)

    @classmethod
    def stalls(cls, after: int = 2) -> Fault:
        """A stream that says no more after so many chunks, and stays open until the caller goes."""
        return cls("stalls", after)

    @classmethod
    def endless(cls) -> Fault:
        """A stream that never ends by itself."""
        return cls("endless")

    @classmethod
    def garbage(cls) -> Fault:
        """Status 200 and the right type, and bytes that are no JSON and no UTF-8."""
        return cls("garbage")

    @classmethod
    def hangs_up(cls) -> Fault:
        """The connection closes with no answer at all."""
        return cls("hangs_up")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """From a header: the kind, and behind a hyphen its number."""
        kind, _, number = text.partition("-")
        return cls(kind, float(number or (2 if kind in {"dies", "stalls"} else 0)))
