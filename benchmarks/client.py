"""What guard() adds to a call: CPU and wall time over the bare SDK, on the same fake provider.

The openai package asks a provider on loopback that speaks its wire format, bare and guarded in
turns, plain and streamed: in strict mode (a record before each call, its completion after), and in
spool mode while the portal is away (a line of the journal on the disk before each call). Provider
and portal are processes of their own, and their CPU is not counted; that of the client's threads
is. `_rules` measures the same with the starter policy over a prompt of some 300 characters, whose
detection is measured by `detection.py`. CPU is the median over rounds of a round's mean, wall time
the difference of the medians of all calls. `post_ms` is one bare POST to the portal's double, and
`sync_ms` one fsync of the folder: what of it is the way and the disk. `--quick` measures 2 rounds
of 20 calls. `--json` ends with one line: an object of the figures. Exit code 1: a limit was broken.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

# Added CPU and added median wall time of a call, in milliseconds.
CPU_MS, WALL_MS = 2.0, 5.0
LIMITED = ("strict", "strict_stream", "spool", "spool_stream")
PROMPT = (
    "Summarise in two sentences for the chart: the patient was seen for a routine check of blood "
    "pressure, takes lisinopril 10 mg once a day, has no complaints and sleeps well. Weight is "
    "stable, the heart sounds are regular, the lungs are clear. Advise on diet and come back in "
    "six months. Mention that the laboratory values are pending."
)


_numbers = itertools.count(1)


def messages() -> list[dict[str, str]]:
    """A prompt that was not seen before: what the rules find in a text is remembered."""
    return [{"role": "user", "content": f"{PROMPT} This is number {next(_numbers)}."}]


@contextmanager
def started(*module: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that says a line when it serves, and ends with its standard input."""
    command = [sys.executable, "-m", *module]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=CHECKOUT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.stdin.close()


def told(process: subprocess.Popen[str], word: str) -> None:
    """Have the portal's double go away or come back."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(word + "\n")
    process.stdin.flush()
    process.stdout.readline()


def plain(client: Any) -> None:
    """One call, whole."""
    client.chat.completions.create(model="gpt-4.1", messages=messages(), max_tokens=100)


def streamed(client: Any) -> None:
    """One call, read as it streams."""
    stream = client.chat.completions.create(model="gpt-4.1", messages=messages(), stream=True)
    for _ in stream:
        pass


class Side:
    """One of the two that are compared."""

    def __init__(self, call: Callable[[], None], flush: Callable[[], object]) -> None:
        self._call, self._flush = call, flush
        self.cpu_ms: list[float] = []
        self.wall_ms: list[float] = []

    def round(self, count: int) -> None:
        """Make so many calls; what the client still does after the last of them counts too."""
        cpu = time.process_time()
        for _ in range(count):
            begun = time.perf_counter()
            self._call()
            self.wall_ms.append((time.perf_counter() - begun) * 1000)
        self._flush()
        self.cpu_ms.append((time.process_time() - cpu) * 1000 / count)

    @property
    def cpu(self) -> float:
        return statistics.median(self.cpu_ms)

    @property
    def wall(self) -> float:
        return statistics.median(self.wall_ms)


def compared(bare: Side, guarded: Side, rounds: int, count: int) -> dict[str, float]:
    """What the guarded side adds, measured in turns."""
    for side in (bare, guarded):
        side.round(5)  # connections, modules, bundle
        side.cpu_ms.clear()
        side.wall_ms.clear()
    for _ in range(rounds):
        bare.round(count)
        guarded.round(count)
    return {
        "cpu_ms": round(guarded.cpu - bare.cpu, 3),
        "wall_ms": round(guarded.wall - bare.wall, 3),
        "bare_cpu_ms": round(bare.cpu, 3),
        "bare_wall_ms": round(bare.wall, 3),
    }


def warm(call: Callable[[Any], None], client: Any) -> None:
    """Have lists and models loaded; on a busy machine the first calls are refused for the time."""
    import openai

    for _ in range(10):
        try:
            call(client)
        except openai.PermissionDeniedError:
            continue
        return
    raise SystemExit("Every call was refused.")


def measured(
    mode: str, folder: Path, provider: str, rounds: int, count: int, *words: str
) -> dict[str, float]:
    """The figures of one mode, each by its name; `words` go to the portal's double."""
    import openai

    from countersign import Portal, guard

    found: dict[str, float] = {}
    with started("countersign.tests.portal_double", mode, *words) as (process, said):
        settings = json.loads(said)
        portal = Portal(spool_dir=folder, **settings)
        flush: Callable[[], object] = lambda: portal.flush(30)  # noqa: E731 - one of two
        base = f"{provider}/v1"
        clients = [openai.OpenAI(base_url=base, api_key="sk-x", max_retries=0) for _ in range(2)]
        guard(portal, clients[1])
        warm(plain, clients[1])
        if mode == "spool":
            flush()
            told(process, "away")
            flush = bool  # there is nobody to deliver to
        named = mode if words else f"{mode}_rules"
        for name, call in ((named, plain), (f"{named}_stream", streamed)):
            bare = Side(lambda call=call: call(clients[0]), bool)  # type: ignore[misc]
            guarded = Side(lambda call=call: call(clients[1]), flush)  # type: ignore[misc]
            for figure, value in compared(bare, guarded, rounds, count).items():
                found[f"{name}_{figure}"] = value
        if mode == "strict" and words:
            found["post_ms"] = posting(settings, folder, count)
        told(process, "back")
        portal.close()
    return found


def posting(settings: dict[str, Any], folder: Path, count: int) -> float:
    """The median of one bare POST, in milliseconds."""
    from countersign.client.http import PortalHttp
    from countersign.client.settings import Settings

    http = PortalHttp(Settings.read(spool_dir=folder, **settings))
    found = []
    for _ in range(count):
        begun = time.perf_counter()
        http.post("/calls", b"{}")
        found.append((time.perf_counter() - begun) * 1000)
    http.close()
    return round(statistics.median(found), 3)


def syncing(folder: Path, count: int) -> float:
    """The median of one line written and put on the disk, in milliseconds."""
    file = os.open(folder / "line", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    found = []
    for _ in range(count):
        begun = time.perf_counter()
        os.write(file, b"x" * 600)
        os.fsync(file)
        found.append((time.perf_counter() - begun) * 1000)
    os.close(file)
    return round(statistics.median(found), 3)


def within(found: dict[str, float]) -> dict[str, bool]:
    """Each limit, and whether it is kept."""
    kept = {}
    for name in LIMITED:
        kept[f"{name}_cpu_ms"] = found[f"{name}_cpu_ms"] <= CPU_MS
        kept[f"{name}_wall_ms"] = found[f"{name}_wall_ms"] <= WALL_MS
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="2 rounds of 20 calls")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    options = parser.parse_args()
    rounds, count = (2, 20) if options.quick else (10, 50)
    found: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        started("countersign.tests.provider") as (_, provider),
    ):
        for mode in ("strict", "spool"):
            at = Path(folder) / mode
            found |= measured(mode, at, provider, rounds, count, "without-rules")
            found |= measured(mode, at / "rules", provider, rounds, count)
        found["sync_ms"] = syncing(Path(folder), count)
    kept = within(found)
    for name, value in found.items():
        said = "" if name not in kept else "  kept" if kept[name] else "  NOT KEPT"
        print(f"{name:28}{value:10.3f}{said}")
    if options.json:
        print(json.dumps(found))
    return 0 if all(kept.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
