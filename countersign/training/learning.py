"""Trains the tagger's model with CRFsuite, and writes it as the tagger reads it.

Source: Collins, "Discriminative training methods for hidden Markov models" (2002): the averaged
perceptron on a linear chain, which on these texts did better than L-BFGS in a fifth of its time
(decision 0022). Training runs on one thread and gives the same bytes each time.
"""

from __future__ import annotations

import ctypes
import json
import lzma
import random
import tempfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pycrfsuite

from countersign.detection.forms import (
    EDGE,
    NO_LISTS,
    SPLIT,
    Form,
    Lists,
    form,
    gap_class,
    manner,
    pair_features,
    word_features,
)
from countersign.detection.tagger import FORMAT, UNIT, list_digests, shipped_lists
from countersign.training.corpus import Corpus
from countersign.training.grammar import Text

LABELS = ("O", "B-N", "I-N", "B-P", "I-P", "B-S", "I-S", "B-G", "I-G")
# Of the names, so many of a hundred are unknown in training: it must learn from their surroundings.
UNLISTED, UNLISTED_COMMON = 35, 6
# So many of the common words are taken for unknown ones in training; of those with a capital fewer.
FORGOTTEN, FORGOTTEN_CAPITAL = 0.09, 0.02


@dataclass(frozen=True)
class Settings:
    """How a model is trained."""

    seed: int = 20261121
    texts: int = 46_000
    rounds: int = 8
    rarest: int = 4  # features that are seen less often are not learnt
    scale: float = 0.3  # a perceptron's weights have no unit; so scaled they are like a CRF's
    least: int = 450  # thousandths; smaller weights are left out of the file


def thinned(lists: Lists) -> Lists:
    """The lists without a part of their words, always the same one."""
    return Lists(
        _without(lists.given, UNLISTED, "given"),
        _without(lists.family, UNLISTED, "given"),
        _without(lists.common, UNLISTED_COMMON, "common"),
        _without(lists.towns, UNLISTED, "towns"),
        lists.context,
    )


def _without(words: Iterable[str], percent: int, salt: str) -> frozenset[str]:
    return frozenset(
        word for word in words if zlib.crc32(f"{salt} {word}".encode()) % 100 >= percent
    )


def labels(text: Text, pieces: Sequence[str]) -> list[str]:
    """A label for each word: where it starts decides."""
    ends = list(accumulate(map(len, pieces)))
    spans = iter([*text.spans, (10**9, 10**9, "")])
    start, end, kind = next(spans)
    found, inside = [], False
    for at in ends[:-1:2]:
        while at >= end:
            start, end, kind = next(spans)
            inside = False
        if at >= start:
            found.append(f"{'I' if inside else 'B'}-{kind}")
            inside = True
        else:
            found.append("O")
    return found


def features(
    pieces: Sequence[str], lists: Lists, chance: random.Random, written: str
) -> list[list[str]]:
    """The features of each word, with some common words taken for unknown."""
    edge = form(EDGE, lists)
    forms = [
        form(word, NO_LISTS if chance.random() < _forgotten(word) else lists, written)
        for word in pieces[1::2]
    ]
    row = [edge, edge, *forms, edge, edge]
    by_word: dict[Form, dict[int, list[str]]] = {one: word_features(one) for one in set(row)}
    pairs = [
        pair_features(left, gap_class(gap), right)
        for left, gap, right in zip(row[1:-2], pieces[::2], row[2:-1], strict=True)
    ]
    return [
        [
            *by_word[row[at]][0],
            *by_word[row[at - 1]][-1],
            *by_word[row[at + 1]][1],
            *by_word[row[at - 2]][-2],
            *by_word[row[at + 2]][2],
            *pairs[at - 2][0],
            *pairs[at - 1][1],
        ]
        for at in range(2, len(row) - 2)
    ]


def _forgotten(word: str) -> float:
    return FORGOTTEN_CAPITAL if word[0].isupper() else FORGOTTEN


def train(corpus: Corpus, settings: Settings, *, verbose: bool = False) -> bytes:
    """Train on `settings.texts` texts of `corpus`. Returns the model's file."""
    context = corpus.context()
    thin = thinned(shipped_lists(context))
    trainer = pycrfsuite.Trainer(algorithm="ap", verbose=verbose)
    trainer.set_params(
        {
            "max_iterations": settings.rounds,
            "feature.minfreq": settings.rarest,
            "feature.possible_transitions": True,
        }
    )
    chance = random.Random(settings.seed + 1)  # noqa: S311 - no secret
    for text in corpus.texts(settings.texts):
        pieces = SPLIT(text.text)
        if len(pieces) > 2:
            seen = features(pieces, thin, chance, manner(text.text))
            trainer.append(seen, labels(text, pieces))
    # CRFsuite shuffles the texts with the C library's generator, which goes on from where it was.
    ctypes.CDLL(None).srand(settings.seed & 0x7FFFFFFF)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "model"
        trainer.train(str(place))
        tagger = pycrfsuite.Tagger()
        tagger.open(str(place))
        learnt = tagger.info()
        tagger.close()
    return written(learnt.state_features, learnt.transitions, context, settings)


def written(
    weights: Mapping[tuple[str, str], float],
    transitions: Mapping[tuple[str, str], float],
    context: Iterable[str],
    settings: Settings,
) -> bytes:
    """The model's file: packed JSON with sorted keys, weights in thousandths."""
    number = {label: index for index, label in enumerate(LABELS)}

    def units(weight: float) -> int:
        return round(weight * settings.scale * UNIT)

    table: dict[str, list[int]] = {}
    for (feature, label), weight in sorted(weights.items(), key=lambda one: one[0]):
        if abs(units(weight)) >= settings.least and label in number:
            table.setdefault(feature, []).extend((number[label], units(weight)))
    content = {
        "format": FORMAT,
        "lists": list_digests(),
        "labels": LABELS,
        "transitions": [
            [units(transitions.get((before, after), 0.0)) for after in LABELS] for before in LABELS
        ],
        "context": " ".join(sorted(context)),
        "features": "\n".join(table),
        "weights": "\n".join(",".join(map(str, weights)) for weights in table.values()),
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return lzma.compress(text.encode(), preset=6)
