"""Names of people in many languages, as texts write them. From Faker's lists and our own.

Sources: Faker's person providers (MIT licence); `grammar/romanised.txt`, our own.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from countersign.training.grammar import Grammar

FORMS = Grammar("forms")
# Whose family names eponyms are made of: no one is meant by them.
EPONYMS = ("en_US", "en_GB", "de_DE", "fr_FR", "it_IT", "en_US")
# Faker's locales whose people have names of their own: those in Latin letters, and the others.
LATIN = FORMS.words("latin")
OTHER = FORMS.words("other")
UNSPACED = frozenset({"ja_JP", "ko_KR", "zh_CN", "zh_TW"})
ROMANISED = ("zh", "ko", "ar", "he", "in", "af", "la")
TRANSLITERATED = (("ru_RU", "cyrillic"), ("uk_UA", "cyrillic"), ("el_GR", "greek"))
GIVEN = ("first_names_male", "first_names_female", "first_names_nonbinary", "first_names")
FAMILY = ("last_names_male", "last_names_female", "last_names", "last_names_unisex")
INITIALS = "ABCDEFGHIJKLMNOPRSTVWZ"


@dataclass(frozen=True)
class People:
    """Given and family names of one language."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    unspaced: bool = False


def _of(provider: object, *attributes: str) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for attribute in attributes:
        found = getattr(provider, attribute, None)
        if isinstance(found, Mapping | Iterable) and not isinstance(found, str):
            names.update(dict.fromkeys(_plain(name) for name in found))
    names.pop("", None)
    return tuple(names)


def _plain(name: object) -> str:
    """Faker has names as strings, and as tuples with their romanised forms."""
    text = name[0] if isinstance(name, tuple) else name
    return str(text).replace("\u2019", "'").strip()


def locale_people(locale: str) -> People:
    """The names of one of Faker's locales."""
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    given, family = _of(provider, *GIVEN), _of(provider, *FAMILY)
    return People(given, family or given, unspaced=locale in UNSPACED)


def transliterated(people: People, letters: Mapping[str, str]) -> People:
    """Names of another alphabet in Latin letters."""

    def latin(name: str) -> str:
        return "".join(letters.get(letter, letter) for letter in name.lower()).title()

    return People(tuple(map(latin, people.given)), tuple(map(latin, people.family)))


def everyone(without: Iterable[str] = ()) -> dict[str, People]:
    """The names of all languages but those of the locales `without`, by locale.

    Raises: ValueError if one of them is none of ours, or if nobody is left for eponyms.
    """
    left_out = set(without)
    romanised = {f"romanised-{origin}" for origin in ROMANISED}
    if unknown := sorted(left_out - {*LATIN, *OTHER, *romanised}):
        raise ValueError(f"These locales have no names here: {', '.join(unknown)}.")
    if left_out.issuperset(EPONYMS):
        raise ValueError(f"One of these has to stay: {', '.join(sorted(set(EPONYMS)))}.")
    found = {locale: locale_people(locale) for locale in (*LATIN, *OTHER) if locale not in left_out}
    for locale, alphabet in TRANSLITERATED:
        if locale in found:
            letters = dict(pair.split(" ") for pair in FORMS.words(alphabet))
            found[f"{locale}-latin"] = transliterated(found[locale], letters)
    own = Grammar("romanised")
    for origin in ROMANISED:
        if f"romanised-{origin}" not in left_out:
            found[f"romanised-{origin}"] = People(
                tuple(own.words(f"given_{origin}")), tuple(own.words(f"family_{origin}"))
            )
    return {locale: people for locale, people in found.items() if people.given}


class Names:
    """Writes names in the ways that texts do."""

    def __init__(self, people: Mapping[str, People]) -> None:
        """Take names of `people`, by locale."""
        self.people = people
        self.latin = [name for name in people if name in LATIN or "-" in name]
        self.others = [name for name in people if name in OTHER]

    def someone(self, chance: random.Random) -> People:
        """The people of some language: of the United States by a third, mostly in Latin letters."""
        at = chance.random()
        if at < 0.33 and "en_US" in self.people:
            return self.people["en_US"]
        if at < 0.92 or not self.others:
            return self.people[chance.choice(self.latin)]
        return self.people[chance.choice(self.others)]

    def given(self, chance: random.Random, people: People) -> str:
        """A given name; now and then a double one."""
        name = chance.choice(people.given)
        if not people.unspaced and chance.random() < 0.02:
            name += chance.choice("- ") + chance.choice(people.given)
        return name

    def family(self, chance: random.Random, people: People) -> str:
        """A family name; now and then hyphenated, double or with a particle."""
        name, at = chance.choice(people.family), chance.random()
        if people.unspaced or at > 0.09:
            return name
        if at < 0.05:
            return f"{name}-{chance.choice(people.family)}"
        if at < 0.065:
            return f"{name} {chance.choice(people.family)}"
        before = chance.choice(FORMS.words("before"))
        return f"{before}{name}" if before in {"O'", "Mc", "Mac"} else f"{before} {name}"

    def written(self, symbol: str, chance: random.Random, people: People) -> str:
        """A name in one of the forms of `symbol`: full, lastfirst, initialled, titled, doctoral."""
        given, family = self.given(chance, people), self.family(chance, people)
        if people.unspaced:
            spaced = symbol in {"full", "initialled"} and chance.random() < 0.3
            return family + (" " if spaced else "") + given
        capitals = symbol == "lastfirst" and chance.random() < 0.25
        if capitals:
            given, family = given.upper(), family.upper()
        return FORMS.fill(
            symbol,
            chance,
            {
                "given": given,
                "family": family,
                "g": given[0],
                "f": family[0],
                "m": chance.choice(INITIALS) + chance.choice((".", ".", ".", "")),
                "other": chance.choice(people.given),
            },
        )
