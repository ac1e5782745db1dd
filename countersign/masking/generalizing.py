"""The general form of a value that Safe Harbor leaves: a year, three digits of a ZIP, 90+.

Source: 45 CFR 164.514(b)(2)(i)(B) and (C). Where no general form can be read with certainty there
is none, and the caller puts the kind's label: a guess could keep too much.
"""

from __future__ import annotations

import datetime as dt
import re

OLDEST_AGE = 89


def _prefixes(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Prefixes whose areas hold 20,000 people or fewer. By the census of 2000, as in the guidance of
# the Office for Civil Rights (26 November 2012); and by that of 2010. An area that either census
# counted so is restricted here. Sources with dates: docs/sources.md.
RESTRICTED_2000 = _prefixes("036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893")
RESTRICTED_2010 = _prefixes(
    "036 059 102 202 203 204 205 369 556 692 753 772 821 823 878 879 884 893"
)
RESTRICTED_PREFIXES = RESTRICTED_2000 | RESTRICTED_2010

_ZIP = re.compile(r"(?P<prefix>[0-9]{3})[0-9]{2}(?:[- ]?[0-9]{4})?")
_YEAR = re.compile(r"(?<![0-9])(?:18|19|20)[0-9]{2}(?![0-9])")
_COMPACT = re.compile(
    r"(?P<year>(?:18|19|20)[0-9]{2})(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[T ]?[0-9].*)?"
)
_COMPACT_YEAR_LAST = re.compile(
    r"(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2]))(?P<year>(?:18|19|20)[0-9]{2})"
)
_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,3}(?![0-9])")


def year(value: str, *, on: dt.date) -> str | None:
    """The year of a date, of four digits as written; None if there is none, or several.

    None too for a year that tells an age over 89 on the day `on`: (C) aggregates those.
    """
    text = value.strip()
    compact = _COMPACT.fullmatch(text) or _COMPACT_YEAR_LAST.fullmatch(text)
    years = {compact["year"]} if compact else set(_YEAR.findall(text))
    if len(years) != 1:
        return None
    (found,) = years
    return None if on.year - int(found) > OLDEST_AGE else found


def zip_prefix(value: str) -> str | None:
    """The first three digits of a ZIP code, `000` where the census counts too few people."""
    found = _ZIP.fullmatch(value.strip())
    if found is None:
        return None
    return "000" if found["prefix"] in RESTRICTED_PREFIXES else found["prefix"]


def age(value: str) -> str | None:
    """The value with an age over 89 as `90+`; None where it holds no number, or several."""
    numbers = list(_NUMBER.finditer(value))
    if len(numbers) != 1:
        return None
    (number,) = numbers
    if int(number.group()) <= OLDEST_AGE:
        return value
    return f"{value[: number.start()]}90+{value[number.end() :]}"


def general(kind: str, value: str, *, on: dt.date) -> str | None:
    """The general form of a value of `kind`, or None: then its label stands for it."""
    if kind == "DATE":
        return year(value, on=on)
    if kind == "GEO_ZIP":
        return zip_prefix(value)
    return age(value) if kind == "AGE90" else None
