"""What the ledger costs and proves as it grows: bytes and time a record, proofs, verification.

Calls are recorded by the portal's own writer in batches of 1,000, into a database of its own with
real commits, up to each size of `--sizes`. At each: seconds a record of the last 20,000, bytes a
record on disk (all tables, indexes and tiles), proofs of random entries, verification of a window
from PostgreSQL. At the end the ledger is exported and verified offline, by the command, in a
process of its own: entries a second of CPU time of one core; beside it, as its limit in the same
run, SHA-256 over the same lines alone. `--quick` takes 20,000 and 60,000; 10,000,000 takes an
hour. `--json` ends with one line: an object of the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "bin")]

SIZES = "100000,1000000"
QUICK = "20000,60000"
BATCH = 1000
LAST = 20_000
PROOFS = 200
TABLES = ("audits_call", "audits_batch", "audits_tile", "audits_verdict")
LIMITS: dict[str, Callable[[float], bool]] = {
    "bytes_a_record": lambda figure: figure <= 900,
    "inclusion_p99_ms": lambda figure: figure < 5,
    "offline_per_second": lambda figure: figure >= 250_000,
}


def caller() -> Any:
    """A key of an integration that may do what the calls do."""
    import datetime as dt

    from audits.tests import make
    from policies.services.keyring import Caller
    from vendors.tests import make as make_vendors

    make_vendors.TODAY = dt.datetime.now(dt.UTC).date()
    key, _ = make.key(make.active_integration())
    return Caller.of(key)


def grow(until: int, by: Any) -> list[float]:
    """Record calls until the ledger has so many entries. Returns: seconds of each batch."""
    import msgspec
    from django.utils import timezone

    from audits.bodies import CallBody
    from audits.services import checkpoints
    from audits.services.recording import Opening, Recorded, record_many
    from audits.tests import make

    taken = []
    size = checkpoints.head(1)[0]
    while size < until:
        count = min(BATCH, until - size)
        bodies = [msgspec.convert(make.call_body(call_id=uuid7()), CallBody) for _ in range(count)]
        begun = time.perf_counter()
        at = timezone.now()
        done = record_many([Opening(body, by, at) for body in bodies])
        taken.append((time.perf_counter() - begun) / count)
        if not all(isinstance(each, Recorded) for each in done):
            raise SystemExit("A call was not recorded.")
        size += count
    return taken


def uuid7() -> str:
    """A UUID of version 7 of now (RFC 9562)."""
    at = time.time_ns() // 1_000_000
    rest = random.getrandbits(74)
    digits = f"{at:012x}7{rest >> 62 & 0xFFF:03x}{0x8000 | rest & 0x3FFF:04x}{rest >> 14:012x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def bytes_a_record(size: int) -> dict[str, float]:
    """Bytes on disk for each record, table by table, partitions and indexes included."""
    from django.db import connection

    sql = """SELECT coalesce(sum(pg_total_relation_size(relid)), 0)
               FROM pg_partition_tree(%s::regclass)"""
    plain = "SELECT pg_total_relation_size(%s::regclass)"
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(sql, [table])
            (total,) = cursor.fetchone()
            if not total:
                cursor.execute(plain, [table])
                (total,) = cursor.fetchone()
            found[f"bytes_{table.removeprefix('audits_')}"] = float(total) / size
    found["bytes_a_record"] = sum(found.values())
    return found


def proofs_of(size: int) -> dict[str, float]:
    """Milliseconds of a proof of a random entry and between random sizes, each verified."""
    from audits.services import checkpoints, proofs, tiles
    from countersign import merkle

    chance = random.Random(7)  # noqa: S311 - which entries, no secret
    newest = checkpoints.latest(1)
    assert newest is not None
    inclusion, consistency = [], []
    for _ in range(PROOFS):
        index = chance.randrange(size)
        begun = time.perf_counter()
        found = proofs.inclusion(1, index, newest.size)
        inclusion.append((time.perf_counter() - begun) * 1000)
        leaf = merkle.leaf_hash(tiles.entry(1, index))
        merkle.verify_inclusion(leaf, index, newest.size, found.proof, newest.root)
        old = chance.randrange(1, newest.size)
        begun = time.perf_counter()
        grown = proofs.consistency(1, old, newest.size)
        consistency.append((time.perf_counter() - begun) * 1000)
        old_root = proofs.root_at(1, old)
        merkle.verify_consistency(old, newest.size, grown.proof, old_root, newest.root)
    return {
        "inclusion_p50_ms": statistics.median(inclusion),
        "inclusion_p99_ms": statistics.quantiles(inclusion, n=100)[98],
        "consistency_p50_ms": statistics.median(consistency),
    }


def from_database(size: int) -> dict[str, float]:
    """Entries a second that a verification reads and hashes, and also compares with columns."""
    from audits.services import verifying

    found = {}
    for name, columns in (("database_tree_per_second", False), ("database_per_second", True)):
        begun = time.perf_counter()
        if not verifying.verify(1, columns=columns).ok:
            raise SystemExit("The ledger does not verify.")
        found[name] = size / (time.perf_counter() - begun)
    return found


def offline(size: int, folder: Path) -> dict[str, float]:
    """Entries a second of one core that the library's command verifies, and its limit."""
    from audits.models import Ledger
    from audits.services import checkpoints, ledger_exports

    begun = time.perf_counter()
    ledger_exports.export(Ledger.objects.get(pk=1), folder)
    found = {"export_per_second": size / (time.perf_counter() - begun)}
    lines = [
        line
        for path in sorted((folder / "entries").iterdir())
        for line in path.read_bytes().splitlines()
    ]
    begun = time.process_time()
    for line in lines:
        sha256(line).digest()
    found["sha256_alone_per_second"] = len(lines) / (time.process_time() - begun)
    command = [sys.executable, "-m", "countersign", "verify", str(folder), "--json"]
    command += ["--key", checkpoints.vkeys(1)[0]]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    (told,) = json.loads(done.stdout)["ledgers"]
    if told["verified"] != size:
        raise SystemExit("The export does not hold every entry.")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found["offline_per_second"] = size / cpu
    found["entry_bytes"] = sum(map(len, lines)) / len(lines)
    return found


def run(sizes: list[int], folder: Path) -> dict[str, float]:
    """All figures of the ledger of the environment's database."""
    by = caller()
    found: dict[str, float] = {}
    for size in sizes:
        taken = grow(size, by)
        figures = {"us_a_record": statistics.mean(taken[-LAST // BATCH :]) * 1e6}
        figures |= bytes_a_record(size) | proofs_of(size) | from_database(size)
        print(f"{size:,}: {json.dumps({name: round(value, 2) for name, value in figures.items()})}")
        found |= {f"{name}_at_{size}": value for name, value in figures.items()} | figures
    found["growth"] = found["us_a_record"] / found[f"us_a_record_at_{sizes[0]}"]
    return found | offline(sizes[-1], folder)


def measure(sizes: str) -> dict[str, float]:
    """The same in a process and on servers that are made for it."""
    from throwaway import migrated_servers

    with migrated_servers() as (servers, env):
        command = [sys.executable, __file__, "--inside", str(servers.folder / "export")]
        done = subprocess.run(
            [*command, "--sizes", sizes], env=env, stdout=subprocess.PIPE, text=True, check=True
        )
    *lines, last = done.stdout.splitlines()
    print("\n".join(lines))
    found: dict[str, float] = json.loads(last)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"the sizes {QUICK}")
    parser.add_argument("--sizes", default=SIZES, help="entries, with commas between them")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    sizes = QUICK if options.quick else options.sizes
    if options.inside:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        import django

        django.setup()
        print(json.dumps(run([int(size) for size in sizes.split(",")], options.inside)))
        return 0
    found = measure(sizes)
    held = {name: holds(found[name]) for name, holds in LIMITS.items()}
    for name, figure in found.items():
        verdict = "" if name not in held else ("  holds" if held[name] else "  LIMIT MISSED")
        print(f"{name:36}{figure:14,.2f}{verdict}")
    if options.json:
        print(json.dumps(found))
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
