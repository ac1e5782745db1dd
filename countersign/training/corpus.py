"""The texts that the tagger learns from: a mixture of grammars, in many languages and manners.

Seeded: the same seed, number and Faker release give the same texts.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from faker.providers.address.en_US import Provider as AddressProvider

from countersign.detection.forms import SPLIT
from countersign.training.grammar import Grammar, Text
from countersign.training.people import FORMS, everyone
from countersign.training.slots import Slots

COMMON_FILES = ("medicine", "words", "places", "vocabulary")
MANNERS = (("clinical", 32), ("general", 39), ("clean", 22), ("languages", 7))


class Corpus:
    """Makes labelled texts."""

    def __init__(self, seed: int, without: Iterable[str] = ()) -> None:
        """Take names of all languages but those of the locales `without`."""
        self.seed = seed
        self.left_out = frozenset(without)
        self.people = everyone(self.left_out)
        self.grammars = {
            manner: Grammar(*COMMON_FILES, "clinical", *([manner] if manner != "clinical" else []))
            for manner, _ in MANNERS
        }
        # General texts take chats, verbs and the like from the clean ones.
        self.grammars["general"] = Grammar(*COMMON_FILES, "clinical", "clean", "general")
        self.slots = Slots(self.people, self.grammars["general"], seed)
        self.everywhere = self.slots.slots()
        self.local = {
            symbol: self.slots.slots(symbol.removeprefix("text_"))
            for symbol in self.grammars["languages"].symbols
            if symbol.startswith("text_") and symbol.removeprefix("text_") not in self.left_out
        }

    def texts(self, count: int, seed: int | None = None) -> Iterator[Text]:
        """`count` texts, the same each time."""
        chance = random.Random(self.seed if seed is None else seed)  # noqa: S311 - no secret
        manners = [manner for manner, _ in MANNERS]
        weights = [weight for _, weight in MANNERS]
        for _ in range(count):
            manner = chance.choices(manners, weights)[0]
            yield changed(self.one(manner, chance), chance)

    def one(self, manner: str, chance: random.Random) -> Text:
        """One text of a manner."""
        grammar = self.grammars[manner]
        if manner != "languages":
            return grammar.expand("text", chance, self.everywhere, Text())
        symbol = chance.choice(list(self.local))
        return grammar.expand(symbol, chance, self.local[symbol], Text())

    def context(self) -> set[str]:
        """All words that templates hold, in lower case; what fills slots is none of them.

        A word that is also somebody's name is one only if templates have it in lower case.
        """
        words = {word.lower().strip(".") for word in ADDRESS_WORDS}
        capitals: set[str] = set()
        for grammar in self.grammars.values():
            for part in _written(grammar):
                for word in SPLIT(part)[1::2]:
                    (words if word.islower() else capitals).add(word.lower().removesuffix("'s"))
        names = {
            word
            for people in self.people.values()
            for name in (*people.given, *people.family)
            for word in SPLIT(name.lower())[1::2]
        }
        words |= capitals - names
        return {word for word in words if not any(map(str.isdigit, word))}


# Words by the hundred that stand for all others of their kind, and names.
SAMPLES = frozenset({"realcity", "saint", "particle", "facword", "anyword", "medword"})
# What stands in streets and towns, and is nobody's.
ADDRESS_WORDS = (
    *("Suite", "Apt", "Unit", "Floor", "Box", "Pl", "Ct", "Blvd"),
    *FORMS.words("way"),
    *AddressProvider.street_suffixes,
    *AddressProvider.city_prefixes,
)


def _written(grammar: Grammar) -> Iterator[str]:
    for symbol, productions in grammar.symbols.items():
        if symbol not in SAMPLES:
            for production in productions:
                yield from production[::2]


def changed(text: Text, chance: random.Random) -> Text:
    """The text, or a copy of it in lower case, in capitals, or written carelessly."""
    at = chance.random()
    whole = text.text
    if at < 0.27:
        whole = whole.lower()
    elif at < 0.33:
        whole = whole.upper()
    elif at < 0.37:
        whole = whole[:1].upper() + whole[1:]
    elif at < 0.41:
        whole = _names_in_capitals(whole, text)
    elif at < 0.46:
        whole = _lower_some(whole, text, chance)
    if len(whole) != text.length:
        return text
    return Text([whole], text.length, text.spans)


def _names_in_capitals(whole: str, text: Text) -> str:
    """Names of people in capitals, as forms and lists have them."""
    for start, end, label in text.spans:
        if label == "N":
            whole = whole[:start] + whole[start:end].upper() + whole[end:]
    return whole


def _lower_some(whole: str, text: Text, chance: random.Random) -> str:
    """Names alone in lower case, or all but names."""
    names = chance.random() < 0.5
    parts, at = [], 0
    for start, end, _ in text.spans:
        outside, inside = whole[at:start], whole[start:end]
        parts += [outside, inside.lower()] if names else [outside.lower(), inside]
        at = end
    rest = whole[at:]
    parts.append(rest if names else rest.lower())
    return "".join(parts)
