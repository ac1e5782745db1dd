"""What templates' slots are filled with: people, places, streets, companies, and plain values."""

from __future__ import annotations

import calendar
import random
from collections.abc import Mapping

from faker import Faker

from countersign.training.grammar import Grammar, Parts, Slot
from countersign.training.people import EPONYMS, FORMS, Names, People

# Locales whose addresses Faker makes in their own words, those in Latin letters first.
LATIN_ADDRESSES = FORMS.words("addresses")
ADDRESSES = [*LATIN_ADDRESSES, *FORMS.words("otheraddresses")]
PROVIDERS = ["faker.providers.address", "faker.providers.person"]
POOL = 160  # cities and streets that are made for each locale
ORDINALS = ("th", "st", "nd", "rd", "th", "th", "th", "th", "th", "th")
LETTERS = "ABCDEFGHIKLMNOPRSTUVW"
DIGITS = "0123456789"


class Slots:
    """Fills slots. The same seed gives the same texts, whatever machine."""

    def __init__(self, people: Mapping[str, People], grammar: Grammar, seed: int) -> None:
        """Make the pools of places, from Faker seeded with `seed`."""
        self.names = Names(people)
        self.grammar = grammar
        self.cities: dict[str, list[str]] = {}
        self.streets: dict[str, list[str]] = {}
        for locale in ADDRESSES:
            faker = Faker(locale, providers=PROVIDERS)
            faker.seed_instance(seed)
            self.cities[locale] = _cities(faker, seed)
            self.streets[locale] = [_line(faker.street_address()) for _ in range(POOL)]
        self.us = self.cities["en_US"]
        faker = Faker("en_US")
        faker.seed_instance(seed)
        self.streetnames = [faker.street_name() for _ in range(POOL * 4)]
        self.jobs = sorted({_line(faker.job()) for _ in range(400)})
        self.users = [faker.user_name() for _ in range(POOL * 2)]

    def _word(self, symbol: str, chance: random.Random) -> str:
        return chance.choice(self.grammar.symbols[symbol])[0]

    def _form(self, symbol: str, chance: random.Random) -> str:
        return chance.choice(FORMS.words(symbol))

    def city(self, chance: random.Random) -> str:
        """A town that exists, or one like it."""
        at = chance.random()
        if at < 0.4:
            return self._word("realcity", chance)
        if at < 0.65:
            return chance.choice(self.us)
        return chance.choice(self.cities[chance.choice(LATIN_ADDRESSES)])

    def place(self, chance: random.Random) -> Parts:
        """A town, now and then with its state, which is no part of it."""
        at = chance.random()
        tail = ""
        if at < 0.23:
            tail = ", " + self._word("st" if at < 0.2 else "state", chance)
        return (self.city(chance), "P"), (tail, "")

    def facility(self, chance: random.Random) -> str:
        """A hospital, clinic or practice."""
        names, people = self.names, self.names.someone(chance)
        return FORMS.fill(
            "facility",
            chance,
            {
                "real": self._word("realfacility", chance),
                "kind": self._word("kindfac", chance),
                "word": self._word("facword", chance),
                "wordb": self._word("facword", chance),
                "saint": self._word("saint", chance),
                "city": self.city(chance),
                "letters": acronym(chance),
                "given": names.given(chance, people),
                "family": names.family(chance, people),
                "familyb": names.family(chance, people),
            },
        )

    def _facility_in(self, chance: random.Random) -> Parts:
        between = chance.choice((" in ", " in ", ", ", " of ", " at ", " - "))
        return (self.facility(chance), "P"), (between, ""), *self.place(chance)

    def street(self, chance: random.Random) -> str:
        """House and street; half of them of the United States."""
        locale = "en_US" if chance.random() < 0.62 else chance.choice(ADDRESSES)
        street, at = chance.choice(self.streets[locale]), chance.random()
        if at < 0.04:
            return f"P.O. Box {chance.randint(1, 9999)}"
        if at < 0.12:
            number, way = chance.randint(1, 9999), self._form("way", chance)
            return f"{number} {chance.choice(self.grammar.words('facword'))} {way}"
        if at < 0.16:
            number = chance.randint(1, 199)
            ordinal = "th" if number // 10 == 1 else ORDINALS[number % 10]
            return (
                f"{chance.randint(1, 999)} {self._form('heading', chance)} {number}{ordinal} Street"
            )
        return street

    def address(self, chance: random.Random) -> Parts:
        """Street and town as they stand in one line or more."""
        between = chance.choice((", ", ", ", ", ", "\n", " ", "\n "))
        code = str(chance.randint(10000, 99999))
        tail = chance.choice(("", "", f" {code}", f", {code}", f" {self._word('country', chance)}"))
        return (
            (self.street(chance), "S"),
            (between, ""),
            *self.place(chance),
            (tail, ""),
        )

    def company(self, chance: random.Random) -> str:
        """A company that does not exist."""
        names, people = self.names, self.names.someone(chance)
        return FORMS.fill(
            "company",
            chance,
            {
                "family": names.family(chance, people),
                "familyb": names.family(chance, people),
                "familyc": names.family(chance, people),
                "orgkind": self._word("orgkind", chance),
                "orgword": self._word("orgword", chance),
                "orgwordb": self._word("orgword", chance),
                "orgwordlow": self._word("orgword", chance).lower(),
                "pseudo": pseudo(chance).title(),
                "letters": acronym(chance),
            },
        )

    def slots(self, locale: str | None = None) -> dict[str, Slot]:
        """The slots of a text; names and addresses of `locale` alone if one is named."""
        found = {**self._labelled(locale), **self._plain()}
        if locale in self.cities:
            found["CITY"] = lambda chance: ((chance.choice(self.cities[locale]), "P"),)
            found["STREET"] = lambda chance: ((chance.choice(self.streets[locale]), "S"),)
        return found

    def _labelled(self, locale: str | None) -> dict[str, Slot]:
        names = self.names
        fixed = names.people.get(locale or "")

        def people(chance: random.Random) -> People:
            return fixed or names.someone(chance)

        def name(symbol: str) -> Slot:
            return lambda chance: ((names.written(symbol, chance, people(chance)), "N"),)

        return {
            "NAME": name("full"),
            "FIRST": lambda chance: ((names.given(chance, people(chance)), "N"),),
            "LAST": lambda chance: ((names.family(chance, people(chance)), "N"),),
            "INITIAL": name("initialled"),
            "LASTFIRST": name("lastfirst"),
            "LASTCARET": lambda chance: ((self._caret(chance, people(chance)), "N"),),
            "TITLED": name("titled"),
            "DOCTOR": name("doctoral"),
            "CITY": lambda chance: ((self.city(chance), "P"),),
            "PLACE": self.place,
            "ADDRESS": self.address,
            "FACILITY": lambda chance: ((self.facility(chance), "P"),),
            "FACIN": self._facility_in,
            "CITYSITE": lambda chance: (
                (f"{self.city(chance)} {self._form('site', chance)}", "P"),
            ),
            "DOCOFFICE": self._office,
            "STREET": lambda chance: ((self.street(chance), "S"),),
            "STREETRAW": lambda chance: ((self.street(chance), "S"),),
            "STREETNAME": lambda chance: ((chance.choice(self.streetnames), "S"),),
            "COMPANY": lambda chance: ((self.company(chance), "G"),),
        }

    def _office(self, chance: random.Random) -> Parts:
        whose = self.names.written("doctoral", chance, self.names.someone(chance))
        return ((f"{whose}'s office", "P"),)

    def _caret(self, chance: random.Random, people: People) -> str:
        return f"{self.names.family(chance, people)}^{self.names.given(chance, people)}"

    def _eponym(self, chance: random.Random) -> str:
        known = [locale for locale in EPONYMS if locale in self.names.people]
        people = self.names.people[chance.choice(known)]
        return self.names.family(chance, people).title()

    def _plain(self) -> dict[str, Slot]:
        def number(length: int) -> Slot:
            return lambda chance: (
                (chance.choice(DIGITS[1:]) + "".join(chance.choices(DIGITS, k=length - 1)), ""),
            )

        return {
            **{f"n{length}": number(length) for length in (1, 2, 3, 5)},
            "age": lambda chance: ((str(chance.randint(1, 99)), ""),),
            "mf": lambda chance: ((chance.choice("MFMFmf"), ""),),
            "he": lambda chance: ((chance.choice(("he", "she", "He", "She")), ""),),
            "his": lambda chance: ((chance.choice(("his", "her", "His", "Her", "my")), ""),),
            "year": lambda chance: ((str(chance.randint(1920, 2026)), ""),),
            "time": lambda chance: (
                (f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}", ""),
            ),
            "date": lambda chance: ((date(chance), ""),),
            "id": lambda chance: ((identifier(chance), ""),),
            "ssn": lambda chance: ((_digits(chance, "999-99-9999"), ""),),
            "phone": lambda chance: ((_digits(chance, self._form("phoneform", chance)), ""),),
            "eponame": lambda chance: ((self._eponym(chance), ""),),
            "acronym": lambda chance: ((acronym(chance), ""),),
            "pseudo": lambda chance: ((pseudo(chance), ""),),
            "Pseudo": lambda chance: ((pseudo(chance).title(), ""),),
            "email": lambda chance: ((f"{chance.choice(self.users)}@example.com", ""),),
            "job": lambda chance: ((chance.choice(self.jobs), ""),),
        }


def acronym(chance: random.Random) -> str:
    """Some capitals that mean nothing."""
    return "".join(chance.choices(LETTERS, k=chance.randint(2, 5)))


def pseudo(chance: random.Random) -> str:
    """A word that sounds like a medicine and is none."""
    syllables = chance.choices(FORMS.words("syllable"), k=chance.randint(1, 3))
    return "".join(syllables) + chance.choice(FORMS.words("ending"))


def _cities(faker: Faker, seed: int) -> list[str]:
    """A pool of towns. A list that Faker makes of a set has another order in each process."""
    providers = faker.factories[0].get_providers()
    listed = next((one.cities for one in providers if hasattr(one, "cities")), ())
    if isinstance(listed, list):
        chance = random.Random(seed)  # noqa: S311 - no secret
        return [_line(town) for town in chance.choices(sorted(listed), k=POOL)]
    return [_line(faker.city()) for _ in range(POOL)]


def _line(text: str) -> str:
    return " ".join(text.replace("\u2019", "'").split())


def _digits(chance: random.Random, form: str) -> str:
    return "".join(chance.choice(DIGITS) if sign == "9" else sign for sign in form)


def identifier(chance: random.Random) -> str:
    """A number as records have it, with or without letters."""
    form = _digits(chance, chance.choice(FORMS.words("idform")))
    return "".join(chance.choice(LETTERS) if sign == "A" else sign for sign in form)


def date(chance: random.Random) -> str:
    """A day in one of the ways that people write it."""
    year, month, day = chance.randint(1930, 2026), chance.randint(1, 12), chance.randint(1, 28)
    name = calendar.month_name[month]
    ordinal = "th" if day // 10 == 1 else ORDINALS[day % 10]
    return chance.choice(
        (
            f"{name} {day}, {year}",
            f"{name} {day}{ordinal}, {year}",
            f"{name[:3]} {day} {year}",
            f"{name[:3]} {day}, {year}",
            f"{day} {name} {year}",
            f"{day}-{name[:3]}-{year}",
            f"{month}/{day}/{year}",
            f"{month:02}/{day:02}/{year % 100:02}",
            f"{month}/{day}",
            f"{year}-{month:02}-{day:02}",
            f"{day:02}.{month:02}.{year}",
            f"{name} {day}",
            f"{day}{ordinal} {name} {year}",
        )
    )
