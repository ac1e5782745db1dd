"""What every format is made of: a request that was read, a reply, and how streams are cut."""

from __future__ import annotations

import binascii
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from countersign.tests.provider.model import Model

JSON = "application/json"
SSE = "text/event-stream"
EVENT_STREAM = "application/vnd.amazon.eventstream"


class Refused(Exception):
    """The request is not one that this provider would take; ends as an error of its own form."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came. `target` is path and query as they stood in the request line."""

    method: str
    target: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    parts: Mapping[str, str]
    endless: bool = False

    @property
    def document(self) -> dict[str, Any]:
        try:
            document = json.loads(self.body)
        except ValueError:
            raise Refused(400, "The body is not JSON.") from None
        if not isinstance(document, dict):
            raise Refused(400, "The body is not an object.")
        return document


@dataclass(frozen=True, slots=True)
class Reply:
    """`content`: bytes are sent with their length, an iterator as chunks."""

    content: bytes | Iterator[bytes]
    media_type: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Asked, Model], Reply]


def packed(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def whole(document: Any, headers: Mapping[str, str] | None = None, *, status: int = 200) -> Reply:
    return Reply(packed(document), headers=headers or {}, status=status)


def server_sent(
    events: Iterator[dict[str, Any]],
    *,
    named: bool = False,
    done: bool = False,
    end: bytes = b"\n\n",
) -> Iterator[bytes]:
    """Server-sent events, one a chunk; `named` by their `type`, `[DONE]` when `done`."""
    for event in events:
        name = b"event: " + event["type"].encode() + b"\n" if named else b""
        yield name + b"data: " + packed(event) + end
    if done:
        yield b"data: [DONE]" + end


def amazon_event(kind: str, payload: Mapping[str, Any], *, message_type: str = "event") -> bytes:
    """One message of Amazon's event stream: lengths, CRC, headers, payload, CRC.

    Source: smithy.io, Amazon Event Stream specification.
    """
    name = ":event-type" if message_type == "event" else ":exception-type"
    headers = b""
    for key, value in ((name, kind), (":content-type", JSON), (":message-type", message_type)):
        headers += struct.pack("!B", len(key)) + key.encode()
        headers += struct.pack("!BH", 7, len(value)) + value.encode()
    body = packed(payload)
    prelude = struct.pack("!II", len(headers) + len(body) + 16, len(headers))
    message = prelude + struct.pack("!I", binascii.crc32(prelude)) + headers + body
    return message + struct.pack("!I", binascii.crc32(message))
