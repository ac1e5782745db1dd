"""Puts values back where an answer holds their tokens, in whole texts and in streams.

Models write a token as they please: in another case, without a bracket, with the possessive inside
it, escaped for Markdown. All these are understood. What is put back is never read again, so a
value that looks like a token stays what it is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

# A label such as NAME or OWN_CASE_NO; the number after it has no other digits beside it.
LABEL_LENGTH = 64
NUMBER_DIGITS = 8

_ESCAPE = r"\\{0,2}"
_OPEN = rf"(?:{_ESCAPE}\[){{1,2}} ?"
_LABEL = rf"[A-Za-z](?:[A-Za-z0-9]|{_ESCAPE}_){{0,{LABEL_LENGTH}}}"
_NAME = rf"{_LABEL}{_ESCAPE}_[0-9]{{1,{NUMBER_DIGITS}}}"
_TOKEN = rf"""
    (?: (?P<open>{_OPEN.replace(" ", "[ ]")}) | (?<!\w) )
    (?P<name>{_NAME}) (?!\w)
    (?P<own>['\u2019]s(?=[ ]?{_ESCAPE}\]))?
    (?P<close>[ ]?(?:{_ESCAPE}\]){{1,2}})?
"""
# What the end of a text may be the beginning of: every prefix of a token, and a token that more
# text could still change.
_BEGUN = re.compile(
    rf"""
    (?: (?:{_ESCAPE}\[)? \\{{1,2}}
      | {_OPEN.replace(" ", "[ ]")}
      | (?: (?P<open>{_OPEN.replace(" ", "[ ]")}) | (?<!\w) )
        (?P<name>[A-Za-z](?:[A-Za-z0-9]|{_ESCAPE}_){{0,{LABEL_LENGTH + NUMBER_DIGITS + 1}}})
        (?: \\{{1,2}} | ['\u2019]s? )?
        [ ]? (?:{_ESCAPE}\])? {_ESCAPE}
    ) \Z
    """,
    re.VERBOSE,
)
# No token, however it is written, is longer: brackets and underscores each with two backslashes.
LONGEST = 3 * (LABEL_LENGTH + NUMBER_DIGITS + 1) + 24


@dataclass(frozen=True, slots=True)
class Revealed:
    """A text with its values put back; `unknown` tokens are none of this session's, and stay."""

    text: str = field(repr=False)
    restored: int
    unknown: int


@dataclass(slots=True, repr=False)
class Known:
    """What a session can put back: by token name, such as NAME_4817, and by invented words.

    Only ever added to, each entry in one step, so that it may be read while another thread adds.
    """

    values: dict[str, str] = field(default_factory=dict)
    labels: dict[str, None] = field(default_factory=dict)
    invented: dict[str, str] = field(default_factory=dict)
    _pattern: tuple[int, re.Pattern[str], list[str]] | None = None

    def __repr__(self) -> str:
        return f"Known(values={len(self.values)}, invented={len(self.invented)})"

    def pattern(self) -> tuple[re.Pattern[str], list[str]]:
        """What is looked for, and the invented words in order."""
        ready = self._pattern
        if ready is None or ready[0] != len(self.invented):
            words = [*self.invented]
            words.sort()
            ready = (len(words), _compiled(words), words)
            self._pattern = ready
        return ready[1], ready[2]


def reveal(text: str, known: Known) -> Revealed:
    """`text` with every token and invented word of `known` replaced by its value."""
    told = _Told(known)
    parts, last = [], 0
    pattern, _ = known.pattern()
    for match in pattern.finditer(text):
        parts += [text[last : match.start()], told.instead(match)]
        last = match.end()
    return Revealed("".join([*parts, text[last:]]), told.restored, told.unknown)


class StreamRevealer:
    """The same for a text that comes in pieces, cut anywhere: the pieces that go out, put
    together, are what `reveal` makes of the whole.

    Holds back only what may be the beginning of a token, at most `2 * LONGEST` characters or
    twice the longest invented word, whatever comes in.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._told = _Told(known)
        self._before = ""
        self._held = ""
        self._closed = False

    def __repr__(self) -> str:
        return f"StreamRevealer(restored={self.restored}, unknown={self.unknown})"

    @property
    def restored(self) -> int:
        """How many tokens were put back so far."""
        return self._told.restored

    @property
    def unknown(self) -> int:
        """How many tokens of no value of this session went out as they were."""
        return self._told.unknown

    @property
    def held(self) -> int:
        """How many characters are held back now."""
        return len(self._held)

    def feed(self, piece: str) -> str:
        """Take the next piece; returns what can go out now, which may be nothing.

        Raises: ValueError after `close`.
        """
        if self._closed:
            raise ValueError("the stream was closed")
        text = self._held + piece
        return self._go(text, self._safe_until(text))

    def close(self) -> str:
        """The end of the text: what was held back. Nothing the second time."""
        self._closed = True
        text = self._held
        return self._go(text, len(text))

    def _go(self, text: str, until: int) -> str:
        # One character of what went out is kept: whether a word begins here depends on it.
        context, shift = self._before + text, len(self._before)
        until += shift
        parts, last = [], shift
        pattern, _ = self._known.pattern()
        for match in pattern.finditer(context, shift):
            if match.end() > until:
                until = min(until, match.start())
                break
            parts += [context[last : match.start()], self._told.instead(match)]
            last = match.end()
        parts.append(context[last:until])
        self._before = context[max(until - 1, 0) : until]
        self._held = context[until:]
        return "".join(parts)

    def _safe_until(self, text: str) -> int:
        _, words = self._known.pattern()
        window = max([LONGEST, *map(len, words)]) if words else LONGEST
        first = max(0, len(text) - window)
        starts = [len(text), *_begun_tokens(self._before, text, first, self._known)]
        if words:
            starts += _begun_words(self._before, text, first, words)
        return min(starts)


class _Told:
    """Counts while it replaces."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.restored = 0
        self.unknown = 0

    def instead(self, match: re.Match[str]) -> str:
        invented = match.groupdict().get("invented")
        if invented is not None:
            self.restored += 1
            return self._known.invented[invented]
        name = match["name"].replace("\\", "").upper()
        value = self._known.values.get(name)
        if value is None:
            self.unknown += _looks_like_ours(match, name, self._known)
            return match.group()
        self.restored += 1
        return value + (match["own"] or "") + _not_ours(match)


def _looks_like_ours(match: re.Match[str], name: str, known: Known) -> bool:
    """Two brackets on a side are ours; fewer only around a label that this session uses."""
    opening, closing = (match["open"] or "").count("["), (match["close"] or "").count("]")
    if max(opening, closing) == 2:
        return True
    return opening + closing > 0 and name.rpartition("_")[0] in known.labels


def _not_ours(match: re.Match[str]) -> str:
    """One closing bracket without an opening one belongs to the sentence: "[see NAME_4817]"."""
    close = match["close"] or ""
    return close if match["open"] is None and close.count("]") == 1 else ""


def _begun_tokens(before: str, text: str, first: int, known: Known) -> Iterator[int]:
    """The first place from which the rest of `text` may be the beginning of a token."""
    context, shift = before + text, len(before)
    place = first + shift
    while match := _BEGUN.search(context, place):
        if match["name"] is None or match["open"] is not None or _may_be(match["name"], known):
            yield match.start() - shift
            return
        place = match.start() + 1


def _may_be(name: str, known: Known) -> bool:
    """Whether a word without brackets could go on to be a token of this session."""
    name = name.replace("\\", "").upper()
    label, _, number = name.rpartition("_")
    if label in known.labels and (not number or number.isdigit()):
        return True
    return any(known_label.startswith(name) for known_label in tuple(known.labels))


def _begun_words(before: str, text: str, first: int, words: list[str]) -> Iterator[int]:
    """The first place from which the rest of `text` begins, or is, one of the words."""
    for place in range(first, len(text)):
        previous = text[place - 1 : place] if place else before
        if _is_word(previous) and _is_word(text[place]):
            continue
        rest = text[place:]
        at = bisect_left(words, rest)
        if at < len(words) and words[at].startswith(rest):
            yield place
            return


def _is_word(character: str) -> bool:
    return character == "_" or character.isalnum()


def _compiled(words: list[str]) -> re.Pattern[str]:
    if not words:
        return re.compile(_TOKEN, re.VERBOSE)
    # The longest first: "Anna Maria" before "Anna". What is escaped keeps its white space.
    invented = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"{_TOKEN} | (?<!\w)(?P<invented>{invented})(?!\w)", re.VERBOSE)
