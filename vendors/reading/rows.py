"""What a report lists: subservice organizations, user entity controls, exceptions, services."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vendors.reading.text import LONGEST_QUOTE, Paper, Proposal, quote

MOST_ROWS = 80
# Pages that a list may run over.
LONGEST_LIST = 12

# Companies that AI vendors commonly build on. A name is proposed only where the page speaks of
# subservice organizations, so that a customer or an example does not come up.
KNOWN_SUBSERVICES = {
    "Amazon Web Services": r"Amazon Web Services|\bAWS\b",
    "Microsoft Azure": r"Microsoft Azure|\bAzure\b",
    "Google Cloud": r"Google Cloud(?: Platform)?|\bGCP\b",
    "Oracle Cloud": r"Oracle Cloud(?: Infrastructure)?|\bOCI\b",
    "IBM Cloud": r"\bIBM Cloud\b",
    "Cloudflare": r"\bCloudflare\b",
    "CoreWeave": r"\bCoreWeave\b",
    "Crusoe": r"\bCrusoe\b",
    "Lambda": r"\bLambda Labs\b",
    "Snowflake": r"\bSnowflake\b",
    "Databricks": r"\bDatabricks\b",
    "MongoDB Atlas": r"\bMongoDB(?: Atlas)?\b",
    "Confluent": r"\bConfluent\b",
    "Pinecone": r"\bPinecone\b",
    "Datadog": r"\bDatadog\b",
    "Okta": r"\bOkta\b",
    "Auth0": r"\bAuth0\b",
    "GitHub": r"\bGitHub\b",
    "Salesforce": r"\bSalesforce\b",
    "Twilio": r"\bTwilio\b|\bSendGrid\b",
    "Zendesk": r"\bZendesk\b",
    "Stripe": r"\bStripe\b",
    "Equinix": r"\bEquinix\b",
    "Digital Realty": r"\bDigital Realty\b",
    "Vercel": r"\bVercel\b",
    "OpenAI": r"\bOpenAI\b",
    "Anthropic": r"\bAnthropic\b",
}
NAME = (
    r"(?P<name>[A-Z][\w.&\u2019'-]*(?:\s+(?:[A-Z][\w.&\u2019'-]*|of|and))*"
    r"(?:,? (?:Inc|LLC|Ltd|Corp)\.?)?)"
)
USES = re.compile(
    r"\b(?:uses|utilizes|engages|relies on|contracts with|outsources[\w\s]{0,30}to)\s+"
    rf"{NAME}(?:\s*\([^)]{{1,40}}\))?,?\s+"
    r"(?:,?\s*(?:a|as a|its|an?)\s+)?(?P<sub>subservice organization,?\s*)?"
    r"(?:to provide|for(?: the)?|to (?P<verb>host|store|process|deliver|perform))\s+"
    r"(?P<what>[^.;]{3,140})"
)
CARVED = (
    r"carve[sd]?[- ]?out|exclud\w+ (?:the )?(?:control|those|complementary|subservice)|"
    r"does not include"
)
INCLUSIVE = r"inclusive method|includes the (?:\w+ ){0,6}controls (?:of|at) the subservice"


def subservices(paper: Paper) -> Iterator[Proposal]:
    """Organizations that the vendor builds on, each once, with how the report treats them."""
    whole = _method(" ".join(paper.texts))
    seen: set[str] = set()
    for page, text in enumerate(paper.texts, start=1):
        if not re.search(r"sub-?service", text, re.IGNORECASE):
            continue
        for name, function, start, end in [*_said(text), *_known(text)]:
            key = _same_company(name)
            if key in seen or len(seen) >= MOST_ROWS:
                continue
            seen.add(key)
            method = _method(text[max(0, start - 400) : end + 600]) or whole or "carve_out"
            values: dict[str, str | list[str]] = {
                "name": name,
                "method": method,
                "function": function,
            }
            yield Proposal("subservice", values, page, quote(text, start, end))


def _said(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Names and functions from sentences such as "X uses Y to provide Z"."""
    for match in USES.finditer(text):
        near = text[max(0, match.start() - 300) : match.end() + 400]
        if match["sub"] or re.search(r"sub-?service", near, re.IGNORECASE):
            name = re.sub(r",?\s+(Inc|LLC|Ltd|Corp)\.?$", "", match["name"]).strip()
            what = f"{match['verb']} {match['what']}" if match["verb"] else match["what"]
            if len(name) > 2 and name.lower() not in {"the", "the following", "certain"}:
                yield name, what.strip(" ,")[:200], match.start(), match.end()


def _known(text: str) -> Iterator[tuple[str, str, int, int]]:
    for name, pattern in KNOWN_SUBSERVICES.items():
        match = re.search(pattern, text)
        if match:
            yield name, "", match.start(), match.end()


def _same_company(name: str) -> str:
    for known, pattern in KNOWN_SUBSERVICES.items():
        if re.search(pattern, name):
            return known
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _method(text: str) -> str:
    """The method that a passage names; empty if none, or if it names both."""
    carved = re.search(CARVED, text, re.IGNORECASE) is not None
    inclusive = re.search(INCLUSIVE, text, re.IGNORECASE) is not None
    if carved == inclusive:
        return ""
    return "carve_out" if carved else "inclusive"


HEADING = re.compile(
    r"^(?:[\dIVX]+(?:\.\d+)*[.)]?\s+)?(?:complementary\s+)?user[- ]entity\s+"
    r"(?:controls?|control considerations|responsibilities)(?:\s*\(CUECs?\))?:?$",
    re.IGNORECASE,
)
REFERENCE = r"(?:CUEC|UEC|UECC|CUERC)[\s.#-]*\d+(?:\.\d+)*"
BULLET = re.compile(
    rf"^(?:(?P<ref>{REFERENCE})[.:)\s\u2013-]*|(?P<number>\(?\d{{1,3}}[.)])\s+|\(?[a-z][.)]\s+|"
    r"[•●▪■◦‣*▸➢✓\uf0b7]\s*|[-\u2013\u2014]\s+|[oO]\s+(?=[A-Z]))(?P<text>.*)$"
)
NEXT_HEADING = re.compile(
    r"^(?:[\dIVX]+(?:\.\d+)*[.)]?\s+)?(?:complementary\s+sub-?service|sub-?service organi[sz]ation|"
    r"section\s+[\dIVX]+|trust services (?:criteria|categories)|tests? of controls|"
    r"(?:description of )?(?:the )?(?:auditor|test)|changes (?:to|in|during)|other information|"
    r"management[\u2019']?s assertion)",
    re.IGNORECASE,
)


def cuecs(paper: Paper) -> Iterator[Proposal]:
    """The listed controls that the report expects of its users, in their order."""
    count = 0
    for start in _headings(paper):
        found = list(_listed(paper, *start)) or list(_sentences(paper, *start))
        for reference, text, page in found:
            if count >= MOST_ROWS:
                return
            count += 1
            values: dict[str, str | list[str]] = {"reference": reference, "text": text[:2000]}
            yield Proposal("cuec", values, page, text[:LONGEST_QUOTE])
        if found:
            return


def _headings(paper: Paper) -> Iterator[tuple[int, int]]:
    """Page index and line after each heading; the table of contents is no heading."""
    for number, lines in enumerate(paper.lines):
        for index, line in enumerate(lines):
            if HEADING.match(line):
                yield number, index + 1


def _until_next_heading(
    paper: Paper, first_page: int, first_line: int
) -> Iterator[tuple[str, int]]:
    """Each line of the section with its page."""
    for number in range(first_page, min(first_page + LONGEST_LIST, len(paper.lines))):
        for line in paper.lines[number][first_line if number == first_page else 0 :]:
            if NEXT_HEADING.match(line) and not line.endswith("."):
                return
            yield line, number + 1


def _listed(paper: Paper, first_page: int, first_line: int) -> Iterator[tuple[str, str, int]]:
    """Reference, text and page of each item that a bullet or a number begins."""
    item: tuple[str, str, int] | None = None
    for line, page in _until_next_heading(paper, first_page, first_line):
        started = _started(line, page)
        if item and not started and _goes_on(item[1], line):
            item = (item[0], f"{item[1]} {line}", item[2])
            continue
        if item:
            yield item
        item = started
    if item:
        yield item


EXPECTED = re.compile(
    r"^(?:user (?:entit|organi[sz]ation)|customers?\b|clients?\b|subscribers?\b|users?\b|"
    r"it is the (?:user|customer)|controls (?:should|to|are))"
    r".{0,80}\b(?:responsible|should|must|need to|are to|are expected|require)",
    re.IGNORECASE,
)


def _sentences(paper: Paper, first_page: int, first_line: int) -> Iterator[tuple[str, str, int]]:
    """As `_listed`, by what each sentence says: in some files the bullets stand elsewhere."""
    sentence, began = "", 0
    for line, page in _until_next_heading(paper, first_page, first_line):
        sentence, began = (f"{sentence} {line}", began) if sentence else (line, page)
        if sentence.endswith((".", ";")):
            if EXPECTED.match(sentence):
                yield "", sentence, began
            sentence = ""


def _started(line: str, page: int) -> tuple[str, str, int] | None:
    match = BULLET.match(line)
    if not match or (len(match["text"]) < 8 and not match["ref"]):
        return None
    number = match["number"] or ""
    return match["ref"] or number.strip("(.) "), match["text"], page


def _goes_on(text: str, line: str) -> bool:
    """Whether a line belongs to the item before: it does until the item's sentence has ended."""
    return not text.endswith(".") or line[0].islower()


NOT_OPERATED = re.compile(
    r"(?<!no )(?<!not )\b(?:exceptions?|deviations?)\s+(?:was |were |is |are )?"
    r"(?:noted|identified)\b"
    r"(?!\s+(?:without|if))",
    re.IGNORECASE,
)
OF_SAMPLE = re.compile(
    r"\b(?:for\s+)?(?P<n>\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten)\s+"
    r"(?:\(\d+\)\s+)?(?:out\s+)?of\s+(?:the\s+|a\s+sample\s+of\s+)?(?P<of>\d{1,5})\b"
    r"(?=\s+(?:\w+\s+){0,3}(?:sampled|selected|tested|samples?|items?|employees?|users?|"
    r"changes?|terminat\w+|access|new|population))",
    re.IGNORECASE,
)
COUNTED = dict(
    zip(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
        map(str, range(1, 11)),
        strict=True,
    )
)
CONTROL = re.compile(r"\b(?!SOC|TSP|SSAE|AT-C|ISO|NIST)[A-Z]{2,5}[-.]?\d{1,3}(?:\.\d{1,3}){0,2}\b")
CRITERION = re.compile(r"\b(?:CC|A|C|PI|P)\d{1,2}\.\d{1,2}\b")
RESPONSE = re.compile(
    r"management[\u2019']?s? (?:\w+ )?response:?\s+(?P<said>.{10,600}?)"
    r"(?=$|\s[A-Z]{2,5}[-.]?\d|exceptions? noted|deviations? noted)",
    re.IGNORECASE,
)
LOOK_BACK, LOOK_AHEAD = 900, 900


def exceptions(paper: Paper) -> Iterator[Proposal]:
    """Places where a test did not pass, with the control, the sample and the answer to it."""
    count = 0
    for page, text in enumerate(paper.texts, start=1):
        seen_to = -1
        for match in NOT_OPERATED.finditer(text):
            if match.start() < seen_to or count >= MOST_ROWS:
                continue
            count, seen_to = count + 1, match.end() + 200
            yield _exception(text, match, page)


def _exception(text: str, match: re.Match[str], page: int) -> Proposal:
    before = text[max(0, match.start() - LOOK_BACK) : match.start()]
    after = text[match.start() : match.end() + LOOK_AHEAD]
    said = _sentence(after)
    sample = OF_SAMPLE.search(said) or OF_SAMPLE.search(before[-300:] + after[:300])
    controls = [c for c in CONTROL.findall(before) if not CRITERION.fullmatch(c)]
    criteria = CRITERION.findall(before)
    response = RESPONSE.search(after)
    n = sample["n"].lower() if sample else ""
    values: dict[str, str | list[str]] = {
        "control": controls[-1] if controls else "",
        "criterion": criteria[-1] if criteria else "",
        "failed": said[:2000],
        "sample_failed": COUNTED.get(n, n),
        "sample_size": sample["of"] if sample else "",
        "response": response["said"].strip() if response else "",
    }
    return Proposal("exception", values, page, quote(text, match.start(), match.end() + 160))


def _sentence(after: str) -> str:
    """The words from the exception on: its sentence, and the next where the first is a label."""
    cut = RESPONSE.search(after)
    passage = after[: cut.start()] if cut else after
    parts = re.split(r"(?<=[.!])\s+", passage)
    kept = parts[0]
    for part in parts[1:3]:
        if len(kept) < 120 and not CONTROL.match(part):
            kept = f"{kept} {part}"
    return kept.strip()


def mentions(pages: Sequence[str], names: Sequence[str], *, most: int = 3) -> list[Proposal]:
    """Where a paper names our services: at most `most` places for each name."""
    paper, found = Paper(pages), []
    for name in names:
        if len(name) < 3:
            continue
        pattern = r"\b" + r"\s+".join(re.escape(word) for word in name.split()) + r"\b"
        places: list[Proposal] = []
        for hit in paper.find(pattern):
            if hit.page not in {p.page for p in places}:
                places.append(Proposal("mention", {"service": name}, hit.page, hit.quote()))
            if len(places) == most:
                break
        found += places
    return found
