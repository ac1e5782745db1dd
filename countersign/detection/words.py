"""The word lists, read when they are first asked for. Built by `countersign/training/lists.py`."""

from __future__ import annotations

import lzma
from functools import cache
from pathlib import Path


@cache
def _words(name: str) -> frozenset[str]:
    packed = (Path(__file__).parent / "lists" / f"{name}.xz").read_bytes()
    return frozenset(lzma.decompress(packed).decode().split("\n"))


def given_names() -> frozenset[str]:
    """Given names of many countries, casefolded, with and without accents."""
    return _words("given")


def surnames() -> frozenset[str]:
    """Surnames of many countries, casefolded, with and without accents."""
    return _words("surnames")


def places() -> frozenset[str]:
    """Cities, casefolded; a name of several words is one entry."""
    return _words("places")


def common_words() -> frozenset[str]:
    """Words of English and of diagnoses, in lower case."""
    return _words("vocabulary")


def eponyms() -> frozenset[str]:
    """Names of people that stand for diseases, and other words with a capital in diagnoses."""
    return _words("eponyms")


def word_set(text: str) -> frozenset[str]:
    """The words of a text, parted by white space."""
    return frozenset(text.split())
