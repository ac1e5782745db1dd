"""What a record costs in CPU, by who uses it, for `ingest.py`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psycopg
from posting import load

from throwaway import Portal, Servers

# Run inside the portal: what the parts of a record cost that can be timed alone.
TIMED = """
import datetime as dt, json, timeit
from audits.services import facts
from countersign.checkpoints import Checkpoint
from countersign.notes import Signer
from policies.gate import CallTerms
from policies.models import IntegrationKey
from policies.services.keyring import Caller
row = IntegrationKey.objects.get()
caller, at = Caller(row.secret_sha256, "127.0.0.1"), dt.datetime.now(dt.UTC)
def gate():
    state = facts.SHARED.state()
    key = state.key(caller, scope="calls:write", at=at)
    terms = CallTerms(model="gpt-4.1", region="us-east-1", phi_present=True,
                      data_classes=("phi",), features=(), actor="user:u-1042", endpoint="")
    state.decide(key.integration_id, terms, at)
signer = Signer("portal.example/live", bytes(32))
text = Checkpoint("portal.example/live", 10**6, bytes(32)).text()
gate()
print(json.dumps({"gate": timeit.timeit(gate, number=20000) / 20000 * 1e6,
                  "signature": timeit.timeit(lambda: signer.sign(text), number=5000) / 5000 * 1e6}))
"""


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return found
    for child in listed:
        found += family(int(child))
    return found


def cpu(pid: int) -> float:
    """Seconds of CPU that a process and its children used, those that ended included."""
    ticks = 0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:13]))
        # Only the eldest counts those that ended: they may have started some themselves.
        ticks += sum(map(int, fields[13:15])) if one == pid else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def postmaster(servers: Servers) -> int:
    """The process that started all others of the cluster."""
    return int((servers.folder / "postgresql" / "postmaster.pid").read_text().split()[0])


def batches(database_url: str) -> tuple[int, int]:
    """(batches, records) so far."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*), max(size) FROM audits_batch").fetchone()
    assert row is not None
    return row[0], row[1] or 0


def cpu_by_part(
    servers: Servers, portal: Portal, port: int, request: bytes, seconds: float
) -> dict[str, float]:
    """CPU of a record in microseconds, by who uses it, with 32 connections."""
    ingest = portal.ingest.process.pid
    database = postmaster(servers)
    before = cpu(ingest), cpu(database), *batches(servers.database_url)
    done = load(port, request, 32, seconds)
    after = cpu(ingest), cpu(database), *batches(servers.database_url)
    count = after[3] - before[3]
    idle = cpu(ingest)
    empty = load(port, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 32, 2)
    a_batch = count / max(1, after[2] - before[2])
    timed = json.loads(portal.run_manage("shell", "-v", "0", "-c", TIMED))
    return {
        "records_a_batch": round(a_batch, 1),
        "cpu_us_ingest": round((after[0] - before[0]) / count * 1e6, 1),
        "cpu_us_postgresql": round((after[1] - before[1]) / count * 1e6, 1),
        "cpu_us_load": round(done.cpu / count * 1e6, 1),
        "cpu_us_server": round((cpu(ingest) - idle) / len(empty.times) * 1e6, 1),
        "cpu_us_gate": round(timed["gate"], 1),
        "cpu_us_signature": round(timed["signature"] / a_batch, 1),
    }
