"""The import of vendors from a CSV file: seconds of each step, and MB of its process.

The plan is made and the file stored by the services that page and worker call, in a process of its
own, on a database of its own with real commits. `--quick` takes 500 vendors instead of 5,000.
`--json` ends with one line: an object with `lines`, `read_s`, `plan_s` (what the page of the dry
run waits for), `apply_s` and `apply_cpu_s` (what the worker takes; CPU of Python alone), `same_s`
(the plan of the same file again), `mb` (most memory of the process) and `mb_before`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "bin")]

LINES = 5_000
QUICK = 500
HEAD = "Vendor,Legal entity,Website,Criticality,Owner,Days between reviews,Description"
OWNER = "officer@example.com"


def table(lines: int) -> bytes:
    """A CSV file of so many vendors."""
    rows = (
        f'Vendor {n},"Vendor {n}, Inc.",https://v{n}.example,High,{OWNER},365,Number {n}'
        for n in range(lines)
    )
    return "\n".join([HEAD, *rows]).encode()


def megabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(lines: int) -> dict[str, float]:
    """Import so many vendors into the database of the environment."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from vendors.services.importing import imports

    by = get_user_model().objects.create_user(OWNER)
    at, on = timezone.now(), timezone.localdate()
    found: dict[str, float] = {"lines": lines, "mb_before": round(megabytes(), 1)}
    imported = imports.begin("vendors", "vendors.csv", table(lines), by=by, at=at)

    begun = time.perf_counter()
    read = imports.table_of(imported)
    found["read_s"] = round(time.perf_counter() - begun, 2)

    begun = time.perf_counter()
    plan = imports.plan_of(imported, read, on=on)
    found["plan_s"] = round(time.perf_counter() - begun, 2)

    imports.confirm(imported, plan.digest, by=by, at=at, on=on)
    begun, cpu = time.perf_counter(), time.process_time()
    done = imports.apply(imported.pk, at=at, on=on)
    found["apply_s"] = round(time.perf_counter() - begun, 2)
    found["apply_cpu_s"] = round(time.process_time() - cpu, 2)
    if done.state != "applied":
        raise SystemExit(f"The import was not applied: {done.refusal}")

    begun = time.perf_counter()
    again = imports.plan_of(imported, read, on=on)
    found["same_s"] = round(time.perf_counter() - begun, 2)
    if again.counts()["same"] != lines:
        raise SystemExit("The same file again is not the same.")
    found["mb"] = round(megabytes(), 1)
    return found


def measure(lines: int) -> dict[str, float]:
    """The same in a process and on servers that are made for it."""
    from throwaway import migrated_servers

    with migrated_servers() as (_, env):
        done = subprocess.run(
            [sys.executable, __file__, "--inside", str(lines)],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="500 vendors instead of 5,000")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--inside", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        import django

        django.setup()
        print(json.dumps(run(options.inside)))
        return
    found = measure(QUICK if options.quick else LINES)
    for name, figure in found.items():
        print(f"{name:12} {figure}")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
