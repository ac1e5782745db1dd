"""Finds names, places and street addresses in running text: a small trained model of the house.

A linear-chain conditional random field, trained by `python -m countersign.training`. Decoding is
plain Python. A word form's weights are summed once and kept, all labels in one integer, so a word
costs a few look-ups and additions; the best path is sought only where some word may be part of
something. What is kept are word forms of the texts, in this process's memory, at most
`FORMS_KEPT`; nothing else of a text is kept, logged or quoted.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import math
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import accumulate, zip_longest

from countersign.detection import words
from countersign.detection.forms import (
    CAPITALS,
    COMMON,
    CONTEXT,
    EDGE,
    FAMILY,
    GIVEN,
    LOWERED,
    MIXED,
    SPLIT,
    TOWN,
    Form,
    Lists,
    form,
    gap_class,
    manner,
    pair_features,
    word_features,
)
from countersign.detection.hits import Hit

MODEL = "names.json.xz"
MODEL_SHA256 = "cdbd5c9fef297361a5d4315bae8907e63130848124775e0f0eeeeae693619a40"
FORMAT = 1
FORMS_KEPT = 12_000
PAIRS_KEPT = 40_000
LANE = 32  # bits a label's sum has in the integer that holds all labels
UNIT = 1000  # weights are in thousandths
# A word whose best label is worse than "nothing" by more than this is no part of anything.
MARGIN = 3 * UNIT
KINDS = {"N": "NAME", "P": "GEO_PLACE", "S": "GEO_STREET"}
RULES = {"N": "tagger.name", "P": "tagger.place", "S": "tagger.street"}


# Words that are short names somewhere, and in a sentence nearly always are not; places of a kind,
# which are none in particular.
NOBODYS = (
    words.word_set(
        "a an and are as at be but by did do does for from had has have he her his how i if in is"
        " it its me my no not of on or our she so that the their they this to was we were what when"
        " where who why with yes you your then than there here these those min mg ml dl"
    )
    | words.word_set("clinic hospital er ed icu hospice pediatrics orthopedics")
    | {
        *("general practice", "family practice", "family medicine", "internal medicine"),
        *("outpatient hospital", "inpatient hospital", "campus-outpatient hospital", "urgent care"),
        *("campus-inpatient hospital", "the clinic", "the hospital", "the office", "our clinic"),
        *("our hospital", "our office", "primary care", "emergency department", "nursing home"),
        *("the nursing home", "assisted living", "home health", "day surgery", "intensive care"),
    }
)
# What stands between two hits of a kind that are one.
JOINING = {"NAME": (" ", "-"), "GEO_PLACE": (" in ", ", ", " of ", " at ")}
# A word with a capital after a name, a comma or "and".
_ALONG = re.compile(r"(?:,| and| &|, and) ([^\W\d_a-z][^\W\d_]+)\b")
# A state after a town or clinic belongs to it.
_REGION = re.compile(
    r",? (?:A[KLRZ]|C[AOT]|D[CE]|FL|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]"
    r"|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY])\b"
    r"|, (?:a[klrz]|c[aot]|d[ce]|fl|g[au]|hi|i[adln]|k[sy]|la|m[adeinost]|n[cdehjmvy]|o[hkr]|p[ar]"
    r"|ri|s[cd]|t[nx]|ut|v[ait]|w[aivy])\b"
    r"|(?i:,? (?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida"
    r"|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland"
    r"|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada"
    r"|New (?:Hampshire|Jersey|Mexico|York)|North (?:Carolina|Dakota)|Ohio|Oklahoma|Oregon"
    r"|Pennsylvania|Rhode Island|South (?:Carolina|Dakota)|Tennessee|Texas|Utah|Vermont"
    r"|(?:West )?Virginia|Washington|Wisconsin|Wyoming))\b"
)


class TaggerMissing(RuntimeError):
    """The model is not installed. The text says what to do."""


class TaggerDamaged(RuntimeError):
    """The model's file is not the one that this release was made with."""


@dataclass(slots=True, eq=False, repr=False)
class _Word:
    """A word form with its weights, all labels in one integer, by the place they speak of."""

    form: Form
    number: int  # words that are alike in pairs have the same
    own: int
    before: int  # for the word before it
    after: int
    far_before: int
    far_after: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Labels:
    """The labels, and what each costs after each: `came[y]` are pairs (label before, weight)."""

    names: tuple[str, ...]
    came: tuple[tuple[tuple[int, int], ...], ...]
    unpack: Callable[[bytes], tuple[int, ...]]
    middle: int  # makes each lane of a sum positive

    @classmethod
    def of(cls, names: Sequence[str], transitions: Sequence[Sequence[int]]) -> _Labels:
        came = []
        for to, name in enumerate(names):
            allowed = (
                (source, transitions[source][to])
                for source, before in enumerate(names)
                if not name.startswith("I-") or before[1:] == name[1:]
            )
            came.append(tuple(allowed))
        count = len(names)
        middle = sum(1 << (LANE * lane + LANE - 2) for lane in range(count))
        return cls(tuple(names), tuple(came), struct.Struct(f"<{count}I").unpack, middle)


def shipped_lists(context: Iterable[str]) -> Lists:
    """The word lists of this release, with the model's own `context`."""
    towns = {word for place in words.places() for word in place.split() if len(word) > 2}
    return Lists(
        words.given_names(), words.surnames(), words.common_words(), towns, frozenset(context)
    )


def list_digests() -> dict[str, str]:
    """SHA-256 of each word list here: a model is good for those that it was trained with."""
    folder = resources.files("countersign.detection").joinpath("lists")
    return {
        name: hashlib.sha256(folder.joinpath(f"{name}.xz").read_bytes()).hexdigest()
        for name in ("given", "places", "surnames", "vocabulary")
    }


class Tagger:
    """A trained model. Safe to use from many threads; load it once."""

    def __init__(self, content: bytes) -> None:
        """Read a model's file as `python -m countersign.training` writes it."""
        model = json.loads(lzma.decompress(content))
        if model["format"] != FORMAT:
            raise TaggerDamaged("The tagger's model is of another format than this release reads.")
        self._labels = _Labels.of(model["labels"], model["transitions"])
        self._width = len(self._labels.names) * LANE // 8
        # By feature: label, weight, label, weight, ..., as text, which takes the least memory.
        self._weights: dict[str, str] = dict(
            zip(model["features"].split("\n"), model["weights"].split("\n"), strict=True)
        )
        self._lists = shipped_lists(model["context"].split(" "))
        self._forms: dict[str, dict[str, _Word]] = {MIXED: {}, LOWERED: {}, CAPITALS: {}}
        self._pairs: dict[tuple[int, str, int], tuple[int, int]] = {}
        self._numbers: dict[str, int] = {}
        self._edge = self._word(EDGE, MIXED)

    @classmethod
    def load(cls) -> Tagger:
        """The model of this release.

        Raises: TaggerMissing if its file is not installed, TaggerDamaged if it is another file
        than the release was made with.
        """
        place = resources.files("countersign.detection").joinpath("model", MODEL)
        try:
            content = place.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise TaggerMissing(
                "The tagger's model is not installed: countersign/detection/model/ is missing."
                " Install the whole package, or do without names that only running text shows."
            ) from None
        if hashlib.sha256(content).hexdigest() != MODEL_SHA256:
            raise TaggerDamaged(
                "The tagger's model is not the one of this release: its SHA-256 differs."
                " Install countersign anew."
            )
        return cls(content)

    def __repr__(self) -> str:
        """Says nothing of the texts it has seen."""
        return f"Tagger({len(self._weights)} features)"

    def tag(self, text: str) -> list[Hit]:
        """Names, places and street addresses in `text`, which is normalised.

        Returns: hits sorted by place, none overlapping another; scores from 0.5 to 0.99.
        """
        pieces = SPLIT(text)
        if len(pieces) < 3:
            return []
        sums = self._sums(pieces, manner(text))
        ends = list(accumulate(map(len, pieces)))
        found: list[Hit] = []
        for first, run in _runs(sums):
            path = self._path(run)
            for start, stop, label in _spans(path, self._labels.names):
                score = _score(run[start:stop], path[start:stop])
                begin, end = ends[2 * (first + start)], ends[2 * (first + stop - 1) + 1]
                if text[begin:end].lower() in NOBODYS:
                    continue
                hit = _hit(text, begin, end, label, score)
                if found and _one(text, found[-1], hit):
                    hit = found.pop()._replace(end=hit.end)
                found.append(hit)
        return self._named_along(text, found)

    def _named_along(self, text: str, hits: list[Hit]) -> list[Hit]:
        """The hits, and what follows a name after a comma or "and" and is a name in the lists."""
        found: list[Hit] = []
        for hit, after in zip_longest(hits, hits[1:]):
            found.append(hit)
            limit = after.start if after else len(text)
            while found[-1].kind == "NAME":
                along = _ALONG.match(text, found[-1].end, limit)
                if along is None or not self._is_name_alone(along[1]):
                    break
                found.append(Hit(along.start(1), along.end(1), "NAME", 0.7, RULES["N"]))
        return found

    def _is_name_alone(self, word: str) -> bool:
        bits = self._lists.bits(word.lower()) if word[0].isupper() else 0
        return bits & (GIVEN | FAMILY) > 0 and not bits & (COMMON | CONTEXT | TOWN)

    def _sums(self, pieces: list[str], written: str) -> list[tuple[int, ...]]:
        """For each word the sum of its weights for each label, in thousandths."""
        forms = self._forms[written]
        get = forms.get
        if len(forms) > FORMS_KEPT:
            forms.clear()
        row = [get(piece) or self._word(piece, written) for piece in pieces[1::2]]
        edge, pairs, pair = self._edge, self._pairs, self._pair
        if len(pairs) > PAIRS_KEPT:
            pairs.clear()
        row = [edge, edge, *row, edge, edge]
        between = [
            pairs.get((left.number, gap, right.number)) or pair(left, gap, right)
            for left, gap, right in zip(row[1:-2], pieces[::2], row[2:-1], strict=True)
        ]
        width, unpack, middle = self._width, self._labels.unpack, self._labels.middle
        return [
            unpack(
                (
                    middle
                    + far_left.far_after
                    + left.after
                    + word.own
                    + right.before
                    + far_right.far_before
                    + by_left[0]
                    + by_right[1]
                ).to_bytes(width, "little")
            )
            for far_left, left, word, right, far_right, by_left, by_right in zip(
                row, row[1:], row[2:], row[3:], row[4:], between, between[1:], strict=False
            )
        ]

    def _weight(self, features: list[str]) -> int:
        total = 0
        for feature in features:
            weights = self._weights.get(feature)
            if weights:
                numbers = [int(number) for number in weights.split(",")]
                for label, weight in zip(numbers[::2], numbers[1::2], strict=True):
                    total += weight << (LANE * label)
        return total

    def _word(self, word: str, written: str) -> _Word:
        seen = form(word, self._lists, written)
        features = word_features(seen)
        number = self._numbers.setdefault(seen.key, len(self._numbers))
        made = _Word(
            seen,
            number,
            own=self._weight(features[0]),
            before=self._weight(features[1]),
            after=self._weight(features[-1]),
            far_before=self._weight(features[2]),
            far_after=self._weight(features[-2]),
        )
        if len(word) <= 2 * LANE:
            self._forms[written][word] = made
        return made

    def _pair(self, left: _Word, gap: str, right: _Word) -> tuple[int, int]:
        for_right, for_left = pair_features(left.form, gap_class(gap), right.form)
        made = self._weight(for_right), self._weight(for_left)
        if len(gap) <= 12:
            self._pairs[left.number, gap, right.number] = made
        return made

    def _path(self, run: list[tuple[int, ...]]) -> list[int]:
        """The best labels for a run of words that "nothing" (label 0) stands before and after."""
        came = self._labels.came
        start = dict(came[0])
        scores = [
            weight + next((w for before, w in sources if before == 0), -(10**9))
            for weight, sources in zip(run[0], came, strict=True)
        ]
        back: list[list[int]] = []
        for weights in run[1:]:
            best, pointers = [], []
            for weight, sources in zip(weights, came, strict=True):
                top, source = max([(scores[before] + cost, before) for before, cost in sources])
                best.append(top + weight)
                pointers.append(source)
            scores = best
            back.append(pointers)
        last = max(range(len(scores)), key=lambda label: scores[label] + start[label])
        path = [last]
        for pointers in reversed(back):
            path.append(pointers[path[-1]])
        path.reverse()
        return path


def _runs(sums: list[tuple[int, ...]]) -> Iterator[tuple[int, list[tuple[int, ...]]]]:
    """Stretches of words that may be part of something, each with the number of its first."""
    run: list[tuple[int, ...]] = []
    for number, weights in enumerate(sums):
        nothing = weights[0] - MARGIN
        if max(weights[1:]) > nothing:
            run.append(weights)
        elif run:
            yield number - len(run), run
            run = []
    if run:
        yield len(sums) - len(run), run


def _spans(path: list[int], names: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Stretches of the path with one label: first word, word after the last, `N`, `P`, ..."""
    start = 0
    while start < len(path):
        name = names[path[start]]
        stop = start + 1
        if name != "O":
            inside = "I" + name[1:]
            while stop < len(path) and names[path[stop]] == inside:
                stop += 1
            if name[2:] in KINDS:
                yield start, stop, name[2:]
        start = stop


def _score(run: list[tuple[int, ...]], path: list[int]) -> float:
    lead = sum(weights[label] - weights[0] for weights, label in zip(run, path, strict=True))
    sure = 1 / (1 + math.exp(-max(min(lead / UNIT / len(path), 30.0), 0.0)))
    return round(min(sure, 0.99), 2)


def _hit(text: str, start: int, end: int, label: str, score: float) -> Hit:
    if label == "N" and text.endswith("'s", start, end):
        end -= 2
    if label == "P":
        region = _REGION.match(text, end)
        end = region.end() if region else end
    # The full stop of an initial or of "St." is part of it.
    if text.startswith(".", end) and (label != "P") and _abbreviated(text, start, end):
        end += 1
    return Hit(start, end, KINDS[label], score, RULES[label])


def _one(text: str, first: Hit, second: Hit) -> bool:
    """Whether two hits are one: parts of a name, a clinic in a town, a part of a town."""
    if first.kind != second.kind:
        return False
    return text[first.end : second.start].lower() in JOINING.get(first.kind, ())


def _abbreviated(text: str, start: int, end: int) -> bool:
    word = text[max(start, end - 5) : end].replace(".", " ").split(" ")[-1]
    return len(word) == 1 or word.lower() in {"jr", "sr", "st", "ave", "rd", "dr", "blvd", "apt"}
