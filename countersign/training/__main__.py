"""`python -m countersign.training`: makes the texts, trains the tagger's model, and writes it.

The same sources give the same bytes. It takes about a minute of one core and 400 MB.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from countersign.detection.tagger import MODEL, MODEL_SHA256
from countersign.training.corpus import Corpus
from countersign.training.learning import Settings, train

OUT = Path(__file__).resolve().parent.parent / "detection" / "model" / MODEL
USUAL = Settings()


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    found = argparse.ArgumentParser(
        prog="python -m countersign.training",
        description="Train the tagger's model from texts that this repository makes.",
    )
    found.add_argument("--out", type=Path, default=OUT, help="the file to write")
    found.add_argument("--texts", type=int, default=USUAL.texts, help="how many texts to learn")
    found.add_argument("--rounds", type=int, default=USUAL.rounds, help="passes over the texts")
    found.add_argument("--seed", type=int, default=USUAL.seed)
    found.add_argument(
        "--without", default="", metavar="LOCALES", help="leave names of these out: fi_FI,hu_HU"
    )
    found.add_argument(
        "--check", action="store_true", help="write nothing; say whether the shipped model is it"
    )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Train. Returns 0; 1 with --check if the shipped model is another; 2 for an unknown locale."""
    asked = parser().parse_args(arguments)
    settings = replace(USUAL, seed=asked.seed, texts=asked.texts, rounds=asked.rounds)
    try:
        corpus = Corpus(asked.seed, filter(None, asked.without.split(",")))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    content = train(corpus, settings)
    digest = hashlib.sha256(content).hexdigest()
    if not asked.check:
        asked.out.write_bytes(content)
    sys.stdout.write(f"{digest}  {len(content)} bytes\n")
    if digest != MODEL_SHA256:
        sys.stdout.write("This is not the model that countersign/detection/tagger.py names.\n")
    return int(asked.check and digest != MODEL_SHA256)


if __name__ == "__main__":
    sys.exit(main())
