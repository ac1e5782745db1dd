"""Seconds from `bin/portal` to a page: on an empty data folder, and again on the same.

The packages of the system and `.venv` are there already, as after `bin/test`. A start ends when the
portal says that it runs and the sign-in page answers with 200. `--quick` starts without
demonstration data and once; without it the second start is measured five times, and the median
counts. `--json` ends with one line: an object with `first_s`, `second_s` and `stop_s`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "bin"))

from site_processes import answers  # noqa: E402 - found by the line above
from throwaway import throwaway_folder  # noqa: E402

OTHERS: tuple[str, ...] = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECRET_KEY_FILE")
OTHERS += ("LEDGER_SIGNING_KEY", "BUNDLE_SIGNING_KEY", "MFA_ENCRYPTION_KEY")


def start_and_stop(data: Path, *words: str) -> tuple[float, float]:
    """(seconds until the page, seconds from Ctrl-C to the end)."""
    env = {name: value for name, value in os.environ.items() if name not in OTHERS}
    command: list[str | Path] = [
        CHECKOUT / "bin" / "portal",
        "--no-install",
        "--data",
        data,
        *words,
    ]
    began = time.monotonic()
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as portal:
        assert portal.stdout is not None
        port = 0
        for line in portal.stdout:
            if "running at http://localhost:" in line:
                port = int(line.rpartition(":")[2].strip().rstrip("/"))
                break
        if not answers(port, "/accounts/login/"):
            sys.exit("bin/portal did not come up; its words are above.")
        up = time.monotonic() - began
        began = time.monotonic()
        portal.send_signal(signal.SIGINT)
        portal.communicate()
    return up, time.monotonic() - began


def measure(*, quick: bool) -> dict[str, float]:
    words = ["--empty"] if quick else []
    with throwaway_folder() as folder:
        first, _ = start_and_stop(folder / "data", *words)
        again = [start_and_stop(folder / "data", *words) for _ in range(1 if quick else 5)]
    return {
        "first_s": round(first, 2),
        "second_s": round(statistics.median(up for up, _ in again), 2),
        "stop_s": round(statistics.median(down for _, down in again), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="no demonstration data, one repeat")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    options = parser.parse_args()
    found = measure(quick=options.quick)
    print(f"first start   {found['first_s']:6.2f} s")
    print(f"second start  {found['second_s']:6.2f} s")
    print(f"stop          {found['stop_s']:6.2f} s")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
