"""What the detection finds, flags and costs.

On each set of `../shared/data/phi` (or `--set FILE`, JSON lines of {"id", "text", "spans"}): recall
of whole spans by kind, precision, clean texts flagged, and the same written in lower and upper
case, full width, with zero-width characters and look-alikes; names of twenty locales (see
`detection_locales.py`), with `--held-out` also by a tagger that never saw them. Then CPU time a KB
of patterns alone and with the tagger, 100 KB at once, growth on hostile texts (four times the text
against the text) of the detection and of the whole engine, import time and memory of a new process,
size of what the wheel holds. `--quick` writes only every fourth text otherwise. `--json` ends with
one line: an object of all figures; `kept` says which of the limits of the design held.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "benchmarks")]

from detection_locales import by_locale, held_out  # noqa: E402 - found by the line above
from detection_scores import read, robust, score  # noqa: E402

from countersign.detection.detector import Detector, default_detector  # noqa: E402
from countersign.masking.engine import Engine, detector_for  # noqa: E402
from countersign.masking.tests.applying import PATIENT, STARTER  # noqa: E402
from countersign.masking.tests.hostile import HOSTILE as HOSTILE_BODIES  # noqa: E402
from countersign.masking.tokens import Session  # noqa: E402
from countersign.rules.facts import Facts  # noqa: E402

SETS = CHECKOUT.parent / "shared" / "data" / "phi"
ELSEWHERE = CHECKOUT.parent.parent / "shared" / "data" / "phi"
NAMES = ("asq_phi", "sh18", "presidio_large")
# The set whose language is that of prompts: its figures have limits.
PROMPTS = "asq_phi"
HUNDRED_KB = 100 * 1024
ROUNDS = 5
# Four times as long a text may take so many times as long; 16 would be its square.
GROWTH = 6.0
# Of the engine, which looks again at what its replacements made.
ENGINE_GROWTH = 12.0
LIMITS = {
    "recall": 0.995,
    "flagged_share": 0.03,
    "lower_recall": 0.985,
    "kind_recall": 0.99,
    "written_loss": 0.01,
    "locale_recall": 0.95,
    "locale_precision": 0.95,
    "patterns_ms_per_kb": 1.0,
    "tagger_ms_per_kb": 3.0,
    "hundred_kb_ms": 200.0,
    "growth": GROWTH,
    "engine_growth": ENGINE_GROWTH,
    "import_ms": 150.0,
    "memory_mb": 60.0,
    "packed_mb": 8.0,
}
AT_LEAST = {"recall", "lower_recall", "kind_recall", "locale_recall", "locale_precision"}
# Sets that mark identifiers as Safe Harbor counts them: their figures by kind have a limit.
BY_KIND = ("asq_phi", "sh18")

HOSTILE: dict[str, Callable[[int], str]] = {
    "letters": lambda size: "a" * size,
    "digits": lambda size: "1" * size,
    "digits and hyphens": lambda size: "1-" * (size // 2),
    "digits and blanks": lambda size: "12 " * (size // 3),
    "slashes": lambda size: "1/" * (size // 2),
    "dots": lambda size: "a." * (size // 2),
    "at signs": lambda size: "a@" * (size // 2),
    "colons": lambda size: "a:" * (size // 2),
    "blanks": lambda size: " " * size,
    "new lines": lambda size: "\n" * size,
    "capitals": lambda size: "Ab " * (size // 3),
    "labels": lambda size: "mrn " * (size // 4),
    "labels and marks": lambda size: "mrn: : : " * (size // 9),
    "fingerprints": lambda size: "fingerprint id " * (size // 15),
    "keys": lambda size: "-----BEGIN PRIVATE KEY-----" * (size // 27),
    "tokens": lambda size: "eyJa-" * (size // 5),
    "links": lambda size: "http://a" * (size // 8),
    "streets": lambda size: "12 Ab Cd Ef " * (size // 12),
    "hospitals": lambda size: "St. Ab of Cd-" * (size // 13),
    "names": lambda size: "Smith, John, " * (size // 13),
    "titles": lambda size: "Dr. " * (size // 4),
    "columns": lambda size: "mrn,dob\n" + "1,2\n" * (size // 4),
    "one long row": lambda size: "mrn,dob\n" + "1," * (size // 2),
    "brackets": lambda size: "[" * size,
    "quotes": lambda size: '"' * size,
    "zero width": lambda size: "a\u200b" * (size // 2),
    "marks": lambda size: "a" + "\u0301" * size,
    "look-alikes": lambda size: "\u0430a" * (size // 2),
}


def folder() -> Path:
    """Where the sets lie: beside the checkout, or beside its parent for a worktree."""
    return SETS if SETS.is_dir() else ELSEWHERE


def cpu(run: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The least CPU time of a few runs, in milliseconds."""
    times = []
    for _ in range(rounds):
        started = time.thread_time()
        run()
        times.append(time.thread_time() - started)
    return min(times) * 1000


def scored(path: Path, detector: Detector, step: int) -> dict[str, Any]:
    """The figures of one set."""
    rows = read(path)
    figures = score(rows, detector).figures()
    return {**figures, "texts": len(rows), "written": robust(rows[::step], detector)}


def speed(texts: Sequence[str], detector: Detector) -> dict[str, float]:
    """CPU time a KB over texts as they are, and of 100 KB at once."""
    size = sum(len(text.encode()) for text in texts) / 1024
    large = "\n\n".join(texts)
    large = (large * (HUNDRED_KB // len(large) + 1))[:HUNDRED_KB]
    return {
        "ms_per_kb": cpu(lambda: [detector.detect(text) for text in texts]) / size,
        "hundred_kb_ms": cpu(lambda: detector.detect(large), 2),
    }


def growth(detector: Detector, size: int) -> dict[str, float]:
    """How many times as long four times as long a hostile text takes."""
    found = {}
    for name, make in HOSTILE.items():
        short, long = make(size), make(4 * size)
        base = max(cpu(partial(detector.detect, short), 3), 0.5)
        found[name] = round(cpu(partial(detector.detect, long), 2) / base, 2)
    return found


def engine_growth() -> dict[str, float]:
    """How many times as long the engine takes for a hostile body as for its first quarter."""

    def seconds(text: str) -> float:
        times = []
        for _ in range(3):
            fresh = Engine(STARTER, detector_for(STARTER), limits=PATIENT)  # it remembers texts
            fresh.warm()
            asked = partial(
                fresh.apply,
                json.dumps({"a": text}).encode(),
                media_type="application/json",
                shape=None,
                facts=Facts(),
                session=Session(),
            )
            times.append(cpu(asked, 1))
        return min(times)

    found = {}
    for text in HOSTILE_BODIES:
        short = max(seconds(text[: len(text) // 4]), 40.0)
        found[ascii(text[:6])] = round(seconds(text) / short, 2)
    return found


START = """
import time
began = time.perf_counter()
from countersign.detection.detector import default_detector
imported = time.perf_counter()
detector = default_detector()
detector.detect("Patient Anna Lee, DOB 3 May 1960, MRN 998877, seen at Mercy Hospital in Boise, ID")
ready = time.perf_counter()
# Not ru_maxrss: that holds what the parent had when it forked.
used = int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) / 1024
print((imported - began) * 1000, (ready - imported) * 1000, used)
"""


def start() -> dict[str, float]:
    """Import, first detection and memory of a new process: the best of three."""
    runs = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", START], cwd=CHECKOUT, capture_output=True, text=True, check=True
        )
        runs.append([float(figure) for figure in done.stdout.split()])
    names = ("import_ms", "first_ms", "memory_mb")
    return {name: round(min(run[at] for run in runs), 1) for at, name in enumerate(names)}


def packed() -> float:
    """MB of the library's files as a wheel packs them, without tests and training."""
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((CHECKOUT / "countersign").rglob("*")):
            parts = path.relative_to(CHECKOUT).parts
            if path.is_file() and not {"tests", "training", "__pycache__"} & {*parts}:
                archive.write(path)
    return round(len(buffer.getvalue()) / 1e6, 2)


def kept(figures: dict[str, Any]) -> dict[str, bool]:
    """Which limits held; those of a part that was not measured are left out."""
    answers = {}
    for name, limit in LIMITS.items():
        if figures.get(name) is not None:
            value = figures[name]
            answers[name] = value >= limit if name in AT_LEAST else value <= limit
    return answers


def by_kind(sets: dict[str, dict[str, Any]]) -> dict[str, float]:
    """The worst kind's recall, over the sets of `BY_KIND`, and most lost by another writing."""
    asked, whole, lost = Counter[str](), Counter[str](), [0.0]
    for name in BY_KIND:
        if one := sets.get(name):
            asked.update(one["counts"]["asked"])
            whole.update(one["counts"]["whole"])
            plain = one["written"]["as it is"]["recall"]
            lost += [plain - other["recall"] for other in one["written"].values()]
    if not asked:
        return {}
    worst = min(whole[kind] / count for kind, count in asked.items())
    return {"kind_recall": round(worst, 4), "written_loss": round(max(lost), 4)}


def measured(sets: dict[str, Path], *, quick: bool, unseen: bool) -> dict[str, Any]:
    """All figures."""
    detector, patterns = default_detector(), Detector()
    figures: dict[str, Any] = {"has_tagger": detector.tagger is not None, "sets": {}}
    for name, path in sets.items():
        figures["sets"][name] = scored(path, detector, 4 if quick else 1)
    if PROMPTS in figures["sets"]:
        prompts = figures["sets"][PROMPTS]
        figures["recall"], figures["flagged_share"] = prompts["recall"], prompts["flagged_share"]
        figures["lower_recall"] = prompts["written"]["lower case"]["recall"]
    figures |= by_kind(figures["sets"])
    figures |= by_locale(detector)
    if unseen:
        figures["held_out"] = by_locale(held_out())
    if sets:
        texts = [row["text"] for row in read(next(iter(sets.values())))]
        alone, both = speed(texts, patterns), speed(texts, detector)
        figures["patterns_ms_per_kb"] = round(alone["ms_per_kb"], 3)
        figures["tagger_ms_per_kb"] = round(both["ms_per_kb"], 3)
        figures["hundred_kb_ms"] = round(both["hundred_kb_ms"], 1)
    figures["hostile"] = growth(detector, 8_000 if quick else 20_000)
    figures["growth"] = max(figures["hostile"].values())
    figures["hostile_bodies"] = engine_growth()
    figures["engine_growth"] = max(figures["hostile_bodies"].values())
    figures.update(start())
    figures["packed_mb"] = packed()
    figures["kept"] = kept(figures)
    return figures


def tell(figures: dict[str, Any]) -> None:
    """Print the figures for people."""
    for name, one in figures["sets"].items():
        print(f"\n{name}: {one['texts']} texts")
        for key, value in one.items():
            print(f"  {key:14} {value}")
    print()
    for name, value in figures.items():
        if name != "sets":
            print(f"{name:20} {value}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--set", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument(
        "--quick", action="store_true", help="write only every fourth text otherwise"
    )
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument(
        "--held-out",
        action="store_true",
        help="also train a tagger without the locales' names, a minute or two, and measure it",
    )
    options = parser.parse_args()
    sets = {path.stem: path for path in options.set}
    sets = sets or {name: folder() / f"{name}.jsonl" for name in NAMES}
    for name in [name for name, path in sets.items() if not path.is_file()]:
        print(f"no such set, left out: {name}")
        del sets[name]
    figures = measured(sets, quick=options.quick, unseen=options.held_out)
    tell(figures)
    if options.json:
        print(json.dumps(figures))
    return 0 if all(figures["kept"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
