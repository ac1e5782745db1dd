"""A name that was found once is looked for in the rest of the text, in its parts.

"Anna Lindqvist was seen ... Lindqvist reports": the second stands where nothing else tells it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from countersign.detection import words
from countersign.detection.hits import Hit
from countersign.detection.names import EPONYM, TITLES, Word

# A name that was found with less is not sure enough to be looked for elsewhere.
LEAST = 0.75
_SHORTEST = 3
_START = attrgetter("start")


def again(found: Sequence[Word], hits: Iterable[Hit]) -> Iterator[Hit]:
    """The other places where words of found names stand, written with a capital or alike."""
    names = [hit for hit in hits if hit.kind == "NAME" and hit.score >= LEAST]
    if not names:
        return
    parts = _parts(found, names)
    for index, (start, end, text, low) in enumerate(found):
        if low in parts and text in parts[low]:
            following = found[index + 1].low if index + 1 < len(found) else ""
            if following not in EPONYM:
                yield Hit(start, end, "NAME", 0.75, "name.again")


def _parts(found: Sequence[Word], names: Sequence[Hit]) -> dict[str, set[str]]:
    """The words of the names, in the ways of writing that count as the same."""
    common = words.common_words()
    parts: dict[str, set[str]] = {}
    for hit in names:
        index = bisect_left(found, hit.start, key=_START)
        while index < len(found) and found[index].end <= hit.end:
            word = found[index]
            index += 1
            if len(word.low) < _SHORTEST or word.low in common or word.low in TITLES:
                continue
            parts.setdefault(word.low, set()).update(
                {word.text, word.low.capitalize(), word.low.upper()}
            )
    return parts
