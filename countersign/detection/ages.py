"""Ages over 89, and years of birth that tell of one. Source: 45 CFR 164.514(b)(2)(i)(C)."""

from __future__ import annotations

from countersign.detection.patterns import Lazy, Page, Pattern

_NINETY = r"(?:9[0-9]|1[0-2][0-9])"
_NOT_AN_AGE = Lazy(
    "(?:over|under|above|below|than|least|past|previous|last|for|after|within|every|[<>=]) ?$"
)


def _age(page: Page, start: int, end: int) -> float:
    """No age is in the number of years of a study, nor in a percentage."""
    after = page.after(end, 24)
    if after.startswith(("%", "/", ".")) or _SINCE.match(after):
        return 0.0
    if _BARE_YEARS.match(after) and _NOT_AN_AGE.search(page.before(start, 12)):
        return 0.0
    if after[:1] in "mf" and _TEMPERATURE.search(page.before(start, 16)):
        return 0.0
    return 0.95


_BARE_YEARS = Lazy(r"[ -]?(?:years?|yrs?|ans|años|jahre|anni|jaar)\b(?![ -]?(?:old|of age))")
_TEMPERATURE = Lazy("(?:temp(?:erature)?|t|tmax|fever|walk|at|of)[ :=]{1,2}(?:is |was |of )?$")


_SINCE = Lazy(
    r"[ -]?(?:years?|yrs?|ans|años|jahre|anni|jaar)\.? (?:ago|later|after|of "
    "(?:follow|data|treatment|experience|surviv))"
)


def _bare_years(page: Page, start: int, end: int) -> float:
    if _NOT_AN_AGE.search(page.before(start, 12)) or _SINCE.match(page.after(end, 24)):
        return 0.0
    return 0.7


PATTERNS = (
    Pattern(
        "age.with-unit",
        "AGE90",
        rf"(?P<age>{_NINETY})(?:[ -]{{0,2}}(?:y/?o/?[mf]?|y\.o\.?|(?:yrs?|years?)[ -]?"
        "(?:olds?|of age)"
        r"|yrs?|years?|ans|años|jahre|jährig|anni|anos|ετών|jaar|år|lat)|[mf])",
        0.95,
        check=_age,
        group="age",
        before=r"(?<![A-Za-z0-9_.])(?<![0-9][-/:,])",
    ),
    Pattern(
        "age.labelled",
        "AGE90",
        rf"(?:\bage[ds]?(?: is| was| of| at [a-z]{{3,12}})?|edad|alter|âge|età|idade"
        rf")[\"']?[:=,]? ?[\"']?(?P<age>{_NINETY})",
        0.95,
        check=_age,
        group="age",
        before="",
        after=r"(?![0-9A-Za-z_%])(?![./-][0-9])",
        needs=("age", "edad", "alter", "âge", "età", "idade"),
    ),
    Pattern(
        "age.years",
        "AGE90",
        r"(?:\b(?:is|was|turned|turns|turning|now|about|almost|nearly|be|he's|she's|patient"
        "|man|woman|male|female|lady|gentleman),? )"
        rf"(?P<age>{_NINETY})(?: years)?",
        0.7,
        check=_bare_years,
        group="age",
        before="",
        after="(?= ?(?:years?|yrs?|and |with |when|who|lives|today|next|this|in (?:may|june"
        r"|march)|\())",
    ),
    Pattern(
        "age.in-words",
        "AGE90",
        "(?:ninety(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?|(?:a |one "
        ")?hundred(?: and)?(?:[ -][a-z]{3,6})?)"
        r"[ -]years?[ -](?:old|of age)|centenarian|supercentenarian|nonagenarian",
        0.9,
        needs=("ninety", "hundred", "enarian"),
    ),
    Pattern(
        "age.born",
        "AGE90",
        "(?:born|birth year|year of birth|yob)(?: in|:| is| was)? ?(?P<age>1(?:8[0-9]{2}"
        "|9[0-2][0-9]|93[0-5]))",
        0.9,
        group="age",
        needs=("born", "birth", "yob"),
        after=r"(?![0-9A-Za-z_])(?![/.-][0-9])",
    ),
)
