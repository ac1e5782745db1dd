"""What the tagger took for a name although a table knows better: drugs, abbreviations, eponyms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from countersign.detection import words
from countersign.detection.clinical import ABBREVIATIONS, DRUGS
from countersign.detection.hits import Hit
from countersign.detection.no_names import NEVER
from countersign.detection.patterns import Lazy, Page
from countersign.detection.words import word_set

_WORD = Lazy(r"[^\W\d_]+")
_DIGIT = Lazy("[0-9]")
# Methods, scales, devices and drugs that are called by names, with no word that says so.
_CALLED = word_set(
    """
    swan-ganz kaplan-meier cockcroft-gault child-pugh mann-whitney bland-altman jackson-pratt
    salter-harris hosmer-lemeshow wilcoxon kruskal-wallis fisher-freeman babinski apgar humira
    enbrel eliquis xarelto ozempic wegovy mounjaro keytruda opdivo herceptin lantus lipitor
    crestor plavix zoloft prozac lexapro tylenol advil motrin aleve xanax ativan klonopin
    ambien viagra cialis chaddock kernig brudzinski hoffmann romberg trendelenburg lachman
    mcmurray phalen tinel valsalva heimlich pfizer moderna novavax biontech astrazeneca
    novartis sanofi abbvie amgen regeneron genentech glaxosmithkline medtronic walgreens fitbit
    garmin netflix spotify samsung zika ebola tamiflu sarbanes-oxley
    """
)
# People have these names too: here what follows says that a law, a test or a node is meant.
_ALSO_SURNAMES = word_set("kirchhoff rinne heberden")
_MEANT = Lazy(r"(?:'s| and [a-z]+)? (?:laws?|rules?|tests?|nodes?)\b")
# "Kerley B lines": written small after a name, so no family name.
_SIGN = Lazy(r" (?:lines?|signs?|scores?|scale|criteria|index|test|ratio|method|syndrome|disease)$")
# Headings of forms, which stand where a place may.
_HEADINGS = word_set("city age state country county town address department region zip name")
# Where the tagger went on over the end of a sentence: not after an initial or a title.
_SENTENCE = Lazy(r"(?P<word>[^\W\d_]{3,})[.!?]\s+")
_SHORTENED = word_set("mrs prof rev hon capt sgt jun sen med phil univ inc corp ltd dott ing sra")


def sensible(page: Page, hits: Iterable[Hit]) -> Iterator[Hit]:
    """The tagger's hits without names that are none."""
    is_lower = page.text.islower()
    for hit in hits:
        if hit.kind != "NAME":
            if not _is_no_place(page, hit):
                yield hit
            continue
        parts = _sentences(page.text, hit)
        for part in parts:
            text = page.text[part.start : part.end]
            if _is_none(text.lower()) or (not is_lower and _is_no_name(text)):
                continue
            if text.lower() in _ALSO_SURNAMES and _MEANT.match(page.after(part.end)):
                continue
            if len(parts) > 1 and text.lower() in NEVER:
                continue
            yield part


def _sentences(text: str, hit: Hit) -> list[Hit]:
    """The hit, or its parts if a sentence ends within it."""
    parts, start = [], hit.start
    for match in _SENTENCE.finditer(text[hit.start : hit.end]):
        if match["word"].lower() not in _SHORTENED:
            end = hit.start + match.end("word")
            parts.append(hit._replace(start=start, end=end))
            start = hit.start + match.end()
    return [*parts, hit._replace(start=start)]


def _is_no_place(page: Page, hit: Hit) -> bool:
    """Whether it is a heading, or the herb that is called after a saint."""
    parts = _WORD.parts(page.lower[hit.start : hit.end])
    return page.after(hit.end, 5) == " wort" or all(part in _HEADINGS for part in parts)


def _is_no_name(text: str) -> bool:
    """Whether it is a word of the vocabulary, or a sign, by how it is written."""
    return (text.islower() and text in words.common_words()) or _SIGN.search(text) is not None


def _is_none(text: str) -> bool:
    if text in _CALLED or text in DRUGS or _DIGIT.search(text) is not None:
        return True
    parts = _WORD.parts(text)
    people = words.given_names(), words.surnames()
    known = [
        part in ABBREVIATIONS or part in DRUGS or part in words.common_words() for part in parts
    ]
    named = any(part in names for part in parts for names in people)
    return all(known) and not named
