"""A year of 10^9 records, simulated from figures that the same run measures.

Measured on servers made for it, with real commits: time of a batch by its size, bytes a record of
every table when batches are large and when each holds one record, the archive in both formats
(writing, reading back, bytes), disposal and restore, verification from PostgreSQL. Simulated from
that: the head of the ledger as a queue with one server, hour by hour of a working day, with calls
that come at random; then partitions, tiles, depth of the indexes, bytes and hours of a year and of
six. What is computed says so. `--quick` fills partitions of 4,096 entries; `--json` ends with one
line: an object of the figures.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "bin")]

YEAR = 10**9
PARTITION = 2**20
RETENTION_YEARS = 6
# Entries of a measured partition.
ENTRIES, QUICK = 16_384, 4_096
BATCHES = {1: 200, 10: 60, 100: 20, 1000: 8}
MOST = 1000  # records that the writer takes into one batch
# Share of a working day's calls by hour, UTC; at the weekend a fifth as many come.
DAY = (1, 1, 1, 1, 1, 2, 3, 5, 8, 10, 10, 9, 8, 9, 10, 9, 7, 5, 3, 2, 2, 1, 1, 1)
WEEKEND = 0.2
TABLES = ("call", "batch", "event", "completion", "lease")


class Head(NamedTuple):
    """How the head does at a rate of calls a second: shares, records, milliseconds."""

    busy: float
    batch: float
    p50_ms: float
    p99_ms: float


def record(count: int, by: Any) -> float:
    """Record calls as one batch. Returns: seconds."""
    import msgspec
    from django.utils import timezone
    from ledger import uuid7

    from audits.bodies import CallBody
    from audits.services.recording import Opening, Recorded, record_many
    from audits.tests import make

    bodies = [msgspec.convert(make.call_body(call_id=uuid7()), CallBody) for _ in range(count)]
    openings = [Opening(body, by, timezone.now()) for body in bodies]
    begun = time.perf_counter()
    done = record_many(openings)
    taken = time.perf_counter() - begun
    if not all(isinstance(each, Recorded) for each in done):
        raise SystemExit("A call was not recorded.")
    return taken


def fill(until: int, batch: int, by: Any) -> None:
    """Grow the live ledger to so many entries by batches of this size."""
    from audits.services import checkpoints

    while (size := checkpoints.head(1)[0]) < until:
        record(min(batch, until - size), by)


def bytes_of(number: int, entries: int) -> dict[str, float]:
    """Bytes a record of a full partition's tables with their indexes."""
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(
                "SELECT pg_total_relation_size(%s::regclass)", [f"audits_{table}_1_{number}"]
            )
            found[table] = cursor.fetchone()[0] / entries
    return found


def index_entries() -> dict[str, float]:
    """Entries in a page of 8 KiB of each b-tree of the calls in a full partition."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, t.reltuples / nullif(c.relpages, 0) FROM pg_index i "
            "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid "
            "JOIN pg_am a ON a.oid = c.relam "
            "WHERE t.relname = 'audits_call_1_0' AND a.amname = 'btree' AND i.indpred IS NULL"
        )
        return {name: float(fill) for name, fill in cursor.fetchall() if fill}


def archive(number: int, form: str, entries: int, folder: Path) -> dict[str, float]:
    """Records a second into an archive of its own and back, and bytes a record; then undone."""
    from django.conf import settings
    from django.db import transaction
    from django.utils import timezone

    from audits.services import archiving, archiving_rows
    from audits.services.archiving_disk import ArchiveFiles

    settings.LEDGER_ARCHIVE_FORMAT = form
    storage = ArchiveFiles(location=str(folder / f"{form}-{number}"))
    archiving.archive_storage = lambda: storage
    with transaction.atomic():
        begun = time.perf_counter()
        event = archiving.archive_partition(1, number, at=timezone.now())
        taken = time.perf_counter() - begun
        transaction.set_rollback(True)
    begun = time.perf_counter()
    archiving.read_back(archiving_rows.stretch(1, number), event.folder)
    name = f"{form}_alone" if number else form
    return {
        f"archive_{name}_per_second": entries / taken,
        f"archive_{name}_bytes": event.size_bytes / entries,
        f"read_back_{name}_per_second": entries / (time.perf_counter() - begun),
    }


def away_and_back(entries: int) -> dict[str, float]:
    """Records a second of disposal, reading back included, and of restoring the same."""
    import datetime as dt

    from django.utils import timezone

    from audits.services import archiving, restoring, retention

    archiving.archive_partition(1, 0, at=timezone.now())
    later = retention.years_later(timezone.now(), 7) + dt.timedelta(days=1)
    begun = time.perf_counter()
    retention.dispose_partition(1, 0, at=later)
    disposed = time.perf_counter() - begun
    begun = time.perf_counter()
    restoring.restore_partition(1, 0, at=later)
    restored = time.perf_counter() - begun
    return {"dispose_per_second": entries / disposed, "restore_per_second": entries / restored}


def measured(entries: int) -> dict[str, float]:
    """All that is measured, on the database of the environment."""
    from django.db import connection, transaction
    from ledger import caller, from_database

    from audits.services import checkpoints
    from audits.tests.make_archive import shrink

    with transaction.atomic():
        shrink(1, entries)
    by = caller()
    record(100, by)  # the first ones pay for connections and caches
    fill(entries, MOST, by)
    together = from_database(entries)
    fill(2 * entries, 1, by)
    both = from_database(2 * entries)
    found = dict(together)
    for name, rate in together.items():
        # What of the time of both partitions the first did not take.
        found[f"{name.removesuffix('_per_second')}_alone_per_second"] = entries / max(
            2 * entries / both[name] - entries / rate, 1e-9
        )
    found |= {f"bytes_{table}": size for table, size in bytes_of(0, entries).items()}
    found |= {f"bytes_{table}_alone": size for table, size in bytes_of(1, entries).items()}
    for size, times in BATCHES.items():
        taken = sorted(record(size, by) for _ in range(times))
        found[f"batch_of_{size}_ms"] = statistics.median(taken) * 1000
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE audits_call_1_0")
        cursor.execute(
            "SELECT pg_total_relation_size('audits_tile') / greatest(1, %s / 256 * 256)::numeric",
            [checkpoints.head(1)[0]],
        )
        found["bytes_tile"] = float(cursor.fetchone()[0])
    found |= {f"page_{name}": fill for name, fill in index_entries().items()}
    with tempfile.TemporaryDirectory() as folder:
        for number in (0, 1):
            for form in ("parquet", "ndjson"):
                found |= archive(number, form, entries, Path(folder))
        return found | away_and_back(entries)


def line(figures: dict[str, float]) -> tuple[float, float]:
    """Milliseconds of a batch however small, and of each record more: least squares."""
    points = [(size, figures[f"batch_of_{size}_ms"]) for size in BATCHES]
    # By relative error: else the largest batch alone would decide.
    weights = [1 / ms**2 for _, ms in points]
    total = sum(weights)
    x = sum(w * size for w, (size, _) in zip(weights, points, strict=True)) / total
    y = sum(w * ms for w, (_, ms) in zip(weights, points, strict=True)) / total
    top = sum(w * (size - x) * (ms - y) for w, (size, ms) in zip(weights, points, strict=True))
    each = top / sum(w * (size - x) ** 2 for w, (size, _) in zip(weights, points, strict=True))
    return max(y - each * x, 0.0), each


def head(rate: float, fixed_ms: float, each_ms: float, *, calls: int = 40_000) -> Head:
    """Simulate calls that come at random at a rate a second, and one writer that takes what waits.

    A call waits until the head is free, then as long as the batch that takes it lasts.
    """
    chance = random.Random(11)  # noqa: S311 - when calls come, no secret
    waiting: deque[float] = deque()
    now = free = busy = 0.0
    latencies: list[float] = []
    batches = 0
    arrivals = []
    for _ in range(calls):
        now += chance.expovariate(rate) * 1000
        arrivals.append(now)
    at = 0
    while at < len(arrivals) or waiting:
        if not waiting:
            waiting.append(arrivals[at])
            at += 1
        start = max(free, waiting[0])
        while at < len(arrivals) and arrivals[at] <= start:
            waiting.append(arrivals[at])
            at += 1
        taken = [waiting.popleft() for _ in range(min(len(waiting), MOST))]
        # Commits do not all take the same time: a twentieth takes three times as long.
        last = (fixed_ms + each_ms * len(taken)) * (3 if chance.random() < 0.05 else 1)
        free = start + last
        busy += last
        batches += 1
        latencies += [free - arrived for arrived in taken]
    points = statistics.quantiles(latencies, n=100)
    return Head(busy / free, calls / batches, points[49], points[98])


def rates() -> list[tuple[str, str, float]]:
    """Calls a second at times of a year of 10^9: the mean, a working hour's, and beyond."""
    weekly = 5 * sum(DAY) + 2 * WEEKEND * sum(DAY)
    peak = YEAR / (365 / 7) * max(DAY) / weekly / 3600
    return [
        ("mean", "mean of the year", YEAR / 365 / 86_400),
        ("hour", "busiest hour", peak),
        ("burst_5", "5 times that", 5 * peak),
        ("burst_20", "20 times that", 20 * peak),
    ]


def depth(records: float, page: float) -> int:
    """Levels of a b-tree over so many records, root and leaves included; computed."""
    return 1 + max(0, math.ceil(math.log(max(records / page, 1), max(page, 2))))


def simulated(figures: dict[str, float]) -> dict[str, float]:
    """A year and six of them, from what was measured; prints what it finds."""
    fixed, each = line(figures)
    limit = MOST / (fixed + each * MOST) * 1000
    found = {"fixed_ms": fixed, "each_ms": each, "head_limit_per_second": limit}
    print(f"A batch takes {fixed:.2f} ms and {each * 1000:.0f} us for each record in it.")
    print(f"One head: at most {limit:,.0f} records a second, {MOST} in a batch.")
    batch = 1.0
    for key, name, rate in rates():
        if rate >= 0.95 * limit:
            print(f"{name:18}{rate:8,.0f}/s  beyond one head")
            continue
        seen = head(rate, fixed, each)
        found |= {f"busy_{key}": seen.busy, f"p99_ms_{key}": seen.p99_ms}
        batch = seen.batch if key == "hour" else batch
        print(
            f"{name:18}{rate:8,.0f}/s  head busy {seen.busy:6.1%}, {seen.batch:6.1f} a batch, "
            f"p50 {seen.p50_ms:6.1f} ms, p99 {seen.p99_ms:6.1f} ms"
        )
    large = sum(figures[f"bytes_{table}"] for table in TABLES)
    single = sum(figures[f"bytes_{table}_alone"] for table in TABLES)
    a_record = large + (single - large) / batch + figures["bytes_tile"]
    found |= {"mean_batch": batch, "bytes_a_record": a_record}
    print(f"\n{a_record:,.0f} bytes a record at {batch:.1f} records a batch, tiles included")
    for years in (1, RETENTION_YEARS):
        found |= year(years, batch, a_record, figures)
    for name, page in figures.items():
        if name.startswith("page_"):
            own, whole = depth(PARTITION, page), depth(YEAR * RETENTION_YEARS, page)
            shown = name.removeprefix("page_audits_call_1_0_")
            print(f"{shown:34}{page:5.0f} a page: {own} levels, {whole} in one table of six years")
    return found


def between(figures: dict[str, float], name: str, ending: str, batch: float) -> float:
    """A figure for batches of this size, from that of large ones and of single records.

    Bytes add up, and so do the seconds of a rate.
    """
    large, alone = figures[name + ending], figures[f"{name}_alone{ending}"]
    if ending == "_bytes":
        return large + (alone - large) / batch
    return 1 / (1 / large + max(1 / alone - 1 / large, 0) / batch)


def year(years: int, batch: float, a_record: float, figures: dict[str, float]) -> dict[str, float]:
    """What the records of so many years come to; prints it."""
    tib, hour, records = 1024**4, 3600, YEAR * years
    found = {
        "partitions": math.ceil(records / PARTITION),
        "tiles": sum(records // 256**level for level in range(1, 6)),
        "tib": records * a_record / tib,
        "tib_of_tiles": records * figures["bytes_tile"] / tib,
        "tib_parquet": records * between(figures, "archive_parquet", "_bytes", batch) / tib,
        "tib_ndjson": records * between(figures, "archive_ndjson", "_bytes", batch) / tib,
        "hours_verify": records / between(figures, "database", "_per_second", batch) / hour,
        "hours_verify_tree": records
        / between(figures, "database_tree", "_per_second", batch)
        / hour,
        "hours_archive": records / between(figures, "archive_parquet", "_per_second", batch) / hour,
        "hours_read_back": records
        / between(figures, "read_back_parquet", "_per_second", batch)
        / hour,
    }
    print(f"\n{years} year{'s' if years > 1 else ''}, {records:,} records")
    for name, value in found.items():
        print(f"  {name:24}{value:16,.2f}")
    return {f"{name}_{years}": value for name, value in found.items()}


def inside(entries: int) -> dict[str, float]:
    """What is measured, by a process that has the site's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    return measured(entries)


def measure(entries: int) -> dict[str, float]:
    """The same on servers that are made for it."""
    from throwaway import migrated_servers

    with migrated_servers() as (_, env):
        command = [sys.executable, __file__, "--inside", str(entries)]
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"partitions of {QUICK:,} entries")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--inside", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(inside(options.inside)))
        return 0
    figures = measure(QUICK if options.quick else ENTRIES)
    for name, value in figures.items():
        print(f"{name:36}{value:16,.2f}")
    print()
    found = figures | simulated(figures)
    if options.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
