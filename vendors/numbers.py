"""Whole numbers as people and programs write them."""

from __future__ import annotations

# Of the largest number that every bigint column holds whatever its digits are.
MOST_DIGITS = 18


def whole(said: object, otherwise: int = 0, *, digits: int = MOST_DIGITS) -> int:
    """The number that is said; `otherwise` where it is none, or has more digits than these.

    One of thousands of digits Python does not even read.
    """
    text = "" if said is None else str(said)
    return int(text) if text.isdecimal() and len(text) <= digits else otherwise
