"""What the cover and the auditor's letter say: kind, period, auditor, opinion, categories."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator

from vendors.reading.text import DATE, DATE_ALONE, Found, Paper, Proposal, parse_day, quote

# The letter stands at the front; what comes later repeats it or speaks of something else.
FRONT = 25
LONGEST_PERIOD = dt.timedelta(days=800)
SHORTEST_PERIOD = dt.timedelta(days=27)

BETWEEN = r"\s*,?\s*(?:to|through|thru|until|till|and ending(?: on)?|-|\u2013|\u2014)\s*"
PERIOD = (
    rf"(?:period|review period|examination period)?\s*:?\s*(?:of|from|beginning)?\s*"
    rf"(?P<first>{DATE}){BETWEEN}(?P<last>{DATE})"
)
KINDS = (
    ("soc2_type2", r"\bSOC\s*2\b.{0,3}\s*[(\-\u2013\u2014,:]?\s*type\s*(?:II|2)\b"),
    ("soc2_type1", r"\bSOC\s*2\b.{0,3}\s*[(\-\u2013\u2014,:]?\s*type\s*(?:I|1)\b"),
    ("soc1", r"\bSOC\s*1\b"),
    ("soc3", r"\bSOC\s*3\b"),
    (
        "soc2_type2",
        r"suitability of (?:the )?design and operating effectiveness of (?:its |the )?controls",
    ),
    ("soc2_type1", r"suitability of (?:the )?design of (?:its |the )?controls"),
)


def kind(paper: Paper) -> Iterator[Proposal]:
    """The kind of report by its title; where none names it, by what the auditor examined."""
    for patterns in (KINDS[:2], KINDS[2:4], KINDS[4:]):
        found = [(name, hit) for name, p in patterns for hit in _first(paper, p)]
        if found:
            name, hit = min(found, key=lambda each: each[1].page)
            yield Proposal("kind", {"kind": name}, hit.page, hit.quote())
            return


def _first(paper: Paper, pattern: str) -> list[Found]:
    return [hit for hit, _ in zip(paper.find(pattern, last_page=FRONT), range(1), strict=False)]


def period(paper: Paper) -> Iterator[Proposal]:
    """The periods that the front names, the one it names most often first; at most two."""
    hits: dict[tuple[dt.date, dt.date], list[Found]] = {}
    for hit in paper.find(PERIOD, last_page=FRONT):
        first, last = parse_day(hit.match["first"]), parse_day(hit.match["last"])
        if first and last and SHORTEST_PERIOD <= last - first <= LONGEST_PERIOD:
            hits.setdefault((first, last), []).append(hit)
    often = sorted(hits.items(), key=lambda each: -len(each[1]))
    for (first, last), found in often[:2]:
        days = {"period_start": first.isoformat(), "period_end": last.isoformat()}
        yield Proposal("period", days, found[0].page, found[0].quote())


def as_of(paper: Paper) -> Iterator[Proposal]:
    """The day that a type I describes; a report with a period names others, which do not count."""
    days: Counter[dt.date] = Counter()
    first: dict[dt.date, Found] = {}
    for hit in paper.find(rf"\bas (?:of|at)\s+(?P<day>{DATE})", last_page=FRONT):
        day = parse_day(hit.match["day"])
        if day:
            days[day] += 1
            first.setdefault(day, hit)
    for day, _ in days.most_common(1):
        yield Proposal("as_of", {"as_of": day.isoformat()}, first[day].page, first[day].quote())


FIRM = re.compile(
    r"\b((?:[A-Z][\w&.'\u2019-]*,?\s+(?:&\s+|and\s+|of\s+)?){0,5}[A-Z][\w&.'\u2019-]*,?\s+"
    r"(?:L\.?L\.?P\.?|P\.?L\.?L\.?C\.?|P\.?L\.?L\.?P\.?|P\.C\.|PC|LLC|CPAs?|GmbH|S\.p\.A\.))(?=[\s,.]|$)"
)
# Firms that sign without a legal form.
KNOWN_FIRM = re.compile(
    r"\b(KPMG|Deloitte(?: & Touche)?|PricewaterhouseCoopers|Ernst & Young|BDO(?: USA)?|"
    r"Grant Thornton|A-LIGN(?: ASSURANCE)?|Schellman(?: & Company)?|Coalfire Controls|"
    r"Prescient Assurance|Insight Assurance|Johanson Group|Sensiba|Moss Adams|Crowe)\b"
)
LETTER = (
    r"independent service auditor[\u2019']?s['\u2019]? report|"
    r"independent (?:accountant|practitioner)"
)


def _signature(paper: Paper) -> Iterator[tuple[int, int, int, str]]:
    """Lines that name a firm: weight, page, line and the name."""
    letter = {hit.page for hit in paper.find(LETTER, last_page=FRONT)}
    opinion = {hit.page for hit in paper.find(r"\bin our opinion\b", last_page=FRONT)}
    for number, lines in enumerate(paper.lines[:FRONT], start=1):
        for index, line in enumerate(lines):
            match = FIRM.search(line) or KNOWN_FIRM.search(line)
            if not match:
                continue
            alone = len(line) <= len(match[1]) + 6
            dated = any(DATE_ALONE.match(x) for x in lines[max(0, index - 3) : index + 5])
            near = number in letter or number in opinion or number - 1 in opinion
            yield (4 * dated + 3 * alone + 2 * near, number, index, match[1])


def auditor(paper: Paper, own_names: tuple[str, ...] = ()) -> Iterator[Proposal]:
    """The firm that signs the letter, and the day it stands under; never the company itself."""
    own = {_plain(name) for name in own_names if name}
    signed = [s for s in _signature(paper) if not any(_plain(s[3]).startswith(o) for o in own)]
    if not signed:
        return
    often = Counter(_plain(name) for _, _, _, name in signed)
    _weight, page, index, name = max(signed, key=lambda s: (s[0], often[_plain(s[3])], -s[1]))
    lines = paper.lines[page - 1]
    passage = " ".join(lines[max(0, index - 1) : index + 4])
    yield Proposal("auditor", {"auditor": name.strip(" ,")}, page, passage[:260])
    yield from _issued(lines, page, index)


def _issued(lines: list[str], page: int, index: int) -> Iterator[Proposal]:
    for line in [*lines[index : index + 6], *reversed(lines[max(0, index - 3) : index])]:
        match = DATE_ALONE.match(line)
        day = parse_day(match[1]) if match else None
        if day:
            text = " ".join(lines[max(0, index - 1) : index + 6])
            yield Proposal("issued_on", {"issued_on": day.isoformat()}, page, text[:260])
            return


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()


# Worst first. What an unqualified letter says of other information ("we express no opinion on
# it") is no disclaimer, so that one asks for its heading or for the description itself.
OPINIONS = (
    ("adverse", r"\badverse opinion\b"),
    (
        "adverse",
        (
            r"in our opinion,?\s[^.]{0,160}?\b(?:does not present|do(?:es)? not fairly|"
            r"(?:is|are|was|were) not (?:fairly )?(?:presented|suitably designed)|"
            r"did not operate effectively|not operating effectively)"
        ),
    ),
    ("disclaimer", r"\bdisclaimer of opinion\b"),
    (
        "disclaimer",
        (
            r"we (?:do|are unable to|were unable to) (?:not )?express an opinion on "
            r"(?:whether|the (?:description|suitability)|[a-z0-9.,' ]{0,40}description)"
        ),
    ),
    ("qualified", r"\b(?:basis for )?(?<!un)qualified opinion\b"),
    ("qualified", r"in our opinion,?\s[^.]{0,80}?\bexcept (?:for|that)\b"),
    (
        "qualified",
        r"\bexcept for the (?:possible )?(?:effects? of the )?matters? (?:described|refer)",
    ),
    ("unqualified", r"in our opinion,?\s+in all material respects"),
    ("unqualified", r"\bunqualified opinion\b"),
    ("unqualified", r"\bin our opinion\b"),
)


def opinion(paper: Paper) -> Iterator[Proposal]:
    """The opinion, the worst that the letter speaks of: a person reads the passage anyway."""
    for name, pattern in OPINIONS:
        for hit in _first(paper, pattern):
            yield Proposal("opinion", {"opinion": name}, hit.page, hit.quote())
            return


CATEGORIES = (
    ("security", r"\bsecurity\b"),
    ("availability", r"\bavailability\b"),
    ("processing_integrity", r"\bprocessing integrity\b"),
    ("confidentiality", r"\bconfidentiality\b"),
    ("privacy", r"\bprivacy\b"),
)
_CATEGORY = "(?:security|availability|processing integrity|confidentiality|privacy)"
_LIST = rf"(?P<list>{_CATEGORY}(?:\s*,?\s*(?:and|&|or)?\s*{_CATEGORY})*)"
LISTED = rf"relevant to\s+{_LIST}"
NAMED = (
    rf"(?:categories|criteria)\s*(?:in scope|covered|included|for|of)?\s*[:\-\u2013(]?\s*"
    rf"(?:the\s+)?{_LIST}"
)


def categories(paper: Paper) -> Iterator[Proposal]:
    """The trust services categories that the report is on, by the list it repeats most."""
    for pattern in (LISTED, NAMED):
        hits: dict[tuple[str, ...], list[Found]] = {}
        for hit in paper.find(pattern, last_page=FRONT):
            words = hit.match["list"].lower()
            listed = tuple(name for name, word in CATEGORIES if re.search(word, words))
            hits.setdefault(listed, []).append(hit)
        if hits:
            listed, found = max(hits.items(), key=lambda each: (len(each[1]), len(each[0])))
            text, match = found[0].text, found[0].match
            passage = quote(text, match.start(), match.end())
            yield Proposal("categories", {"categories": list(listed)}, found[0].page, passage)
            return
