"""Typed patterns, and the filter that says which of them need to run over a text at all.

A pattern's `body` is written so that both `re` and re2 read it: no look-around inside. What must
not stand before and after it is told apart. Each body is linear on any text: no repeat inside a
repeat over the same characters, and every repeat has an end. One re2 Set over all bodies passes
the text once; without google-re2 each pattern's `needs` are looked for instead.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from countersign.detection.hits import Hit

# What may not stand beside a number or code that counts as one.
NO_WORD_BEFORE = r"(?<![A-Za-z0-9_])"
NO_WORD_AFTER = r"(?![A-Za-z0-9_])"
NO_NUMBER_BEFORE = r"(?<![A-Za-z0-9_])(?<![0-9][.,/:-])"
NO_NUMBER_AFTER = r"(?![A-Za-z0-9_])(?![.,/:-]?[0-9])"


class Lazy:
    """A pattern that is compiled when it is first used: importing the library stays cheap."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.source, self._flags = pattern, flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern, compiled. From then on its own methods stand in the place of ours."""
        compiled = re.compile(self.source, self._flags)
        vars(self).update(
            search=compiled.search,
            match=compiled.match,
            fullmatch=compiled.fullmatch,
            finditer=compiled.finditer,
            parts=compiled.findall,
            sub=compiled.sub,
        )
        return compiled

    def search(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """As that of `re.Pattern`."""
        return self.compiled.search(text, start, end)

    def match(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """As that of `re.Pattern`."""
        return self.compiled.match(text, start, end)

    def fullmatch(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """As that of `re.Pattern`."""
        return self.compiled.fullmatch(text, start, end)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """As that of `re.Pattern`."""
        return self.compiled.finditer(text)

    def parts(self, text: str) -> list[str]:
        """All matches of a pattern that has no group."""
        return self.compiled.findall(text)

    def sub(self, replacement: str, text: str) -> str:
        """As that of `re.Pattern`."""
        return self.compiled.sub(replacement, text)


# Where a match may begin: from the first place up to, and without, the second.
Stretch = tuple[int, int]
WHOLE: tuple[Stretch, ...] = ((0, sys.maxsize),)


class Page:
    """A normalised text, and what rules ask about it, each worked out once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._spans: dict[tuple[str, int | str], list[tuple[int, int]]] = {}

    @cached_property
    def encoded(self) -> bytes:
        """The text in UTF-8, with a mark for what it cannot hold."""
        return self.text.encode("utf-8", "replace")

    @cached_property
    def lower(self) -> str:
        """The text in lower case; as long as the text, character by character."""
        lower = self.text.lower()
        if len(lower) == len(self.text):
            return lower
        return "".join(
            character.lower() if len(character.lower()) == 1 else character
            for character in self.text
        )

    def before(self, at: int, length: int = 40) -> str:
        """Up to `length` characters of lower case before `at`."""
        return self.lower[max(at - length, 0) : at]

    def after(self, at: int, length: int = 24) -> str:
        """Up to `length` characters of lower case from `at` on."""
        return self.lower[at : at + length]

    def spans(self, pattern: Pattern, stretches: Sequence[Stretch]) -> list[tuple[int, int]]:
        """Where the pattern's group matches; looked for once for rules of the same expression.

        `stretches` are those outside of which no match begins.
        """
        key = (pattern.expression, pattern.group)
        found = self._spans.get(key)
        if found is None:
            group = pattern.group
            is_whole = stretches[0][0] == 0 and stretches[0][1] >= len(self.text)
            matches = (
                pattern.all_matches(self) if is_whole else pattern.matches(self.text, stretches)
            )
            found = self._spans[key] = [match.span(group) for match in matches]
        return found


class Check(Protocol):
    """Says whether a match is what its pattern is for, and how sure that is; 0 refuses it."""

    def __call__(self, page: Page, start: int, end: int) -> float: ...


@dataclass(frozen=True)
class Pattern:
    """One rule: `body` is searched, its group `group` is the hit.

    `score` is that of a hit; `check`, if there is one, gives the score instead. `needs` are texts
    in lower case, one of which stands in any text that the body can match; empty if none does.
    Characters of `trailing` are no part of a hit's end. `longest`: no match of the body has more
    characters. `is_sought`: a short text is passed over by re2 first, which says where a match may
    begin; for bodies that `re` has to try at many places.
    """

    rule: str
    kind: str
    body: str
    score: float
    check: Check | None = None
    needs: tuple[str, ...] = ()
    before: str = NO_WORD_BEFORE
    after: str = NO_WORD_AFTER
    group: int | str = 0
    is_caseless: bool = True
    trailing: str = ""
    longest: int = 256
    is_sought: bool = False

    @cached_property
    def expression(self) -> str:
        """All of it, as `re` reads it."""
        flags = "ai" if self.is_caseless else "a"
        return f"(?{flags}){self.before}(?:{self.body}){self.after}"

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern, compiled when it is first needed."""
        return re.compile(self.expression)

    def may_match(self, lower: str) -> bool:
        """Whether a text in lower case holds what the pattern needs."""
        for need in self.needs:  # A plain loop: it is asked of every pattern and text.
            if need in lower:
                return True
        return not self.needs

    @cached_property
    def finder(self) -> Any:
        """Finds on re2 where the body may match, and elsewhere too. None without re2."""
        try:
            import re2  # noqa: PLC0415 - optional
        except ImportError:
            return None
        flag = "i" if self.is_caseless else "-i"
        body = _GROUP.sub("(?:", _open_ended(self.body))
        return re2.compile(f"(?{flag}:{body})".encode(), _options(re2))

    def all_matches(self, page: Page) -> Iterator[re.Match[str]]:
        """All matches in a text, none overlapping another."""
        text = page.text
        is_short = self.is_sought and len(text) <= 2 * PIECE and text.isascii()
        if not is_short or self.finder is None:
            yield from self.compiled.finditer(text)
            return
        at = 0
        while (found := self.finder.search(page.encoded, at)) is not None:
            # Before it nothing matches. One byte a character: places are the same.
            match = self.compiled.match(text, found.start())
            if match is not None:
                yield match
            at = match.end() if match is not None else found.start() + 1

    def matches(self, text: str, stretches: Sequence[Stretch]) -> Iterator[re.Match[str]]:
        """All matches that begin in one of the stretches, none overlapping another."""
        at = 0
        for start, end in stretches:
            seen = min(end + self.longest + BESIDE, len(text))
            for match in self.compiled.finditer(text, max(at, start), seen):
                if match.start() >= end:
                    break
                at = match.end()
                yield match

    def hits(self, page: Page, stretches: Sequence[Stretch] = WHOLE) -> Iterator[Hit]:
        """What it finds in a text."""
        text, trailing, check, score = page.text, self.trailing, self.check, self.score
        for start, end in page.spans(self, stretches):
            last = end
            while trailing and last > start and text[last - 1] in trailing:
                last -= 1
            sure = check(page, start, last) if check else score
            if sure > 0:
                yield Hit(start, last, self.kind, sure, self.rule)


class Selector:
    """Says which patterns can match a text, and where: by re2 Sets, or by what the patterns need.

    A long text is asked about piece by piece, each with as much of the next as a match that begins
    in it may take: what one sentence holds is then not looked for in all of them. The sets are
    small, since the states of one machine for all patterns would be their product.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = tuple(patterns)
        members = sorted(enumerate(patterns), key=lambda member: member[1].longest)
        pieced = [member for member in members if member[1].longest <= MOST_OVERLAP]
        others = members[len(pieced) :]
        self.sets = [
            _Set(part[at : at + SET_SIZE])
            for part in (pieced, others)
            for at in range(0, len(part), SET_SIZE)
        ]

    def running(self, page: Page) -> list[tuple[Pattern, Sequence[Stretch]]]:
        """The patterns that may match the text, each with where; no other can."""
        if len(page.text) <= 2 * PIECE:
            encoded, lower = page.encoded, page.lower
            places = [place for each in self.sets for place in each.possible(encoded, lower)]
            return [(self.patterns[place], WHOLE) for place in sorted(places)]
        found: dict[int, list[Stretch]] = {}
        for each in self.sets:
            each.look(page, found)
        return [(self.patterns[place], found[place]) for place in sorted(found)]


class _Set:
    """Patterns that are asked about together; `members` are they and their places among all."""

    def __init__(self, members: Sequence[tuple[int, Pattern]]) -> None:
        self.members = tuple(members)
        self.overlap = max(pattern.longest for _, pattern in members)

    @cached_property
    def match(self) -> Callable[[bytes], Sequence[int]] | None:
        """What says which members match; None without re2."""
        try:
            import re2  # noqa: PLC0415 - optional
        except ImportError:
            return None
        return _re2_set(re2, [pattern for _, pattern in self.members])

    def look(self, page: Page, found: dict[int, list[Stretch]]) -> None:
        """Note for each member that may match the stretches in which a match may begin."""
        size = len(page.text)
        if self.overlap > MOST_OVERLAP:
            for place in self.possible(page.encoded, page.lower):
                found[place] = [(0, size)]
            return
        for start in range(0, size, PIECE):
            seen = slice(start, start + PIECE + self.overlap)
            piece = page.text[seen].encode("utf-8", "replace")
            for place in self.possible(piece, page.lower[seen]):
                stretches = found.setdefault(place, [])
                if stretches and stretches[-1][1] == start:
                    start_before, _ = stretches.pop()
                    stretches.append((start_before, start + PIECE))
                else:
                    stretches.append((start, start + PIECE))

    def possible(self, encoded: bytes, lower: str) -> list[int]:
        """The places of the members that may match the text, given in UTF-8 and in lower case."""
        matching = None
        if self.match is not None and len(self.members) > FEW:
            matching = self.match(encoded)
        # The last one always matches: without it the filter has failed.
        if matching is None or len(self.members) not in matching:
            return [place for place, pattern in self.members if pattern.may_match(lower)]
        return [
            self.members[index][0]
            for index in matching
            if index < len(self.members) and self.members[index][1].may_match(lower)
        ]


# Characters of a piece, the most that it looks beyond its end, and what stands beside a match at
# the most as far as patterns ask.
PIECE = 512
MOST_OVERLAP = 1024
# Fewer patterns than these are sooner asked one by one.
FEW = 6
BESIDE = 64
SET_SIZE = 32
_REPEAT = re.compile(r"\{(\d+),(\d+)\}")
_GROUP = re.compile(r"\(\?P<[a-z]+>")
# A repeat that may take more than so many is left open; so many of its least are kept.
_LONG, _LEAST = 2, 9


def _open_ended(body: str) -> str:
    """The body with long repeats left open: matches wherever the body does, in a small machine."""

    def widened(match: re.Match[str]) -> str:
        least, most = int(match[1]), int(match[2])
        return match[0] if most <= _LONG else f"{{{min(least, _LEAST)},}}"

    return _REPEAT.sub(widened, body)


# What stands beside a match, consumed, for re2 knows no look-around.
_BEFORE = {
    NO_NUMBER_BEFORE: r"(?:^|[^A-Za-z0-9_.,/:-]|(?:^|[^0-9])[.,/:-])",
    NO_WORD_BEFORE: "(?:^|[^A-Za-z0-9_])",
}
_AFTER = {
    NO_NUMBER_AFTER: r"(?:$|[^A-Za-z0-9_.,/:-]|[.,/:-](?:$|[^0-9]))",
    NO_WORD_AFTER: "(?:$|[^A-Za-z0-9_])",
}


def _beside(asked: str, known: Mapping[str, str]) -> str:
    """As much of what may not stand beside a match as re2 can tell."""
    return next((told for lookaround, told in known.items() if lookaround in asked), "")


def _options(re2: Any) -> Any:
    options = re2.Options()
    options.max_mem = 8 << 20
    options.log_errors = False
    return options


def _re2_set(re2: Any, patterns: Sequence[Pattern]) -> Callable[[bytes], Sequence[int]]:
    matching = re2.Set.SearchSet(_options(re2))
    for pattern in patterns:
        flag = "i" if pattern.is_caseless else "-i"
        before, after = _beside(pattern.before, _BEFORE), _beside(pattern.after, _AFTER)
        matching.Add(f"{before}(?{flag}:{_open_ended(pattern.body)}){after}")
    matching.Add("")  # Matches always: its absence tells of a filter that ran out of memory.
    matching.Compile()
    found: Callable[[bytes], Sequence[int]] = matching.Match
    return found
