"""What the tagger looks at: words, what stands between them, and what is known of each.

Training and tagging read the same features from here. All are of one word form, or of two
neighbours and the gap between them, so that their weights can be summed once a form and kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

# One character is a word: scripts that are written without spaces, and Hangul's syllables.
_SINGLE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
# What is no part of a word: ASCII's signs, the punctuation of other scripts, spaces.
_BETWEEN = (
    "\x00-/:-@\\[-`{-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb-\xbf\xd7\xf7\u02c2-\u02df\u055a-\u055f\u0589"
    "\u058a\u05be\u05c0\u05c3\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965\u0e2f\u0e3f"
    "\u0e4f\u0e5a\u0e5b\u10fb\u1680\u2000-\u2bff\u2e00-\u303f\u30fb\ud800-\uf8ff\ufe10-\ufe6f"
    "\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\U0001d000-\U0001faff"
    "\ufff0-\uffff\U000e0000-\U0010ffff"
)
_LETTERS = f"[^{_BETWEEN}{_SINGLE}]"
# Splits a text into gap, word, gap, word, ..., gap.
SPLIT = re.compile(f"([{_SINGLE}]|{_LETTERS}+(?:'{_LETTERS}+)*)").split
LONGEST = 32  # characters; what is longer is no word of a language, and all such look the same

_SCRIPTS = (
    (0x0370, ""),
    (0x0400, "g"),
    (0x0530, "c"),
    (0x0590, "y"),
    (0x0600, "h"),
    (0x0780, "r"),
    (0x0900, "o"),
    (0x0E00, "d"),
    (0x0E80, "t"),
    (0x10A0, "o"),
    (0x1100, "k"),
    (0x1E00, "o"),
    (0x2000, ""),
    (0x3040, "o"),
    (0x30A0, "i"),
    (0x3100, "j"),
    (0x3400, "o"),
    (0xA000, "z"),
    (0xAC00, "o"),
    (0xD7B0, "n"),
    (0xF900, "o"),
    (0xFB00, "z"),
)
_ELISION = re.compile("(?:[dl]|qu)'", re.IGNORECASE)
_SPACES = re.compile(r"[^\S\n]+")
EDGE = "\u25a1"  # a sign that no word has; stands before the first word and after the last

GIVEN, FAMILY, COMMON, TOWN, CONTEXT = 1, 2, 4, 8, 16

# How a text is written: in a text without capitals a word without one says nothing.
MIXED, LOWERED, CAPITALS = "", "l", "U"
_TITLE = re.compile(
    "[A-Z\u00c0-\u00de\u0391-\u03ab\u0410-\u042f][a-z\u00df-\u00ff\u03ac-\u03ce\u0430-\u044f]"
)


def manner(text: str) -> str:
    """How `text` is written: MIXED, LOWERED or CAPITALS."""
    if text.isupper():
        return CAPITALS
    return MIXED if _TITLE.search(text) else LOWERED


@dataclass(frozen=True, slots=True, repr=False)
class Lists:
    """Word lists: names, common words, towns, and the words that sentences are made of.

    All are in lower case. Of the words of `context` each is told from all others; of those of the
    other lists it only counts that they are in them.
    """

    given: Collection[str]
    family: Collection[str]
    common: Collection[str]
    towns: Collection[str]
    context: Collection[str]

    def bits(self, word: str) -> int:
        """Which lists a word in lower case is in."""
        return (
            (word in self.given and GIVEN)
            | (word in self.family and FAMILY)
            | (word in self.common and COMMON)
            | (word in self.towns and TOWN)
            | (word in self.context and CONTEXT)
        )


NO_LISTS = Lists((), (), (), (), ())


@dataclass(frozen=True, slots=True, repr=False)
class Form:
    """A word as the model sees it. `base` is lower case without a possessive ending."""

    base: str
    shape: str
    known: int  # the lists that it is in, but for CONTEXT
    context: bool

    @property
    def kin(self) -> str:
        """The coarse class of the word: its shape and the lists it is in."""
        return f"{self.shape}{self.known}"

    @property
    def key(self) -> str:
        """What pairs of words are told apart by: the word itself if context, else its class."""
        return f"{self.shape}|{self.base}" if self.context else f"{self.shape}{self.known}"


def form(word: str, lists: Lists, written: str = MIXED) -> Form:
    """The form of `word` in a text `written` so."""
    if word == EDGE:
        return Form(EDGE, EDGE, 0, context=True)
    if len(word) > LONGEST:
        return Form("", "long", 0, context=False)
    base = word.lower()
    possessive = base.endswith("'s") and len(base) > 2
    if possessive:
        word, base = word[:-2], base[:-2]
    shape = _shape(word) + ("s" if possessive else "") + written
    bits = lists.bits(base)
    if not bits and "'" in base:
        bits = lists.bits(_ELISION.sub("", base))
    return Form(base, shape, bits & ~CONTEXT, context=bits & CONTEXT > 0)


def _shape(word: str) -> str:
    """Case and kind of characters: `Aa`, `a`, `AA`, `9`, `a9`, with the script if not Latin."""
    if word.isalpha() or not any(map(str.isdigit, word)):
        return _script(word[0]) + _case(word)
    if word.isdigit():
        return f"9{min(len(word), 6)}"
    if word[0].isdigit():
        return "9a" if word[-1].isalpha() else "9a9"
    return "a9" if word.islower() else "A9"


def _case(word: str) -> str:
    if len(word) == 1:
        return "A1" if word.isupper() else "a1"
    if word.islower():
        return "a"
    if word.isupper():
        return f"AA{min(len(word), 4)}"
    return "Aa" if word.istitle() and word[1:].islower() else ("AaA" if word[0].isupper() else "aA")


def _script(character: str) -> str:
    code = ord(character)
    if code < 0x0370:
        return ""
    name = "o"
    for start, script in reversed(_SCRIPTS):
        if code >= start:
            name = script
            break
    return name


def gap_class(gap: str) -> str:
    """What stands between two words, in at most four characters: white space is one character."""
    if len(gap) > 12:
        gap = gap[:6] + gap[-6:]
    gap = _SPACES.sub("\u00b7", gap).replace("\n\n", "\u00a7").replace("\n", "\u00b6")
    return gap if len(gap) <= 4 else gap[:2] + gap[-2:]


def word_features(seen: Form) -> dict[int, list[str]]:
    """Features of a word for the label two, one and no places before it, and after: by offset.

    Offset -1 holds what the word says of the word after it, +1 of the word before it.
    """
    base, shape, known = seen.base, seen.shape, seen.known
    own = [f"0s{shape}", f"0l{known}", f"0k{shape}|{known}"]
    near, far = [f"s{shape}", f"k{shape}|{known}"], [f"k{shape}|{known}"]
    if seen.context:
        own.append(f"0w{base}")
        own.append(f"0v{base}|{shape}")
        near.append(f"w{base}")
        far.append(f"w{base}")
    if base and base != EDGE and not shape.startswith(("9", "a9", "A9")):
        case = shape[:2] + shape[-1:]
        own += [f"0x{base[-3:]}", f"0y{base[-2:]}", f"0z{base[:3]}", f"0n{min(len(base), 9)}"]
        own += [f"0c{case}{base[-3:]}", f"0d{base[-4:]}", f"0e{base[:2]}"]
        near.append(f"x{base[-3:]}")
    return {
        0: own,
        -1: [f"-{feature}" for feature in near],
        1: [f"+{feature}" for feature in near],
        -2: [f"<{feature}" for feature in far],
        2: [f">{feature}" for feature in far],
    }


def pair_features(left: Form, gap: str, right: Form) -> tuple[list[str], list[str]]:
    """Features of two neighbours and the gap between them: for the right word, for the left."""
    for_right = [f"[g{gap}", f"[r{gap}|{right.kin}", f"[b{left.kin}|{gap}|{right.kin}"]
    for_left = [f"]g{gap}", f"]l{left.kin}|{gap}", f"]b{left.kin}|{gap}|{right.kin}"]
    if left.context:
        for_right += [f"[w{left.base}|{gap}", f"[u{left.base}|{gap}|{right.shape}"]
    if right.context:
        for_left += [f"]w{gap}|{right.base}", f"]u{left.shape}|{gap}|{right.base}"]
    return for_right, for_left
