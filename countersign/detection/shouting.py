"""Text all in capitals, written as it would be otherwise: capitals tell names from words again."""

from __future__ import annotations

import re
import string

from countersign.detection import words
from countersign.detection.clinical import UNITS
from countersign.detection.patterns import Lazy

# Of the letters of a text so many must be capitals, and so many letters there must be.
SHARE = 0.85
_LEAST = 12
_SAMPLE = 400
# Shorter words outside the vocabulary are left: states, centres of care, short names.
_SHORT = 4
_CAPITALS = string.ascii_uppercase.encode()
_SMALL = string.ascii_lowercase.encode()
_WORD = Lazy("(?<![A-Za-z0-9_+/=-])[A-Z]{2,}(?![A-Za-z0-9_+/=])")


def is_shouted(text: str) -> bool:
    """Whether nearly all letters are capitals."""
    return _share(text[:_SAMPLE]) >= SHARE and _share(text) >= SHARE


def _share(text: str) -> float:
    if text.isascii():
        encoded = text.encode("ascii")
        capitals = len(encoded) - len(encoded.translate(None, _CAPITALS))
        small = len(encoded) - len(encoded.translate(None, _SMALL))
    else:
        capitals = sum(map(str.isupper, text))
        small = sum(map(str.islower, text))
    return capitals / (capitals + small) if capitals + small >= _LEAST else 0.0


def spoken(text: str) -> str:
    """The text with words of the vocabulary in lower case, others with a capital; same length."""
    common = words.common_words()

    def word(match: re.Match[str]) -> str:
        low = match[0].lower()
        if low in common or low in UNITS:
            return low
        return match[0] if len(low) <= _SHORT else match[0].capitalize()

    return _WORD.compiled.sub(word, text)
