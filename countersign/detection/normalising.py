"""Text as the rules want it: one way to write each character, and a way back to the original.

NFKC folds full width, ligatures and mathematical letters; decimal digits of any script become
ASCII; dashes, quotes and spaces become one each; what is invisible goes; letters that only look
Latin become Latin where the text is Latin. Source: Unicode Standard Annex 15, and Technical
Standard 39 for the idea of confusables; the table is our own.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from countersign.detection.confusables import LATIN_LOOKALIKES

# A character that is not ASCII or is NUL, with a base before it if a mark, and all marks after it.
_CLUSTER = re.compile(r"[^\x01-\x7f][\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\ufe20-\ufe2f]*")
_MARKED = re.compile(r"[\x21-\x7e][\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\ufe20-\ufe2f]+")
_EITHER = re.compile(f"{_MARKED.pattern}|{_CLUSTER.pattern}")
_WORD = re.compile(r"[^\W\d_]+")
# NFKC writes these as a space and a mark, or in ways that would change the length of lower().
_BY_HAND = {
    "\0": "",  # between all letters where UTF-16 was read as something else
    "\u0130": "I",
    "\u00b4": "'",
    "\u02bc": "'",
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": "'",
    "\u201b": "'",
    "\u2032": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u2033": '"',
    "\u2028": "\n",
    "\u2029": "\n",
    "\u0085": "\n",
    "\u2024": ".",
    "\u3002": ".",
    "\uff61": ".",
    "\u2044": "/",
    "\u2215": "/",
    "\u2212": "-",
    "\u2010": "-",
    "\u2011": "-",
    "\u30fc": "\u30fc",
    "\u2236": ":",
    "\ua789": ":",
    "\u00a8": '"',
    "\u2800": " ",
    "\u3164": " ",
}
# Letters written as nothing, beside the format characters (category Cf) and variation selectors.
_INVISIBLE = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\uffa0")


@dataclass(frozen=True, slots=True, repr=False)
class Normalised:
    """Text in one way of writing, and where each of its characters stood.

    `starts[i]` and `ends[i]` are the characters of the original that became character i; None
    means that each stayed where it was.
    """

    text: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original that became `start` to `end`; `end` is exclusive."""
        if self.starts is None or self.ends is None:
            return start, end
        if start >= end:
            at = self.starts[start] if start < len(self.starts) else self._length()
            return at, at
        return self.starts[start], self.ends[end - 1]

    def _length(self) -> int:
        return self.ends[-1] if self.ends else 0


def normalised(text: str) -> Normalised:
    """The text in one way of writing. A text in ASCII, without NUL, is returned as it is."""
    if text.isascii() and "\0" not in text:
        return Normalised(text)
    folded = _folded(text)
    if folded.text.isascii():
        return folded
    latin = _latin(folded.text)
    return Normalised(latin, folded.starts, folded.ends)


def _folded(text: str) -> Normalised:
    pieces: list[str] = []
    starts, ends = array("q"), array("q")
    at = 0
    for match in _EITHER.finditer(text):
        first, last = match.span()
        if first > at:
            pieces.append(text[at:first])
            starts.extend(range(at, first))
            ends.extend(range(at + 1, first + 1))
        piece = _cluster(match[0])
        pieces.append(piece)
        for _ in piece:
            starts.append(first)
            ends.append(last)
        at = last
    pieces.append(text[at:])
    starts.extend(range(at, len(text)))
    ends.extend(range(at + 1, len(text) + 1))
    return Normalised("".join(pieces), starts, ends)


@lru_cache(maxsize=8192)
def _cluster(cluster: str) -> str:
    """One character with its marks, in the one way of writing; empty if it is invisible."""
    known = _BY_HAND.get(cluster)
    if known is not None:
        return known
    composed = unicodedata.normalize("NFKC", cluster)
    return "".join(_character(character) for character in composed)


def _character(character: str) -> str:
    known = _BY_HAND.get(character)
    if known is not None:
        return known
    category = unicodedata.category(character)
    if category in {"Cf", "Mn", "Me"} or character in _INVISIBLE:
        # A mark that no letter takes up is decoration; in Indic and Arabic script it is a vowel.
        return character if _is_vowel(character, category) else ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    simple = {"Pd": "-", "Zs": " "}.get(category)
    if simple is not None:
        return simple
    return character if len(character.lower()) == 1 else character[0]


def _is_vowel(character: str, category: str) -> bool:
    return category == "Mn" and 0x0590 <= ord(character) <= 0x0EFF


def _latin(text: str) -> str:
    """The text with look-alikes made Latin in words that mix scripts, or are all look-alikes."""
    if not any(character in LATIN_LOOKALIKES for character in set(text)):
        return text
    is_latin = _is_mostly_latin(text)

    def word(match: re.Match[str]) -> str:
        found = match[0]
        if found.isascii():
            return found
        swapped = found.translate(_TABLE)
        mixes = any("a" <= character.lower() <= "z" for character in found)
        if not swapped.isascii() and not (mixes and _is_latin_word(swapped)):
            return found
        return swapped if mixes or is_latin else found

    return _WORD.sub(word, text)


_TABLE = str.maketrans(LATIN_LOOKALIKES)


def _is_latin_word(word: str) -> bool:
    return all(ord(character) < 0x0250 for character in word)


def _is_mostly_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    latin = sum(1 for character in letters if ord(character) < 0x0250)
    lookalikes = sum(1 for character in letters if character in LATIN_LOOKALIKES)
    others = len(letters) - latin - lookalikes
    return latin > others
