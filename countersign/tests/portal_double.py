"""A portal for tests: a real server on loopback that behaves by the contract, or fails as told.

```python
with PortalDouble() as portal:
    settings = portal.settings(tmp_path, mode="strict")
    portal.fail("half")                # the next answer is cut off; see FAULTS
    portal.away = True                 # nobody answers until it is False again
```
Calls with the same id and body are repeats, completions likewise by their event; bodies are
checked by the contract's patterns. `calls`, `completions` (by call id) and `gaps` are what it has.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import hashlib
import json
import socket
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any

from countersign import bundles, ed25519, problems
from countersign.canonical import canonical
from countersign.client import contract
from countersign.client.ids import now
from countersign.client.settings import Settings
from countersign.keytext import checksum

_BODY = "csk_test_" + "Ab3" * 4 + "x" * 32
KEY = _BODY + checksum(_BODY)
SEED = bytes(range(32))
INTEGRATION = "intake-summariser"
# status: an answer of that status; half: cut off in its body; nothing: the connection is closed;
# slow: nothing for `slow_s`; garbage: no HTTP; nonsense: 201 with what is no answer; drip: a byte
# at a time; redirect: elsewhere; stored-half: as half, but the record is stored.
FAULTS = (
    "400",
    "401",
    "429",
    "500",
    "503",
    "half",
    "stored-half",
    "nothing",
    "slow",
    "garbage",
    "nonsense",
    "drip",
    "redirect",
)


def policy() -> dict[str, Any]:
    """The starter policy."""
    found: dict[str, Any] = json.loads(
        resources.files("countersign.rules").joinpath("starter.json").read_text()
    )
    return found


@dataclass(frozen=True)
class Asked:
    """A request as it came. `lines` are those of its body, unpacked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    lines: list[dict[str, Any]] = field(default_factory=list)


class PortalDouble:
    """The portal. Its members may be changed while it runs."""

    def __init__(self, *, mode: str = "strict", document: dict[str, Any] | None = None) -> None:
        self.key = KEY
        self.content: dict[str, Any] = {
            "v": 1,
            "integration": INTEGRATION,
            "livemode": False,
            "policy": _part(document or policy()),
            "shadow": None,
            "mode": mode,
            "enforcement": "enforce",
            "break_glass": None,
            "facts": facts(),
            "fresh_for_s": 900,
        }
        self.issued_at: dt.datetime | None = None
        self.deny: list[str] = []
        self.lease_s = 300
        self.slow_s = 30.0
        self.clock_s = 0.0
        self.poison: dict[str, str] = {}
        self.calls: dict[str, dict[str, Any]] = {}
        self.sources: dict[str, str] = {}
        self.completions: dict[str, list[dict[str, Any]]] = {}
        self.leases: list[str] = []
        self.gaps: list[dict[str, Any]] = []
        self.asked: list[Asked] = []
        self.away = False
        self._faults: deque[tuple[str, str]] = deque()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.server = _Server(self)

    def __enter__(self) -> PortalDouble:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.server.drop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def bundle_key(self) -> str:
        """The public key of its bundles, in hex."""
        return ed25519.private_key(SEED).public_key().public_bytes_raw().hex()

    def settings(self, folder: Path, **given: object) -> Settings:
        """A client's settings, with a spool below `folder`."""
        told = {
            "integration": INTEGRATION,
            "bundle_key": self.bundle_key,
            "spool_dir": folder / "spool",
            "timeout_s": 2,
            **given,
        }
        return Settings.read(self.url, self.key, environment={}, **told)

    def fail(self, *faults: str, path: str = "/calls") -> None:
        """Answer the next requests of a path (its end, or of any that holds it) by these faults."""
        assert set(faults) <= set(FAULTS), faults
        self._faults.extend((path, fault) for fault in faults)

    def forgive(self) -> None:
        """Answer every request again: of the faults to come none is left."""
        with self._lock:
            self._faults.clear()

    def close_connections(self) -> None:
        """Hang up on everybody."""
        self.server.drop()

    def outcomes(self, call_id: str) -> list[str]:
        """The outcomes of a call, in the order that they came."""
        return [body["outcome"] for body in self.completions.get(call_id, [])]

    def bundle(self) -> tuple[bytes, str]:
        """The signed bundle and its ETag."""
        issued_at = self.issued_at or bundles.slot(dt.datetime.now(dt.UTC))
        body = bundles.sign_bundle(self.content, SEED, issued_at=issued_at)
        return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    def fault_for(self, path: str) -> str:
        """The fault that this request is due, if any."""
        with self._lock:
            for index, (part, fault) in enumerate(self._faults):
                if part in path:
                    del self._faults[index]
                    return fault
        return ""

    def take(self, asked: Asked) -> tuple[int, object]:
        """Store what was posted. Returns: status and body; a list for lines."""
        with self._lock:
            self.asked.append(asked)
            path = asked.path.removeprefix("/api/v1")
            if path == "/calls":
                body = json.loads(asked.body)
                return self._call(body, "calls") if body else problem("invalid-body")
            if path == "/events":
                return 200, [self._line(line) for line in asked.lines]
            if path == "/gaps":
                return self._gap(json.loads(asked.body))
            _, _, call_id, what = path.split("/")
            if what == "lease":
                self.leases.append(call_id)
                return 201, {"call_id": call_id, "lease_until": now()}
            return self._completion(call_id, json.loads(asked.body))

    def _line(self, line: dict[str, Any]) -> dict[str, object]:
        body = line["body"]
        call_id = line.get("call_id") or body["call_id"]
        if code := self.poison.get(call_id):
            status, answer = problem(code)
        elif line["type"] == "call":
            status, answer = self._call(body, "events")
        else:
            status, answer = self._completion(call_id, body)
        return {"status": status, "body": answer}

    def _call(self, body: dict[str, Any], source: str) -> tuple[int, object]:
        known = self.calls.get(body["call_id"])
        if known is not None and known != body:
            return problem("call-id-reused")
        if contract.fitted_call(body) != body:
            return problem("invalid-body")
        self.calls[body["call_id"]] = body
        if known is None:
            self.sources[body["call_id"]] = source
        return (201 if known is None else 200), self.answer(body["call_id"])

    def answer(self, call_id: str) -> dict[str, object]:
        """What is answered to a call."""
        at = dt.datetime.now(dt.UTC)
        until = at + dt.timedelta(seconds=self.lease_s)
        reasons = [
            {
                "code": code,
                "title": code,
                "sentence": f"It is so: {code}.",
                "remedy": "",
                "source": "",
            }
            for code in self.deny
        ]
        return {
            "call_id": call_id,
            "decision": "deny" if self.deny else "allow",
            "reasons": reasons,
            "warnings": [],
            "obligations": [],
            "receipt": {"record": len(self.calls), "received_at": at.isoformat(), "ledger": "x"},
            "lease_until": None if self.deny else until.isoformat(),
            "livemode": False,
        }

    def _completion(self, call_id: str, body: dict[str, Any]) -> tuple[int, object]:
        if contract.fitted_completion(body, "") != body:
            return problem("invalid-body")
        stored = self.completions.setdefault(call_id, [])
        known = any(each["event_id"] == body["event_id"] for each in stored)
        if not known:
            stored.append(body)
        state = "completed" if call_id in self.calls else "completion_without_call"
        return (200 if known else 201), {"call_id": call_id, "state": state, "late": False}

    def _gap(self, body: dict[str, Any]) -> tuple[int, object]:
        known = any(each["event_id"] == body["event_id"] for each in self.gaps)
        if not known:
            self.gaps.append(body)
        return (200 if known else 201), {"event_id": body["event_id"]}


def _part(document: dict[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256(canonical(document)).hexdigest()
    return {"slug": "starter", "version": 1, "digest": digest, "document": document}


def facts(**members: object) -> dict[str, Any]:
    """What a bundle says of the integration, everything in order."""
    return {
        "vendor": "openai",
        "service": "openai-api",
        "provider": "openai",
        "deployment": "public",
        "region": "us-east-1",
        "purpose": "",
        "models": ["gpt-*", "claude-*"],
        "data_classes": ["phi"],
        "hosts": [],
        "phi": True,
        "baa_in_force": True,
        "soc2_current": True,
        "zero_retention": True,
        "known_actors_only": False,
        "deidentification": "none",
        "valid_until": None,
        **members,
    }


def problem(code: str) -> tuple[int, dict[str, object]]:
    """Status and body of a refusal."""
    found = problems.PROBLEMS[code]
    return found.status, found.body(code)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, portal: PortalDouble) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.portal = portal
        self._open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        line, address = super().get_request()
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(line)
        return line, address

    def drop(self) -> None:
        while self._open:
            line = self._open.pop()
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no error of the double."""


_PROBLEMS = {
    "400": "invalid-body",
    "401": "key-revoked",
    "429": "rate-limited",
    "500": "internal-error",
    "503": "audit-unavailable",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        portal = self.server.portal
        if self._failed():
            return
        body, etag = portal.bundle()
        portal.asked.append(Asked("GET", self.path, self._headers(), b""))
        if self.path == "/readyz":
            self._answer(200, b"{}")
        elif self.path != f"/api/v1/integrations/{INTEGRATION}/bundle":
            self._problem("not-found")
        elif self.headers.get("If-None-Match") == etag:
            self._answer(304, b"", ETag=etag)
        else:
            self._answer(200, body, ETag=etag)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        fault = "" if self.server.portal.away else self.server.portal.fault_for(self.path)
        if fault == "stored-half":
            self.server.portal.take(self._asked(body))
        if self._failed(fault):
            return
        if self.headers.get("Authorization") != f"Bearer {self.server.portal.key}":
            self._problem("key-invalid")
            return
        status, answer = self.server.portal.take(self._asked(body))
        if isinstance(answer, list):
            raw = b"".join(json.dumps(each).encode() + b"\n" for each in answer)
        else:
            raw = json.dumps(answer).encode()
        self._answer(status, raw)

    def _asked(self, body: bytes) -> Asked:
        lines = []
        if self.path.endswith("/events"):
            assert self.headers["Content-Type"] == "application/x-ndjson"
            packed = self.headers.get("Content-Encoding") == "gzip"
            lines = [
                json.loads(x) for x in (gzip.decompress(body) if packed else body).splitlines()
            ]
        return Asked("POST", self.path, self._headers(), body, lines)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + self.server.portal.clock_s)

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _failed(self, fault: str | None = None) -> bool:
        portal = self.server.portal
        if fault is None:
            fault = "" if portal.away else portal.fault_for(self.path)
        if portal.away:
            fault = "nothing"
        if fault in _PROBLEMS:
            self._problem(_PROBLEMS[fault])
        elif fault:
            getattr(self, f"_{fault.replace('-', '_')}")()
        return bool(fault)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _problem(self, code: str) -> None:
        status, body = problem(code)
        self._answer(status, json.dumps(body).encode())

    def _raw(self, raw: bytes) -> None:
        self.close_connection = True
        self.wfile.write(raw)

    def _half(self) -> None:
        self._raw(b'HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"call_id": "')

    _stored_half = _half

    def _nothing(self) -> None:
        self.close_connection = True

    def _garbage(self) -> None:
        self._raw(b"\x16\x03\x01\x02\x00 this is no HTTP at all\r\n\r\n")

    def _nonsense(self) -> None:
        self._answer(201, b'{"decision": "allow"}')

    def _redirect(self) -> None:
        self._answer(307, b"", Location="http://127.0.0.1:9/api/v1/calls")

    def _slow(self) -> None:
        self.close_connection = True
        self._wait(self.server.portal.slow_s)

    def _drip(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            for byte in b"HTTP/1.1 201 Created\r\nX: " + b"y" * 3000:
                self.wfile.write(bytes([byte]))
                time.sleep(0.02)

    def _wait(self, seconds: float) -> None:
        """Wait until the caller hangs up, at most for so long."""
        self.connection.settimeout(seconds)
        with contextlib.suppress(OSError):
            self.connection.recv(1)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _serve(mode: str, *words: str) -> None:
    """Serve until the standard input ends; says first what a client has to know, as JSON."""
    with PortalDouble(mode=mode) as portal:
        if "without-rules" in words:
            portal.content["policy"] = None
        told = {
            "url": portal.url,
            "key": portal.key,
            "bundle_key": portal.bundle_key,
            "integration": INTEGRATION,
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        for line in sys.stdin:
            # `away` and `back` do what they say.
            portal.away = line.strip() == "away"
            sys.stdout.write("done\n")
            sys.stdout.flush()


if __name__ == "__main__":
    _serve(*sys.argv[1:] or ["strict"])
