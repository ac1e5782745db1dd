"""Columns of CSV, TSV and Markdown tables whose heading is a label: each cell below is a value.

`patient_name,dob,mrn,phone` says of every line under it what its cells are, and no cell can say it
of itself. A cell in quotes may hold the separator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from countersign.detection.hits import Hit
from countersign.detection.patterns import Lazy, Page

SCORE = 0.93
# Most lines and columns of one table that are looked at: the rest is left to the other rules.
MOST_COLUMNS = 64
_SEPARATORS = ",\t|;"
_COLUMNS = (
    ("FAX", Lazy(r"fax(?:_?(?:number|no))?")),
    (
        "PHONE",
        Lazy(
            r"(?:(?:home|work|cell|mobile|office|contact|emergency|patient|day|evening)[ _]?)?"
            r"(?:phones?|telephone|tel|mobile|cell|contact)(?:[ _]?(?:number|no|num|#|1|2))?"
        ),
    ),
    ("EMAIL", Lazy(r"e-?mail(?:[ _]?(?:address|id))?")),
    ("SSN", Lazy(r"ssn|social(?:[ _]security)?(?:[ _](?:number|no))?|national[ _]?id")),
    (
        "MRN",
        Lazy(
            "mrn|med(?:ical)?[ _]?rec(?:ord)?(?:[ _]?(?:number|no|num|id))?|chart[ _]?"
            "(?:number|no|id)"
            "|(?:patient|pt|hospital|person)[ _]?(?:id|no|number|mrn|identifier)|empi|nhs"
            "(?:[ _]number)?"
        ),
    ),
    (
        "HEALTH_PLAN",
        Lazy(
            r"(?:member|subscriber|insurance|ins|policy|plan|group|beneficiary|medicare|medicaid)"
            r"[ _]?(?:id|no|number|num|#)|mbi|hicn|insurance"
        ),
    ),
    (
        "ACCOUNT",
        Lazy(
            "(?:bank[ _]?)?(?:account|acct)(?:[ _]?(?:number|no|num|id|#))?"
            "|iban|card(?:[ _]?(?:number|no))?"
        ),
    ),
    (
        "LICENSE",
        Lazy(
            "(?:drivers?[ _]?)?licen[cs]e(?:[ _]?(?:number|no|num|id))?|npi"
            "|dea(?:[ _]?(?:number|no))?|passport(?:[ _]?(?:number|no))?"
        ),
    ),
    ("VEHICLE", Lazy(r"vin|(?:license[ _])?plate(?:[ _]?(?:number|no))?")),
    (
        "DEVICE",
        Lazy(
            "(?:device[ _]?)?(?:serial|udi|device[ _]?id|imei)(?:[ _]?"
            "(?:number|no|num))?|mac(?:[ _]address)?"
        ),
    ),
    ("IP", Lazy(r"ip(?:[ _]?addr(?:ess)?)?|remote_addr")),
    ("URL", Lazy(r"url|website|homepage")),
    (
        "DATE",
        Lazy(
            r"dob|d\.o\.b\.?|birth[ _]?(?:date|day)|date[ _]?of[ _]?(?:birth|death|service"
            "|admission)|birthdate|(?:[a-z]+[ _])?date"
            "|(?:admit|admitted|admission|discharge|discharged|visit|service|death|deceased)"
            "(?:[ _]?(?:date|on|dt))?|dos|dod"
        ),
    ),
    (
        "NAME",
        Lazy(
            "(?:patient|pt|member|subscriber|guarantor|provider|physician|doctor|nurse"
            "|contact|guardian|mother|father|spouse|full|first|last"
            "|middle|given|family|sur|maiden|preferred|nick|legal|caregiver|emergency[ "
            "_]contact|attending|referring|pcp|employee|customer|client)?[ _-]?names?"
            "|surname|patient|pt|physician|provider|doctor|attending|pcp|guarantor|nurse"
            "|forename|next[ _]of[ _]kin|nok"
        ),
    ),
    (
        "GEO_STREET",
        Lazy(
            "(?:street|home|mailing|patient|billing)?[ _]?address(?:[ _]?"
            "(?:line)?[ _]?[12])?|street|addr"
        ),
    ),
    (
        "GEO_PLACE",
        Lazy("city|town|county|hospital|facility|clinic|municipality|birth[ _]?place|site"),
    ),
    ("GEO_ZIP", Lazy(r"zip(?:[ _]?code)?|post(?:al)?[ _]?code|postcode|plz")),
    (
        "UNIQUE_ID",
        Lazy(
            "(?:encounter|visit|claim|accession|subject|study|case|order|specimen"
            "|participant|reference|session|user|record|account|employee|auth)[ _]?(?:id|no"
            "|number|num|#)|uuid|guid|username|id"
        ),
    ),
)
_RULE = Lazy(r"[-:|+ =]+")
_EMPTY = Lazy(
    r"(?:n/?a|none|null|nil|nan|unknown|yes|no|true|false|male|female|m|f|-+|\?+|x)?", re.IGNORECASE
)
_QUOTES = " \"'`*"


@dataclass(frozen=True, slots=True)
class _Heading:
    """`kinds` by column. `is_tight`: no blank follows a separator, so one inside a row is text."""

    separator: str
    width: int
    kinds: tuple[tuple[int, str], ...]
    is_tight: bool


def columns(page: Page) -> Iterator[Hit]:
    """The cells under headings that are labels."""
    if "\n" not in page.text:
        return
    heading: _Heading | None = None
    at = 0
    for line in page.text.split("\n"):
        start, at = at, at + len(line) + 1
        if heading is not None and heading.separator in line:
            cells = _cells(line, heading.separator, is_tight=heading.is_tight)
            if len(cells) >= min(heading.width, heading.kinds[0][0] + 2):
                yield from _hits(line, start, cells, heading)
                continue
        if line.strip():
            heading = _heading(page.lower[start : start + len(line)])


def _heading(line: str) -> _Heading | None:
    """What a line says of the columns under it; None if it is no heading."""
    for separator in _SEPARATORS:
        if separator not in line or len(line) > MOST_COLUMNS * 40:
            continue
        cells = _cells(line, separator, is_tight=False)
        names = [line[start:end].strip(_QUOTES) for start, end in cells[:MOST_COLUMNS]]
        kinds = tuple((place, kind) for place, name in enumerate(names) if (kind := _kind(name)))
        if len(kinds) >= 2 or (kinds and _are_names(names)):
            return _Heading(separator, len(cells), kinds, separator + " " not in line)
    return None


def _are_names(names: Sequence[str]) -> bool:
    """Whether these are names of columns although only one of them is known here."""
    are_short = all(0 < len(name) <= 24 and name.replace("_", "").isalpha() for name in names)
    return are_short and any("_" in name for name in names)


# All of them in one, the first that fits before the others.
_ANY_COLUMN = Lazy(
    "|".join(f"(?P<C{place}>{pattern.source})" for place, (_, pattern) in enumerate(_COLUMNS))
)


def _kind(name: str) -> str | None:
    match = _ANY_COLUMN.fullmatch(name)
    return _COLUMNS[int(str(match.lastgroup)[1:])][0] if match else None


def _cells(line: str, separator: str, *, is_tight: bool) -> list[tuple[int, int]]:
    """Start and end of each cell. In a tight table "Casey, Austin" is one cell without quotes."""
    cells, start, is_quoted = [], 0, False
    for index, character in enumerate(line):
        if character == '"':
            is_quoted = not is_quoted
        elif character == separator and not is_quoted:
            if is_tight and line.startswith(" ", index + 1):
                continue
            cells.append((start, index))
            start = index + 1
    cells.append((start, len(line)))
    return cells


def _hits(line: str, start: int, cells: list[tuple[int, int]], heading: _Heading) -> Iterator[Hit]:
    if _RULE.fullmatch(line):
        return
    for place, kind in heading.kinds:
        if place >= len(cells):
            return
        first, last = cells[place]
        text = line[first:last]
        bare = text.strip(_QUOTES)
        if _EMPTY.fullmatch(bare) is None:
            begin = start + first + text.index(bare)
            yield Hit(begin, begin + len(bare), kind, SCORE, "table.column")
