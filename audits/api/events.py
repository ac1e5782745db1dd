"""Many records in one request: a line each of calls, completions and leases, a result line each.

For a journal that is drained, and for callers that gather. A bad line does not spoil the others.
"""

from __future__ import annotations

import io
import re
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec
import zstandard
from django.conf import settings

from audits.api import limits, turns
from audits.api.turns import Answer, Refusal, Request, Turn
from audits.bodies import (
    CallBody,
    CallLine,
    CompletionBody,
    CompletionLine,
    LeaseBody,
    Line,
    parse,
    whole_line,
)
from audits.ledger.jobs import Job
from audits.ledger.settling import Refused
from audits.models import Call
from audits.services import recording
from audits.services.answers import stored_json
from audits.services.recording import Admitted, NotHeld
from countersign.problems import PROBLEMS
from policies.services.keyring import KeyRefused
from vendors.bodies.reading import MAX_BYTES as MAX_LINE_BYTES
from vendors.bodies.reading import BadBody

SOURCE: str = Call.Source.EVENTS.value
MAX_BYTES = 5 * 1024 * 1024
MAX_LINES = 1000
NDJSON = "application/x-ndjson"
_NDJSON_TYPE = re.compile(
    r"application/(?:x-)?ndjson\s*(?:;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE
)
# A stream may ask for this much memory to be unpacked; more is refused.
MAX_WINDOW = 8 * 1024 * 1024
# So little is unpacked at once that what comes out stays within some MiB, whatever goes in.
STEP = 256

Problem: TypeAlias = "tuple[str, dict[str, object]]"


class LineAnswer(msgspec.Struct, frozen=True):
    """What the single request would have been answered: its status, and its body."""

    status: int
    body: object


_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Lines(Turn):
    """A request of many lines: a job or a problem for each, in their order.

    `unread` are those of which none was made yet, `results` the parts of the answer so far.
    """

    lines: list[Job | Problem] = field(default_factory=list)
    unread: list[bytes] = field(default_factory=list)
    admitted: Admitted | None = None
    results: list[bytes] = field(default_factory=list)

    def read_on(self, most: int = MAX_LINES) -> bool:
        """Make jobs of the next lines, at most so many. Returns: whether lines are left.

        Of a request that may not wait nothing outside of memory is touched.
        """
        assert self.admitted is not None
        made = [_job(line, self.admitted) for line in self.unread[:most]]
        del self.unread[:most]
        self.lines += made
        self.jobs += [line for line in made if isinstance(line, Job)]
        return bool(self.unread)

    def answer_on(self, most: int = MAX_LINES) -> bool:
        """Make result lines of the next jobs, which are done. Returns: whether some are left."""
        begin = len(self.results)
        self.results += [_result(line) for line in self.lines[begin : begin + most]]
        return len(self.results) < len(self.lines)


def begin(request: Request, turn: Lines, admitted: Admitted, *, may_wait: bool) -> None:
    """Find the lines, and make jobs of them; without `may_wait` `Lines.read_on` has yet to do so.

    Raises: Refusal for the body as a whole, NotHeld.
    """
    turns.check_idempotency_key(request)
    body = request.read()
    if body is None:
        raise Refusal("events-too-large")
    if not _NDJSON_TYPE.fullmatch(request.headers.get("content-type", "").strip()):
        raise Refusal("unsupported-media-type")
    if not may_wait and not admitted.state.holds_use(admitted.key.integration_id, admitted.at):
        raise NotHeld
    turn.unread = _lines(unpacked(body, request.headers.get("content-encoding", "")))
    turn.admitted = admitted
    _take(turn, admitted, len(turn.unread) - 1)
    if may_wait:
        turn.read_on()


def finish(turn: Lines) -> Answer:
    """A result line for each line. If nothing could be stored at all, that is the answer."""
    failed = [job.error for job in turn.jobs if _is_failure(job)]
    if failed and len(failed) == len(turn.jobs):
        assert failed[0] is not None
        return turns.unavailable(failed[0], turn.common + turn.headers)
    while turn.answer_on():
        pass
    return Answer(
        200, [("Content-Type", NDJSON), *turn.common, *turn.headers], b"".join(turn.results)
    )


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body as it was before it was packed. Raises: Refusal."""
    unpack = _PACKINGS.get(encoding.strip().lower())
    if unpack is None:
        raise Refusal("unsupported-encoding")
    try:
        found = unpack(body)
    except (zlib.error, zstandard.ZstdError, EOFError):
        raise Refusal("malformed-encoding") from None
    if len(found) > MAX_BYTES:
        raise Refusal("events-too-large")
    return found


def _gunzipped(body: bytes) -> bytes:
    """The members of a gzip file, or a little more than MAX_BYTES of them. Raises: EOFError."""
    found = io.BytesIO()
    while body:
        member = zlib.decompressobj(wbits=31)
        found.write(member.decompress(body, MAX_BYTES + 1 - found.tell()))
        if found.tell() > MAX_BYTES:
            break
        if not member.eof:
            raise EOFError
        body = member.unused_data
    return found.getvalue()


def _zstd_unpacked(body: bytes) -> bytes:
    """The same of zstd's frames."""
    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
    found, rest = io.BytesIO(), memoryview(body)
    while rest:
        frame = unpacker.decompressobj()
        while rest and not frame.eof and found.tell() <= MAX_BYTES:
            found.write(frame.decompress(rest[:STEP]))
            rest = rest[STEP:]
        if found.tell() > MAX_BYTES:
            break
        if not frame.eof:
            raise EOFError
        unused = len(frame.unused_data)
        rest = memoryview(body)[len(body) - len(rest) - unused :]
    return found.getvalue()


_PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": _gunzipped,
    "x-gzip": _gunzipped,
    "zstd": _zstd_unpacked,
}


def _lines(body: bytes) -> list[bytes]:
    """The lines; the last one may end without a line feed. Raises: Refusal."""
    lines = body.split(b"\n", MAX_LINES + 1)
    if lines[-1] == b"":
        lines.pop()
    if not lines:
        raise Refusal("malformed-json")
    if len(lines) > MAX_LINES:
        raise Refusal("too-many-lines")
    return lines


def _take(turn: Lines, admitted: Admitted, more: int) -> None:
    """Each line counts as a request; the first one was counted. Raises: Refusal."""
    if more:
        limit = settings.API_REQUESTS_PER_MINUTE
        allowance = limits.BUCKETS.take(admitted.key.key_id, limit, more)
        turn.headers = allowance.headers()
        if allowance.wait_seconds:
            raise Refusal("rate-limited")


def _job(raw: bytes, admitted: Admitted) -> Job | Problem:
    try:
        if len(raw) > MAX_LINE_BYTES:
            return "body-too-large", {}
        whole = whole_line(raw)
        return _job_of(whole or parse(Line, raw), admitted)
    except BadBody as bad:
        errors = [{"field": bad.field, "error": bad.error}] if bad.error else []
        return bad.code, {"errors": errors} if errors else {}
    except Refused as refused:
        return refused.code, {}


def _job_of(line: CallLine | CompletionLine | Line, admitted: Admitted) -> Job:
    """The line's job. Raises: BadBody, Refused."""
    if isinstance(line, CallLine):
        return recording.call_job(line.body, admitted, SOURCE, drained=True)
    if isinstance(line, CompletionLine):
        return recording.completion_job(line.call_id, line.body, admitted)
    return _job_of(_whole(line), admitted) if line.type != "lease" else _lease(line, admitted)


def _whole(line: Line) -> CallLine | CompletionLine:
    """A line that is looked at in parts, to tell what is wrong with which. Raises: BadBody."""
    if line.type == "call":
        if line.call_id is not None:
            raise BadBody("invalid-body", "call_id", "is given in the body")
        return CallLine(parse(CallBody, bytes(line.body)))
    return CompletionLine(_call_id(line), parse(CompletionBody, bytes(line.body)))


def _lease(line: Line, admitted: Admitted) -> Job:
    call_id = _call_id(line)
    parse(LeaseBody, bytes(line.body))
    return recording.lease_job(call_id, admitted)


def _call_id(line: Line) -> uuid.UUID:
    if line.call_id is None:
        raise BadBody("invalid-body", "call_id", "is required")
    return line.call_id


def _is_failure(job: Job) -> bool:
    return job.error is not None and not isinstance(job.error, Refused | KeyRefused)


def _result(line: Job | Problem) -> bytes:
    """The result line, as `LineAnswer` has it."""
    if not isinstance(line, Job):
        return _problem(*line)
    if line.error is None:
        return b'{"status":%d,"body":%b}\n' % (201 if line.created else 200, stored_json(line))
    if isinstance(line.error, Refused | KeyRefused):
        return _problem(line.error.code, {})
    return _problem("audit-unavailable", {})


def _problem(code: str, members: dict[str, object]) -> bytes:
    found = PROBLEMS[code]
    return _encode(LineAnswer(found.status, found.body(code, **members))) + b"\n"
