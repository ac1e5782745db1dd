"""The strict tier: each word that is neither in the vocabulary nor a plain number or unit is a hit.

For prompts that must not carry anything unforeseen; it also hits rare words that identify nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from countersign.detection import words
from countersign.detection.clinical import ABBREVIATIONS, DRUG_ENDINGS, DRUGS, UNITS
from countersign.detection.hits import Hit
from countersign.detection.patterns import Lazy, Page

SCORE = 0.6
_TOKEN = Lazy(r"[^\W_]+(?:['.,/:+-][^\W_]+)*")
# Counts, doses, ranges, ratios, times: digits in groups that no identifier has.
_PLAIN = Lazy(
    r"[0-9]{1,4}(?:,[0-9]{3})?(?:\.[0-9]{1,4})?(?:[-/:x][0-9]{1,4}(?:\.[0-9]{1,3})?){0,2}"
    r"(?:st|nd|rd|th|s)?"
)
_WITH_UNIT = Lazy(
    r"(?P<number>[0-9]{1,4}(?:\.[0-9]{1,4})?)-?(?P<unit>[a-zµ%]{1,8}"
    "(?:/[a-z0-9]{1,6}){0,2})"
)
_INFLECTED = Lazy(r"(?:'s|s|es|ed|ing|ly|er|al|ally|ness|ies|d)$")
_PART = Lazy(r"[^\W_]+(?:'[^\W_]+)?")


def unknown(page: Page, hits: Iterable[Hit]) -> Iterator[Hit]:
    """Words outside the vocabulary that no hit covers yet."""
    covered = sorted((hit.start, hit.end) for hit in hits)
    place = 0
    for match in _TOKEN.finditer(page.lower):
        start, end = match.span()
        while place < len(covered) and covered[place][1] <= start:
            place += 1
        if place < len(covered) and covered[place][0] <= start and end <= covered[place][1]:
            continue
        if not is_plain(match[0]):
            kind = "UNIQUE_ID" if any(character.isdigit() for character in match[0]) else "NAME"
            yield Hit(start, end, kind, SCORE, "strict.unknown")


def is_plain(token: str) -> bool:
    """Whether a word in lower case is of the vocabulary, a plain number, or a number with unit."""
    if _PLAIN.fullmatch(token) or is_word(token):
        return True
    with_unit = _WITH_UNIT.fullmatch(token)
    if with_unit and with_unit["unit"] in UNITS:
        return True
    parts = _PART.parts(token)
    return len(parts) > 1 and all(_PLAIN.fullmatch(part) or is_word(part) for part in parts)


def is_word(token: str) -> bool:
    """Whether a word is known: English, of a diagnosis, a drug, an abbreviation, a unit."""
    common = words.common_words()
    if token in common or token in ABBREVIATIONS or token in UNITS or token in DRUGS:
        return True
    if len(token) == 1 and token.isascii():
        return True
    stem = _INFLECTED.sub("", token)
    if (
        len(stem) > 2
        and stem != token
        and (stem in common or stem + "e" in common or stem + "y" in common)
    ):
        return True
    is_a_name = token in words.given_names() or token in words.surnames()
    return not is_a_name and len(token) > 6 and token.endswith(DRUG_ENDINGS)
