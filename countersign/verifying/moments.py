"""When entries were received: said by each, and never earlier than by the one before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from countersign.verifying.gaps import members

_RECEIVED = b'"received_at":"'
_FORM = b"0000-00-00T00:00:00.000Z"
_DIGITS_TO_ZERO = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))


class Moments:
    """Follows the moments of a ledger; each thing that does not hold is told to `problem`."""

    def __init__(self, problem: Callable[[str], None]) -> None:
        self.first = b""
        self.last = b""
        self._problem = problem

    def read(self, first: int, lines: Sequence[bytes], blob: bytes) -> list[bytes]:
        """The moments of these entries, of which the first has the index `first`.

        `blob` are the same lines, joined by newlines. What matters is speed: the member is found
        as bytes, and only where that is not beyond doubt is the entry read as JSON.
        """
        moments = [line.partition(_RECEIVED)[2][:24] for line in lines]
        once = blob.count(_RECEIVED) == len(lines)
        form = b"".join(moments).translate(_DIGITS_TO_ZERO) == _FORM * len(lines)
        if not once or not form:
            moments = self._parsed(first, lines)
        if moments[0] < self.last or moments != sorted(moments):
            self._find_backward(first, moments)
        self.last = max(self.last, moments[-1])
        self.first = self.first or moments[0]
        return moments

    def _parsed(self, first: int, lines: Sequence[bytes]) -> list[bytes]:
        """The same for entries that hold such a member more than once, or none.

        One that says nothing is given the time of the entry before it, so that it is told once.
        """
        moments = []
        before = self.last
        for index, line in enumerate(lines, first):
            found = members(line).get("received_at")
            text = found.encode(errors="replace") if isinstance(found, str) else b""
            if text.translate(_DIGITS_TO_ZERO) != _FORM:
                self._problem(f"Entry {index:,} does not say when it was received.")
            else:
                before = text
            moments.append(before)
        return moments

    def _find_backward(self, first: int, moments: Sequence[bytes]) -> None:
        before = self.last
        for index, moment in enumerate(moments, first):
            if moment < before:
                self._problem(f"Entry {index:,} was received before the entry before it.")
            before = max(before, moment)
