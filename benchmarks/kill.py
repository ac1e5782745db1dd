"""Kills the ingest server, PostgreSQL, or both, under load, and looks for what was lost.

Callers post calls, and post each again until it is acknowledged, as the client library does. At
random moments everything of the ingest server, of PostgreSQL, of both, or one backend of PostgreSQL
gets SIGKILL; what a service manager would start again is started again. Then, with nothing of the
portal's but its database and the receipts: every acknowledged record is where its receipt says,
with those bytes, proven by an inclusion proof against the last checkpoint that a caller holds;
every checkpoint that any caller holds is one of this tree; no index and no call id is there twice.
`--kills N` (100); `--quick` is three; `--tables URL` copies the tables of a database instead of
running every migration; `--json` ends with one line: an object of the figures. The status is other
than 0 if anything was lost, doubled or did not come back.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "bin"), str(CHECKOUT)]

from load import ids  # noqa: E402 - found by the lines above
from posting import CALL, PREPARE  # noqa: E402

from countersign import merkle  # noqa: E402
from countersign.checkpoints import Checkpoint, opened  # noqa: E402
from countersign.notes import Signer, Verifier  # noqa: E402
from processes import Child, Children, end_group  # noqa: E402
from servers import DURABLE, PostgreSQL, Redis, server_account, socket_folder  # noqa: E402
from site_processes import is_ready, listen, site_environment, start_ingest  # noqa: E402
from throwaway import (  # noqa: E402
    SECRETS,
    SIGNING_KEY,
    own_children,
    run_manage,
    throwaway_folder,
)

CALLERS = 24
TARGETS = ("ingest", "postgresql", "both", "backend")
# After this time without an acknowledged record the service is not back.
PATIENCE = 60.0


@dataclass
class Held:
    """What the callers hold: receipts by call id, and when the last one came."""

    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: float = 0.0
    repeats: int = 0
    failures: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)


def call(port: int, secret: str, held: Held, seed: int) -> None:
    """Post calls until told to stop; each of them until it is acknowledged."""
    fresh = ids()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    chance = random.Random(seed)  # noqa: S311 - spreads callers in time
    while not held.stopped.is_set():
        call_id = next(fresh).decode()
        body = json.dumps({**CALL, "call_id": call_id})
        while not held.stopped.is_set():
            try:
                connection.request("POST", "/api/v1/calls", body, headers)
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                held.failures += 1
                time.sleep(chance.uniform(0.01, 0.05))
                continue
            if answer.status in (200, 201):
                held.repeats += answer.status == 200
                held.receipts[call_id] = json.loads(said)["receipt"]
                held.last = time.monotonic()
                break
            if answer.status != 503:
                sys.exit(f"{answer.status}: {said.decode(errors='replace')}")
            held.failures += 1
            time.sleep(chance.uniform(0.01, 0.05))


@dataclass
class Place:
    """What is killed, and started again."""

    children: Children
    postgresql: PostgreSQL
    listener: socket.socket
    env: dict[str, str]
    ingest: Child

    def database(self) -> Child:
        return next(child for child in self.children.running if child.name == "postgresql")

    def kill(self, target: str) -> None:
        if target == "backend":
            self.kill_backend()
            return
        names = ("ingest", "postgresql") if target == "both" else (target,)
        killed = [child for child in self.children.running if child.name in names]
        for child in killed:
            end_group(child.process.pid)
        for child in killed:
            child.process.wait()
            self.children.running.remove(child)
        if "postgresql" in names:
            self.postgresql.start(self.children)
        if "ingest" in names:
            self.ingest = start_ingest(self.children, self.env, self.listener)

    def kill_backend(self) -> None:
        """One process of PostgreSQL that serves a connection: all others are ended with it."""
        master = self.database().process.pid
        listed = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        for pid in reversed(listed):
            name = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"countersign countersign" in name:
                os.kill(int(pid), signal.SIGKILL)
                return

    def heal(self) -> None:
        """Start the ingest server again if it ended, as its service manager would."""
        if self.ingest.process.poll() is not None:
            self.children.running.remove(self.ingest)
            self.ingest = start_ingest(self.children, self.env, self.listener)


def until_back(place: Place, held: Held) -> float:
    """Seconds until a record is acknowledged again. Exits if none is."""
    begun = time.monotonic()
    while held.last <= begun:
        if time.monotonic() - begun > PATIENCE:
            sys.exit(f"Not back after {PATIENCE:.0f} seconds; see {place.children.logs}.")
        place.heal()
        time.sleep(0.02)
    return held.last - begun


def kills(place: Place, held: Held, count: int) -> dict[str, list[float]]:
    """Kill so many times. Returns: seconds until it was back, by what was killed."""
    chance = random.Random()  # noqa: S311 - moments, not secrets
    away: dict[str, list[float]] = {target: [] for target in TARGETS}
    for number in range(count):
        target = TARGETS[number % len(TARGETS)]
        time.sleep(chance.uniform(0.3, 1.5))
        place.kill(target)
        away[target].append(until_back(place, held))
    time.sleep(0.5)
    return away


# --- what is left ----------------------------------------------------------------------------


def entries(database_url: str) -> list[bytes]:
    """Every entry of the live ledger in its order. Exits if the batches leave a hole or overlap."""
    found: list[bytes] = []
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT first_index, size, entries FROM audits_batch WHERE ledger_id = 1 "
            "ORDER BY first_index"
        )
        for first, size, lines in rows:
            if first != len(found):
                sys.exit(f"Batch {first} does not follow entry {len(found)}.")
            found += bytes(lines).split(b"\n")
            if size != len(found):
                sys.exit(f"Batch {first} holds another number of entries than it says.")
    return found


class Tree:
    """All hashes of a tree of `entries`, level by level, as an outsider would make them."""

    def __init__(self, entries: list[bytes]) -> None:
        self.levels = [[merkle.leaf_hash(entry) for entry in entries]]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            pairs = zip(below[::2], below[1::2], strict=False)
            self.levels.append([merkle.node_hash(left, right) for left, right in pairs])

    def read(self, level: int, number: int) -> bytes:
        return self.levels[level][number]


def lost(found: list[bytes], held: Held, verifier: Verifier) -> list[str]:
    """What is wrong with what was acknowledged, one sentence each."""
    tree = Tree(found)
    notes = {receipt["checkpoint"] for receipt in held.receipts.values()}
    checkpoints = {note: opened(note, [verifier]) for note in notes}
    wrong = wrong_checkpoints(found, list(checkpoints.values()))
    last = max(checkpoints.values(), key=lambda each: each.size)
    for call_id, receipt in held.receipts.items():
        index = receipt["record"]
        if index >= len(found) or json.loads(found[index]).get("call_id") != call_id:
            wrong.append(f"The call acknowledged as entry {index} is not there.")
            continue
        leaf = merkle.leaf_hash(found[index])
        if leaf.hex() != receipt["leaf_hash"]:
            wrong.append(f"Entry {index} is not the one that was acknowledged.")
        proof = merkle.inclusion_proof(index, last.size, tree.read)
        try:
            merkle.verify_inclusion(leaf, index, last.size, proof, last.root)
        except merkle.ProofError:
            wrong.append(f"Entry {index} is not proven by the last checkpoint held.")
    return wrong


def wrong_checkpoints(found: list[bytes], held: list[Checkpoint]) -> list[str]:
    """Checkpoints that somebody holds and that are none of this tree."""
    wrong, frontier = [], merkle.Frontier(0, ())
    for checkpoint in sorted(held, key=lambda each: each.size):
        more = [merkle.leaf_hash(each) for each in found[frontier.size : checkpoint.size]]
        frontier = frontier.extended(more)
        if (frontier.size, frontier.root()) != (checkpoint.size, checkpoint.root):
            wrong.append(f"A checkpoint of {checkpoint.size} entries is not one of this tree.")
    return wrong


def doubled(found: list[bytes], database_url: str) -> list[str]:
    """What is there twice."""
    calls = [entry for entry in map(json.loads, found) if entry["type"] in ("call", "denial")]
    wrong = []
    if len({entry["call_id"] for entry in calls}) != len(calls):
        wrong.append("A call id is in the ledger twice.")
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*), count(DISTINCT index), count(DISTINCT call_id) "
            "FROM audits_call WHERE ledger_id = 1"
        ).fetchone()
    if row != (len(calls),) * 3:
        wrong.append(f"{len(calls)} calls in the ledger, and rows of them: {row}.")
    return wrong


# --- the run ---------------------------------------------------------------------------------


def copy_tables(source: str, postgresql: PostgreSQL) -> None:
    """Make the tables, functions and first rows that the database at `source` has."""
    programs = postgresql.programs()
    dump = subprocess.run(
        [programs / "pg_dump", "--no-owner", source], stdout=subprocess.PIPE, check=True
    )
    restore: list[str | Path] = [programs / "psql", "-qX", "-v", "ON_ERROR_STOP=1", postgresql.url]
    subprocess.run(restore, input=dump.stdout, stdout=subprocess.DEVNULL, check=True)


def run(count: int, tables: str) -> tuple[dict[str, Any], list[str]]:
    with throwaway_folder() as folder, own_children(folder / "logs") as children, listen(0) as web:
        account = server_account()
        sockets = socket_folder(folder / "run", account)
        redis = Redis(folder / "redis", sockets, account, is_durable=False)
        postgresql = PostgreSQL(folder / "postgresql", sockets, account, DURABLE)
        redis.start(children)
        postgresql.start(children)
        children.wait("PostgreSQL", postgresql.is_ready)
        children.wait("Redis", redis.is_ready)
        port = web.getsockname()[1]
        address = f"http://localhost:{port}"
        env = site_environment(
            database_url=postgresql.url,
            redis_url=redis.url,
            data=folder / "data",
            address=address,
            ingest_address=address,
        )
        env |= SECRETS
        env |= {"API_REQUESTS_PER_MINUTE": "100000000", "DEBUG": "off", "LOG_LEVEL": "WARNING"}
        if tables:
            copy_tables(tables, postgresql)
        else:
            run_manage(env, "migrate", "--noinput")
        run_manage(env, "setup")
        secret = run_manage(env, "shell", "-v", "0", "-c", PREPARE).split()[-1]
        ingest = start_ingest(children, env, web)
        children.wait("the ingest server", lambda: is_ready(port))
        place = Place(children, postgresql, web, env, ingest)
        held = Held()
        callers = [
            threading.Thread(target=call, args=(port, secret, held, number), daemon=True)
            for number in range(CALLERS)
        ]
        for caller in callers:
            caller.start()
        until_back(place, held)
        away = kills(place, held, count)
        held.stopped.set()
        for caller in callers:
            caller.join(15)
        return judged(postgresql.url, held, away)


def judged(
    database_url: str, held: Held, away: dict[str, list[float]]
) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what is wrong."""
    found = entries(database_url)
    origin = next(iter(held.receipts.values()))["ledger"]
    wrong = lost(found, held, Signer(origin, bytes.fromhex(SIGNING_KEY)).verifier)
    wrong += doubled(found, database_url)
    every = [seconds for each in away.values() for seconds in each]
    figures: dict[str, Any] = {
        "kills": len(every),
        "acknowledged": len(held.receipts),
        "entries": len(found),
        "answers_repeated": held.repeats,
        "tries_failed": held.failures,
        "wrong": len(wrong),
        "away_seconds_worst": round(max(every), 2),
    }
    for target, seconds in away.items():
        if seconds:
            figures[f"away_seconds_{target}"] = round(sum(seconds) / len(seconds), 2)
    return figures, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="three kills")
    parser.add_argument("--tables", default="", metavar="URL", help="copy them from there")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    options = parser.parse_args()
    figures, wrong = run(3 if options.quick else options.kills, options.tables)
    for name, value in figures.items():
        print(f"{name:24}{value:>12}")
    for sentence in wrong[:20]:
        print(sentence)
    if options.json:
        print(json.dumps(figures))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
