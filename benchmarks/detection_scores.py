"""How a set of texts with spans is scored, and how its texts are written otherwise."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countersign.detection.detector import Detector
from countersign.detection.kinds import reported

# Kinds of a set that are no identifiers: neither asked for, nor wrong when they are hit.
NEUTRAL = "_"
ANY_PLACE = "GEO"


@dataclass
class Score:
    """What a detector did on a set: counts of spans by kind, hits, and texts without spans."""

    asked: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)
    named: Counter[str] = field(default_factory=Counter)
    hits: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    clean: int = 0
    flagged: int = 0

    def figures(self) -> dict[str, Any]:
        """Recall of whole spans, of spans with their kind, precision, clean texts flagged."""
        asked, right = self.asked.total(), self.hits - self.wrong.total()
        return {
            "recall": round(self.whole.total() / asked, 4) if asked else None,
            "recall_kind": round(self.named.total() / asked, 4) if asked else None,
            "precision": round(right / self.hits, 4) if self.hits else None,
            "clean_flagged": f"{self.flagged} of {self.clean}",
            "flagged_share": round(self.flagged / self.clean, 4) if self.clean else None,
            "kinds": {
                kind: f"{self.whole[kind]}, with kind {self.named[kind]}, of {count}"
                for kind, count in sorted(self.asked.items())
            },
            "wrong": dict(self.wrong.most_common()),
            "counts": {"asked": dict(self.asked), "whole": dict(self.whole)},
        }


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a set: {"id", "text", "spans": [{"start", "end", "kind"}]}."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def is_same(kind: str, asked: str) -> bool:
    """Whether a hit's kind is the one asked for: GEO is any place, a card is an account."""
    return kind.startswith(ANY_PLACE) if asked == ANY_PLACE else reported(kind) == asked


def score(rows: Iterable[dict[str, Any]], detector: Detector) -> Score:
    """Score a detector. A span is found if hits cover each letter and digit of it."""
    found = Score()
    for row in rows:
        hits = detector.detect(row["text"])
        covered = {place for hit in hits for place in range(hit.start, hit.end)}
        marked: set[int] = set()
        for span in row["spans"]:
            stretch = range(span["start"], span["end"])
            marked.update(stretch)
            if span["kind"].startswith(NEUTRAL):
                continue
            found.asked[span["kind"]] += 1
            if all(place in covered for place in stretch if row["text"][place].isalnum()):
                found.whole[span["kind"]] += 1
                found.named[span["kind"]] += any(
                    hit.start < span["end"]
                    and span["start"] < hit.end
                    and is_same(hit.kind, span["kind"])
                    for hit in hits
                )
        found.hits += len(hits)
        for hit in hits:
            if marked.isdisjoint(range(hit.start, hit.end)):
                found.wrong[hit.kind] += 1
        if not row["spans"]:
            found.clean += 1
            found.flagged += bool(hits)
    return found


FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
LOOKALIKE = str.maketrans("aceopxyABCEHKMOPTX", "асеорхуАВСЕНКМОРТХ")


def rewritten(row: dict[str, Any], write: Callable[[str], str]) -> dict[str, Any]:
    """The row with each character written by `write`, spans moved along."""
    pieces = [write(character) for character in row["text"]]
    places = [0]
    for piece in pieces:
        places.append(places[-1] + len(piece))
    spans = [
        {**span, "start": places[span["start"]], "end": places[span["end"]]}
        for span in row["spans"]
    ]
    return {**row, "text": "".join(pieces), "spans": spans}


def _zero_width(character: str) -> str:
    return character + "\u200b" if character.isalnum() else character


WRITINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "lower case": str.lower,
    "upper case": lambda character: upper if len(upper := character.upper()) == 1 else character,
    "full width": lambda character: character.translate(FULL_WIDTH),
    "zero width": _zero_width,
    "confusables": lambda character: character.translate(LOOKALIKE),
}


def robust(rows: Sequence[dict[str, Any]], detector: Detector) -> dict[str, dict[str, Any]]:
    """Recall and clean texts flagged of each way of writing."""
    answers = {}
    for name, write in WRITINGS.items():
        figures = score([rewritten(row, write) for row in rows], detector).figures()
        answers[name] = {key: figures[key] for key in ("recall", "clean_flagged")}
    return answers
