"""Invented values that read like real ones: names, dates moved by days, reserved numbers.

Names are drawn at random, word by word, so that "Smith, John" and "John Smith" stay one person.
Numbers and addresses come from the ranges that nobody owns: 555-01XX, RFC 2606, RFC 5737, RFC 3849.
A session remembers what it invented and puts the values back. What cannot be invented, or would
stand for two values, becomes a random token.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Callable, Mapping

from countersign.masking.tokens import Session

TRIES = 16


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words(
    """
    Adela Aldous Annika Ansel Beatrix Benedikt Birgit Callum Celeste Corwin Dagmar Desmond
    Edith Eamon Elspeth Fabian Fiona Gareth Greta Gunnar Hedda Henrik Imogen Isolde Jasper
    Joaquin Juniper Kasimir Katrin Lambert Leonora Linnea Lorcan Magnus Marisol Matilda
    Mireille Nadia Niall Odette Orla Osric Paloma Pascal Petra Quentin Ramona Reinhold
    Rosalind Rupert Sabine Sigrid Soren Tamsin Thaddeus Ulrich Ursula Valentin Viola Wendell
    Winifred Yolanda Zelda
    """
)
LAST = _words(
    """
    Abernathy Aldridge Almqvist Ashdown Bellweather Bergstrom Blackwood Brandvold Calloway
    Castellan Colquhoun Corrigan Dahlgren Delacourt Dunmore Eastwick Ellingsen Fairbairn
    Farquhar Fenwick Galbraith Garrick Halvorsen Hargreave Hathersage Holmberg Ingleby
    Jernigan Kavanaugh Kettleman Kirkbride Langstrom Larkspur Lindqvist Lockridge Macallan
    Marchetti Merriweather Montclair Nordahl Northcott Oakhurst Ostergaard Pemberton Penhallow
    Quarrington Radcliffe Ravenscroft Rutherglen Sandoval Seabrook Silverton Stavros
    Strandberg Tarkington Thornbury Underhill Vandermeer Vasquez Wainwright Westergren
    Whitlock Winterbourne Wolfenden Yarborough Zimmerlin
    """
)

_TITLES = frozenset(_words("dr mr mrs ms miss mx prof professor sir md phd rn np do jr sr ii iii"))
_PARTICLES = frozenset(_words("al bin da de del den der des di dos du el la le van von y zu"))
# Under this stands the word that was drawn, whatever the case of the word it stands for.
_DRAWN = "NAME word"
_WORD = re.compile(r"[^\W\d_][^\s,;]*")
_MONTHS = _words(
    """
    January February March April May June July August September October November December
    """
)
_DATE_FORMS = (
    re.compile(r"(?P<y>[0-9]{4})(?P<a>[-/.])(?P<m>[0-9]{1,2})(?P=a)(?P<d>[0-9]{1,2})(?P<z>T.*)?"),
    re.compile(r"(?P<m>[0-9]{1,2})(?P<a>[-/.])(?P<d>[0-9]{1,2})(?P=a)(?P<y>[0-9]{4})"),
    re.compile(r"(?P<y>(?:19|20)[0-9]{2})(?P<m>[0-9]{2})(?P<d>[0-9]{2})"),
    re.compile(r"(?P<w>[A-Za-z]{3,9})\.? (?P<d>[0-9]{1,2}),? (?P<y>[0-9]{4})"),
    re.compile(r"(?P<d>[0-9]{1,2}) (?P<w>[A-Za-z]{3,9})\.?,? (?P<y>[0-9]{4})"),
)


def surrogate(session: Session, kind: str, value: str) -> str:
    """What stands for `value` in this session: invented, or a random token. Raises: UnknownKind."""
    known = session.invented(kind, value)
    if known is not None:
        return known
    for _ in range(TRIES):
        made = MAKERS[kind](session, value) if kind in MAKERS else None
        if made is None:
            break
        if made != value and session.invent(kind, value, made):
            return made
    return session.token(kind, value)


def _name(session: Session, value: str) -> str | None:
    words = _WORD.findall(value)
    if not any(_is_name(word) for word in words):
        return None
    comma = "," in value
    made, last = [], len(words) - 1
    for at, word in enumerate(words):
        if _bare(word) in _TITLES:
            made.append(word)
        elif _is_name(word):
            is_last = at == 0 if comma else _is_last(words, at, last)
            made.append(_name_word(session, word, LAST if is_last else FIRST))
            made[-1] += "," if comma and at == 0 else ""
        elif _bare(word) not in _PARTICLES:
            made.append(f"{secrets.choice('ABCDEFGHJKLMNPRSTVW')}.")
    return " ".join(made)


def _is_last(words: list[str], at: int, last: int) -> bool:
    """Whether no name follows; one name alone counts as a last name."""
    return not any(_is_name(word) for word in words[at + 1 : last + 1])


def _bare(word: str) -> str:
    return word.strip(".,").casefold()


def _is_name(word: str) -> bool:
    bare = _bare(word)
    return len(bare) > 1 and bare not in _TITLES and bare not in _PARTICLES


def _name_word(session: Session, word: str, names: list[str]) -> str:
    """The invented word for one word of a name, the same wherever the word comes again."""
    bare = word.strip(".,")
    key = bare.casefold()
    for size in range(1, TRIES):
        # Once the list is used up, two of its names in one.
        made = session.invented(_DRAWN, key) or "-".join(
            secrets.choice(names) for _ in range(1 + size // 4)
        )
        shown = made.upper() if bare.isupper() else made
        if session.invent("NAME", bare, shown):
            session.note(_DRAWN, key, made)
            return shown
    return session.token("NAME", bare)


def _date(session: Session, value: str) -> str | None:
    """The date moved by the session's days, written as it was; None without day, month and year."""
    for form in _DATE_FORMS:
        found = form.fullmatch(value)
        if found is None:
            continue
        parts = found.groupdict()
        try:
            was = dt.date(int(parts["y"]), _month(parts), int(parts["d"]))
            day = was + dt.timedelta(days=session.shift_days)
        except (ValueError, OverflowError):
            return None
        return _written(found, day)
    return None


def _month(parts: dict[str, str]) -> int:
    """Raises: ValueError for a word that is no month."""
    if "w" not in parts:
        return int(parts["m"])
    word = parts["w"].capitalize()
    for number, name in enumerate(_MONTHS, start=1):
        if name == word or name[:3] == word or (word == "Sept" and name == "September"):
            return number
    raise ValueError("no month")


def _written(found: re.Match[str], day: dt.date) -> str:
    """`day` in the form of the match: the same order, separators and width."""
    parts = {"y": f"{day.year:04}"}
    for name, number in (("m", day.month), ("d", day.day)):
        if name in found.re.groupindex:
            parts[name] = str(number).zfill(len(found[name]))
    if "w" in found.re.groupindex:
        month = _MONTHS[day.month - 1]
        parts["w"] = month if len(found["w"]) > 4 else month[:3]
        parts["w"] = parts["w"].upper() if found["w"].isupper() else parts["w"]
    text, last = [], 0
    for name in sorted(parts, key=found.start):
        text += [found.string[last : found.start(name)], parts[name]]
        last = found.end(name)
    return "".join([*text, found.string[last:]])


def _phone(session: Session, value: str) -> str | None:
    """Ten digits, or eleven from 1: some area code and 555-01XX, which nobody has."""
    places = [at for at, character in enumerate(value) if character in "0123456789"]
    country = len(places) == 11 and value[places[0]] == "1"
    if len(places) != 10 and not country:
        return None
    area = f"{secrets.randbelow(8) + 2}{secrets.randbelow(8)}{secrets.randbelow(10)}"
    made, characters = f"{area}55501{secrets.randbelow(100):02}", list(value)
    for at, digit in zip(places[country:], made, strict=True):
        characters[at] = digit
    return "".join(characters)


def _email(session: Session, value: str) -> str:
    first, last = secrets.choice(FIRST), secrets.choice(LAST)
    return f"{first}.{last}{secrets.randbelow(9000) + 1000}@example.com".lower()


def _ip(session: Session, value: str) -> str:
    if ":" in value:
        return f"2001:db8::{secrets.randbelow(0xFFFE) + 1:x}"
    network = secrets.choice(("192.0.2", "198.51.100", "203.0.113"))
    return f"{network}.{secrets.randbelow(254) + 1}"


def _url(session: Session, value: str) -> str:
    return f"https://example.com/{secrets.token_hex(5)}"


MAKERS: Mapping[str, Callable[[Session, str], str | None]] = {
    "NAME": _name,
    "DATE": _date,
    "PHONE": _phone,
    "FAX": _phone,
    "EMAIL": _email,
    "IP": _ip,
    "URL": _url,
}
