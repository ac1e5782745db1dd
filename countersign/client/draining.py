"""Brings to the portal what a journal holds: in its order, each line once, none lost.

A line that the portal refuses for what it is (a poison line) is set aside in `refused.ndjson` with
the code of the refusal, so that it holds up no other. What the portal cannot take now stays.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from countersign import problems
from countersign.client import ids
from countersign.client.http import Answer, PortalHttp, Unreachable
from countersign.client.journal import Journal, JournalFailed, Line, encoded
from countersign.client.memory import Memory

if TYPE_CHECKING:
    Store: TypeAlias = Journal | Memory

MAX_LINES = 500
MAX_BYTES = 2 * 1024 * 1024
REFUSED = "refused.ndjson"
NDJSON = "application/x-ndjson"
# A key that is refused may be in force again tomorrow, under the same lines.
KEY_WAIT_S = 60.0
_CODE = re.compile(r"[a-z][a-z-]{0,59}")
# What says nothing of the line: the portal, the key or the network may be better later.
_LATER = frozenset({401, 403, 404, 408, 425, 429})
_LATER_CODES = frozenset(
    {"key-invalid", "key-expired", "key-revoked", "key-scope", "key-network", "https-required"}
)


@dataclass(frozen=True, slots=True)
class Drained:
    """What one round came to. `wait_s` is None if the portal took it: go on at once."""

    delivered: int = 0
    refused: int = 0
    wait_s: float | None = None
    code: str = ""


class Later(Exception):
    """The portal cannot take it now."""

    def __init__(self, code: str, wait_s: float = 1.0) -> None:
        super().__init__(code)
        self.code = code
        self.wait_s = wait_s


def drained(store: Store, http: PortalHttp, folder: Path | None) -> Drained:
    """Deliver the first lines that wait; `folder` takes those that are refused.

    Raises: JournalFailed if the journal cannot be used.
    """
    gather_missed(store)
    lines = _first(store)
    if not lines:
        return Drained()
    try:
        codes = _told(http, [line for _, line in lines])
    except Later as later:
        return Drained(wait_s=later.wait_s, code=later.code)
    finished, refused = [], 0
    for (number, line), code in zip(lines, codes, strict=True):
        if code is None:
            continue
        if code:
            refused += 1
            if folder is not None:
                _set_aside(folder, line, code)
        finished.append(number)
    if finished:
        store.done(finished)
    waiting = len(finished) < len(lines)
    return Drained(len(finished) - refused, refused, 1.0 if waiting else None)


def gather_missed(store: Store) -> None:
    """Make one line of all calls that were missed since the last. Raises: JournalFailed."""
    missed = dict(store.backlog.missed)
    if not missed:
        return
    moments = sorted(at for at, _ in missed.values())
    body = {
        "event_id": ids.uuid7(),
        "calls": len(missed),
        "first_at": moments[0],
        "last_at": moments[-1],
    }
    store.append("gap", {"body": body, "of": sorted(missed)})


def _first(store: Store) -> list[tuple[int, Line]]:
    """The first lines that go in one request: a gap alone, others together."""
    found: list[tuple[int, Line]] = []
    size = 0
    for number, line in store.batch(MAX_LINES):
        size += len(encoded(line))
        if found and (line["kind"] == "gap" or size > MAX_BYTES):
            break
        found.append((number, line))
        if line["kind"] == "gap":
            break
    return found


def _told(http: PortalHttp, lines: Sequence[Line]) -> list[str | None]:
    """For each line "" if the portal has it, the code of its refusal, or None for later.

    Raises: Later for all of them.
    """
    if len(lines) == 1 and lines[0]["kind"] != "call":
        return [_told_alone(http, lines[0])]
    body = b"\n".join([encoded(_event(line)) for line in lines])
    try:
        answer = http.post(
            "/events", gzip.compress(body, 1, mtime=0), media_type=NDJSON, packing="gzip"
        )
    except Unreachable as error:
        raise Later(error.code) from None
    if answer.status == 200:
        return _results(answer, len(lines))
    _raise_if_later(answer)
    if len(lines) == 1:
        return [problem_code(answer)]
    # Something of it spoils the whole body: the halves tell what.
    middle = len(lines) // 2
    return [*_told(http, lines[:middle]), *_told(http, lines[middle:])]


def _told_alone(http: PortalHttp, line: Line) -> str:
    path = "/gaps" if line["kind"] == "gap" else f"/calls/{line['call_id']}/completion"
    try:
        answer = http.post(path, json.dumps(line["body"], separators=(",", ":")).encode())
    except Unreachable as error:
        raise Later(error.code) from None
    if answer.status in {200, 201}:
        return ""
    if answer.status != 404 or line["kind"] != "gap":  # a portal that knows nothing of gaps
        _raise_if_later(answer)
    return problem_code(answer)


def _event(line: Line) -> Line:
    if line["kind"] == "call":
        return {"type": "call", "body": line["body"]}
    return {"type": "completion", "call_id": line["call_id"], "body": line["body"]}


def _raise_if_later(answer: Answer) -> None:
    """Raises: Later."""
    if answer.status >= 500 or answer.status in _LATER or answer.status < 400:
        wait_s = KEY_WAIT_S if answer.status in {401, 403} else retry_after(answer)
        raise Later(problem_code(answer), wait_s)


def _results(answer: Answer, count: int) -> list[str | None]:
    try:
        found = [json.loads(raw) for raw in answer.body.splitlines()]
        codes = [_result(each["status"], each["body"]) for each in found]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Later("no-whole-answer") from None
    if len(codes) != count:
        raise Later("no-whole-answer")
    return codes


def _result(status: int, body: dict[str, object]) -> str | None:
    if status in {200, 201}:
        return ""
    code = _code_of(body)
    if status >= 500 or status == 429 or code in _LATER_CODES:
        return None
    return code


def problem_code(answer: Answer) -> str:
    """The code of a problem that the portal answered; a word of ours if it is none."""
    try:
        return _code_of(json.loads(answer.body))
    except (ValueError, RecursionError):
        return "no-whole-answer"


def _code_of(body: object) -> str:
    kind = body.get("type") if isinstance(body, dict) else None
    if isinstance(kind, str) and kind.startswith(problems.TYPE):
        code = kind.removeprefix(problems.TYPE)
        if _CODE.fullmatch(code):
            return code
    return "no-whole-answer"


def retry_after(answer: Answer) -> float:
    """Seconds to wait before the next try, from 1 to 60."""
    found = answer.headers.get("retry-after", "")
    return float(min(max(int(found), 1), 60)) if re.fullmatch("[0-9]{1,5}", found) else 1.0


def _set_aside(folder: Path, line: Line, code: str) -> None:
    """Keep a line that the portal refuses, with the reason. Raises: JournalFailed."""
    raw = encoded({"at": ids.now(), "code": code, "line": line}) + b"\n"
    try:
        file = os.open(folder / REFUSED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if os.write(file, raw) != len(raw):
                raise JournalFailed("disk-full")
            os.fsync(file)
        finally:
            os.close(file)
    except OSError:
        raise JournalFailed("not-writable") from None
