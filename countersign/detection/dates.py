"""Dates more exact than a year, in many ways of writing, and ages over 89.

A year alone is no identifier, nor is a fraction, a dose or a score that is written like a day.
Source: 45 CFR 164.514(b)(2)(i)(C).
"""

from __future__ import annotations

import re

from countersign.detection.patterns import Lazy, Page, Pattern

_ENGLISH = (
    "jan(?:uary)?|feb(?:ruary|r)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
# Months of other languages, in the forms that stand in a date.
_OTHERS = (
    "jan(?:uar|ner|vier|uari|uary)?|jänner|januar[iy]?|janeiro|enero|gennaio|stycznia|sty"
    "|ledna|tammikuuta|ianuarie"
    "|feb(?:ruar|rero|braio|ruari)?|février|fevrier|févr|fevereiro|lutego|února|helmikuuta"
    "|februarie"
    "|märz|maerz|mars|marzo|março|marco|maart|marca|března|maaliskuuta|martie|mrz"
    "|avril|abril|aprile|april|kwietnia|dubna|huhtikuuta|aprilie|abr|avr"
    "|mai|mayo|maggio|maio|mei|maja|maj|května|toukokuuta"
    "|juin|junio|giugno|junho|juni|czerwca|června|kesäkuuta|iunie"
    "|juillet|julio|luglio|julho|juli|lipca|července|heinäkuuta|iulie|juil"
    "|août|aout|agosto|augustus|augusti|sierpnia|srpna|elokuuta|august"
    "|septembre|septiembre|setiembre|settembre|setembro|września|września|září|syyskuuta|septembrie"
    "|octobre|octubre|ottobre|outubro|oktober|października|października|října|lokakuuta"
    "|octombrie|okt"
    "|novembre|noviembre|novembro|listopada|listopadu|marraskuuta|noiembrie"
    "|décembre|decembre|diciembre|dicembre|dezembro|dezember|grudnia|prosince|joulukuuta"
    "|decembrie|dez|dic"
)
_WEEKDAY = (
    "(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?[.,]{0,2} {1,2}(?:the "
    "{1,2})?)?"
)
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_ORDINAL = rf"{_DAY}(?:st|nd|rd|th)?"
_YEAR = r"(?:1[89]|20)[0-9]{2}"
_SHORT_YEAR = rf"(?:{_YEAR}|'?[0-9]{{2}})"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_TIME = (
    r"(?:(?:[T ]| at |, ?)[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?(?:\.[0-9]{1,6})?(?:Z"
    "|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_TO = r" {0,2}(?:-|to|through|thru|until|and|&|bis|al?) {0,2}"

_MONTH_NEEDS = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_OTHER_NEEDS = (
    *_MONTH_NEEDS,
    "jän",
    "ener",
    "genn",
    "styc",
    "sty",
    "ledna",
    "kuuta",
    "ian",
    "fév",
    "fev",
    "lut",
    "únor",
    "mär",
    "mae",
    "maart",
    "mrz",
    "břez",
    "avr",
    "abr",
    "kwie",
    "dub",
    "mai",
    "mag",
    "mei",
    "maj",
    "květ",
    "giu",
    "czer",
    "červ",
    "iun",
    "lug",
    "lip",
    "iul",
    "aoû",
    "aou",
    "ago",
    "sier",
    "srp",
    "set",
    "wrz",
    "září",
    "ott",
    "out",
    "okt",
    "paź",
    "říj",
    "lis",
    "noi",
    "déc",
    "dic",
    "dez",
    "gru",
    "pros",
)


def _is_after_code(page: Page, start: int) -> bool:
    return _CODE_BEFORE.search(page.before(start, 24)) is not None


# What makes numbers with dots or hyphens versions, sections, addresses of guidelines, references.
_CODE_BEFORE = Lazy(
    r"(?:\bv|version|release|python|section|chapter|figure|fig|table|item|isbn|doi|rfc|iso|lot|ndc"
    r"|cpt|hcpcs|icd(?:-?(?:9|10|11))?(?:-cm)?|loinc|snomed|cas|ec|ip|ratio|build|kernel|node)"
    r"\.? ?[:=#]? ?$"
)


def _numeric(page: Page, start: int, end: int) -> float:
    """Day, month and year with one separator: a date unless no order of them can be one."""
    text = page.text[start:end]
    first, second, last = re.split(r"[^0-9]", text.strip())[:3]
    if len(first) == 4:
        return 0.95 if int(second) <= 12 and int(last[:2]) <= 31 else 0.0
    one, two = int(first), int(second)
    if min(one, two) > 12 or max(one, two) > 31 or not one or not two:
        return 0.0
    if _is_after_code(page, start):
        return 0.0
    return 0.95 if len(last) == 4 else 0.9


def _dotted_short(page: Page, start: int, end: int) -> float:
    first, second, _ = page.text[start:end].split(".")
    if int(first) > 31 or int(second) > 12 or not int(first) or not int(second):
        return 0.0
    return 0.0 if _is_after_code(page, start) else 0.85


def _compact(page: Page, start: int, end: int) -> float:
    month, day = int(page.text[start + 4 : start + 6]), int(page.text[start + 6 : start + 8])
    return 0.8 if 1 <= month <= 12 and 1 <= day <= 31 else 0.0


# A day like 2/17 counts with one of these before it, or a time after it.
_DATE_BEFORE = Lazy(
    r"(?:\b(?:on|from|dated?|since|by|until|till|before|after|due|of|dob|doa|dos|d/c|dc'?d"
    "|born|seen|visit|visited|service"
    "|serviced|admitted|admission|discharged?|collected|drawn|received|reported|resulted"
    "|signed|performed|done"
    "|comparison|compared? to|follow-?up|f/u|appointment|appt|scheduled|(?:last|next)(?: "
    "[a-z0-9]{1,12}){0,2}"
    "|surgery|procedure|labs?|ct|mri|x-?ray|cxr|echo|ekg|ecg|scan|ultrasound|biopsy|w/o "
    "contrast|w/ contrast|contrast|exam"
    "|started|stopped|began|ended|expires?|exp|through|thru|between|to|and|mon|tue|wed|thu"
    "|fri|sat|sun"
    "|monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|yesterday|tomorrow|the"
    "|week|night|morning|out|until|birth|birth is|birth was)"
    r"[:,]? ?[(\[\"]?$)|(?:date|dt|dob|birth|_on|_at|day)[\"']?[:=] ?[\"']?$|,\"?$|\t$"
)
_SCORE_BEFORE = Lazy(
    "(?:apgars?|score[ds]?|pain|strength|murmur|grade|bp|gcs|rated?|scale|acuity|vision|od"
    "|os|ou|power|pulses?|reflexes|dtrs?"
    "|motor|kps|ecog|level|stage|class|ratio|max|factor|tablets?|every|half|and a|gleason"
    "|nihss|moca|mmse|phq|gad|norton"
    "|braden|extremit(?:y|ies)|bilaterally|about|least|up to|was|is|at|of|x|positive|in)(?: "
    "(?:of|was|is|at|about))?[:,=]? ?$"
)
_UNIT_AFTER = Lazy(
    " ?(?:tabs?|tablets?|pills?|of|cups?|strength|murmur|normal|power|pulses?|systolic"
    "|diastolic|mmhg|mg|ml|hours?|days?|weeks?|months?|years?"
    "|in(?:ch(?:es)?)?|pain|doses?|cm|mm|patients?|cases?|points?|nodes?|hpf|positive"
    "|negative|%|/|ideal|"
    r"bilaterally|throughout|intact|tsp|teaspoon|liter|day\b|ratio|split|dilution|blocks?|cores?|"
    r"criteria|items?|questions?|times|lymph|systemic)"
)
_TIME_AFTER = Lazy(r",? (?:at )?[0-2]?[0-9]:[0-5][0-9]")


def _month_and_day(page: Page, start: int, end: int) -> float:
    """A month and a day alone, as 2/17: with words around it that speak of days."""
    first, second = (int(part) for part in re.split(r"[/-]", page.text[start:end]))
    if not (1 <= first <= 12 and 1 <= second <= 31):
        return 0.0
    after, before = page.after(end), page.before(start, 32)
    if _TIME_AFTER.match(after):
        return 0.9
    if _UNIT_AFTER.match(after) or _NOT_A_DAY.search(before):
        return 0.0
    is_score = first <= second and second in _SCALES
    if _DATE_BEFORE.search(before) or (not is_score and _DONE_BEFORE.search(before)):
        return 0.85
    return 0.0 if _SCORE_BEFORE.search(before) or second <= 12 else 0.55


# Something was done on it: randomized 2/7. Improved 4/5 is a strength.
_DONE_BEFORE = Lazy(r"\b[a-z]{3,12}ed:? \(?$")
_SCALES = frozenset({4, 5, 6, 10})
# A word that speaks of days, and of something else in front of it.
_NOT_A_DAY = Lazy(
    "(?:apgars?(?: scores?)?|scores?|pain|strength|murmur|acuity|vision|gcs|rated|graded"
    "|scored|gleason"
    "|power|scale)"
    r"(?: (?:of|was|is|at|about|from|to|on|and|the|,)){0,2}[:,=]? ?$|\d/\d{1,2}(?:,| to| and) $"
)


def _month_and_year(page: Page, start: int, end: int) -> float:
    month = int(page.text[start:end].split("/")[0])
    return 0.7 if 1 <= month <= 12 else 0.0


def _month_alone_year(page: Page, start: int, end: int) -> float:
    """March 2023: no guideline's or label's month."""
    return 0.0 if _PUBLISHED.search(page.before(start, 48)) else 0.8


_PUBLISHED = Lazy(
    "(?:guidelines?|published|approved|approval|statement|recommendations?|updated|revised"
    "|revision|issued|released"
    r"|effective|version|edition|consensus|label(?:ing|led)?|as of|knowledge|cutoff)"
    "(?: (?:in|as of|of|on|from|by|through|the|dated|since|effective|until|published|updated"
    "|released)){0,2}[ (]{0,2}$"
)


# May is a verb, and March a noun: in lower case they need a year, an ordinal, or a word before.
_VERB = Lazy(r"(?:[0-9]{1,2} ?(?:may|march|mar)|(?:may|march|mar)\.? ?[0-9]{1,2})")
_ON = Lazy(
    r"(?:\bon|since|from|until|till|by|before|after|dated?:?|dob:?|born|seen"
    r"|admitted|,|:|\|)[ \"]{0,2}$"
)


def _no_verb(page: Page, start: int, end: int) -> float:
    if not page.text[start:end].islower() or not _VERB.fullmatch(page.lower, start, end):
        return 0.95
    if _ON.search(page.before(start, 12)):
        return 0.8
    is_month_first = page.text[start].isalpha()
    return 0.8 if is_month_first and not _UNIT_AFTER.match(page.after(end)) else 0.0


PATTERNS = (
    Pattern(
        "date.month-day",
        "DATE",
        rf"{_WEEKDAY}(?:{_ENGLISH})\.?[ -]{{1,2}}(?:the )?{_ORDINAL}(?:{_TO}{_ORDINAL})?"
        rf"(?:(?:,|\.)? {{0,2}}(?:of )?{_YEAR}\b|[-/]{_SHORT_YEAR}\b|,? '[0-9]{{2}}\b)?{_TIME}",
        0.95,
        check=_no_verb,
        needs=_MONTH_NEEDS,
    ),
    Pattern(
        "date.day-month",
        "DATE",
        f"{_WEEKDAY}(?:the )?{_ORDINAL}(?:{_TO}{_ORDINAL})?(?: {{1,2}}(?:day )?of {{1,2}}|[ "
        rf".,/-]{{0,2}})(?:{_ENGLISH})\b\.?"
        rf"(?:[ ,/-]{{0,3}}{_SHORT_YEAR}\b)?{_TIME}",
        0.95,
        check=_no_verb,
        needs=_MONTH_NEEDS,
    ),
    Pattern(
        "date.other-languages",
        "DATE",
        rf"(?:(?:1er|1º|1°|{_DAY})(?:\.|º|°|er|ª)?)(?: de| d')? ?(?:{_OTHERS})\.?(?:(?: del?"
        f"| do|,)? ?{_YEAR})?{_TIME}",
        0.95,
        needs=_OTHER_NEEDS,
        after=r"(?![^\W_])",
    ),
    Pattern(
        "date.east-asian",
        "DATE",
        "(?:[0-9]{4} ?[年년] ?)?[0-9]{1,2} ?[月월] ?[0-9]{1,2} ?[日일]?"
        "|[0-9]{4} ?年 ?[0-9]{1,2} ?月",
        0.95,
        needs=("月", "월"),
        before=r"(?<![0-9])",
        after="",
    ),
    Pattern(
        "date.month-year",
        "DATE",
        rf"(?:early |mid-? ?|late )?(?:{_ENGLISH})\.?(?:,? (?:of )?|[-/]|,? ')(?:{_YEAR})",
        0.8,
        check=_month_alone_year,
        needs=_MONTH_NEEDS,
    ),
    Pattern(
        "date.numeric",
        "DATE",
        rf"(?:{_YEAR}(?:-[0-9]{{1,2}}-|/[0-9]{{1,2}}/|\.[0-9]{{1,2}}\.)[0-9]{{1,2}}"
        rf"|[0-9]{{1,2}}(?:/[0-9]{{1,2}}/|-[0-9]{{1,2}}-|\.[0-9]{{1,2}}\.){_YEAR}"
        rf"|[0-9]{{1,2}}(?:/[0-9]{{1,2}}/|-[0-9]{{1,2}}-)[0-9]{{2}}){_TIME}",
        0.95,
        check=_numeric,
        before=r"(?<![A-Za-z0-9_])(?<![0-9][./-])(?<!--)",
        after=r"(?![0-9A-Za-z_])(?![/-][0-9])",
    ),
    Pattern(
        "date.spaced-dots",
        "DATE",
        rf"[0-9]{{1,2}}\. ?[0-9]{{1,2}}\. ?{_YEAR}",
        0.9,
        before=r"(?<![A-Za-z0-9_.])",
    ),
    Pattern(
        "date.dotted-short",
        "DATE",
        r"[0-3]?[0-9]\.[01][0-9]\.[0-9]{2}",
        0.85,
        check=_dotted_short,
        before=r"(?<![A-Za-z0-9_.])",
        after=r"(?![0-9A-Za-z_])(?!\.[0-9])",
    ),
    Pattern(
        "date.compact",
        "DATE",
        "(?:19|20)[0-9]{2}[01][0-9][0-3][0-9](?:T?[0-2][0-9][0-5][0-9](?:[0-5][0-9])?"
        r"(?:\.[0-9]{1,4})?(?:[+-][0-9]{4}|Z)?)?",
        0.8,
        check=_compact,
        before=r"(?<![A-Za-z0-9_#])(?<![0-9][-./])(?<![A-Za-z]-)",
        after=r"(?![0-9A-Za-z_])(?!-[0-9A-Za-z])",
    ),
    Pattern(
        "date.day",
        "DATE",
        r"[01]?[0-9]/[0-3]?[0-9]",
        0.85,
        check=_month_and_day,
        before=r"(?<![A-Za-z0-9_])(?<![0-9][./-])(?<![A-Za-z]/)",
        after=r"(?![0-9A-Za-z_%])(?![/.-][0-9A-Za-z])",
    ),
    Pattern(
        "date.month-and-year",
        "DATE",
        rf"(?:0?[1-9]|1[0-2])/{_YEAR}",
        0.7,
        check=_month_and_year,
        before=r"(?<![A-Za-z0-9_])(?<![0-9][./-])",
        after=r"(?![0-9A-Za-z_])(?![/-][0-9])",
    ),
    Pattern(
        "date.last-month",
        "DATE",
        rf"(?:last|this past|next|this coming) (?:{_ENGLISH})",
        0.7,
        needs=("last ", "this ", "next "),
    ),
    Pattern(
        "date.holiday",
        "DATE",
        "(?:(?:on|since|around|before|after) )?(?:christmas(?: eve| day)?|thanksgiving|new "
        "year'?s(?: eve| day)?|halloween"
        "|easter(?: sunday| monday)?|valentine'?s day|memorial day|labor day|independence "
        "day|veterans day"
        rf"|mother'?s day|father'?s day),? (?:of |in )?{_YEAR}",
        0.8,
        needs=(
            "christmas",
            "thanksgiving",
            "new year",
            "halloween",
            "easter",
            "s day",
            "memorial",
            "labor",
            "indep",
            "veter",
        ),
    ),
)
