"""Records a second over POST /calls, beside the same row inserted by pgbench in the same run.

Sixteen kept connections post calls to gunicorn as bin/portal starts it, each record with its key,
its verdict, its epoch and one durable commit; then sixteen pgbench clients insert a row like the
last one, with the same trigger, into the same table. `ratio` is the first rate over the second. The
load comes from a process of its own on the same machine. `--quick` measures one round; without it
there are five, and the medians count. `--json` ends with one line: an object of the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "bin"))

from install import postgresql_folders  # noqa: E402 - found by the line above
from throwaway import Portal, running_portal, throwaway_servers  # noqa: E402

CONNECTIONS = 16
PLACEHOLDER = "00000000-0000-4000-8000-000000000000"
CALL = {
    "call_id": PLACEHOLDER,
    "provider": "openai",
    "operation": "chat",
    "model": "gpt-4.1",
    "region": "us-east-1",
    "phi_present": True,
    "data_classes": ["phi"],
    "actor": {"type": "user", "id": "u-1042"},
    "session_id": "s-77",
    "purpose": "treatment",
    # Only digits after a colon: pgbench takes a colon and a letter for a variable, quoted or not.
    "input_digest": "hmac-sha256:1:" + "01" * 32,
    "input_bytes": 2048,
}
# The makers of the tests, told that their day is today.
PREPARE = """
import datetime as dt
from vendors.tests import make as vendors
vendors.TODAY = dt.date.today()
from audits.tests import make
print(make.key(make.active_integration())[1])
"""


@dataclass
class Connection:
    """One kept connection: what has come of the answer, and when it was asked for."""

    socket: socket.socket
    request: bytes
    begun: float = 0.0
    buffer: bytearray = field(default_factory=bytearray)

    def ask(self) -> None:
        self.begun = time.perf_counter()
        self.socket.sendall(self.request.replace(PLACEHOLDER.encode(), str(uuid.uuid4()).encode()))

    def answered(self) -> bool:
        """Whether the whole answer has come. Exits if it is none that stored a record."""
        self.buffer += self.socket.recv(65536)
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self.buffer[:end]).lower()
        if not head.startswith(b"http/1.1 201"):
            sys.exit(f"Not stored: {bytes(self.buffer).decode(errors='replace')}")
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        if len(self.buffer) < end + 4 + length:
            return False
        self.buffer.clear()
        return True


def load(port: int, secret: str, seconds: float) -> list[float]:
    """Milliseconds of each answer that came within `seconds`, over CONNECTIONS connections."""
    body = json.dumps(CALL).encode()
    head = (
        "POST /api/v1/calls HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {secret}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    chooser = selectors.DefaultSelector()
    for _ in range(CONNECTIONS):
        made = socket.create_connection(("127.0.0.1", port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chooser.register(made, selectors.EVENT_READ, Connection(made, head.encode() + body))
    times: list[float] = []
    end = time.perf_counter() + seconds
    for key in chooser.get_map().values():
        key.data.ask()
    while time.perf_counter() < end:
        for key, _ in chooser.select(timeout=1):
            if key.data.answered():
                times.append((time.perf_counter() - key.data.begun) * 1000)
                key.data.ask()
    return times


def portal_round(portal: Portal, secret: str, seconds: float) -> list[float]:
    """`load` in a process of its own."""
    port = urlsplit(portal.url).port
    words = ["--load", str(port), str(seconds)]
    done = subprocess.run(
        [sys.executable, __file__, *words],
        env={**os.environ, "SECRET": secret},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: list[float] = json.loads(done.stdout)
    return found


def same_row(database_url: str) -> str:
    """The INSERT of a row like the newest record, under another call id, as pgbench reads it."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        row = connection.execute("SELECT * FROM audits_call ORDER BY id DESC LIMIT 1").fetchone()
        assert row is not None
        del row["id"]
        row["masked"] = Jsonb(row["masked"])
        given: list[sql.Composable] = [
            sql.SQL("gen_random_uuid()") if name == "call_id" else sql.Literal(value)
            for name, value in row.items()
        ]
        names = sql.SQL(", ").join(map(sql.Identifier, row))
        statement = sql.SQL("INSERT INTO audits_call ({}) VALUES ({});\n")
        return statement.format(names, sql.SQL(", ").join(given)).as_string(connection)


def pgbench_round(database_url: str, script: str, seconds: float) -> list[float]:
    """Milliseconds of each INSERT by pgbench, over CONNECTIONS clients."""
    folders = postgresql_folders()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "insert.sql"
        file.write_text(script)
        subprocess.run(
            [
                folders[max(folders)] / "pgbench",
                *("-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "2"),
                *("-T", str(max(1, round(seconds))), "-f", file, "--log"),
                f"--log-prefix={folder}/log",
                database_url,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        return [
            int(line.split()[2]) / 1000
            for log in Path(folder).glob("log.*")
            for line in log.read_text().splitlines()
        ]


def figures(times: list[float], seconds: float) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100)
    return {"rate": len(times) / seconds, "p50": cuts[49], "p99": cuts[98]}


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def measure(*, rounds: int, seconds: float) -> dict[str, float]:
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
        portal_round(portal, secret, 1)
        script = same_row(servers.database_url)
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(figures(portal_round(portal, secret, seconds), seconds))
            theirs.append(figures(pgbench_round(servers.database_url, script, seconds), seconds))
    mine, base = medians(ours), medians(theirs)
    ratios = [a["rate"] / b["rate"] for a, b in zip(ours, theirs, strict=True)]
    return {
        "records_per_second": round(mine["rate"], 1),
        "p50_ms": round(mine["p50"], 2),
        "p99_ms": round(mine["p99"], 2),
        "pgbench_per_second": round(base["rate"], 1),
        "pgbench_p50_ms": round(base["p50"], 2),
        "pgbench_p99_ms": round(base["p99"], 2),
        "ratio": round(statistics.median(ratios), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--load", nargs=2, metavar=("PORT", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        print(json.dumps(load(int(options.load[0]), os.environ["SECRET"], float(options.load[1]))))
        return
    found = measure(rounds=1 if options.quick else 5, seconds=6 if options.quick else 10)
    for name, rate, part in [
        ("POST /calls", "records_per_second", ""),
        ("pgbench", "pgbench_per_second", "pgbench_"),
    ]:
        p50, p99 = found[f"{part}p50_ms"], found[f"{part}p99_ms"]
        print(f"{name:12} {found[rate]:8.0f} /s   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms")
    print(f"ratio        {found['ratio']:8.3f}")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
