"""Records a second over POST /calls, beside the same row inserted by pgbench in the same run.

Kept connections (32, then 64) post calls to the ingest server as bin/portal starts it; each answer
is a verdict, a durable record, its place in the tree and a signed checkpoint. In turns with it as
many pgbench clients insert the same typed row into a table like that of calls, bare: no ledger, no
gate. `ratio_32` and `ratio_64` are our rate over theirs. Then: 50 calls a second; POST /events with
1,000 lines beside COPY of as many rows; the same calls through gunicorn; and what is commonly
written first (a ModelViewSet with token and auditlog; a view that stores one row). The load comes
from a process of its own on the same machine. `--quick` measures one short round; `--json` ends
with one line: an object of the figures.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "bin"))

from bare_rows import BARE, SAME, SameRow, copies, pgbench, same_row  # noqa: E402 - needs what is found so
from cpu_by_part import cpu_by_part  # noqa: E402
from posting import CALL, LINES, PREPARE, load, post  # noqa: E402

from install import PYTHON  # noqa: E402 - found by the line above
from processes import Program, Word  # noqa: E402
from site_processes import answers  # noqa: E402
from throwaway import Portal, Servers, running_portal, throwaway_servers  # noqa: E402

# What the design asks for: our rate over that of the other side, milliseconds, times.
LIMITS = {
    "ratio_32": 0.5,
    "ratio_64": 0.8,
    "ratio_events": 0.5,
    "ratio_events_same": 0.5,
    "p99_ratio_32": 4.0,
    "p99_ratio_64": 4.0,
    "paced_p50_ms": 6.0,
}
AT_MOST = ("p99_ratio_32", "p99_ratio_64", "paced_p50_ms")
NAIVE = """
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
user = get_user_model().objects.create_user("bench@example.com", "not a password that is used")
print(Token.objects.create(user=user).key)
"""
# More requests of LINES lines than any machine answers in a second.
BODIES_A_SECOND = 60
SINGLE_KEY = "for-the-view-that-stores-one-row"


@dataclass
class Measured:
    """What is measured on one portal, part by part."""

    servers: Servers
    portal: Portal
    secret: str
    seconds: float
    rounds: int

    @property
    def port(self) -> int:
        return urlsplit(self.portal.ingest_url).port or 0

    def calls(self) -> bytes:
        return post("/api/v1/calls", self.secret, json.dumps(CALL).encode())

    def compared(self, row: SameRow) -> dict[str, float]:
        """Ours and pgbench's in turns, with 32 and with 64 clients."""
        found: dict[str, float] = {}
        for clients in (32, 64):
            ours, theirs = [], []
            for _ in range(self.rounds):
                ours.append(load(self.port, self.calls(), clients, self.seconds).figures())
                url = self.servers.database_url
                theirs.append(pgbench(url, row.insert, clients, self.seconds).figures())
            mine, base = medians(ours), medians(theirs)
            ratios = [a["rate"] / b["rate"] for a, b in zip(ours, theirs, strict=True)]
            found |= {
                f"records_per_second_{clients}": round(mine["rate"], 1),
                f"p50_ms_{clients}": round(mine["p50"], 2),
                f"p99_ms_{clients}": round(mine["p99"], 2),
                f"pgbench_per_second_{clients}": round(base["rate"], 1),
                f"pgbench_p50_ms_{clients}": round(base["p50"], 2),
                f"pgbench_p99_ms_{clients}": round(base["p99"], 2),
                f"ratio_{clients}": round(statistics.median(ratios), 3),
                f"p99_ratio_{clients}": round(mine["p99"] / base["p99"], 2),
            }
        return found

    def paced(self) -> dict[str, float]:
        """50 calls a second."""
        found = load(self.port, self.calls(), 8, self.seconds, pace=50).figures()
        return {"paced_p50_ms": round(found["p50"], 2), "paced_p99_ms": round(found["p99"], 2)}

    def events(self, row: SameRow) -> dict[str, float]:
        """POST /events with LINES calls each, and COPY of such rows, LINES a transaction.

        `ratio_events` is against one connection of COPY into a bare table, `ratio_events_4` four
        against four, `ratio_events_same` against one into the table of calls itself.
        """
        line = json.dumps({"type": "call", "body": CALL}).encode() + b"\n"
        kind = "application/x-ndjson"
        request = post("/api/v1/events", self.secret, line * LINES, kind=kind)
        found: dict[str, float] = {}
        for name, connections, table in (("", 1, BARE), ("_4", 4, BARE), ("_same", 1, SAME)):
            ours, theirs = [], []
            for _ in range(self.rounds):
                made = int(self.seconds * BODIES_A_SECOND)
                done = load(self.port, request, 4, self.seconds, beforehand=made)
                ours.append(len(done.times) * LINES / done.seconds)
                url = self.servers.database_url
                theirs.append(copies(url, row, connections, self.seconds, table))
            ratios = [mine / base for mine, base in zip(ours, theirs, strict=True)]
            found |= {
                f"events_per_second{name}": round(statistics.median(ours), 1),
                f"copy_per_second{name}": round(statistics.median(theirs), 1),
                f"ratio_events{name}": round(statistics.median(ratios), 3),
            }
        return found

    def by_gunicorn(self) -> dict[str, float]:
        """The same calls at the pages' server."""
        port = urlsplit(self.portal.url).port or 0
        found = load(port, self.calls(), 32, self.seconds).figures()
        return {
            "gunicorn_per_second_32": round(found["rate"], 1),
            "gunicorn_p50_ms_32": round(found["p50"], 2),
            "gunicorn_p99_ms_32": round(found["p99"], 2),
        }


def naive(portal: Portal, seconds: float) -> dict[str, float]:
    """What is commonly written first, on the same gunicorn: with a history, and one row alone."""
    env = {
        **portal.env,
        "DJANGO_SETTINGS_MODULE": "naive.settings",
        "PYTHONPATH": str(CHECKOUT / "benchmarks"),
        "SINGLE_KEY": SINGLE_KEY,
    }
    portal.run_manage("migrate", "--run-syncdb", "-v", "0", env=env)
    token = portal.run_manage("shell", "-v", "0", "-c", NAIVE, env=env).split()[-1]
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port = listener.getsockname()[1]
        words = ["--workers", "2", "--worker-class", "gthread", "--threads", "8"]
        command: list[Word] = [PYTHON, "-m", "gunicorn", "naive.web:application", *words]
        command += ["--bind", f"fd://{listener.fileno()}", "--no-control-socket"]
        program = Program(command, env, CHECKOUT, keep_open=[listener.fileno()])
        child = portal.children.start("naive", program)
        portal.children.wait("the naive view", lambda: not answers(port, "/nothing") or True)
    found: dict[str, float] = {}
    for name, secret in (("naive", token), ("single", SINGLE_KEY)):
        request = post(f"/api/{name}/calls", secret, json.dumps(CALL).encode())
        load(port, request, 16, 1)
        done = load(port, request, 16, seconds).figures()
        found |= {f"{name}_per_second_16": round(done["rate"], 1)}
        found |= {f"{name}_p50_ms_16": round(done["p50"], 2)}
        found |= {f"{name}_p99_ms_16": round(done["p99"], 2)}
    portal.children.stop([child])
    return found


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def measure(only: set[str], *, rounds: int, seconds: float) -> dict[str, float]:
    with (
        throwaway_servers(is_durable=True) as servers,
        running_portal(
            servers.database_url,
            servers.redis_url,
            servers.folder / "data",
            env={"API_REQUESTS_PER_MINUTE": "100000000"},
        ) as portal,
    ):
        secret = portal.run_manage("shell", "-v", "0", "-c", PREPARE).split()[-1]
        measured = Measured(servers, portal, secret, seconds, rounds)
        load(measured.port, measured.calls(), 32, 2)
        row = same_row(servers.database_url)
        steps: dict[str, Callable[[], dict[str, float]]] = {
            "calls": lambda: measured.compared(row),
            "paced": measured.paced,
            "events": lambda: measured.events(row),
            "parts": lambda: cpu_by_part(servers, portal, measured.port, measured.calls(), seconds),
            "gunicorn": measured.by_gunicorn,
            "naive": lambda: naive(portal, seconds),
        }
        found: dict[str, float] = {}
        for name, step in steps.items():
            if not only or name in only:
                found |= step()
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--only", default="", help="parts, with commas between them")
    options = parser.parse_args()
    only = set(filter(None, options.only.split(",")))
    found = measure(only, rounds=1 if options.quick else 5, seconds=4 if options.quick else 10)
    for name, value in found.items():
        print(f"{name:32}{value:12.2f}{verdict(name, value)}")
    if options.json:
        print(json.dumps(found))
    return 0


def verdict(name: str, value: float) -> str:
    """Whether a figure keeps its limit, in words."""
    if name not in LIMITS:
        return ""
    limit = LIMITS[name]
    kept = value <= limit if name in AT_MOST else value >= limit
    word = "at most" if name in AT_MOST else "at least"
    return f"   {word} {limit:g}: {'kept' if kept else 'NOT KEPT'}"


if __name__ == "__main__":
    sys.exit(main())
