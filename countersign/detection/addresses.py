"""Streets, ZIP and postal codes.

A state or a country alone is no identifier. Source: 45 CFR 164.514(b)(2)(i)(B).
"""

from __future__ import annotations

from countersign.detection.facilities import STATE_NAMES, STATES
from countersign.detection.patterns import Lazy, Page, Pattern

# Words that end the name of a street: USPS Publication 28, appendix C1, and how people write them.
_SUFFIX = (
    "alley|aly|annex|arcade|avenue|ave|av|bayou|beach|bend|bluffs?|bottom|boulevard|blvd"
    "|branch|bridge|brooks?|burgs?|bypass|camp|canyon"
    "|cape|causeway|cswy|centers?|circles?|cir|cliffs?|club|common|commons|corners?|course"
    "|courts?|ct|cts|coves?|creek|crescent|cres|crest|crossing|xing"
    "|crossroads?|curve|dale|dam|divide|drives?|dr|estates?|expressway|expy|extensions?|falls"
    "|ferry|fields?|flats?|fords?|forest|forges?|forks?|fort"
    "|freeway|fwy|gardens?|gdns|gateway|glens?|greens?|groves?|harbors?|haven|heights|hts"
    "|highway|hwy|hills?|hollow|inlet|islands?|isle|junctions?|keys?|knolls?"
    "|lakes?|landing|lane|ln|lights?|loaf|locks?|lodge|loop|mall|manors?|meadows?|mews|mills?"
    "|mission|motorway|mountains?|mount|neck|orchard|oval|overpass|parade|parks?"
    "|parkways?|pkwy|pass|passage|path|pike|pines?|place|pl|plains?|plaza|plz|points?|ports?"
    "|prairie|radial|ramp|ranch|rapids?|rest|ridges?|river|roads?|rd|route|row|rue|run"
    "|shoals?|shores?|skyway|springs?|spurs?|square|sq|station|stravenue|stream|streets?|st"
    "|summit|terrace|ter|throughway|trace|track|trafficway|trail|trl|trailer|tunnel"
    "|turnpike|tpke|underpass|unions?|valleys?|viaduct|views?|villages?|ville|vista|via"
    "|walks?|wall|way|wells?|close|quay|wharf|hwy"
)
_PLAIN_SUFFIX = (
    "avenue|ave|boulevard|blvd|circle|cir|court|ct|crescent|drive|dr|highway|hwy|lane|ln"
    "|parkway|pkwy|place|pl|plaza|road|rd|square|sq|street|st|terrace|ter|trail|trl|way"
    "|turnpike|close"
)
_DIRECTION = r"(?:(?:north|south|east|west|n|s|e|w|ne|nw|se|sw)\.? )?"
_UNIT = (
    "(?:,? {0,2}(?:(?:apt|apartment|suite|ste|unit|room|rm|floor|fl|bldg|building|lot|trlr"
    r"|spc|penthouse|ph|po box|p\.o\. box|box|flat)\.? ?#?|#) ?[0-9a-z][0-9a-z-]{0,7})?"
)
_NUMBER = r"[0-9]{1,6}(?:[a-z]|-[0-9]{1,5}|/[0-9]{1,4})?"
_TITLE_WORD = (
    "(?:[A-Z][A-Za-z'.-]{0,24}|[0-9]{1,3}(?:st|nd|rd|th|ST|ND|RD|TH)|(?:of|the|de"
    "|la|del|van|du|los|las) [A-Z][a-z'.-]{1,24})"
)


def _either(words: str) -> str:
    """The words in lower case, upper case, or with a capital."""
    return "(?:" + "|".join(f"{_cased(word)}" for word in words.split("|")) + ")"


def _cased(word: str) -> str:
    first, rest = word[0], word[1:]
    return f"{first.upper()}(?:{rest}|{rest.upper()})" if rest else first.upper()


def _street(page: Page, start: int, end: int) -> float:
    text = page.text[start:end]
    return (
        0.0 if _DOSE.search(text.lower()) or _BRACKET_UNIT.search(page.before(start, 3)) else 0.92
    )


_DOSE = Lazy(
    "^[0-9/-]+[a-z]? (?:[a-z']+ ){0,3}(?:mg|mcg|ml|g|kg|units?|tabs?|tablets?|capsules?"
    "|puffs?|drops?|times|days?|weeks?|months?|years?|hours?|minutes?|doses?|patients?|yo"
    "|male|female|man|woman|people|percent|point|points|and|or|with|for|per|to|in|on|a|an|was"
    r"|is|were|are|had|has|have|by|at|from|who|cases|studies|trials|steps|cores?)\b"
)
_BRACKET_UNIT = Lazy(r"[$€£%]$")


def _lower_street(page: Page, start: int, end: int) -> float:
    if _DOSE.search(page.lower[start:end] + " "):
        return 0.0
    words = page.lower[start:end].split()
    return 0.8 if len(words) >= 3 and not (words[-1] == "st" and len(words) < 3) else 0.0


_ZIP_LABEL = (
    "(?:zip(?: ?codes?)?|postal ?code|post ?code|plz|cp|cap|cep|postnummer|postleitzahl"
    "|code postal|código postal|kod pocztowy|psč|postinumero)"
    r"(?: (?:is|was|code|of|number))?[\"']?[ :#=]{1,3}[\"']?"
)


def _zip_nine(page: Page, start: int, end: int) -> float:
    return 0.0 if _CODES.search(page.before(start)) else 0.75


def _alone_on_its_line(page: Page, start: int, end: int) -> float:
    """The second line of an address: nothing else stands beside it but marks of quotation."""
    before = page.text.rfind("\n", 0, start) + 1
    after = page.text.find("\n", end)
    line = page.text[before:start] + page.text[end : after if after >= 0 else None]
    is_one_of_many = before > 0 or after >= 0
    return 0.7 if is_one_of_many and not line.strip(" \t>|?,;*-") else 0.0


def _canadian(page: Page, start: int, end: int) -> float:
    return 0.0 if _STAGE.match(page.lower, start) else 0.88


# A tumour's stage has the same form.
_STAGE = Lazy(r"t[0-4]n[0-3]m[01]")
_CODES = Lazy(
    "(?:ndc|loinc|cas|lot|part|mrn|policy|member|account|acct|id|number"
    r"|no\.?|#)[ :#\"']{0,3}$"
)


PATTERNS = (
    Pattern(
        "street.american",
        "GEO_STREET",
        rf"{_NUMBER} (?i:{_DIRECTION})(?:{_TITLE_WORD} ){{1,4}}{_either(_SUFFIX)}\b\.?"
        rf"(?: (?:North|South|East|West|N|S|E|W|NE|NW|SE|SW)\b)?(?i:{_UNIT})",
        0.92,
        check=_street,
        after="",
        before=r"(?<![A-Za-z0-9_.])",
        is_caseless=False,
    ),
    Pattern(
        "street.caseless",
        "GEO_STREET",
        f"{_NUMBER} {_DIRECTION}(?:[a-z'.-]{{2,20}} |[0-9]{{1,3}}(?:st|nd|rd|th) ){{1,3}}"
        rf"(?:{_PLAIN_SUFFIX})\b\.?{_UNIT}",
        0.8,
        check=_lower_street,
        before=r"(?<![A-Za-z0-9_.])",
    ),
    Pattern(
        "street.rest-with-unit",
        "GEO_STREET",
        f"[0-9]{{1,6}} (?:[a-z'.-]{{2,20}} ){{1,4}}(?:{_SUFFIX}),? (?:apt|apartment|suite"
        rf"|ste|unit)\.? ?#? ?[0-9a-z]{{1,6}}",
        0.92,
        before=r"(?<![A-Za-z0-9_.])",
        needs=("apt", "apartment", "suite", "ste", "unit"),
    ),
    Pattern(
        "street.unit-line",
        "GEO_STREET",
        r"(?:apt|apartment|suite|ste)\.? {1,2}#?[0-9]{1,5}[a-z]?",
        0.7,
        check=_alone_on_its_line,
        needs=("apt", "apartment", "suite", "ste"),
    ),
    Pattern(
        "street.po-box",
        "GEO_STREET",
        r"(?:p\.? ?o\.? ?box|post office box|postfach|apartado(?: postal)?|apdo\.?|postbus"
        "|boîte postale|bp|casella postale|caixa postal|psc|unit|cmr) ?#?:? ?[0-9]{2,7}(?:,? "
        "box [0-9]{1,6})?",
        0.9,
        needs=(
            "box",
            "postfach",
            "apartado",
            "apdo",
            "postbus",
            "postale",
            "bp",
            "caixa",
            "psc",
            "unit",
            "cmr",
        ),
        check=lambda page, start, end: (
            0.0
            if page.lower.startswith(("unit", "bp"), start) and "box" not in page.lower[start:end]
            else 0.9
        ),
    ),
    Pattern(
        "street.german",
        "GEO_STREET",
        r"(?:[A-ZÄÖÜ][A-Za-zäöüßÄÖÜ.-]{2,30}(?:[Ss]traße|[Ss]trasse|[Ss]tr\.|[Ww]eg|[Pp]latz"
        "|[Aa]llee|[Gg]asse|[Rr]ing|[Dd]amm|[Uu]fer|[Ss]teig|straat|laan|weg|plein|gracht"
        "|kade|dreef|singel|vej|vägen|gatan|gata|veien|gate|katu|tie|utca)"
        r"|(?:Am|An der|Auf dem|Im|Zum|Zur|Unter den) [A-ZÄÖÜ][a-zäöüß]{2,20}) ?[0-9]{1,4} ?[a-z]?",
        0.85,
        before=r"(?<![^\W])",
        is_caseless=False,
    ),
    Pattern(
        "street.romance",
        "GEO_STREET",
        "(?:[0-9]{1,4}(?: ?(?:bis|ter))?,? )?(?:rue|avenue|boulevard|bd|place|chemin|allée"
        r"|impasse|quai|route|calle|c/|avenida|avda\.?|av\.|plaza|paseo|camino|carrera|cra\.?"
        r"|via|viale|piazza|corso|vicolo|largo|rua|travessa|praça|praceta|ulica|ul\.|aleja"
        r"|al\.|os\.|pl\.|ulitsa|prospekt|strada|str\.|calea)"
        " (?:(?:de|del|della|dei|di|da|do|dos|la|le|les|las|los|du|des|d'|l'|san|santa|saint"
        r"|sainte|general|dr\.) ?){0,3}[^\W\d_][^\W\d_'.-]{1,24}(?: (?:(?:de|del|della|di|da"
        r"|du|la|y|e|i) )?[^\W\d_][^\W\d_'.-]{1,24}){0,3},? ?(?:n\.?[º°o]?\.? ?)?[0-9]{1,5}"
        r"(?:[ /-]?[a-z0-9]{1,4}\b)?"
        "|[0-9]{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|bd|chemin|allée|impasse"
        r"|quai|rua|via) (?:(?:de|du|des|la|le|les|l'|d') ?){0,3}[^\W\d_][^\W\d_'-]{1,24}(?: "
        r"[^\W\d_][^\W\d_'-]{1,24}){0,2}",
        0.85,
        after="",
        needs=(
            "rue",
            "aven",
            "boulev",
            "bd",
            "place",
            "chemin",
            "allée",
            "impasse",
            "quai",
            "route",
            "calle",
            "c/",
            "avda",
            "av.",
            "plaza",
            "paseo",
            "camino",
            "carrera",
            "cra",
            "via",
            "piazza",
            "corso",
            "vicolo",
            "largo",
            "rua",
            "travessa",
            "praç",
            "prac",
            "ul",
            "al",
            "os.",
            "pl.",
            "prospekt",
            "str",
            "calea",
        ),
    ),
    Pattern(
        "zip.after-state",
        "GEO_ZIP",
        f"(?:{STATES}|{STATE_NAMES}),? {{1,2}}(?P<zip>[0-9]{{5}}(?:-[0-9]{{4}})?)",
        0.93,
        group="zip",
        after=r"(?![A-Za-z0-9_-])",
        is_caseless=True,
    ),
    Pattern(
        "zip.labelled",
        "GEO_ZIP",
        _ZIP_LABEL + "(?P<zip>[0-9]{4,6}(?:-[0-9]{3,4})?|[0-9]{3} [0-9]{2}"
        "|[a-z]{1,2}[0-9][0-9a-z]{0,2} ?[0-9a-z]{0,3}|[0-9]{4} ?[a-z]{2})",
        0.95,
        group="zip",
        needs=("zip", "post", "plz", "cp", "c.p", "cap", "cep", "psč", "pocztowy"),
    ),
    Pattern(
        "zip.in-segment",
        "GEO_ZIP",
        rf"\^(?:{STATES})\^(?P<zip>[0-9]{{5}}(?:-[0-9]{{4}})?)",
        0.95,
        group="zip",
        before="",
    ),
    Pattern(
        "zip.nine",
        "GEO_ZIP",
        r"[0-9]{5}-[0-9]{4}",
        0.75,
        check=_zip_nine,
        before="(?<![A-Za-z0-9_./-])",
        after=r"(?![A-Za-z0-9_-])",
    ),
    Pattern(
        "zip.british",
        "GEO_ZIP",
        "(?:GIR ?0AA|[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9]"
        "|[A-HK-Y][0-9][0-9ABEHMNPRV-Y]|[0-9][A-HJKPS-UW]) ?[0-9][ABD-HJLNP-UW-Z]{2})",
        0.85,
        is_caseless=False,
    ),
    Pattern(
        "zip.canadian",
        "GEO_ZIP",
        "[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z][ -]?[0-9][ABCEGHJ-NPRSTV-Z][0-9]",
        0.88,
        check=_canadian,
        is_caseless=True,
    ),
)
