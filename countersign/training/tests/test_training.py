"""The generator and the training: the same sources give the same texts and the same bytes."""

from __future__ import annotations

import importlib
import json
import lzma
import os
import random
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from countersign.detection.forms import SPLIT
from countersign.detection.tagger import Tagger, list_digests
from countersign.training import __main__ as command
from countersign.training.corpus import Corpus
from countersign.training.grammar import Grammar, Text
from countersign.training.learning import Settings, labels, train
from countersign.training.people import everyone

SEEDED = random.Random
TINY = Settings(texts=250, rounds=3, rarest=2)


@pytest.fixture(scope="module")
def corpus():
    return Corpus(7)


@pytest.fixture(scope="module")
def tiny(corpus):
    return train(corpus, TINY)


def test_training_twice_gives_the_same_bytes(corpus, tiny):
    assert train(corpus, TINY) == tiny


def test_another_seed_gives_another_model(corpus, tiny):
    assert train(corpus, Settings(seed=8, texts=250, rounds=3, rarest=2)) != tiny


def test_another_process_makes_the_same_texts(corpus):
    """Sets have another order in each process: nothing may hang on it."""
    program = (
        "import sys; from countersign.training.corpus import Corpus; corpus = Corpus(7);"
        "sys.stdout.buffer.write('|'.join(text.text for text in corpus.texts(900)).encode());"
        "sys.stdout.buffer.write(' '.join(sorted(corpus.context())).encode())"
    )
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
    )
    here = "|".join(text.text for text in corpus.texts(900)) + " ".join(sorted(corpus.context()))
    assert done.stdout.decode() == here


def test_a_tiny_model_finds_a_name_already(tiny):
    found = Tagger(tiny).tag("Patient Maria Gonzalez was admitted to Riverside Hospital.")
    assert (found[0].start, found[0].end, found[0].kind) == (8, 22, "NAME")


def test_a_model_says_which_word_lists_it_was_trained_with(tiny):
    assert json.loads(lzma.decompress(tiny))["lists"] == list_digests()


def test_labels_stand_where_the_slots_were():
    text = Text()
    for part, label in (("seen by ", ""), ("Dr. Jane Doe", "N"), (" in ", ""), ("Oslo", "P")):
        text.add(part, label)
    assert labels(text, SPLIT(text.text)) == ["O", "O", "B-N", "I-N", "I-N", "O", "B-P"]


def test_every_span_of_the_texts_is_what_filled_the_slot(corpus):
    for text in corpus.texts(400):
        whole = text.text
        assert len(whole) == text.length
        for start, end, label in text.spans:
            assert label in "NPSG"
            assert whole[start:end] == whole[start:end].strip() != ""


def test_texts_without_people_have_no_spans(corpus):
    chance = SEEDED(3)
    assert not any(corpus.one("clean", chance).spans for _ in range(300))


def test_each_language_has_texts_in_its_own_script(corpus):
    chance = SEEDED(3)
    scripts = {"ru_RU": 0x400, "el_GR": 0x370, "he_IL": 0x590, "ko_KR": 0xAC00, "hi_IN": 0x900}
    for locale, first in scripts.items():
        symbol = f"text_{locale}"
        grammar, slots = corpus.grammars["languages"], corpus.local[symbol]
        made = [grammar.expand(symbol, chance, slots, Text()).text for _ in range(20)]
        assert any(first <= ord(sign) < first + 0x2C00 for sign in "".join(made))


def test_an_unknown_symbol_stays_in_its_braces():
    grammar = Grammar("words")
    grammar.symbols["text"] = [["{ ", "nothing_of_ours", " }"]]
    assert grammar.expand("text", SEEDED(1), {}, Text()).text == "{ {nothing_of_ours} }"


def test_locales_can_be_left_out_to_measure_with_them():
    without = everyone(["fi_FI", "ru_RU", "romanised-ko"])
    assert not {"fi_FI", "ru_RU", "ru_RU-latin", "romanised-ko"} & set(without)
    assert len(without) > 60


def test_no_sentence_that_the_benchmark_measures_with_is_trained_with(monkeypatch):
    root = Path(command.__file__).parents[2]
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    measured = importlib.import_module("detection_locales")
    folder = Path(command.__file__).parent / "grammar"
    grammar = " ".join(path.read_text("utf-8").lower() for path in folder.glob("*.txt"))
    sentences = [*measured.FULL, *measured.GIVEN, *measured.FAMILY, *measured.SORTED]
    parts = [part.strip().lower() for one in sentences for part in one.split("{name}")]
    long = [part for part in [*parts, *map(str.lower, measured.CLEAN)] if len(part) > 24]
    assert len(long) > 50
    assert [part for part in long if part in grammar] == []


def test_whole_texts_are_made_without_the_locales_left_out():
    corpus = Corpus(5, ["it_IT", "fr_FR", "de_DE", "en_GB", "fi_FI"])
    assert "text_fi_FI" not in corpus.local
    assert len(list(corpus.texts(300))) == 300


@pytest.mark.parametrize("without", ["xx_XX", "en_US,en_GB,de_DE,fr_FR,it_IT"])
def test_what_cannot_be_left_out_is_said(without, capsys, tmp_path):
    out = tmp_path / "model.xz"
    assert command.main(["--without", without, "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith(("These locales have no names", "One of these has"))
    assert not out.exists()


def test_the_command_writes_the_model_and_its_digest(tmp_path, capsys, monkeypatch, corpus):
    monkeypatch.setattr(command, "Corpus", lambda seed, without: corpus)
    out = tmp_path / "model.xz"
    assert command.main(["--texts", "200", "--rounds", "1", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"{out.stat().st_size} bytes" in said
    assert "not the model that" in said
    assert command.main(["--texts", "200", "--rounds", "1", "--check"]) == 1


def test_texts_come_one_at_a_time(corpus):
    assert len(list(islice(corpus.texts(10**9), 5))) == 5
