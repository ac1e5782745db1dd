"""What was found: where and of what kind. Never the text itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Hit(NamedTuple):  # made by thousands: a dataclass that is frozen takes three times as long
    """An identifier at characters `start` to `end` (exclusive) of the text that was searched.

    `score` is from 0 to 1; `rule` names the pattern, list or model that found it. The value is
    kept nowhere, so a Hit can be logged.
    """

    start: int
    end: int
    kind: str
    score: float
    rule: str

    @property
    def length(self) -> int:
        """How many characters it covers."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, repr=False)
class KnownValue:
    """A value that the caller knows to be an identifier, and wants found wherever it stands."""

    value: str
    kind: str

    def __repr__(self) -> str:
        """Names the kind alone: the value must reach no log."""
        return f"KnownValue(kind={self.kind!r})"
