"""Identifiers that are known by the words before them: `MRN: 123`, `"member_id": "W12"`, `Ins ID`.

One pattern finds all labels in one pass, a second reads the value after each. A label says how
sure it is: a strong one (with number, id, #) takes any value that has digits, a weak one only what
looks like a code. Source: 45 CFR 164.514(b)(2)(i)(D) to (R).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from countersign.detection.hits import Hit
from countersign.detection.identifiers import UNIT_AFTER
from countersign.detection.patterns import Lazy, Page

# After a label, what makes it one of a number.
_NUMBER = (
    r"(?:[ _-]?(?:numbers?|num|nbr|no\b|nos\b|nr\b|n°|nº|ids?|identifiers?"
    r"|identification|code|#)\.?)"
)


@dataclass(frozen=True, slots=True)
class Label:
    """Words for a kind. `strong` ones need no word for a number; `weak` ones are better with it."""

    kind: str
    strong: str
    weak: str = ""


# Order matters: of two labels at one place the first is taken.
LABELS = (
    Label(
        "VEHICLE",
        "vin|vehicle[ _-]?(?:vin|identification|registration)|licen[cs]e[ _-]?plates?|"
        "(?:number|registration|car|vehicle|truck)[ _-]?plates?|plates?(?= ?(?:#|no|num|:))"
        "|tag(?= ?#)|car registration|kennzeichen|immatriculation|matrícula|targa",
        r"vehicle|plates?|chassis|hull",
    ),
    Label(
        "BIOMETRIC",
        "biometric[ _-]?(?:hash|template|record|identifier|id)|finger[ _-]?prints?(?:[ _-]?"
        "(?:id|template|hash|scan|record))?|voice[ _-]?prints?|retinal?[ _-]?scan|iris[ "
        "_-]?scan|face[ _-]?(?:id|template|print)|dna[ _-]?(?:profile|sample|id)",
        r"biometrics?(?: (?:check-?in|scan|match|login|log-?in))?",
    ),
    Label(
        "DEVICE",
        "device[ _-]?(?:serial|id|identifier|udi|sn|uid)|udi(?:-?[dp]i)?|serial|s/n|imei"
        "|imsi|iccid|mac[ _-]?addr(?:ess)?|implant[ _-]?(?:id|serial|card)|asset[ _-]?tag"
        "|seriennummer|numéro de série|número de serie|gerätenummer",
        "device|implant|pacemaker|icd device|defibrillator|pump|stimulator|prosthesis"
        "|ventilator|sn",
    ),
    Label(
        "HEALTH_PLAN",
        "member[ _-]?(?:id|no|number|#)|subscriber[ _-]?(?:id|no|number|#)|(?:insurance"
        "|insurer|ins|plan|health plan|policy|medicare|medicaid|group|payer|payor|beneficiary"
        "|enrollee|cardholder|insured|coverage|hicn|mbi|tricare|rx[ _-]?(?:bin|grp|group|pcn)"
        "|health ?(?:card|insurance)|ohip|ramq|phn|ahcip|ehic)[ _-]?(?:policy|card|member"
        r"|plan|claim|group|beneficiary)?[ _-]?(?:id|ids|no\b|num|number|nr|identifier|#)s?"
        "|hicn|mbi|krankenversicherungsnummer|versicherten(?:nummer|nr|-?id)"
        "|versicherungsnummer|kvnr|numéro d'assuré|número de (?:afiliado|póliza)|polizza"
        "|verzekeringsnummer|carte vitale|sns|tessera sanitaria|(?:aetna|cigna|humana|bcbs"
        "|blue ?cross|uhc|united ?healthcare|kaiser|anthem|medi-cal|tricare)[ _-]?(?:member"
        "|policy|plan)?[ _-]?(?:id|no|number|#)",
        "(?:insurance|health)[ _-]?(?:plan|policy|card)?|ins|policy|member|subscriber"
        "|medicare|medicaid|medi-cal|tricare|beneficiary|plan|group|coverage|payer|aetna"
        "|cigna|humana|bcbs|blue ?cross(?: blue ?shield)?|uhc|united ?healthcare|anthem"
        "|kaiser(?: permanente)?|versicherung|assurance|seguro|mutuelle",
    ),
    Label(
        "SSN",
        r"ssns?|ss ?#|ss ?(?:no|number)|soc(?:ial)?\.?[ _-]?sec(?:urity)?(?:[ _-]?(?:no"
        "|number|num|#))?|social(?= ?(?:#|:|number|is))|itin|sin ?(?:#|number|no)|social "
        "insurance (?:number|no)|ni (?:number|no)|nino|national insurance(?: (?:number|no))?"
        "|sozialversicherungsnummer|numéro de sécurité sociale|número de seguro social|nss"
        "|nir|codice fiscale|bsn|burgerservicenummer|personnummer|fødselsnummer|cpr[ "
        "-]?nummer|pesel|cpf|aadhaar|curp|dni|nie|rodné číslo|taj|steuer-?id|tax ?(?:id|payer"
        ")",
        "",
    ),
    Label(
        "LICENSE",
        "(?:driver'?s?|driving|drivers)[ _-]?(?:licen[cs]e|permit)|dln?(?= ?(?:#|no|num|:))"
        r"|licen[cs]e[ _-]?(?:no|number|num|id|#)|lic\.?[ _]?(?:no|number|#)|npi|dea(?= ?(?:#"
        "|no|num|reg|:|[a-z]{2}[0-9]))|dea[ _-]?(?:registration|number|no|#)|(?:medical"
        "|nursing|state|pharmacy|pharmacist|professional|physician|rn|md|board)[ _-]?"
        "(?:licen[cs]e|certificat(?:e|ion)|registration)|certificat(?:e|ion)[ _-]?(?:no"
        r"|number|num|id|#)|cert\.?[ _]?(?:no|number|#|id)|passport|permit[ _-]?(?:no|number|#"
        ")|(?:gmc|nmc|gphc|ahpra|hcpc|upin|clia|caqh)(?:[ _-]?(?:no|number|pin|#|id))?"
        "|führerschein(?:nummer)?|permis de conduire|licencia(?: de conducir)?|patente(?: di "
        "guida)?|rijbewijs(?:nummer)?|reisepass(?:nummer)?|pasaporte|passeport"
        "|approbationsnummer|colegiado|cédula profesional|crm|rpps",
        r"licen[cs]e|dea|certificat(?:e|ion)|lic|cert|permit|credential|registration",
    ),
    Label(
        "ACCOUNT",
        "(?:bank|billing|checking|savings?|patient|hospital|guarantor|financial|customer"
        "|credit|debit|card|loan|medical|iban|payment)?[ _-]?(?:account|acct?)(?:[ _-]?"
        r"(?:no\b|nos|num|number|nr|id|#))|(?:account|acct)(?= ?[:#])|a/c|iban|routing(?:[ "
        "_-]?(?:no|number|#))?|aba(?: (?:number|no|#))|sort code|bsb|swift|bic|(?:credit"
        "|debit|payment|visa|mastercard|amex|discover|hsa|fsa|bank)[ _-]?cards?(?:[ _-]?(?:no"
        "|number|num|#))?|card[ _-]?(?:no|number|num|#)|pan|cvv|cvc|kontonummer|konto-?nr"
        "|número de cuenta|numéro de compte|conto corrente|rekeningnummer|bankverbindung|"
        "(?:har|csn|fin)(?= ?(?:#|no|number|:))|invoice[ _-]?(?:no|number|num|id|#)|medical "
        "bill (?:no|number|#)|bill(?:ing)?[ _-]?(?:no|number|num|id|#)|wallet|btc address",
        r"account|acct|card|konto|cuenta|compte|cc|visa|mastercard|amex|wire|hsa|fsa|invoice",
    ),
    Label(
        "MRN",
        r"(?:e|f)?mrns?|m\.r\.n\.?|mr ?(?:#|no\b|number)|med(?:ical)?\.?[ _-]?rec(?:ord"
        r")?s?\.?(?:[ _-]?(?:no\b|num|number|nr|id|#))?|(?:patient|pt|hospital|chart|unit"
        "|record|file|facility|clinic|empi|epi|mpi|chi|nhs|health record|case file|ehr|emr"
        r"|epic|cerner)[ _-]?(?:id|ids|no\b|num|number|nr|identifier|mrn|#)|patient_?id"
        "|patientid|subject_id(?=_mrn)|nhs|chi|empi|mpi|patientennummer|patienten-?(?:id|nr)"
        "|fallnummer|aktenzeichen|numéro de dossier|n° de dossier|ipp|número de historia(?: "
        "cl[ií]nica)?|historia cl[ií]nica|nhc|expediente|cartella clinica|prontu[aá]rio"
        "|patiëntnummer|dossiernummer|medical number",
        "patients?|pt|charts?|mr|records?|file|medical chart|dossier|patiente?n?|paciente|paziente",
    ),
    Label(
        "UNIQUE_ID",
        "(?:claim|encounter|accession|visit|case|study|subject|participant|specimen|sample"
        "|order|reference|ref|session|episode|event|tracking|confirmation|prescription|rx"
        "|script|authorization|auth|prior auth|referral|incident|transaction|employee|staff"
        "|student|user|customer|client|enrol?lment|trial|randomi[sz]ation|screening|site"
        "|report|document|request|ticket|badge|barcode|donor|recipient|family|pedigree|genome"
        "|isolate|kit|tube|biobank|registry|national|personal|resident|alien|voter|military"
        "|dod|edipi|va|inmate|booking|docket|police|run|ems run|pcr|dispatch|unit of blood"
        "|blood unit|donation|admission|appointment|message|correlation|trace|external"
        "|internal|person|guarantor|provider|physician|nurse|proband|consent|protocol subject"
        r"|record locator|pnr|frequent flyer|loyalty|household)[ _-]?(?:id|ids|no\b"
        r"|num|number|nr|identifier|code|key|#)s?|id(?:entifier|entification)?[ _-]?(?:no\b"
        "|number|num|#)|uuid|guid|username|user ?name|login|screen ?name|handle|accession|id"
        "(?= ?[:#])|ausweis(?:nummer)?|personalausweis|dni|nie|cedula|cédula|rut|curp",
        "claims?|encounter|visit|case|study|subject|participant|specimen|sample|order"
        "|reference|ref|session|episode|tracking|confirmation|prescription|rx|script"
        "|authorization|referral|incident|transaction|employee|run|ems run|ems|donor"
        "|enrol?lee|badge|barcode|docket|ticket|bracelet|wristband|id|control|kit",
    ),
)

_STRONG = "|".join(f"(?P<S{index}>{label.strong})" for index, label in enumerate(LABELS))
_WEAK = "|".join(f"(?P<W{index}>{label.weak})" for index, label in enumerate(LABELS) if label.weak)
# Names of fields write words together with `_`: a label begins after anything but letter or digit.
_FIND = rf"(?<![a-z0-9])(?:{_STRONG}|{_WEAK})(?![a-z])"
_LOOK_AROUND = Lazy(r"\(\?(?:=|!|<!)(?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")

# Between a label and its value.
_BETWEEN = Lazy(
    r"\.?(?P<number>\.?[ _-]?(?:numbers?|num|nbr|no\b|nr\b|n°|nº|ids?|identifiers?|identification"
    r"|code|serial|template|record|hash|#)\.?){0,2}"
    r"(?:[ \t]?\((?:s|last 4|ssn|mrn|id|dob|npi|vin|insurance|policy|[a-z]{2,10})\))?"
    r"(?P<link>(?:[ \t\n]{0,2}(?:is|was|are|as|of|reads?|ending in|ending|ends in|on file"
    r"|listed as|assigned|=>|->|[:=#\-|>*`~\"'\[({,\\]|,))*)"
    r"[ \t\n]{0,4}(?:(?:number|no\.?|id|#|sn|s/n)[ :#]{1,2}){0,1}(?P<quote>[\"'`\[(#*]{0,3})"
)
_TOKEN = Lazy(r"#?[a-z0-9](?:[a-z0-9]|[-./_~:](?=[a-z0-9])){0,60}")
_MORE = Lazy(
    r" (?:[0-9]{2,6}(?![a-z0-9,/]|\.[0-9])|[a-z]{1,3}[0-9][a-z0-9]{0,4}"
    "(?![a-z0-9])|[a-z0-9]{2,4}[0-9](?![a-z0-9])|[a-d](?![a-z0-9]))"
)
_DATE = Lazy(
    "(?:[0-9]{1,2}[/.-][0-9]{1,2}(?:[/.-][0-9]{2,4})?|(?:19|20"
    ")[0-9]{2}[-/.][0-9]{1,2}[-/.][0-9]{1,2}.*|(?:19|20)[0-9]{2})$"
)
_SSN = Lazy(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")
_TIME = Lazy(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?$")
_DIGIT = Lazy(r"[0-9]")
_LETTER = Lazy(r"[a-z]")
_YEARS = Lazy(
    "[ -]?(?:years?|yrs?|y/?o|yo|month|week|day|hour|minute|patients?|mg|ml"
    r"|cm|mm|%|st\b|nd\b|rd\b|th\b)"
)
_PREFIX = Lazy(r"(?:sn|s/n|id|no)[ :#]{1,2}$")
# Most characters that a label may stand before its value.
_REACH = 60
_VIN_LENGTH = 17
# Letters before a value in groups: QQ 12 34 56 C, XYZ 123 456.
_SHORT_PREFIX = 3
_SMALL_WORDS = frozenset(
    {"and", "are", "as", "at", "by", "for", "has", "in", "is", "of", "on", "or", "the", "to", "was"}
)


@cache
def _find() -> re.Pattern[str]:
    return re.compile(_FIND)


@cache
def finder_on_re2() -> Any:
    """Finds where a label may stand, on re2: wider than `_find`, and faster. None without re2."""
    try:
        import re2  # noqa: PLC0415 - optional
    except ImportError:
        return None
    wide = _LOOK_AROUND.sub("", f"{_STRONG}|{_WEAK}")
    wide = re.sub(r"\(\?P<[SW][0-9]+>", "(?:", wide)
    wide = "".join(character if character.isascii() else "[?]" for character in wide)
    options = re2.Options()
    options.log_errors, options.max_mem = False, 16 << 20
    return re2.compile(rf"(?:^|\b|_)(?:{wide})(?:[^a-z]|$)".encode(), options)


def _labels(lower: str) -> Iterator[re.Match[str]]:
    """All labels of a text in lower case, from left to right."""
    finder, label = finder_on_re2(), _find()
    if finder is None:
        yield from label.finditer(lower)
        return
    # One byte a character, so that places are the same; letters with accents become "?".
    encoded, at = lower.encode("ascii", "replace"), 0
    while (found := finder.search(encoded, at)) is not None:
        start = found.start()
        start += lower.startswith("_", start)
        match = label.match(lower, start)
        if match is not None:
            yield match
        at = match.end() if match is not None else start + 1


def labelled(page: Page) -> Iterator[Hit]:
    """The values that stand after a label."""
    lower = page.lower
    if _DIGIT.search(lower) is None:
        return
    for match in _labels(lower):
        name = match.lastgroup or "S0"
        label = LABELS[int(name[1:])]
        hit = _value(lower, match, label, strong=name[0] == "S")
        if hit is not None:
            yield hit


def _value(lower: str, match: re.Match[str], label: Label, *, strong: bool) -> Hit | None:
    """The value after a label; None if none stands there."""
    at = match.end()
    between = _BETWEEN.match(lower, at, at + _REACH)
    if between is None:
        return None
    start = between.end() - between["quote"].endswith("#")
    token = _TOKEN.match(lower, start)
    if token is None:
        return None
    end = token.end()
    is_prefix = strong and end - start <= _SHORT_PREFIX and token[0] not in _SMALL_WORDS
    if _DIGIT.search(token[0]) or is_prefix:
        end = _extended(lower, end)
    is_sure = strong or between["number"] is not None or "#" in between[0]
    has_link = between["link"].strip() != ""
    # "Mercy Hospital, ID 83702": a state, not a label.
    is_state = lower.endswith("id", 0, at) and not has_link
    text = lower[start:end]
    if (
        not _is_value(text, label, is_sure=is_sure, has_link=has_link)
        or _is_measure(lower, text, end)
        or _is_known_by_shape(text, label, strong=strong and not is_state)
    ):
        return None
    start = _with_prefix(lower, start, at, label)
    if _TOLD_WITH.fullmatch(match[0]):
        start = match.start()
    rule = f"label.{label.kind.lower().replace('_', '-')}"
    return Hit(start, end, label.kind, 0.95 if is_sure else 0.91, rule)


# Labels that say whose number it is: told with the value.
_TOLD_WITH = Lazy(
    "site[ _-]?(?:id|no|number)|medicare|medicaid|medi-cal|tricare|aetna|cigna|humana|bcbs|anthem"
)


def _extended(lower: str, end: int) -> int:
    """The end of a value written in groups: 006 62 8607, 1EG4 TE5 MK73."""
    for _ in range(7):
        more = _MORE.match(lower, end)
        if more is None or UNIT_AFTER.match(lower, more.end()):
            return end
        end = more.end()
    return end


def _is_value(text: str, label: Label, *, is_sure: bool, has_link: bool) -> bool:
    digits, letters = len(_DIGIT.parts(text)), bool(_LETTER.search(text))
    if _TIME.match(text) or (_DATE.match(text) and not (is_sure and _is_code(text))):
        return False
    if is_sure:
        return digits >= (2 if letters else 3)
    if letters:
        is_vin = label.kind == "VEHICLE" and len(text) == _VIN_LENGTH
        return digits >= 4 or (digits >= 3 and "-" in text) or (is_vin and digits > 0)
    return digits >= 6 or (digits >= 5 and has_link)


def _is_code(text: str) -> bool:
    """Whether a value that reads like a day is rather a code: hyphens and no full year."""
    return "-" in text and _FULL_YEAR.search(text) is None


_FULL_YEAR = Lazy(r"^(?:19|20)[0-9]{2}-|-(?:19|20)[0-9]{2}$")


def _is_known_by_shape(text: str, label: Label, *, strong: bool) -> bool:
    """Whether the value tells its kind better than the label: an SSN, a day, a state's ZIP code."""
    if label.kind == "UNIQUE_ID" and _SSN.fullmatch(text):
        return True
    return not strong and (_DAY.fullmatch(text) or _ZIP_NINE.fullmatch(text)) is not None


_ZIP_NINE = Lazy("[0-9]{5}-[0-9]{4}")
_DAY = Lazy(
    "(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])|[0-9]{1,2}-[a-z]{3,9}-[0-9]{2,4}"
)


def _is_measure(lower: str, text: str, end: int) -> bool:
    if _YEARS.match(lower, end):
        return True
    return text.replace(".", "").isdigit() and UNIT_AFTER.match(lower, end) is not None


def _with_prefix(lower: str, start: int, at: int, label: Label) -> int:
    """A device's number is told with its SN."""
    if label.kind != "DEVICE":
        return start
    prefix = _PREFIX.search(lower, at, start)
    return prefix.start() if prefix else start
