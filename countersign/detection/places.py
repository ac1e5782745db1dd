"""Places and facilities by the words before them, and cities by a list.

What follows "lives in" or "treated at" is a place although no list knows it. States, countries and
kinds of places ("the clinic", "the ICU") are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from countersign.detection import words
from countersign.detection.hits import Hit
from countersign.detection.names import Word
from countersign.detection.patterns import Check, Lazy, Page, Pattern
from countersign.detection.words import word_set

_LIVES = (
    "liv(?:e|es|ed|ing)(?: alone| with [a-z]{2,12}(?: [a-z]{2,12})?)? in|resid(?:e|es|ed|ing"
    ")(?: in| at)|resident of|residence in|hometown(?: is| of)?|born in|moved (?:to|from"
    "|here from)"
    "|grew up in|relocated (?:to|from)|travell?ed from|comes from|originally from|native of"
    "|based in|home in|stays in|staying in|lives? near|living near|domiciled in|drove from"
    "|flown in from|picked up (?:at|in|from)"
)
_CARE = (
    "(?:seen|treated|evaluated|admitted|hospitalized|hospitalised|followed|diagnosed"
    "|examined|assessed|transferred|transported|referred|discharged|presented|presents"
    "|presenting|visited|enrolled|operated|managed|monitored"
    "|consulted|recovering|born|delivered|observed|reviewed|cared for|stabilized|rehabbing"
    "|scanned|biopsied|surgery|appointment|visit|care|rehab|dialysis|infusion|procedure"
    "|consult|follow-?up|f/u|transfer|admission|stay|case|meeting|rounds|lab|culture results"
    "|employed|works|working|worked)"
    "(?: (?:again|initially|previously|recently|today|yesterday|last|twice|over|back|there"
    "|earlier|emergently|urgently|electively|postop|on|for [a-z]{2,16}))?(?: was| is)?(?: at"
    "| to| from| @| in| into)(?: the| our| their| his| her)?"
)
_LETTER = "[A-Za-z\u00c0-\u024f'-]"
_CAPITAL = "[A-Z\u00c0-\u00de]"
_SAINT = r"(?:(?:St|Mt|Ft|Ste)\.? ?)?"
_NAME = (
    rf"{_SAINT}{_CAPITAL}{_LETTER}{{0,24}}"
    "(?:(?: (?:of|de|la|del|los|las|du|di|on|sur|am|upon|and|&) (?:the )?| |-"
    f"){_SAINT}{_CAPITAL}{_LETTER}{{1,24}}){{0,4}}"
)
# A word before which no place begins, though it has a capital.
_NO_PLACE = word_set(
    """
    a an the icu ed er or pacu picu nicu ccu micu sicu ward floor unit room clinic hospital
    emergency department cardiology neurology oncology surgery dermatology pediatrics
    radiology psychiatry medicine january february march april may june july august september
    october november december monday tuesday wednesday thursday friday saturday sunday i he
    she they it his her their our my covid hiv copd chf mri ct pet ecg ekg iv po rehab dr mr
    mrs ms miss prof pt type stage grade class phase day week month english spanish french
    german arabic chinese person general home hospice medicare medicaid va usa us uk eu
    america europe africa asia canada mexico opd ob obgyn ent gi gu id pcp np md rn do aha ada
    who cdc fda nih nice
    """
)
_STATES = word_set(
    """
    alabama alaska arizona arkansas california colorado connecticut delaware florida georgia
    hawaii idaho illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts
    michigan minnesota mississippi missouri montana nebraska nevada ohio oklahoma oregon
    pennsylvania tennessee texas utah vermont virginia washington wisconsin wyoming
    """
)
# Centres of care that are called by these names alone.
_CENTRES = (
    "(?:UCSF|UCLA|UCSD|UCI|UC Davis|NYC|NYU(?: Langone)?|NYP|MGH|BWH|BIDMC|UPMC|UAB|UNC|UIC"
    "|UTMB|UTSW|VUMC|OHSU|MUSC|LSU|USC|CHOP|CHLA|MSKCC|MSK|HUP|UMass|UMMC|OSU|VCU|WashU|UW "
    "Medicine"
    r"|Mayo(?: Clinic)?|Johns? Hopkins|John's Hopkins|Cedars?[- ]Sinai|Mount Sinai|Mt\.? "
    "Sinai|Mass General(?: Brigham)?|Brigham and Women's|Beth Israel(?: Deaconess)?|Kaiser"
    "(?: Permanente)?"
    "|MD Anderson|Memorial Sloan[- ]Kettering|Sloan[- ]Kettering|Dana[- ]Farber|Fred Hutch"
    "|City of Hope|Geisinger|Intermountain|Sutter Health|Providence Health|Ascension"
    "|Northwell|Montefiore|Bellevue|Lenox Hill|Tisch"
    "|NewYork-Presbyterian|New York[- ]Presbyterian|NY Presbyterian|Cleveland Clinic|Scripps"
    "|Stanford(?: Health(?: Care)?)?|Duke (?:Health|University|Hospital)|Emory|Vanderbilt"
    "|Yale New Haven|Penn Medicine|Barnes[- ]Jewish|Rush|Northwestern Memorial|Houston "
    "Methodist|Baylor|Parkland|Grady|Jackson Memorial|Cook County|Kings County|Maimonides"
    "|Ochsner|Tulane"
    r"|Guy's and St\.? Thomas'?|Great Ormond Street|Charité|Karolinska|Royal Free"
    "|Addenbrooke's|Sick ?Kids|Toronto General|Sunnybrook)"
)
_WORD = Lazy(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_BEFORE_CITY = Lazy(
    r"(?:\b(?:in|from|to|near|at|of|around|outside|via|our|city|town"
    r"|the|through|visiting|leaving|toward|towards|downtown|central|greater|for)|[,;(:/|])\s?$"
)
_LONGEST = 4
# What may follow a city and is told with it.
_AFTER_CITY = Lazy(
    " (?:city|metro(?: area)?|suburbs?|office|clinic|campus|branch"
    r"|general|memorial|hospital|county general)\b"
)
_SHORTEST = 4


def _told(score: float) -> Check:
    """A check of what follows words like "lives in": a name, no ward, state or kind of place."""

    def check(page: Page, start: int, end: int) -> float:
        place = page.lower[start:end]
        first = re.split(r"[^\w]", place)[0]
        if first in _NO_PLACE or first in _STATES:
            return 0.0
        is_short = end - start < _SHORTEST and not page.text[start:end].isupper()
        return 0.0 if is_short else score

    return check


def _centre(page: Page, start: int, end: int) -> float:
    return 0.0 if _OF_A_CENTRE.match(page.lower, end) else 0.86


_OF_A_CENTRE = Lazy(
    r" (?:criteria|score|scale|risk|sign|syndrome|classification|model|study|trial|staging|type"
    r"|protocol|diet|treadmill|index|procedure|activity)"
)

PATTERNS = (
    Pattern("place.centre", "GEO_PLACE", _CENTRES, 0.86, check=_centre, is_caseless=False),
    Pattern(
        "place.lives",
        "GEO_PLACE",
        rf"(?i:{_LIVES}) (?:the )?(?P<place>{_NAME})",
        0.85,
        check=_told(0.85),
        group="place",
        after="",
        is_caseless=False,
    ),
    Pattern(
        "place.cared",
        "GEO_PLACE",
        rf"(?i:{_CARE}) (?P<place>{_NAME})",
        0.75,
        check=_told(0.75),
        group="place",
        after="",
        is_caseless=False,
        is_sought=True,
    ),
)


def placed(page: Page, found: Sequence[Word]) -> Iterator[Hit]:
    """The cities of the list in a text, unless a word or a person is meant."""
    any_case = page.text.islower()
    begins = _first_words()
    beyond = 0
    for index, (start, _, text, low) in enumerate(found):
        if low not in begins or index < beyond or not (any_case or text[0].isupper()):
            continue
        taken = _longest(page, found, index)
        if taken:
            hit = _city(page, start, found[index + taken - 1].end, is_one=taken == 1)
            if hit is not None:
                yield hit
        beyond = index + max(taken, 1)


@cache
def _first_words() -> frozenset[str]:
    """What the names of cities begin with."""
    return frozenset(match[0] for name in words.places() if (match := _WORD.search(name)))


def _city(page: Page, start: int, end: int, *, is_one: bool) -> Hit | None:
    name = page.lower[start:end]
    if name in _STATES or name in _COUNTRY_WORDS:
        return None
    if name in _ALSO_STATES and _STATE_NEAR.search(page.before(start, 24) + "|" + page.after(end)):
        return None
    is_word = is_one and name in words.common_words()
    is_name = is_one and (name in words.given_names() or name in words.surnames())
    leads = _BEFORE_CITY.search(page.before(start, 12)) is not None
    if is_word or (not leads and (is_name or len(name) < _SHORTEST)):
        return None
    start -= 4 * (name in _WITH_THE and page.lower.endswith("the ", 0, start))
    more = _AFTER_CITY.match(page.lower, end)
    return Hit(
        start, more.end() if more else end, "GEO_PLACE", 0.8 if leads else 0.66, "place.city"
    )


_WITH_THE = frozenset({"bronx", "hague"})
_ALSO_STATES = frozenset({"new york", "washington"})
_STATE_NAME = "|".join(sorted(_STATES))
_STATE_NEAR = Lazy(rf"(?:{_STATE_NAME})(?:,| and| or)|(?:,|and|or) (?:{_STATE_NAME})")
_COUNTRY_WORDS = word_set(
    """
    mexico singapore luxembourg monaco guatemala panama kuwait djibouti san-marino georgia
    gibraltar jersey man
    """
)


def _longest(page: Page, found: Sequence[Word], index: int) -> int:
    """How many words from `index` on are the name of a city; 0 if none."""
    cities = words.places()
    for count in range(min(_LONGEST, len(found) - index), 0, -1):
        start, end = found[index].start, found[index + count - 1].end
        if end - start <= 40 and page.lower[start:end] in cities:
            return count
    return 0
