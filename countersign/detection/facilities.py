"""Facilities, cities with their state, counties, coordinates.

A state or a country alone is no identifier. Source: 45 CFR 164.514(b)(2)(i)(B).
"""

from __future__ import annotations

from countersign.detection.patterns import Lazy, Page, Pattern
from countersign.detection.words import word_set

STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV"
    "|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN"
    "|TX|UT|VT|VA|WA|WV|WI|WY|AS|GU|MP|PR|VI|FM|MH|PW|AA|AE|AP"
)
STATE_NAMES = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia"
    "|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine"
    "|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada"
    "|New Hampshire|New Jersey|New Mexico|New York|North Carolina|North Dakota"
    "|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|Tennessee"
    "|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming|Puerto Rico"
)
_FACILITY = (
    "hospital centers?|healthcenter|hospitals?|clinics?|medical (?:center|centre|group"
    "|associates|institute|plaza|arts"
    "|college|school|office)|med\\.? (?:center|ctr|cntr|centre|group)"
    "|health(?:care)?(?: (?:center|centre|system|systems|network|group|clinic|services|plan"
    "|partners|department|campus|sciences center|alliance))?"
    "|cancer (?:center|centre|institute|hospital|care)|(?:family|community|children's"
    "|childrens|women's|eye|heart|dental|pain|urgent care|walk-in|surgical|surgery|veterans"
    "|va|general|regional|memorial|university|county|city|district|state|mental health"
    "|behavioral health|specialty|rehab|rehabilitation|outpatient|ambulatory|primary care"
    "|pediatric|fertility|imaging|dialysis|wellness|orthopedic|cardiac) (?:clinic|hospital"
    "|center|centre|practice|infirmary|medicine|care|associates|health)"
    "|infirmary|hospice|nursing home|care home|care center|surgery center|(?:cancer|heart|eye"
    "|spine|brain|kidney|research|rehab(?:ilitation)?|treatment|trauma|birth|dialysis|imaging"
    "|wellness|recovery|senior|skilled nursing) (?:center|centre|institute|facility|home|unit"
    ")"
    "|sanatorium|sanitarium|polyclinic|laboratories|pharmacy|assisted living|senior "
    "living|retirement (?:home|community|village)|rehab|dispensary"
    "|university|college|high school|elementary school|middle school|school|academy|shelter"
    "|correctional facility|jail|prison"
    "|gen(?:eral)?\\.? hosp(?:ital)?\\.?|hosp\\.?|med ctr|mem(?:orial)?\\.? hosp(?:ital)?\\.?"
    "|nhs (?:foundation )?trust"
)
# What stands before the word for a facility in a name; no start of a sentence, no adjective.
_NAME_WORD = (
    r"(?:(?:St|Mt|Ft|Dr|Sta|Ste)\.? ?[A-Z][A-Za-z'-]{1,24}|[A-Z][A-Za-z]{0,24}"
    "(?:[-'][A-Z]?[A-Za-z]{1,20}){0,2}|[A-Z]{2,6})"
)
_LINK = "(?: | of | of the | and | & | - |-|/)"


def _facility(page: Page, start: int, end: int) -> float:
    """A name in capitals before the word for a facility; not a general word alone."""
    words = page.text[start:end].split()
    named = [
        word for word in words if word[:1].isupper() and word.lower().strip(".,'") not in _GENERAL
    ]
    if named:
        return 0.9
    # "General Hospital" alone is somebody's, if somebody was admitted to it.
    all_capital = len(words) > 1 and all(word[:1].isupper() for word in words)
    return 0.8 if all_capital and _CARED_AT.search(page.before(start, 24)) else 0.0


_CARED_AT = Lazy(
    "(?:admitted|seen|treated|evaluated|transferred|transported|referred|presented|visited"
    "|hospitalized"
    r"|followed|surgery|replacement|dr\.? [a-z .]{2,12})(?: to| at| in| by| from)?(?: the)? $"
)


_GENERAL = word_set(
    """
    the a an our your this that local nearest any each every public private general regional
    memorial community university teaching rural urban academic hospital hospitals clinic
    clinics medical center centre health healthcare system care family primary urgent
    emergency surgical surgery department outpatient inpatient ambulatory specialty mental
    behavioral critical children's childrens women's cancer heart eye dental pain national
    state county city district federal va veterans us american canadian european british world
    global electronic digital population home nursing hospice pharmacy school public-health
    environmental occupational oral sexual reproductive maternal child adolescent geriatric
    pediatric patient patients service services in at of and for what which when where how
    does do is are can should write explain list describe summarize compare give draft new
    high middle elementary college academy institute research network group partners plan
    insurance policy act information record records data education promotion equity literacy
    coverage med ctr gen hosp rehab rehabilitation retirement senior assisted living trauma
    stroke burn level affordable protected one two three best practices
    """
)
_CITY = (
    "(?:(?:St|Ft|Mt|Pt|Saint|Fort|Mount|New|Los|Las|San|Santa|El|La|Le|Port|Lake|North"
    r"|South|East|West|Old|Upper|Lower|Salt|Des|Baton|Grand|Little|Big|Palm|Cape|Glen)\.? "
    ")?[A-Z][A-Za-z'.-]{1,24}(?: [A-Z][A-Za-z'-]{1,20}){0,2}"
)


def _city_and_state(page: Page, start: int, end: int) -> float:
    """No list of states: the word before the comma is a state itself."""
    return 0.0 if page.lower[start:end].split(",")[0] in _STATE_WORDS else 0.88


_STATE_WORDS = frozenset(STATE_NAMES.lower().split("|")) - {"new york", "washington"}

PATTERNS = (
    Pattern(
        "place.facility",
        "GEO_PLACE",
        rf"{_NAME_WORD}(?:{_LINK}{_NAME_WORD}|'s|'){{0,5}} (?i:{_FACILITY})\b(?:,? (?:in|of"
        rf"|at) {_CITY}(?:, (?:{STATES})\b)?)?",
        0.9,
        check=_facility,
        is_caseless=False,
        longest=569,
        is_sought=True,
    ),
    Pattern(
        "place.city-state",
        "GEO_PLACE",
        rf"{_CITY}(?:,|,? \() ?(?:{STATES})",
        0.88,
        is_caseless=False,
    ),
    Pattern(
        "place.city-state-name",
        "GEO_PLACE",
        rf"{_CITY}, (?:{STATE_NAMES})",
        0.88,
        check=_city_and_state,
        is_caseless=False,
    ),
    Pattern(
        "place.county",
        "GEO_PLACE",
        rf"{_CITY} (?:County|Parish|Borough|Township|Twp\.?"
        "|Municipality|Canton|Prefecture)",
        0.75,
        is_caseless=False,
        needs=("county", "parish", "borough", "township", "twp", "municip", "canton", "prefecture"),
    ),
    Pattern(
        "place.coordinates",
        "GEO_PLACE",
        r"-?[0-9]{1,2}\.[0-9]{4,9},? "
        r"?-?[0-9]{1,3}\.[0-9]{4,9}",
        0.9,
        before=r"(?<![A-Za-z0-9_.-])",
    ),
)
