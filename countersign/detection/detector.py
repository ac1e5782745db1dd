"""Finds identifiers: normalise, patterns, labels, lists, tagger, known values, resolve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Protocol

from countersign.detection import (
    addresses,
    ages,
    contacts,
    credentials,
    dates,
    facilities,
    identifiers,
    places,
    shouting,
)
from countersign.detection.hits import Hit, KnownValue
from countersign.detection.kinds import KINDS
from countersign.detection.labels import labelled
from countersign.detection.names import Names
from countersign.detection.normalising import normalised
from countersign.detection.own import OwnPattern, OwnPatterns
from countersign.detection.patterns import Lazy, Page, Pattern, Selector
from countersign.detection.propagating import again
from countersign.detection.resolving import resolve
from countersign.detection.strict import unknown
from countersign.detection.tables import columns
from countersign.detection.tagged import sensible

__all__ = ["Detector", "KnownValue", "OwnPattern", "TagsNames", "default_detector"]

# What is known by its own shape: looked for in the text as it stands.
SHAPES: tuple[Pattern, ...] = (
    *credentials.PATTERNS,
    *contacts.PATTERNS,
    *identifiers.PATTERNS,
    *dates.PATTERNS,
    *ages.PATTERNS,
)
# What words with a capital make: a text in capitals is read as it would be written otherwise.
WORDED: tuple[Pattern, ...] = (*addresses.PATTERNS, *facilities.PATTERNS, *places.PATTERNS)
PATTERNS = SHAPES + WORDED
# A token of ours, as `[[NAME_4817]]`: what stands inside was masked before and stays as it is.
TOKEN = Lazy(
    rf"\[\[(?:{'|'.join(KINDS)}|OWN_[A-Z0-9_]{{1,60}})(?:_[0-9]{{1,12}}"
    rf"|:[a-z0-9-]{{2,12}}:[^\s\[\]]{{1,800}})?\]\]"
)


class TagsNames(Protocol):
    """What finds names and places in running text: `countersign.detection.tagger.Tagger`."""

    def tag(self, text: str) -> list[Hit]:
        """Hits in a normalised text, offsets in that text."""


@cache
def selectors() -> tuple[Selector, Selector]:
    """Those of `SHAPES` and of `WORDED`."""
    return Selector(SHAPES), Selector(WORDED)


class Detector:
    """Finds identifiers; keeps nothing of the texts it has seen, and can be shared by threads.

    `min_score`: hits below it are left out. `strict`: also hits each word that is in neither the
    vocabulary nor a plain number or unit.
    """

    def __init__(
        self,
        *,
        tagger: TagsNames | None = None,
        own: Sequence[OwnPattern] = (),
        min_score: float = 0.5,
        strict: bool = False,
    ) -> None:
        self.tagger = tagger
        self.min_score = min_score
        self.strict = strict
        self._own = OwnPatterns(own)

    def detect(
        self, text: str, *, known: Sequence[KnownValue] = (), strict: bool | None = None
    ) -> list[Hit]:
        """The identifiers in a text, sorted by place, none overlapping another.

        `known` are values that the caller knows, to be found wherever they stand. `strict`
        overrides the detector's own setting. Offsets are in characters of `text`.
        """
        folded = normalised(text)
        page = Page(folded.text)
        found = [hit for hit in self._found(page, known) if hit.score >= self.min_score]
        if self.strict if strict is None else strict:
            found += unknown(page, found)
        kept = resolve(_outside_tokens(page, found), page.text)
        if folded.starts is None:
            return kept
        return [
            Hit(*folded.original(hit.start, hit.end), hit.kind, hit.score, hit.rule) for hit in kept
        ]

    def _found(self, page: Page, known: Sequence[KnownValue]) -> list[Hit]:
        is_shouted = shouting.is_shouted(page.text)
        spoken = Page(shouting.spoken(page.text)) if is_shouted else page
        shapes, worded = selectors()
        found = [hit for pattern, at in shapes.running(page) for hit in pattern.hits(page, at)]
        found += [hit for pattern, at in worded.running(spoken) for hit in pattern.hits(spoken, at)]
        found += labelled(page)
        found += columns(page)
        found += self._own.hits(page)
        names = Names(spoken)
        found += places.placed(spoken, names.words)
        found += names.hits()
        if self.tagger is not None:
            found += sensible(page, self.tagger.tag(page.text))
        found += again(names.words, found)
        if known:
            from countersign.detection.sweeping import Sweeper  # noqa: PLC0415 - only when asked

            found += Sweeper(known).hits(page.text)
        return found


def _outside_tokens(page: Page, hits: Iterable[Hit]) -> list[Hit]:
    """The hits that touch no token of ours."""
    hits = list(hits)
    if "[[" not in page.text:
        return hits
    tokens = [match.span() for match in TOKEN.finditer(page.text)]
    return [
        hit for hit in hits if not any(hit.start < end and start < hit.end for start, end in tokens)
    ]


@cache
def default_detector() -> Detector:
    """A detector as everyone should use it: with the tagger if its model is installed."""
    try:
        from countersign.detection.tagger import Tagger, TaggerMissing  # noqa: PLC0415 - optional
    except ImportError:
        return Detector()
    try:
        return Detector(tagger=Tagger.load())
    except TaggerMissing:
        return Detector()
