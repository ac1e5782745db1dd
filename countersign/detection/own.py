"""Officers' own patterns. They run on re2 alone: linear in the text, whatever was typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from countersign.detection.hits import Hit
from countersign.detection.kinds import is_kind
from countersign.detection.patterns import Page

LONGEST = 1_000  # characters of one pattern
MOST = 200  # patterns of one policy
_MEMORY = 4 << 20


class NeedsRe2(RuntimeError):
    """An own pattern is to run, and google-re2 is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "A pattern of your own runs only on re2, which takes linear time whatever it says: "
            "pip install 'countersign[rules]'."
        )


class BadPattern(ValueError):
    """A pattern that re2 does not take, or that would match everywhere."""


@dataclass(frozen=True, slots=True)
class OwnPattern:
    """A pattern of an officer: its hits are of `kind`, `own.<slug>` or one of ours."""

    id: str
    kind: str
    pattern: str
    score: float = 0.9


def compiled(own: OwnPattern) -> Any:
    """The pattern as re2 has compiled it.

    Raises: NeedsRe2 without google-re2; BadPattern with a sentence that says what is wrong.
    """
    try:
        import re2  # noqa: PLC0415 - optional
    except ImportError:
        raise NeedsRe2 from None
    if not own.pattern or len(own.pattern) > LONGEST:
        raise BadPattern(f"A pattern has 1 to {LONGEST} characters.")
    if not is_kind(own.kind):
        raise BadPattern("The kind is one of the catalogue, or own. and a slug.")
    if not 0 < own.score <= 1:
        raise BadPattern("The score is above 0 and at most 1.")
    options = re2.Options()
    options.max_mem, options.log_errors = _MEMORY, False
    try:
        pattern = re2.compile(own.pattern, options)
    except re2.error:
        raise BadPattern(
            "re2 does not take this pattern: it may be misspelt, too large, or use look-around or "
            "back-references, which cannot be linear."
        ) from None
    if pattern.search("") is not None:
        raise BadPattern("The pattern matches the empty text, so it would match everywhere.")
    return pattern


class OwnPatterns:
    """All own patterns of a policy, ready to run."""

    def __init__(self, patterns: Sequence[OwnPattern]) -> None:
        if len(patterns) > MOST:
            raise BadPattern(f"A policy has at most {MOST} patterns of its own.")
        self._patterns = [(own, compiled(own)) for own in patterns]

    def hits(self, page: Page) -> Iterator[Hit]:
        """What they find. Empty matches are no hits."""
        # Bytes in, so that re2 does not count characters anew for each match.
        if not self._patterns:
            return
        place = _Places(page.text)
        for own, pattern in self._patterns:
            for match in pattern.finditer(place.encoded):
                start, end = match.span()
                if end > start:
                    yield Hit(place.of(start), place.of(end), own.kind, own.score, own.id)


class _Places:
    """Which character a byte of the encoded text belongs to."""

    def __init__(self, text: str) -> None:
        self.encoded = text.encode("utf-8", "surrogatepass")
        self._is_ascii = len(self.encoded) == len(text)
        self._characters: list[int] | None = None

    def of(self, byte: int) -> int:
        """The character at or after `byte`."""
        if self._is_ascii:
            return byte
        if self._characters is None:
            self._characters = [0]
            for value in self.encoded:
                self._characters.append(self._characters[-1] + (value & 0xC0 != 0x80))
        return self._characters[byte]


def check(own: OwnPattern) -> None:
    """Refuse what cannot run. Raises as `compiled` does."""
    compiled(own)
