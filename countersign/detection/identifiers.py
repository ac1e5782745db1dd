"""Numbers and codes that are known by their own shape: SSN, cards, IBAN, vehicles, devices, ids.

Those that need a word beside them are in `labels`. Source: 45 CFR 164.514(b)(2)(i)(G) to (R).
"""

from __future__ import annotations

from countersign.detection.checksums import (
    digits,
    is_card,
    is_gtin,
    is_iban,
    is_mbi,
    is_ssn,
    is_vin,
)
from countersign.detection.patterns import NO_NUMBER_AFTER, NO_NUMBER_BEFORE, Lazy, Page, Pattern

# Before a number these say that it is a code of a public list, an amount, a count: nobody's id.
CODE_LIST = Lazy(
    r"(?:\b(?:snomed(?:[ -]?ct)?|sctid|loinc|ndc|rxnorm|rxcui|cpt|hcpcs|icd(?:-?(?:9|10|11))?"
    "(?:-(?:cm|pcs))?|drg|ms-drg|pmid|pmcid|pubmed|pmc"
    "|doi|nct|isrctn|eudract|chembl|drugbank|cas|atc|umls|cui|mesh|omim|ensembl|entrez|gene"
    "|refseq|dbsnp|cvx|mvx|unii|taxonomy|cvd"
    "|version|ver|build|port|rfc|iso|iec|astm|cfr|usc|fda|ec|ce|part|section|article|issue"
    "|pr|commit|page|pages|pp|line|lines"
    "|code|codes|diagnosis|dx|procedure|revenue|modifier|taxonomy|oid|isbn|issn|arxiv"
    "|catalog|cat|sku|part no|gtin|ndc-?11|sec|seed|random_state"
    "|total|count|population|n|wbc|rbc|plt|platelets?|copies|titer|viral load|bnp|nt-probnp"
    "|ck|cpk|ferritin|troponin|hcg|b-hcg|psa|afp|cea|ldh)"
    r"(?: (?:code|number|no\.?|id|of|was|is|level|count|identifier))?[s]?[ :#=(\"'-]{0,4})$"
)
UNIT_AFTER = Lazy(
    " ?(?:mg|mcg|µg|μg|ug|ng|pg|g|kg|ml|dl|l|iu|u|units?|meq|mmol|µmol|umol|cells?|copies"
    "|cfu|ppm|mm|cm|km|m|ft|in|lb|lbs|oz|kcal|cal|hz|bpm|%|x10"
    "|years?|yrs?|months?|weeks?|days?|hours?|hrs?|minutes?|min|seconds?|sec|ms|patients?"
    "|participants|people|persons|persona?s|cases?"
    "|subjects|residents|deaths|births|dollars|usd|eur|gbp|bytes?|kb|mb|gb|tokens?|steps"
    r"|times|fold|per)(?![a-z])|%|/[a-z]{1,4}\b"
)


def _ssn(page: Page, start: int, end: int) -> float:
    number = digits(page.text[start:end])
    if not is_ssn(number) or CODE_LIST.search(page.before(start)):
        return 0.0
    return 0.88


_SSN_BEFORE = Lazy(
    r"\b(?:ssn|social|ss ?#|ss ?no|itin|tin|tax ?id|soc ?sec"
    r")[^a-z0-9\n]{0,4}(?:[a-z]{1,9}[^a-z0-9\n]{1,3}){0,3}$"
)


def _bare_ssn(page: Page, start: int, end: int) -> float:
    return (
        0.95
        if _SSN_BEFORE.search(page.before(start)) or _SSN_AFTER.match(page.after(end, 40))
        else 0.0
    )


_SSN_AFTER = Lazy(r" (?:is|was|as) (?:his|her|their|my|the|a) (?:[a-z']+ )?(?:ssn|social)")


def _card(page: Page, start: int, end: int) -> float:
    text = page.text[start:end]
    separators = {character for character in text if not character.isdigit()}
    return 0.92 if is_card(text) and len(separators) <= 1 else 0.0


def _iban(page: Page, start: int, end: int) -> float:
    text = page.text[start:end]
    if is_iban(text):
        return 0.97
    return 0.7 if sum(character.isdigit() for character in text) >= 12 else 0.0


def _vin(page: Page, start: int, end: int) -> float:
    text = page.text[start:end]
    count = sum(character.isdigit() for character in text)
    if count < 3 or count > 15:
        return 0.0
    return 0.95 if is_vin(text) else 0.72


def _udi(page: Page, start: int, end: int) -> float:
    number = digits(page.text[start + 4 : start + 18])
    return 0.97 if is_gtin(number) else 0.93


def _mbi(page: Page, start: int, end: int) -> float:
    return 0.92 if is_mbi(page.text[start:end]) else 0.0


def _is_public(page: Page, start: int) -> bool:
    return CODE_LIST.search(page.before(start)) is not None


_PUBLIC_CODE = Lazy(
    r"(?:nct\d{8}|pmc?\d{5,8}|pmid\d+|rs\d+|n[mprcgt]_?\d+|ens[gtp]\d+|cd\d{1,3}|hla-.*"
    r"|covid-?\d+|sars.*|chembl\d+|db\d{5}|isrctn\d+|rfc\d+|iso\d+"
    r"|[a-tv-z]\d{2}(?:\.[a-z0-9]{1,4})?|[a-z]\d{4}|utf-?\d+|sha-?\d+|md5|il-?\d+|ca-?\d{2,3}"
    r"|ca ?19-9|c\d{1,2}orf\d+|grch\d+|hg\d+"
    r"|gpt-?\d.*|gse\d+|q\d+h|arxiv.*|cve-.*|fips.*|nist.*|sp800.*|lp\d{4,6}-\d|mondo:?\d+"
    r"|hp:?\d+|doid:?\d+|go:?\d+|cas\d+|e\d{3})$"
)


def _code(page: Page, start: int, end: int) -> float:
    """Letters and at least five digits, as of a record: not a code of a public list."""
    if _is_public(page, start) or _PUBLIC_CODE.match(page.lower[start:end]):
        return 0.0
    return 0.0 if UNIT_AFTER.match(page.after(end)) else 0.6


def _number(page: Page, start: int, end: int) -> float:
    """A long number with no unit and no word that makes it a count."""
    text = page.text[start:end]
    if _is_public(page, start) or UNIT_AFTER.match(page.after(end)) or text.endswith("000"):
        return 0.0
    if page.text[max(start - 1, 0) : start] in {"$", "€", "£", "¥", "~", "<", ">"}:
        return 0.0
    return 0.55


def _bracketed(page: Page, start: int, end: int) -> float:
    """[07621026] or (745506) after a word: a record number in a clinical note."""
    return 0.0 if _is_public(page, start) else 0.7


_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

PATTERNS = (
    Pattern(
        "ssn.shape",
        "SSN",
        r"[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4}|[0-9]{3}\.[0-9]{2}\.[0-9]{4}",
        0.88,
        check=_ssn,
        before=NO_NUMBER_BEFORE,
        after=NO_NUMBER_AFTER,
    ),
    Pattern(
        "ssn.masked",
        "SSN",
        "(?:[x*#]{3}[ -]?[x*#]{2}[ -]?|ssn[ -](?:last (?:four|4)|ending(?: in)?)[: -]{1,2})"
        "(?P<last>[0-9]{4})",
        0.9,
        group="last",
        before=r"(?<![A-Za-z0-9_*#])",
    ),
    Pattern(
        "ssn.labelled",
        "SSN",
        r"[0-9]{9}|[0-9]{3}[ .-]?[0-9]{2}[ .-]?[0-9]{4}",
        0.95,
        check=_bare_ssn,
        before=NO_NUMBER_BEFORE,
        after=NO_NUMBER_AFTER,
        needs=("ss", "social", "itin", "tin", "tax"),
    ),
    Pattern(
        "ssn.nino",
        "SSN",
        r"[abceghj-prstw-z][abceghj-nprstw-z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[a-d]",
        0.85,
    ),
    Pattern(
        "card.luhn",
        "CARD",
        r"[2-6][0-9]{3}(?:[ -]?[0-9]{2,6}){2,4}",
        0.92,
        check=_card,
        before=NO_NUMBER_BEFORE,
        after=NO_NUMBER_AFTER,
    ),
    Pattern(
        "iban.shape",
        "IBAN",
        r"[a-z]{2}[0-9]{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?",
        0.97,
        check=_iban,
    ),
    Pattern("vehicle.vin", "VEHICLE", r"[a-hj-npr-z0-9]{17}", 0.72, check=_vin),
    Pattern(
        "device.udi",
        "DEVICE",
        r"\(01\) ?[0-9]{14}(?: ?\((?:10|11|17|21|30|240|8012)\) ?[a-z0-9/_.+-]{1,20}){0,5}",
        0.95,
        check=_udi,
        needs=("(01)",),
        before="",
        after="",
    ),
    Pattern(
        "device.udi-hibcc",
        "DEVICE",
        r"\+[a-z][0-9]{3}[a-z0-9]{2,18}[0-9]"
        "(?:/[a-z0-9$+/.-]{2,40})?",
        0.85,
        needs=("+",),
        before=r"(?<![A-Za-z0-9])",
    ),
    Pattern(
        "device.mac",
        "DEVICE",
        "[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){5})"
        r"|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}",
        0.9,
        before=r"(?<![A-Za-z0-9_:.-])",
        after=r"(?![A-Za-z0-9_:-])",
    ),
    Pattern(
        "device.sn",
        "DEVICE",
        r"(?:sn|s/n)[ :#]{1,2}[a-z]{0,4}-?[0-9][a-z0-9-]{3,20}",
        0.93,
        needs=("sn", "s/n"),
    ),
    Pattern(
        "plan.mbi",
        "HEALTH_PLAN",
        "[1-9][a-z][a-z0-9][0-9][ -]?[a-z][a-z0-9][0-9][ -]?[a-z]{2}[0-9]{2}",
        0.92,
        check=_mbi,
    ),
    Pattern("id.uuid", "UNIQUE_ID", _UUID + "|[{(]" + _UUID + "[)}]", 0.9),
    Pattern(
        "biometric.named",
        "BIOMETRIC",
        "(?:retinal?|iris|finger ?print|voice ?print|palm(?: ?print| vein)?|face ?print"
        "|facial(?: recognition)?|hand geometry|dna(?: profile| sample)?|gait|biometric|vein"
        "|ear ?print|thumb ?print|keystroke|face)"
        "(?:[ _-](?:scan|template|image|id|record|hash|identifier|sample|signature|pattern"
        "|profile|enrol?lment|token|code|number|no|key|file|ref|reference)){0,3}"
        r"[ \"'_]{0,3}[:#=]?[ \"'#]{0,3}[a-z]{0,5}[-_]?[0-9][a-z0-9_-]{2,40}",
        0.95,
        needs=(
            "retina",
            "iris",
            "print",
            "palm",
            "facial",
            "hand geo",
            "dna",
            "gait",
            "biometric",
            "vein",
            "keystroke",
            "face",
        ),
    ),
    Pattern(
        "id.bracketed",
        "MRN",
        r"(?:\[|\(|#)(?P<id>[a-z]{0,3}-?[0-9]{6,10}|[0-9]{3}-[0-9]{2}-[0-9]{3,4})(?:\]|\))?",
        0.7,
        check=_bracketed,
        needs=("[", "(", "#"),
        group="id",
        before="",
        after="(?![A-Za-z0-9_.,/-]*[0-9])",
        longest=1 << 16,  # with what may not follow it
    ),
    Pattern(
        "id.three-two-three",
        "MRN",
        "[0-9]{3}-[0-9]{2}-[0-9]{3}",
        0.9,
        before=NO_NUMBER_BEFORE,
        after=NO_NUMBER_AFTER,
    ),
    Pattern(
        "id.in-segment",
        "MRN",
        r"\|(?P<id>[a-z]{0,3}[0-9][0-9-]{3,12})\^",
        0.9,
        group="id",
        before="",
        after="",
    ),
    Pattern(
        "account.prefixed",
        "ACCOUNT",
        "(?:ac|acct)[-_#][0-9]{5,14}",
        0.92,
        needs=("ac-", "ac_", "ac#", "acct"),
    ),
    Pattern(
        "id.prefixed",
        "MRN",
        r"(?:mrn|mr|med|pt|pat|chart|hosp)[-_#:]{0,2}[0-9]{5,12}",
        0.9,
        needs=("mr", "med", "pt", "pat", "chart", "hosp"),
    ),
    Pattern(
        "plan.prefixed",
        "HEALTH_PLAN",
        "(?:hpn|hbp|hmo|ppo|ins|plan|mbr|mem|pol|hicn"
        "|bcbs|uhc|aetna|cigna|humana)[-_#]{0,2}[0-9]{5,14}",
        0.9,
        needs=(
            "hpn",
            "hbp",
            "hmo",
            "ppo",
            "ins",
            "plan",
            "mbr",
            "mem",
            "pol",
            "hicn",
            "bcbs",
            "uhc",
            "aetna",
            "cigna",
            "humana",
        ),
    ),
    Pattern(
        "id.prefixed-other",
        "UNIQUE_ID",
        "(?:subj|study|enc|acc|clm|claim|rx|ref|case"
        "|visit|enct|spec|smp|sample|ord|order|auth|part|ptcp|trk|user|usr|uid|emp|sess)"
        "(?:[-_#][0-9]{3,5}){0,1}[-_#]{0,1}[0-9]{4,14}",
        0.88,
        check=_code,
        needs=(
            "subj",
            "study",
            "enc",
            "acc",
            "clm",
            "claim",
            "rx",
            "ref",
            "case",
            "visit",
            "spec",
            "smp",
            "sample",
            "ord",
            "auth",
            "part",
            "ptcp",
            "trk",
            "us",
            "uid",
            "emp",
            "sess",
        ),
    ),
    Pattern(
        "id.code",
        "UNIQUE_ID",
        "[a-z]{1,5}-?[0-9]{5,14}|[a-z]{2,5}-[0-9]{2,6}-[0-9a-z]{2,8}|[0-9]{3,9}-[a-z]{2,4}",
        0.6,
        check=_code,
        before=NO_NUMBER_BEFORE + "(?<![A-Za-z]-)",
        after=NO_NUMBER_AFTER + "(?!-[A-Za-z])",
    ),
    Pattern(
        "id.number",
        "MRN",
        r"[0-9]{7,14}",
        0.55,
        check=_number,
        before=NO_NUMBER_BEFORE + "(?<![A-Za-z]-)",
        after=NO_NUMBER_AFTER + "(?!-)",
    ),
)
