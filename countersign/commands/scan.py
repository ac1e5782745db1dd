"""`python -m countersign scan`: find identifiers in texts, a JSON object to a line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from countersign.detection.detector import Detector, default_detector
from countersign.detection.kinds import reported

if TYPE_CHECKING:
    from argparse import _SubParsersAction

DONE, SOME_BAD, USAGE_ERROR = 0, 1, 2
# Characters of one text. What is longer was not meant as one prompt.
LONGEST = 20_000_000


class BadLine(ValueError):
    """A line that cannot be scanned; the message says why and quotes nothing of it."""


def add_to(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    command = commands.add_parser(
        "scan",
        help="find identifiers in texts",
        description='Read JSON lines {"id": ..., "text": ...} and print {"id": ..., "spans": '
        '[{"start", "end", "kind", "score"}]} for each. Offsets are in characters, end is '
        "exclusive. What cannot be read is told on standard error by its line's number.",
    )
    command.add_argument("file", nargs="?", type=Path, help="the file to read, else standard input")
    command.add_argument("--min-score", type=float, default=0.5, help="leave out less sure hits")
    command.add_argument(
        "--strict", action="store_true", help="also hit each word outside the vocabulary"
    )
    command.add_argument(
        "--no-tagger", action="store_true", help="patterns, labels and lists alone"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scan. Returns the exit code: 1 if a line was bad, 2 if the file cannot be read."""
    tagger = None if arguments.no_tagger else default_detector().tagger
    detector = Detector(tagger=tagger, min_score=arguments.min_score, strict=arguments.strict)
    if arguments.file is None:
        return scan(sys.stdin.buffer, detector)
    try:
        with arguments.file.open("rb") as lines:
            return scan(lines, detector)
    except OSError as error:
        sys.stderr.write(f"countersign scan: the file cannot be read: {error.strerror}\n")
        return USAGE_ERROR


def scan(lines: Iterable[bytes], detector: Detector) -> int:
    """Print what is found in each line. Returns the exit code."""
    code = DONE
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            identifier, text = read(line)
        except BadLine as error:
            sys.stderr.write(f"countersign scan: line {number}: {error}\n")
            code = SOME_BAD
            continue
        answer = {"id": identifier, "spans": list(spans(text, detector))}
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return code


def spans(text: str, detector: Detector) -> Iterator[dict[str, Any]]:
    """The hits of a text as they are printed."""
    for hit in detector.detect(text):
        yield {
            "start": hit.start,
            "end": hit.end,
            "kind": reported(hit.kind),
            "score": round(hit.score, 2),
        }


def read(line: bytes) -> tuple[str | int, str]:
    """The id and the text of a line. Raises: BadLine."""
    try:
        document = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadLine("it is not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadLine("it is not JSON") from None
    if not isinstance(document, dict):
        raise BadLine("it is not a JSON object")
    identifier, text = document.get("id"), document.get("text")
    if not isinstance(identifier, (str, int)) or isinstance(identifier, bool):
        raise BadLine("`id` is missing, or neither a string nor a number")
    if not isinstance(text, str):
        raise BadLine("`text` is missing, or no string")
    if len(text) > LONGEST:
        raise BadLine(f"`text` has more than {LONGEST} characters")
    return identifier, text
