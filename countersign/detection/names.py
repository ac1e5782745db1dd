"""Names of people by title, by label, and by the lists of given names and surnames.

A word for a disease, a sign or a device after a name makes it an eponym: Graves disease, Foley
catheter. The tagger finds what stands in running text; this finds what the words around a name, or
the lists, make sure. Source: 45 CFR 164.514(b)(2)(i)(A).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from countersign.detection import words
from countersign.detection.hits import Hit
from countersign.detection.no_names import AMBIGUOUS_TITLES, NEVER, PEOPLES
from countersign.detection.patterns import Lazy, Page
from countersign.detection.words import word_set

_WORD = Lazy(r"[^\W\d_]+(?:['-][^\W\d_]+)*\.?")
_ASCII_WORD = Lazy(r"[A-Za-z]+(?:['-][A-Za-z]+)*\.?")  # the same, sooner found

TITLES = word_set(
    """
    dr doctor mr mrs ms miss mx prof professor sir dame rev reverend fr father sr sister sra
    srta don doña dona señor señora herr frau mme mlle monsieur madame mademoiselle m. dott
    dottoressa dra sig signora signor dhr mevr mw pan pani hr fru nurse np pa-c rabbi imam
    sheikh hon judge capt captain lt sgt col gen maj officer deputy detective attorney
    """
)
# A name may follow these without a colon, if what follows is written like one.
_ROLES = word_set(
    """
    year-old old yo tell patient pt patients client member subscriber guarantor driver nurse
    physician provider surgeon attending resident attn attention dear named called guardian
    mother father spouse wife husband son daughter brother sister partner caregiver veteran
    beneficiary insured employee witness paciente patiente paziente patientin doctor midwife
    therapist counselor pharmacist hi hello hola by for with from cc sincerely regards nok pcp
    referring consultant donor recipient baby signed to and or of is
    """
)
_LEADS = TITLES | _ROLES
# Those of them that say so by themselves, even in lower case.
_SURE_ROLES = word_set(
    """
    patient pt client subscriber guarantor driver attn named guardian pcp dear nurse physician
    surgeon attending paciente paziente
    """
)
# The last word of a label, before a colon: "emergency contact name:", "mother's name is:".
_LABELS = word_set(
    """
    name names surname patient pt physician provider doctor attending resident surgeon pcp
    guarantor subscriber insured contact kin nok guardian by md witness informant interpreter
    nombre nom prénom vorname nachname cognome nome naam apellido apellidos imię nazwisko
    jméno namn navn nimi patientenname from to cc attn re author requester recipient sender
    family given signature nurse
    """
)
# After these a name may be a word as well: Frost, Woods.
_SURE_LABELS = _LABELS - word_set("contact from to re md doctor provider given")
_CLOSINGS = word_set("you thanks regards sincerely yours truly signed cheers")
_TELLING = _LEADS | _LABELS | _CLOSINGS
_LINK = Lazy(r"[\"']?[ \t]{0,2}[:=][ \t]{0,3}[\"'*_]{0,3}[ \t]?")
_PARTICLES = word_set(
    """
    van von der den de del della di da dos das du la le el al bin binti ibn ben abu af av ter
    ten zu y e i st st. san mac mc o' d' abd ul ur
    """
)
_SUFFIXES = word_set(
    """
    jr sr ii iii iv jr. sr. esq md m.d phd rn do np dds dvm pa
    """
)
# After a name these make it an eponym, a scale, a device, a place or an organisation.
EPONYM = word_set(
    """
    disease diseases syndrome syndromes catheter catheters sign signs score scores scale
    scales index criteria criterion test tests reflex reflexes maneuver manoeuvre lymphoma
    sarcoma tumor tumour carcinoma anemia anaemia palsy chorea contracture fracture fractures
    ganz ganz-catheter classification procedure operation repair position law equation formula
    gault negative positive bodies body cyst cysts gland glands duct tube stain node nodes
    cell cells fever dementia encephalopathy encephalitis thyroiditis esophagus oesophagus
    phenomenon effect method technique incision excision forceps retractor clamp clip drain
    bag tube mask valve graft flap stent pouch exercises exercise hernia ulcer murmur angina
    nevus diverticulum deformity neuroma disorder purpura nephropathy neuropathy myopathy
    dystrophy ataxia trial trials study studies protocol regimen diet guidelines guideline
    risk medicare medicaid hospital clinic center centre health university college school
    county street st avenue ave road rd drive lane dr's institute foundation medical pharmacy
    laboratories labs inc llc ltd corp company gmbh stage grading staging block canal ligament
    tendon triangle space line lines point pain questionnaire inventory interview survey
    assessment type level virus bacillus bacteria vaccine factor receptor antigen antibody
    protein gene mutation algorithm model theorem distribution curve plot chart
    """
)
_LONGEST = 6


class Word(NamedTuple):
    """A word of a text, with its final period if it is an initial, a title or a suffix."""

    start: int
    end: int
    text: str
    low: str


def tokens(page: Page) -> list[Word]:
    """The words of a text. A period belongs to a word of one or two letters, and to titles."""
    found: list[Word] = []
    text, lower, new = page.text, page.lower, tuple.__new__  # a named tuple's own way is slower
    pattern = _ASCII_WORD if text.isascii() else _WORD
    for match in pattern.finditer(text):
        start, end = match.span()
        low = lower[start:end]
        if low[-1] == ".":
            low = low[:-1]
            if len(low) > 1 and low not in TITLES and low not in _SUFFIXES:
                end -= 1
        found.append(new(Word, (start, end, text[start:end], low)))
    return found


class Names:
    """Finds names in one text."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.words = tokens(page)
        self.given = words.given_names()
        self.surnames = words.surnames()
        self.common = words.common_words()
        self.is_lower = page.text.islower() or page.text.isupper()

    def hits(self) -> Iterator[Hit]:
        """All names that titles, labels, roles and lists make sure."""
        has_labels = ":" in self.page.text or "=" in self.page.text
        beyond, last = 0, len(self.words) - 1
        for index, may_begin in self._telling():
            if index < beyond:
                continue
            low = self.words[index].low
            if has_labels and low in _LABELS and index < last:
                yield from self._labelled(index)
            if low in _CLOSINGS and index < last:
                yield from self._closed(index)
            if not may_begin:
                continue
            hit, taken = self._at(index)
            if hit is not None:
                yield hit
            beyond = index + max(taken, 1)

    def _telling(self) -> list[tuple[int, bool]]:
        """The places of words that a name may begin with or follow, and of labels and closings.

        Said of each: whether a name may begin there. Words of the vocabulary in lower case begin
        none, unless they lead to a word that is no such one; the end of the text is none.
        """
        common = self.common
        plain = [text == low and low in common for _, _, text, low in self.words]
        plain.append(True)
        return [
            (index, not plain[index] or (not plain[index + 1] and low in _LEADS))
            for index, (_, _, _, low) in enumerate(self.words)
            if not plain[index] or low in _TELLING
        ]

    def _at(self, index: int) -> tuple[Hit | None, int]:
        word = self.words[index]
        if word.low in TITLES:
            return self._titled(index)
        if word.low in _ROLES and index + 1 < len(self.words):
            return self._after_role(index)
        return self._listed(index)

    def _titled(self, index: int) -> tuple[Hit | None, int]:
        """Dr. Lee, Mrs Smith-Jones: the title is told with the name."""
        run = self._run(index + 1, is_sure=True)
        if not run or not self._is_near(index, index + 1):
            return None, 1
        may_be_word = run[0].text[0].islower() or self.words[index].low in AMBIGUOUS_TITLES
        if may_be_word and run[0].low in self.common:
            return None, 1
        return self._hit(self.words[index].start, run, 0.92, "name.title"), len(run) + 1

    def _after_role(self, index: int) -> tuple[Hit | None, int]:
        """Patient John Smith; pt dylan garrett; for RODRIGUEZ, VICTORIA."""
        if not self._is_near(index, index + 1):
            return None, 1
        run = self._run(index + 1, is_sure=False)
        is_compound = bool(run) and run[0].text.islower() and "-" in run[0].text
        if not run or is_compound or self._is_eponym(index + 1 + len(run)):
            return None, 1
        score = self._role_score(self.words[index], run)
        score = score or self._agent_score(index, run)
        if score:
            return self._hit(run[0].start, run, score, "name.role"), len(run) + 1
        return self._scored(index + 1, run, 1)

    def _agent_score(self, index: int, run: Sequence[Word]) -> float:
        """One name alone after "signed by", "spoke with", "year-old"; no disease's name."""
        word, before = run[0], self.page.before(self.words[index].end, 40)
        if len(run) > 1 or not word.text[0].isupper() or word.text.isupper() or len(word.low) < 3:
            return 0.0
        if word.low in PEOPLES:
            return 0.0
        is_disease = before.endswith("with") and word.low in words.eponyms()
        if is_disease or not self._is_listed(word) or not _AGENT.search(before):
            return 0.0
        return 0.6 if word.low in self.common else 0.75

    def _role_score(self, role: Word, run: Sequence[Word]) -> float:
        """How sure the words after a role are a name; 0 if only the lists can tell."""
        plain = [word.low in self.common for word in run]
        if role.low not in _SURE_ROLES or all(plain):
            return 0.0
        if any(self._is_listed(word) for word in run):
            return 0.88
        is_written_so = run[0].text[0].isupper() and not self.is_lower
        return 0.8 if is_written_so and len(run) > 1 and not plain[0] else 0.0

    def _listed(self, index: int) -> tuple[Hit | None, int]:
        """A given name and a surname of the lists, or an initial with one of them."""
        word = self.words[index]
        if len(word.low) > 1 and not self._is_listed(word):
            return None, 1  # as most words: nothing that begins so would be scored
        return self._scored(index, self._run(index, is_sure=False))

    def _scored(self, index: int, run: list[Word], skipped: int = 0) -> tuple[Hit | None, int]:
        """The words of `run`, which stand from `index` on, as far as the lists make them a name."""
        score = 0.0
        if len(run) > 1 and not self._is_eponym(index + len(run)):
            score = self._score(run)
        if score == 0.0:
            return None, skipped + 1
        return self._hit(run[0].start, run, score, "name.list"), skipped + len(run)

    def _score(self, run: Sequence[Word]) -> float:
        """How sure two or more words are a name by the lists; 0 if they are none."""
        first, last = run[0], run[-1]
        if all(word.low in self.common and not _is_initial(word) for word in run):
            return 0.75 if self._are_capital_names(run) else 0.0
        if _is_initial(first):
            are_capital = first.text[0].isupper() and last.text[0].isupper()
            return 0.8 if are_capital and self._is_surname(last) and len(last.low) > 1 else 0.0
        if not self._is_given(first) or (first.low in self.common and first.text.islower()):
            return 0.85 if self._is_reversed(run) else 0.0
        return self._score_after_given(first, last)

    def _score_after_given(self, first: Word, last: Word) -> float:
        if _is_initial(last):
            return 0.85 if last.text[0].isupper() or last.text.endswith(".") else 0.0
        is_plain = last.low in self.common
        if self._is_listed(last):
            return 0.75 if is_plain else 0.85
        return (
            0.7 if last.text[0].isupper() and not is_plain and first.low not in self.common else 0.0
        )

    def _is_reversed(self, run: Sequence[Word]) -> bool:
        """Smith, Nicole."""
        has_comma = "," in self.page.text[run[0].end : run[1].start]
        return has_comma and self._is_surname(run[0]) and self._is_given(run[1])

    def _are_capital_names(self, run: Sequence[Word]) -> bool:
        """Mark Hall inside a sentence: words too, but written like a name."""
        before = self.page.text[max(run[0].start - 2, 0) : run[0].start].strip()
        starts_sentence = run[0].start == 0 or before.endswith((".", "?", "!", ":"))
        return (
            self._is_given(run[0])
            and self._is_surname(run[-1])
            and all(word.text[0].isupper() for word in run)
            and not self.page.text.isupper()
            and not starts_sentence
        )

    def _labelled(self, index: int) -> Iterator[Hit]:
        """Name: X, "patient_name": "X". Any words, if written like a name or in the lists."""
        link = _LINK.match(self.page.lower, self.words[index].end)
        if link is None or link.end() != self.words[index + 1].start:
            return
        run = self._run(index + 1, is_sure=True)
        if run and not all(word.low in self.common for word in run):
            yield self._hit(run[0].start, run, 0.93, "name.label")
        elif self.words[index].low in _SURE_LABELS and any(map(self._is_listed, run)):
            yield self._hit(run[0].start, run, 0.9, "name.label")

    def _closed(self, index: int) -> Iterator[Hit]:
        """Thank you, X. Sincerely, and X on the next line."""
        between = self.page.text[self.words[index].end : self.words[index + 1].start]
        if between.strip(" ") in {",", "\n", ",\n"}:
            run = self._run(index + 1, is_sure=True)
            if any(map(self._is_listed, run)):
                yield self._hit(run[0].start, run, 0.85, "name.closing")

    def _run(self, index: int, *, is_sure: bool) -> list[Word]:
        """The words from `index` on that can be one name: near each other, written alike."""
        run: list[Word] = []
        while index < len(self.words) and len(run) < _LONGEST:
            word = self.words[index]
            if run and not self._joins(run[-1], word, len(run)):
                break
            if not self._fits(word, run, is_sure=is_sure):
                break
            run.append(word)
            index += 1
        while run and run[-1].low in _PARTICLES and len(run) > 1 and not self._is_listed(run[-1]):
            run.pop()
        return run

    def _joins(self, before: Word, word: Word, count: int) -> bool:
        between = self.page.text[before.end : word.start]
        if between in {" ", "  ", " (", ' "'} or (between == "" and before.text.endswith(".")):
            return between in {" ", "  ", ""}
        is_reversed = between in {", ", ","} and count == 1 and self._is_surname(before)
        return (
            is_reversed
            and (self._is_given(word) or _is_initial(word))
            and not (word.low in self.common and word.text.islower())
        )

    def _fits(self, word: Word, run: Sequence[Word], *, is_sure: bool) -> bool:
        """Whether a word can go on a name that `run` has begun."""
        if word.low in TITLES or word.low in EPONYM:
            return False
        is_capital = word.text[0].isupper()
        if _is_initial(word):
            return is_capital or word.text.endswith(".") or (self.is_lower and len(run) == 1)
        if word.low in _PARTICLES or (run and word.low in _SUFFIXES):
            return bool(run) or is_capital
        if run and run[0].text[0].isupper() is not is_capital:
            return False
        return (
            self._fits_capital(word) if is_capital else self._fits_small(word, run, is_sure=is_sure)
        )

    def _fits_capital(self, word: Word) -> bool:
        is_shouting = word.text.isupper()
        return word.low not in NEVER and (not is_shouting or self._is_listed(word))

    def _fits_small(self, word: Word, run: Sequence[Word], *, is_sure: bool) -> bool:
        if not self._is_listed(word):
            return False
        if word.low not in self.common and len(word.low) > 2:
            return True
        return bool(run) and is_sure and word.low not in NEVER

    def _is_near(self, index: int, following: int) -> bool:
        if following >= len(self.words):
            return False
        between = self.page.text[self.words[index].end : self.words[following].start]
        return between in {" ", ". ", "", "  ", ": ", " - "}

    def _is_eponym(self, index: int) -> bool:
        """Whether the word at `index` makes an eponym of the name before it."""
        if index >= len(self.words) or index == 0:
            return False
        between = self.page.text[self.words[index - 1].end : self.words[index].start]
        return self.words[index].low in EPONYM and between in {" ", "-", "'s ", "' "}

    def _is_given(self, word: Word) -> bool:
        return word.low in self.given or ("-" in word.low and word.low.split("-")[0] in self.given)

    def _is_surname(self, word: Word) -> bool:
        low = word.low
        if low in self.surnames:
            return True
        parts = _PARTS.parts(low) if "-" in low or "'" in low else ()
        return len(parts) > 1 and any(part in self.surnames for part in parts)

    def _is_listed(self, word: Word) -> bool:
        low = word.low
        if low in self.given or low in self.surnames:
            return True
        return ("-" in low or "'" in low) and (self._is_given(word) or self._is_surname(word))

    def _hit(self, start: int, run: Sequence[Word], score: float, rule: str) -> Hit:
        end = run[-1].end
        text = self.page.text[start:end]
        if text.endswith("'s"):
            end -= 2
        return Hit(start, end, "NAME", score, rule)


# What people do, before the word that leads to who did it.
_AGENT = Lazy(
    "(?:(?:signed|dictated|seen|posted|cancel+ed|ordered|referred|reviewed|verified|approved"
    "|witnessed|entered|written|authored|called|requested|reported|collected"
    "|administered|prescribed|performed|faxed|sent|submitted|completed|examined|interviewed"
    "|accompanied) by"
    "|(?:spoke|spoken|met|discussed|talked|speak|meeting|confirmed|consulted|chatted|visit"
    "|appointment|f/u(?: [^.;]{3,16})?"
    r"|follow-?up)(?: [0-9/-]{3,10})? with|year-old|yo|y/o|tell|ask|call|contact|dear|hi|hello)$"
)
_PARTS = Lazy("[^'-]+")


def _is_initial(word: Word) -> bool:
    return len(word.low) == 1
