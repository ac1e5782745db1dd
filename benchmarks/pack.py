"""Seconds and peak memory of an evidence pack of 100,000 calls, built by a real worker.

A database of its own gets a register of 20 integrations and 100,000 calls of 90 days with their
completions, appended to the ledger in batches of 500 entries; a pack of all datasets is asked for
and handed to the worker. Memory is sampled every 50 ms: `peak_mb` is the process of the worker that
builds, with the one that renders the report for it (RSS); `worker_mb` the whole worker, idle
processes too, with shared pages counted once (PSS). Then the zip is unpacked and `sha256sum -c` run
over it, and `countersign verify` holds every record in it against the ledger's checkpoint.
`--quick` takes 10,000 calls. `--json` ends with one line: an object with `calls`, `seconds`,
`peak_mb`, `worker_mb`, `zip_mb`, `pages`, `verify_s`, `prove_s`, `verified`, `expected`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
import subprocess
import sys
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "bin")]

from throwaway import Portal, running_portal, throwaway_servers  # noqa: E402 - found above

if TYPE_CHECKING:
    from evidence.models import EvidencePack

DAYS = 90
INTEGRATIONS = 20
MODELS = ("gpt-5", "gpt-5-mini", "claude-sonnet-5", "gemini-3-pro")
DIGEST_BYTES = 32
MOST_SECONDS = 900
# Entries that are appended at once.
A_BATCH = 500


class Memory:
    """Samples a process and all that it starts, while `running` is entered."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.peak_kb = 0
        self.worker_kb = 0
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        sampler = threading.Thread(target=self._sample)
        sampler.start()
        try:
            yield
        finally:
            self._over.set()
            sampler.join()

    def _sample(self) -> None:
        while not self._over.wait(0.05):
            sizes = {pid: _memory(pid) for pid in family(self.pid)}
            self.worker_kb = max(self.worker_kb, sum(pss for _, pss in sizes.values()))
            for process in children_of(self.pid):
                task = sum(sizes.get(pid, (0, 0))[0] for pid in family(process))
                self.peak_kb = max(self.peak_kb, task)


def family(pid: int) -> list[int]:
    """The process and its descendants, as far as they still live."""
    found = [pid]
    for each in found:
        found += children_of(each)
    return found


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # it ended in the meantime
            found += [int(child) for child in children.read_text().split()]
    return found


def _memory(pid: int) -> tuple[int, int]:
    """RSS and PSS of a process in kB; zeros when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return 0, 0
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return sizes.get("Rss", 0), sizes.get("Pss", 0)


def register() -> list[Any]:
    """Integrations in use with their keys, vendors and papers."""
    from policies.tests import make
    from vendors.tests import make as make_vendors

    made = []
    for number in range(INTEGRATIONS):
        service = None
        if number % 3 == 0:
            service = make_vendors.service(make_vendors.vendor(f"Vendor of {number}"))
            make_vendors.baa(service.vendor)
            make_vendors.report(service.vendor, by=make.person())
        use = make.active_integration(service=service, name=f"Integration {number} of many")
        made.append((use, make.key(use)[0]))
    return made


def copy_calls(uses: list[Any], number: int, end: dt.datetime) -> None:
    """Append `number` calls of the days before `end`, nearly all with a completion."""
    from audits.models import Verdict
    from audits.tests.make_records import RESTED, append
    from vendors.models import Epoch

    chance = random.Random(7)  # noqa: S311 - figures to draw, no secret
    rested = [{**RESTED, "baa_reference": "BAA-2026-014"}, RESTED]
    verdicts = [Verdict.objects.create(sha256=bytes([n]) * 32, **r) for n, r in enumerate(rested)]
    step = dt.timedelta(days=DAYS) / (number + 1)
    epoch = Epoch.objects.get().value
    jobs: list[Any] = []
    for index in range(number):
        use, key = uses[chance.randrange(len(uses))]
        at = end - step * (number - index)
        denied = chance.random() < 0.06
        members = {"integration_id": use.pk, "key_id": key.pk, "epoch": epoch, **rested[denied]}
        call = _call(chance, members, at, verdicts[denied])
        jobs.append(call)
        if not denied and chance.random() < 0.98:
            jobs.append(_completion(chance, call, at + dt.timedelta(seconds=2)))
        if len(jobs) >= A_BATCH:
            append(jobs)
            jobs = []
    append(jobs)


def _call(chance: random.Random, known: dict[str, Any], at: dt.datetime, verdict: Any) -> Any:
    from audits.ledger import moments
    from audits.tests.make_records import Row

    denied = not known["baa_reference"]
    until = moments.milliseconds(at + dt.timedelta(minutes=10))
    members = {
        **known,
        "v": 1,
        "type": "denial" if denied else "call",
        "call_id": uuid.UUID(int=chance.getrandbits(128)),
        "body_sha256": chance.randbytes(DIGEST_BYTES).hex(),
        "lease_until": moments.text(until),
        "attempt": 1,
        "livemode": True,
        "source": "calls",
        "provider": "openai",
        "operation": "chat",
        "endpoint_host": "api.openai.com",
        "region": "us-east-1",
        "model": chance.choice(MODELS),
        "data_classes": ["phi"],
        "phi_present": chance.random() < 0.7,
        "actor_type": "user",
        "actor_id": f"user:{chance.randrange(500)}",
        "session_id": f"s-{chance.getrandbits(40):x}",
        "purpose": "treatment",
        "input_digest": f"sha256:{chance.randbytes(DIGEST_BYTES).hex()}",
        "input_bytes": chance.randrange(200, 20_000),
        "client": "countersign-python/0.1.0",
        "decision": "deny" if denied else "allow",
        "reasons": ["baa-expired", "fact-stale"] if denied else [],
    }
    return Row(at, members, verdict)


def _completion(chance: random.Random, call: Any, at: dt.datetime) -> Any:
    from audits.tests.make_records import Row

    members = {
        "v": 1,
        "type": "completion",
        "event_id": uuid.UUID(int=chance.getrandbits(128)),
        "call_id": call.members["call_id"],
        "body_sha256": chance.randbytes(DIGEST_BYTES).hex(),
        "key_id": call.members["key_id"],
        "livemode": True,
        "outcome": "succeeded",
        "http_status": 200,
        "input_tokens": chance.randrange(50, 4000),
        "output_tokens": chance.randrange(20, 1200),
        "usage_source": "provider",
        "latency_ms": chance.randrange(300, 9000),
        "output_digest": f"sha256:{chance.randbytes(DIGEST_BYTES).hex()}",
    }
    return Row(at, members)


def measure(portal: Portal, number: int) -> dict[str, float]:
    """Fill the portal, have its worker build a pack, and check the pack."""
    os.environ.update(portal.env)
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    import django

    django.setup()
    from django.utils import timezone

    from evidence.services import packs
    from evidence.tasks import build_pack
    from policies.tests.make import person

    end = timezone.now()
    copy_calls(register(), number, end)
    today = timezone.localdate(end)
    pack = packs.ask_pack(
        title="Benchmark",
        period=(today - dt.timedelta(days=DAYS), today),
        by=person("auditor"),
        at=end,
        today=today,
    )
    memory = Memory(portal.worker.process.pid)
    began = time.monotonic()
    with memory.running():
        build_pack.delay(pack.pk)
        wait(pack)
    seconds = time.monotonic() - began
    pages, verify_s = check(pack)
    return {
        "calls": number,
        "seconds": round(seconds, 1),
        "peak_mb": round(memory.peak_kb / 1024),
        "worker_mb": round(memory.worker_kb / 1024),
        "zip_mb": round((pack.size_bytes or 0) / 1e6, 1),
        "pages": pages,
        "verify_s": round(verify_s, 1),
        **prove(pack),
    }


def wait(pack: EvidencePack) -> None:
    """Until the pack is ready; ends the benchmark if it fails or takes too long."""
    ends = time.monotonic() + MOST_SECONDS
    while pack.state in {"queued", "building"} and time.monotonic() < ends:
        time.sleep(0.1)
        pack.refresh_from_db()
    if pack.state != "ready":
        sys.exit(f"The pack is {pack.state} at the step {pack.step!r}: {pack.failure}")


def check(pack: EvidencePack) -> tuple[int, float]:
    """Pages of the report, and seconds to unpack the zip and run `sha256sum -c` over it."""
    import pikepdf

    began = time.monotonic()
    target = Path(pack.file.path).parent / "unpacked"
    with zipfile.ZipFile(pack.file.path) as archive:
        archive.extractall(target)
    (folder,) = target.iterdir()
    command = ["/usr/bin/env", "sha256sum", "-c", "--quiet", "--strict", "manifest-sha256.txt"]
    subprocess.run(command, cwd=folder, check=True)
    seconds = time.monotonic() - began
    with pikepdf.open(folder / "data" / "report.pdf") as report:
        return len(report.pages), seconds


def prove(pack: EvidencePack) -> dict[str, float]:
    """Seconds that the offline verifier takes, in a process of its own; records it verified."""
    began = time.monotonic()
    command = [sys.executable, "-m", "countersign", "verify", pack.file.path, "--json"]
    done = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (ledger,) = json.loads(done.stdout)["ledgers"]
    return {
        "prove_s": round(time.monotonic() - began, 1),
        "verified": ledger["verified"],
        "expected": ledger["expected"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="10,000 calls")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    options = parser.parse_args()
    number = 10_000 if options.quick else 100_000
    with (
        throwaway_servers(is_durable=True) as servers,
        running_portal(servers.database_url, servers.redis_url, servers.folder / "data") as portal,
    ):
        found = measure(portal, number)
    print(f"{found['calls']:,} calls: {found['seconds']} s, {found['pages']} pages of report")
    print(f"memory: {found['peak_mb']} MB the task, {found['worker_mb']} MB the whole worker")
    print(f"zip: {found['zip_mb']} MB, unpacked and checked in {found['verify_s']} s")
    proven = f"{found['verified']:,} of {found['expected']:,}"
    print(f"python -m countersign verify: {proven} records in {found['prove_s']} s")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
