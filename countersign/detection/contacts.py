"""Telephone and fax numbers, e-mail, web and IP addresses.

Source: 45 CFR 164.514(b)(2)(i)(D) to (F), (N), (O).
"""

from __future__ import annotations

import ipaddress
import re

from countersign.detection.checksums import digits
from countersign.detection.patterns import Check, Lazy, Page, Pattern
from countersign.detection.words import word_set

# Endings that make a name with dots an address although no scheme or www stands before it.
_TLD = (
    "com|org|net|edu|gov|mil|int|info|biz|io|health|care|clinic|hospital|doctor|dental|med|me"
    "|us|uk|ca|au|nz|de|fr|es|it|nl|be"
    "|ch|at|pl|cz|se|no|dk|fi|ie|pt|br|mx|ar|cl|in|jp|cn|kr|ru|eu|co|app|dev|ai|cloud|online"
    "|site|xyz|name|pro|tv|hu|gr|ro"
)
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,6}"
_PATH = r"(?:[/?#][^\s<>\"'`{}|\\^()\[\]]{0,400})?"

_PHONE_WORD = (
    "(?:phones?|telephone|tel|cell(?:ular|phone)?|mobile|mob|pager|pgr|contact|call(?:ed|ing"
    "|back)?|ph|text|sms|whatsapp|voicemail|reach(?:ed|able)?"
    "|home|work|office|dial|hotline|handy|telefon|teléfono|telefono|téléphone"
    "|móvil|portable|telefone|celular|telefoon|gsm|tél|ring"
    r"|[cpt](?=:)|landline|answer(?:ing|s|ed)?|emergency|nok|mobil|rufnummer|numéro|número|numero)"
)
_FAX_WORD = r"(?:fax(?:ed|es|ing)?|facsimile|télécopie|telefax|fx|efax)"
_NEAR = r"(?:[^.;\n]{0,28}[^a-z0-9.;\n]|[^a-z0-9]{0,4})$"
_PHONE_BEFORE = Lazy(rf"(?:\b{_PHONE_WORD}\b|☎|📞)\.?{_NEAR}")
_FAX_BEFORE = Lazy(rf"\b{_FAX_WORD}\b\.?{_NEAR}")
# "555-0100 mobile" at the end of a line, or before the next number.
_PHONE_AFTER = Lazy(
    r"[ -]\(?(?:office|home|work|direct|cell|mobile)(?= *(?:[\n,;.)\\]|$)| \(?\+?[0-9]{2})"
)
_FAX_AFTER = Lazy(r"[ \\,(-]{0,3}\(?fax\b(?![ :.#]{1,3}[0-9(+])")
# "555-0100 fax" and a new line: the word belongs to the number before it.
_FAX_OF_LAST = Lazy(r"[0-9][ \\,(-]{0,3}\(?fax\)?[^a-z0-9:]{1,4}$")
_FAX_OR_PHONE = Lazy(rf"\b(?P<fax>{_FAX_WORD})\b|\b(?P<phone>{_PHONE_WORD})\b")
_UNIT = Lazy(
    " ?(?:mg|mcg|ml|units?|iu|cells?|copies|years?|patients?|participants"
    r"|people|%|\$|usd|eur|kcal|hz)(?![a-z])|/[a-z]"
)
_NOT_PHONE = Lazy(
    r"(?:\bnpi|mrn|ndc|isbn|issn|pmid|pubmed|doi|snomed|loinc|nct|version|ratio|range|between"
    "|cpt|icd|rxcui|gtin|lot|ref|range of|score)[ :#.]{0,3}$"
)


def is_fax(page: Page, start: int, end: int) -> bool:
    """Whether the words around a number speak of a fax rather than of a telephone."""
    if _FAX_AFTER.match(page.after(end, 14)):
        return True
    before, last = page.before(start, 36), ""
    if _FAX_OF_LAST.search(before):
        return False
    for match in _FAX_OR_PHONE.finditer(before):
        if match.lastgroup == "fax" or match["phone"] not in _FAINT:
            last = match.lastgroup or ""
    return last == "fax"


_DATE = Lazy(
    r"[0-9]{1,2}(?P<mark>[/.-])[0-9]{1,2}(?P=mark)(?:[0-9]{2}){1,2}|[01]?[0-9]/(?:19|20)[0-9]{2}"
)
_FAINT = frozenset(
    {
        "number",
        "no",
        "line",
        "numero",
        "número",
        "numéro",
        "office",
        "work",
        "home",
        "c",
        "p",
        "t",
        "ext",
    }
)


def _phone_score(page: Page, start: int, end: int, sure: float, unsure: float) -> float:
    if _UNIT.match(page.after(end, 14)) or _NOT_PHONE.search(page.before(start, 14)):
        return 0.0
    before = page.before(start, 40)
    if unsure and _SPOKEN_OF.search(before):
        return sure
    if unsure < sure and _OTHER_SHAPE.fullmatch(page.text, start, end):
        return 0.0
    if _PHONE_BEFORE.search(before) or _FAX_BEFORE.search(before):
        return sure
    return sure if _PHONE_AFTER.match(page.after(end)) else unsure


# A person, and where to reach them: "daughter Dana at 555...", "emergency contact X (555...".
_SPOKEN_OF = Lazy(
    r"(?:\b(?:daughter|son|wife|husband|mother|father|sister|brother|friend|neighbor"
    "|caregiver|him|her|them"
    r"|me|us|contact)\b[^.;\n]{0,28}(?: at |\())$"
)
# A ZIP code of nine digits, a day, a record number: no telephone unless a word says so.
_OTHER_SHAPE = Lazy(
    "[0-9]{5}-[0-9]{4}|[0-9]{3}-[0-9]{2}-[0-9]{3}"
    "|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
)


def _phone(sure: float, unsure: float, *, fax: bool) -> Check:
    def check(page: Page, start: int, end: int) -> float:
        if is_fax(page, start, end) is not fax:
            return 0.0
        count = len(digits(page.text[start:end].lower().split("x")[0]))
        if _DATE.fullmatch(page.text, start, end):
            return 0.0
        return _phone_score(page, start, end, sure, unsure) if 6 <= count <= 17 else 0.0

    return check


def _ip(page: Page, start: int, end: int) -> float:
    try:
        ipaddress.ip_address(page.text[start:end].split("/")[0].split("%")[0])
    except ValueError:
        return 0.0
    return 0.0 if _VERSION_BEFORE.search(page.before(start, 16)) else 0.95


_VERSION_BEFORE = Lazy(
    r"(?:\bv|version|release|section|build|firmware|software|oid"
    "|chapter|§)[ :]{0,2}$"
)


def _ipv6(page: Page, start: int, end: int) -> float:
    text = page.text[start:end].split("/")[0].split("%")[0]
    if text.count(":") < 2 or (len(text) < 6 and "::" in text):
        return 0.0
    return _ip(page, start, end)


def _bare_host(page: Page, start: int, end: int) -> float:
    """A name with dots and no scheme: not a file, a method call, or the end of a sentence."""
    host = re.split(r"[/?#]", page.lower[start:end])[0]
    labels = host.split(".")
    if labels[-1] in _WEAK_TLD and len(labels) < 3 and "/" not in page.text[start:end]:
        return 0.0
    if page.text[start - 1 : start] == "@" or all(len(label) <= 2 for label in labels):
        return 0.0
    return 0.85


# Also words, file endings, attributes of a program, or abbreviations.
_WEAK_TLD = word_set(
    """
    in me no it is at be us name pro so to int info med au io de es ch se ar in co
    """
)

# What ends a sentence or closes a bracket after an address is no part of it.
_TRAILING = ".,;:!?)]'\"*>"

_EXT = r"(?:[ ,]{0,2}(?:x|ext\.?|extension|extn\.?|#)[ .:]{0,2}[0-9]{1,6})?"
_US = (
    r"(?:(?:\+|00|011[ -]?)?1[ .-]?|001[ .-])?(?:\([2-9][0-9]{2}\)[ .-]{0,2}|[2-9][0-9]{2}[ "
    ".-]{1,3})[0-9]{3}[ .-]{1,3}[0-9]{4}"
)
_BARE = r"(?:\+?1)?[2-9][0-9]{2}[0-9]{7}"
_PLUS = r"(?:\+|00)[1-9][0-9]{0,2}(?:[ ./-]{0,2}\(?0?[0-9]{1,4}\)?){2,6}"
_ZERO = (
    r"(?:\(0[0-9]{1,5}\)[ ./-]{0,2}|0[0-9]{1,5}[ ./-]{1,2})[0-9]{2,8}"
    "(?:[ ./-]{1,2}[0-9]{2,8}){0,4}"
)
_LOCAL = r"\(?[0-9]{2,4}\)?(?:[ .-][0-9]{2,6}){1,4}|[0-9]{7,12}"
_GROUPS = r"\(?[0-9]{1,4}\)?[ .-]{1,2}[0-9]{3,4}[ .-][0-9]{3,4}|[0-9]{3}[.-][0-9]{3,4}[.-][0-9]{4}"
_PHONE_EDGE = r"(?<![A-Za-z0-9_+])(?<![0-9A-Za-z][.,/:#-])"
_PHONE_END = r"(?![A-Za-z0-9_])(?![./:-][0-9])"


def _needs_word(*, fax: bool) -> Check:
    def check(page: Page, start: int, end: int) -> float:
        count = len(digits(page.text[start:end]))
        if _OTHER_SHAPE.fullmatch(page.text, start, end):
            return 0.0
        if not 6 <= count <= 13 or is_fax(page, start, end) is not fax:
            return 0.0
        return _phone_score(page, start, end, 0.85, 0.0)

    return check


# One of these stands in whatever `_PHONE_WORD` matches.
_PHONE_NEEDS = (
    *("phone", "tel", "cell", "mob", "pag", "pgr", "contact", "call", "ph", "text", "sms"),
    *(
        "whatsapp",
        "voicemail",
        "reach",
        "home",
        "work",
        "office",
        "dial",
        "hotline",
        "handy",
        "answer",
        "ring",
    ),
    *("móvil", "portable", "celular", "gsm", "tél", "c:", "p:", "t:", "landline", "emergency"),
    *("nok", "rufnummer", "num", "núm", "\u260e", "\U0001f4de"),
)


def _telephones(kind: str, *, fax: bool) -> tuple[Pattern, ...]:
    name = kind.lower()
    faxes = ("fax", "facsimile", "fx", "télécopie") if fax else ()

    def pattern(rule: str, body: str, check: Check, needs: tuple[str, ...] = faxes) -> Pattern:
        return Pattern(
            f"{name}.{rule}",
            kind,
            body + _EXT,
            0.9,
            check=check,
            needs=needs,
            before=_PHONE_EDGE,
            after=_PHONE_END,
        )

    return (
        pattern("american", _US, _phone(0.95, 0.88, fax=fax)),
        pattern("international", _PLUS, _phone(0.95, 0.88, fax=fax)),
        pattern("trunk", _ZERO, _phone(0.95, 0.65, fax=fax)),
        pattern("bare", _BARE, _phone(0.95, 0.55, fax=fax)),
        pattern("labelled", _LOCAL, _needs_word(fax=fax), faxes or _PHONE_NEEDS),
    )


PATTERNS = (
    Pattern(
        "email.address",
        "EMAIL",
        r"[a-z0-9_%+'.~=&!#$*/?^-]{1,64}(?:@| ?[\[({] ?at ?[\])}] ?)[a-z0-9-]{1,63}"
        r"(?:\.[a-z0-9-]{1,63}){0,6}"
        r"(?:\.| ?[\[({] ?dot ?[\])}] ?)[a-z]{2,24}",
        0.98,
        needs=("@", "[at", "(at", "{at", "[ at", "( at"),
        before=r"(?<![A-Za-z0-9_%+.-])",
        after=r"(?![A-Za-z0-9-])",
        longest=552,
    ),
    Pattern(
        "email.mailto-or-unicode",
        "EMAIL",
        r"[^\s@<>()\[\]{},;:\"'|]{1,64}@[^\s@<>()\[\]{},;:\"'|]{1,120}\.[^\s@<>()\[\]{},;:\"'"
        "|.0-9]{2,24}",
        0.95,
        needs=("@",),
        before="",
        after="",
    ),
    Pattern(
        "url.scheme",
        "URL",
        "(?:https?|ftps?|sftp|wss?|file|ssh|git|ldaps?|jdbc:[a-z]{2,12}|postgres(?:ql)?"
        r"|mysql|mongodb(?:\+srv)?|redis|amqp|s3|gs|fhir|hxxps?)"
        r"://[^\s<>\"'`{}|\\^\[\]]{1,600}",
        0.97,
        needs=("://",),
        after="",
        trailing=_TRAILING,
        longest=620,
    ),
    Pattern(
        "url.www",
        "URL",
        rf"www[0-9]{{0,2}}\.{_HOST}[a-z]{{2,24}}(?::[0-9]{{2,5}})?{_PATH}",
        0.95,
        needs=("www",),
        after="",
        trailing=_TRAILING,
        longest=821,
    ),
    Pattern(
        "url.host",
        "URL",
        rf"{_HOST}(?:{_TLD})(?::[0-9]{{2,5}})?{_PATH}",
        0.85,
        check=_bare_host,
        before=r"(?<![A-Za-z0-9_@./-])",
        after=r"(?![A-Za-z0-9_@-])(?!\.[a-z0-9])",
        needs=(".",),
        trailing=_TRAILING,
        longest=799,
    ),
    Pattern(
        "url.handle",
        "URL",
        "(?:instagram|twitter|facebook|tiktok|linkedin|snapchat|telegram|ig|insta)(?: handle"
        "| profile| account| user(?:name)?)?(?: is|:)? ?"
        r"(?P<handle>@[a-z0-9_.]{2,30})",
        0.8,
        group="handle",
        needs=("@",),
    ),
    Pattern(
        "ip.v4",
        "IP",
        r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:/[0-9]{1,2})?",
        0.95,
        check=_ip,
        before=r"(?<![A-Za-z0-9_])(?<![0-9]\.)",
        after=r"(?![A-Za-z0-9_])(?!\.[0-9])",
    ),
    Pattern(
        "ip.v6",
        "IP",
        r"(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|(?:[0-9]{1,3}\.){3}[0-9]{1,3})?"
        "(?:%[a-z0-9]{1,15})?(?:/[0-9]{1,3})?",
        0.95,
        check=_ipv6,
        before=r"(?<![A-Za-z0-9_:.])",
        after=r"(?![A-Za-z0-9_:])",
        needs=(":",),
    ),
    *_telephones("PHONE", fax=False),
    *_telephones("FAX", fax=True),
)
