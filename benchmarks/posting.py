"""Posting to a portal as a program does: a call, the key it comes with, a round of `load.py`."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from load import PLACEHOLDER

# Of one POST /events, and of one transaction of COPY beside it.
LINES = 1000
CALL = {
    "call_id": PLACEHOLDER.decode(),
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


@dataclass(frozen=True)
class Round:
    """What one side did in one round. `times` in milliseconds, `cpu` of the load in seconds."""

    times: list[float]
    seconds: float
    cpu: float = 0.0

    def figures(self) -> dict[str, float]:
        cuts = statistics.quantiles(self.times, n=100)
        return {"rate": len(self.times) / self.seconds, "p50": cuts[49], "p99": cuts[98]}


def post(path: str, secret: str, body: bytes, *, kind: str = "application/json") -> bytes:
    """The bytes of a request."""
    word = "Token" if len(secret) == 40 else "Bearer"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        f"Authorization: {word} {secret}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def load(
    port: int,
    request: bytes,
    connections: int,
    seconds: float,
    *,
    pace: float = 0,
    beforehand: int = 0,
) -> Round:
    """A round of `load.py`. Exits if an answer was none that stored a record."""
    orders = {
        "port": port,
        "beforehand": beforehand,
        "request": request.decode(),
        "connections": connections,
        "seconds": seconds,
        "a_second": pace,
    }
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("load.py")],
        input=json.dumps(orders),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    if found["refused"]:
        sys.exit(f"{found['refused']} answers stored nothing.")
    return Round(found["times"], seconds, found["cpu"])
