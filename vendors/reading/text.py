"""The text of a paper, page by page: cleaned of what repeats, searched, quoted, read for dates."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LONGEST_QUOTE = 260
# A line that stands on so many of the pages is a header or a footer.
REPEATS = 0.3
FEWEST_REPEATS = 4

MONTHS = [
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
_MONTH = "(?:" + "|".join(f"{m}|{m[:3]}\\.?" for m in MONTHS) + "|sept\\.?)"
DATE = (
    rf"(?:{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[\s-]+(?:of\s+)?{_MONTH},?[\s-]+\d{{4}}"
    r"|\d{4}-\d{2}-\d{2}"
    r"|\d{1,2}/\d{1,2}/\d{4}"
    r"|\d{1,2}\.\d{1,2}\.\d{4})"
)
DATE_ALONE = re.compile(rf"^\s*(?:dated?:?\s*)?({DATE})\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a paper seems to say of a field: values as a form takes them, and where it says so.

    `page` counts from 1. `quote` is the passage to compare, at most LONGEST_QUOTE characters.
    """

    field: str
    values: Mapping[str, str | list[str]]
    page: int
    quote: str

    @property
    def key(self) -> str:
        """Names this proposal among those of its paper; the same text gives the same key."""
        said = json.dumps([self.field, self.values, self.page], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Found:
    """A match on a page, with the page's whole text to quote from."""

    page: int
    match: re.Match[str]
    text: str

    def quote(self) -> str:
        return quote(self.text, self.match.start(), self.match.end())


class Paper:
    """The pages of a paper, without headers and footers; lines as they stand, and as one text."""

    def __init__(self, pages: Sequence[str]) -> None:
        self.lines = _without_repeats([_lines(page) for page in pages])
        self.texts = [" ".join(lines) for lines in self.lines]

    def find(self, pattern: str, *, last_page: int | None = None) -> Iterator[Found]:
        """Each match, page by page, up to `last_page`; letters match in either case."""
        compiled = re.compile(pattern, re.IGNORECASE)
        for number, text in enumerate(self.texts[:last_page], start=1):
            for match in compiled.finditer(text):
                yield Found(number, match, text)

    def count(self, pattern: str) -> int:
        return sum(1 for _ in self.find(pattern))


def _lines(page: str) -> list[str]:
    return [line for raw in page.splitlines() if (line := " ".join(raw.split()))]


def _shape(line: str) -> str:
    return re.sub(r"\d+", "#", line).lower()


def _without_repeats(pages: list[list[str]]) -> list[list[str]]:
    """The pages without lines that stand at the edge of many of them."""
    seen = Counter(shape for lines in pages for shape in {_shape(x) for x in _edges(lines)})
    often = max(FEWEST_REPEATS, int(len(pages) * REPEATS))
    repeated = {shape for shape, times in seen.items() if times >= often}
    return [
        [
            line
            for index, line in enumerate(lines)
            if _shape(line) not in repeated or 2 <= index < len(lines) - 2
        ]
        for lines in pages
    ]


def _edges(lines: list[str]) -> list[str]:
    return lines if len(lines) < 4 else [*lines[:2], *lines[-2:]]


def quote(text: str, start: int, end: int) -> str:
    """The passage around a match, cut at the ends of sentences where one is near."""
    sentence = text.rfind(". ", 0, start)
    before = sentence + 2 if sentence >= 0 else 0
    if start - before > 100:
        before = text.rfind(" ", 0, start - 90) + 1
    stop = text.find(". ", end)
    after = stop + 1 if 0 <= stop <= end + 120 else _word_end(text, end + 60)
    passage = text[before:after].strip()
    if len(passage) > LONGEST_QUOTE:
        passage = passage[: LONGEST_QUOTE - 1].rstrip() + "…"
    return passage


def _word_end(text: str, near: int) -> int:
    space = text.rfind(" ", 0, near + 1)
    return len(text) if near >= len(text) else space


def parse_day(text: str) -> dt.date | None:
    """A day as reports write it; None if there is no such day.

    Between slashes the month comes first, as in the United States, unless it cannot.
    """
    words = re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", text.strip().lower())
    numbers = [int(n) for n in re.findall(r"\d+", words)]
    name = re.search(r"[a-z]{3,}", words.replace("of", " "))
    try:
        if name:
            month = next(i for i, m in enumerate(MONTHS, 1) if m.startswith(name.group()[:3]))
            return dt.date(max(numbers), month, min(numbers))
        if len(str(numbers[0])) == 4:
            return dt.date(*numbers)
        first, second, year = numbers
        if "/" in words and first <= 12:
            return dt.date(year, first, second)
        return dt.date(year, second, first)
    except (ValueError, StopIteration, TypeError):
        return None
