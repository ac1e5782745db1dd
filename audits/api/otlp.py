"""OpenTelemetry's traces over HTTP: what was called is kept, what was said in it is dropped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from audits.api import events, turns
from audits.api.turns import Answer, Refusal, Request, Turn
from audits.services import observing, telemetry
from audits.services.telemetry import BadTraces, Traces

SCOPE = "otlp:write"
MAX_BYTES = events.MAX_BYTES
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
REJECTED = "Spans without ids of OpenTelemetry's form, or more than 5,000 of AI calls in a request."
_TYPE = re.compile(r"(application/(?:x-protobuf|json))\s*(?:;.*)?", re.IGNORECASE)
_READERS: dict[str, Callable[[bytes], Traces]] = {
    PROTOBUF: telemetry.read_protobuf,
    JSON: telemetry.read_json,
}


def answer(request: Request) -> Answer:
    """The answer to an export of traces, in the form in which it was sent."""
    turn = Turn(turns.common_headers(request.headers))
    said: list[tuple[str, bytes]] = []
    refused = turns.refusing(turn, lambda: said.append(_exported(request, turn)))
    if refused is not None:
        return refused
    media_type, body = said[0]
    return Answer(200, [("Content-Type", media_type), *turn.common, *turn.headers], body)


def _exported(request: Request, turn: Turn) -> tuple[str, bytes]:
    turns.check_request(request, found=True)
    admitted = turns.admit(turns.caller_of(request), turn, may_wait=True, scope=SCOPE)
    media_type = _TYPE.fullmatch(request.headers.get("content-type", "").strip())
    if media_type is None:
        raise Refusal("unsupported-media-type")
    body = request.read()
    if body is None:
        raise Refusal("events-too-large")
    plain = events.unpacked(body, request.headers.get("content-encoding", ""))
    form = media_type[1].lower()
    try:
        found = _READERS[form](plain)
    except BadTraces:
        raise Refusal("malformed-traces") from None
    observing.observe(found.spans, key=admitted.key, at=admitted.at)
    if form == PROTOBUF:
        return form, telemetry.answer_protobuf(found.rejected, REJECTED)
    partial = {"rejectedSpans": str(found.rejected), "errorMessage": REJECTED}
    return form, json.dumps({"partialSuccess": partial} if found.rejected else {}).encode()
