"""Cuts a streamed body into its events: server-sent ones, AWS event streams, JSON lines."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from typing import Protocol

# An event that does not end within so much is no event: the rest passes unread.
MAX_EVENT = 4 * 1024 * 1024
_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE = re.compile(rb"\r\n|\n|\r")
_PRELUDE = 12


class Cutter(Protocol):
    """Takes bytes as they come; gives whole events, each with the bytes it came in."""

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Events that are whole now: their bytes, and their payload."""
        ...

    def rest(self) -> bytes:
        """What came after the last whole event."""
        ...


class ServerSentEvents:
    """Source: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0
        self._broken = False

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, bytes]]:
        if self._broken:
            yield chunk, b""
            return
        self._held += chunk
        start = 0
        for match in _END.finditer(self._held, self._searched):
            event = bytes(self._held[start : match.end()])
            start = match.end()
            yield event, payload_of(event)
        del self._held[:start]
        self._searched = max(0, len(self._held) - 3)
        if len(self._held) > MAX_EVENT:
            self._broken = True
            yield self.rest(), b""

    def alone(self, chunk: bytes) -> bytes | None:
        """The payload of a chunk as providers mostly send them: one event of one line, and nothing
        else. None if it is no such one, or not the next; then it is for `feed`.
        """
        if self._held or self._broken or chunk[:6] != b"data: " or chunk[-2:] != b"\n\n":
            return None
        return None if chunk.count(b"\n") > 2 or b"\r" in chunk else chunk[6:-2]

    def rest(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        self._searched = 0
        return held


def payload_of(event: bytes) -> bytes:
    """The lines of data of one server-sent event."""
    lines = (line for line in _LINE.split(event) if line.startswith(b"data:"))
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines)


class AwsEvents:
    """Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html.

    Length of all and of the headers, checksum of both, headers, payload, checksum of all.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._broken = False

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, bytes]]:
        if self._broken:
            yield chunk, b""
            return
        self._held += chunk
        while len(self._held) >= _PRELUDE:
            length = int.from_bytes(self._held[:4], "big")
            headers = int.from_bytes(self._held[4:8], "big")
            checksum = int.from_bytes(self._held[8:12], "big")
            if zlib.crc32(self._held[:8]) != checksum or not 16 + headers <= length <= MAX_EVENT:
                self._broken = True
                yield self.rest(), b""
                return
            if len(self._held) < length:
                return
            event = bytes(self._held[:length])
            del self._held[:length]
            if b":exception-type" in event[_PRELUDE : _PRELUDE + headers]:
                yield event, b'{"type": "error"}'
            else:
                yield event, _inner(event[_PRELUDE + headers : length - 4])

    def rest(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held


def _inner(payload: bytes) -> bytes:
    """The event of the model's own that an event of InvokeModel wraps in base64, or the payload."""
    match = re.search(rb'"bytes"\s*:\s*"([A-Za-z0-9+/=]*)"', payload)
    if match is None:
        return payload
    try:
        return base64.b64decode(match[1], validate=True)
    except binascii.Error:
        return payload


class JsonLines:
    """One object a line, or a list whose objects come line by line: read loosely."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, bytes]]:
        self._held += chunk
        *lines, rest = self._held.split(b"\n")
        self._held = bytearray(rest if len(rest) <= MAX_EVENT else b"")
        for line in lines:
            yield bytes(line) + b"\n", bytes(line).strip()

    def rest(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held


def cutter_for(media_type: str) -> Cutter | None:
    """What cuts a body of this content type into events; None for one that is no stream."""
    if media_type == "text/event-stream":
        return ServerSentEvents()
    if media_type == "application/vnd.amazon.eventstream":
        return AwsEvents()
    if media_type in {"application/x-ndjson", "application/stream+json", "application/jsonl"}:
        return JsonLines()
    return None
