"""Finds values that are known, however they are written: case, accents, separators, initials.

Linear in the text: words are looked up one by one, and no value is searched for by a pattern.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Sequence

from countersign.detection.hits import Hit, KnownValue
from countersign.detection.normalising import Normalised, normalised

RULE = "known"
# A known value is found by what it is, not by what it looks like.
SCORE = 1.0

_WORD = re.compile(r"[^\W_]+")
# Digits as people write them, with what they put between them.
_DIGITS = re.compile(r"(?<![^\W_])\+?\d(?:[ \t().\-/]{0,3}\d){5,30}")
_NO_DIGIT = re.compile(r"\D+")
_ISO_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ]?\d{2}.*)?")
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_TITLES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "sir",
        "madam",
        "herr",
        "frau",
        "monsieur",
        "madame",
        "sr",
        "sra",
        "jr",
        "phd",
        "md",
        "rn",
    ]
)
# Found inside a longer word too, when they are as long as this: names of files, identifiers.
_GLUED = 6
_SHORTEST_NAME = 3
_SHORTEST = 2
# Writing without spaces between words starts here (CJK radicals) in Unicode.
_UNSPACED = "\u2e80"


class Sweeper:
    """Looks for values in texts. It holds them, so its `repr` shows their number alone.

    `names`: names that were found rather than known. A single word of one counts only where it
    begins with a capital, for what was found may be wrong.
    """

    def __init__(self, values: Iterable[KnownValue], names: Iterable[str] = ()) -> None:
        self._by_word: dict[str, list[tuple[tuple[str, ...], str, bool]]] = {}
        self._by_digits: dict[str, str] = {}
        self._glued: dict[str, str] = {}
        self._count = 0
        seen = set()
        for known in values:
            if (known.value, known.kind) not in seen:
                seen.add((known.value, known.kind))
                self._add(known)
        for name in names:
            self._count += 1
            self._add_name(tuple(_WORD.findall(fold(name).text)), found=True)
        for entries in self._by_word.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def __repr__(self) -> str:
        return f"Sweeper({self._count} values)"

    def __bool__(self) -> bool:
        return self._count > 0

    def hits(self, text: str) -> list[Hit]:
        """Every place in `text` where a value stands; sorted, none inside another."""
        if not self._count or not text:
            return []
        folded = fold(text)
        found = [*self._words(text, folded), *self._numbers(folded), *self._inside(folded)]
        found.sort(key=lambda place: (place[0], -place[1]))
        hits: list[Hit] = []
        for start, end, kind in found:
            if not hits or end > hits[-1].end:
                hits.append(Hit(start, end, kind, SCORE, RULE))
        return hits

    def _words(self, text: str, folded: Normalised) -> Iterator[tuple[int, int, str]]:
        by_word = self._by_word
        matches = list(_WORD.finditer(folded.text))
        words = [match[0] for match in matches]
        for index, word in enumerate(words):
            for sequence, kind, capital in by_word.get(word, ()):
                length = len(sequence)
                if length > 1 and tuple(words[index : index + length]) != sequence:
                    continue
                last = matches[index + length - 1]
                start, end = folded.original(matches[index].start(), last.end())
                if capital and not text[start].isupper():
                    continue
                if end - start <= _longest(sequence):
                    yield start, end, kind
                    break

    def _numbers(self, folded: Normalised) -> Iterator[tuple[int, int, str]]:
        if not self._by_digits:
            return
        for match in _DIGITS.finditer(folded.text):
            digits = _NO_DIGIT.sub("", match[0])
            kind = self._by_digits.get(digits) or self._by_digits.get(digits.lstrip("0"))
            if kind is None and 10 < len(digits) <= 13:
                kind = self._by_digits.get(digits[-10:])  # a country's code before it
            if kind is not None:
                yield *folded.original(match.start(), match.end()), kind

    def _inside(self, folded: Normalised) -> Iterator[tuple[int, int, str]]:
        text = folded.text
        for value, kind in self._glued.items():
            at = text.find(value)
            while at >= 0:
                end = at + len(value)
                yield *folded.original(at, end), kind
                at = text.find(value, end)

    def _add(self, known: KnownValue) -> None:
        words = tuple(_WORD.findall(fold(known.value).text))
        if sum(map(len, words)) < _SHORTEST:
            return
        self._count += 1
        if known.kind == "NAME":
            self._add_name(words)
            return
        if known.kind == "DATE" and self._add_day(known.value):
            return
        self._put(words, known.kind)
        joined = "".join(words)
        digits = _NO_DIGIT.sub("", joined)
        if len(digits) >= 6 and len(digits) * 4 >= len(joined) * 3:
            self._by_digits.setdefault(digits, known.kind)
            if len(digits) > 10 and known.kind in ("PHONE", "FAX"):
                self._by_digits.setdefault(digits[-10:], known.kind)
        if len(words) > 1:
            self._put((joined,), known.kind)
        self._add_glued(joined, known.kind)

    def _add_name(self, words: tuple[str, ...], *, found: bool = False) -> None:
        named = tuple(word for word in words if word not in _TITLES) or words
        for word in named:
            if len(word) >= _SHORTEST_NAME or not word.isascii():
                self._put((word,), "NAME", capital=found or _is_common(word))
            if not found:
                self._add_glued(word, "NAME")
        if len(named) < 2:
            return
        first, last = named[0], named[-1]
        self._put(named, "NAME")
        self._put((last, *named[:-1]), "NAME")
        for given, family in ((first, last), (last, first)):
            self._put((given[0], family), "NAME")
            self._put((family, given[0]), "NAME")
        self._put((first, last), "NAME")
        self._put((last, first), "NAME")
        if len(named) > 2:
            initials = tuple(word[0] for word in named[1:-1])
            self._put((first, *initials, last), "NAME")
            self._put((last, first, *initials), "NAME")
            self._put((first[0], *initials, last), "NAME")
        self._add_glued(first + last, "NAME")
        self._add_glued(last + first, "NAME")

    def _add_day(self, value: str) -> bool:
        found = _ISO_DAY.fullmatch(value.strip())
        if found is None or not 1 <= int(found[2]) <= 12:
            return False
        year, month, day = found[1], found[2], found[3]
        months = {month, str(int(month))}
        days = {day, str(int(day))}
        name = _MONTHS[int(month) - 1]
        for one in months:
            for other in days:
                for order in ((year, one, other), (one, other, year), (other, one, year)):
                    self._put(order, "DATE")
        for other in days | {f"{int(day)}th", f"{int(day)}st", f"{int(day)}nd", f"{int(day)}rd"}:
            for word in (name, name[:3], name[:4]):
                self._put((word, other, year), "DATE")
                self._put((other, word, year), "DATE")
                self._put((other, "of", word, year), "DATE")
        self._put((year + month + day,), "DATE")
        self._put((month + day + year,), "DATE")
        return True

    def _put(self, words: tuple[str, ...], kind: str, *, capital: bool = False) -> None:
        entries = self._by_word.setdefault(words[0], [])
        if all(sequence != words for sequence, _, _ in entries):
            entries.append((words, kind, capital))

    def _add_glued(self, value: str, kind: str) -> None:
        unspaced = len(value) >= _SHORTEST and value[0] >= _UNSPACED
        if (len(value) >= _GLUED or unspaced) and not _is_common(value):
            self._glued.setdefault(value, kind)


def _longest(words: Sequence[str]) -> int:
    """How far apart the words of a value may stand: a line break and a comma, not a sentence."""
    return sum(map(len, words)) + 8 * len(words) + 16


def _is_common(word: str) -> bool:
    """Whether a name is also a word of the language, which must not be taken out everywhere."""
    from countersign.detection.words import common_words  # noqa: PLC0415  # loads its list

    return word in common_words()


def fold(text: str) -> Normalised:
    """The text without case and accents, and the way back to it."""
    plain = normalised(text)
    if plain.text.isascii():
        return Normalised(plain.text.lower(), plain.starts, plain.ends)
    pieces: list[str] = []
    starts, ends = array("q"), array("q")
    for at, character in enumerate(plain.text):
        piece = character.lower() if character.isascii() else _bare(character)
        start, end = plain.original(at, at + 1)
        pieces.append(piece)
        for _ in piece:
            starts.append(start)
            ends.append(end)
    return Normalised("".join(pieces), starts, ends)


def _bare(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character).casefold()
    return "".join(each for each in decomposed if not unicodedata.combining(each))
