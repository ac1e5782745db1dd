"""Reads an answer while it passes: what it used, how it ended, its digest. Keeps no content."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import TypeAlias

from countersign.client.digesting import DigestKey
from countersign.client.events import Cutter, ServerSentEvents, cutter_for, payload_of
from countersign.client.usage import Reading, parsed

# A whole answer is held up to here to find its usage; a larger one passes without.
MAX_ANSWER = 16 * 1024 * 1024
MAX_UNPACKED = 4 * MAX_ANSWER
# What a chunk says of usage that was not asked for by the caller.
_NULL_USAGE = re.compile(rb',\s*"usage"\s*:\s*null(?=\s*[,}])|"usage"\s*:\s*null\s*,\s*')
# The same as it mostly is written.
_USUAL_NULL = b',"usage":null'


# Undoes a content encoding, part by part.
Unpacker: TypeAlias = Callable[[bytes], bytes]


def unpacker(encoding: str) -> Unpacker | None:
    """What undoes the encoding; None for one that Python alone cannot."""
    if encoding in {"", "identity"}:
        return _as_it_is
    if encoding in {"gzip", "x-gzip"}:
        return _inflating(zlib.MAX_WBITS | 16)
    if encoding == "deflate":
        return _inflating(zlib.MAX_WBITS)
    return None


def _as_it_is(chunk: bytes) -> bytes:
    return chunk


def _inflating(window: int) -> Unpacker:
    """Unpacks up to a limit: what would burst memory counts as damaged."""
    inner = zlib.decompressobj(window)
    left = MAX_UNPACKED

    def inflated(chunk: bytes) -> bytes:
        nonlocal left
        found = inner.decompress(chunk, left)
        left -= len(found)
        if left <= 0 or inner.unconsumed_tail:
            raise zlib.error("more comes of it than may")
        return found

    return inflated


def unpacked(body: bytes, encoding: str) -> bytes | None:
    """A whole body without its content encoding; None if it cannot be undone."""
    unpack = unpacker(encoding)
    try:
        return None if unpack is None else unpack(body)
    except zlib.error:
        return None


class Listener:
    """One answer's body passing by.

    `strips`: usage was asked for on the caller's behalf, so the chunk that brings it is taken out.
    """

    def __init__(self, media_type: str, encoding: str, key: DigestKey, *, strips: bool) -> None:
        self.reading = Reading()
        self._cutter: Cutter | None = cutter_for(media_type)
        self._unpack = unpacker(encoding)
        lone = self._cutter if isinstance(self._cutter, ServerSentEvents) else None
        self._lone = lone if self._unpack is _as_it_is else None
        # Whether the body that passes may be shorter than the one that came.
        self.strips = strips and self._lone is not None
        self._digest = key.running()
        self._whole: bytearray | None = bytearray()

    @property
    def streams(self) -> bool:
        """Whether the body is a stream of events."""
        return self._cutter is not None

    def feed(self, chunk: bytes) -> bytes:
        """What of the chunk goes on to the caller."""
        payload = self._lone.alone(chunk) if self._lone is not None else None
        if payload is not None:
            kept = self._kept(chunk, payload)
        elif self.strips and self._cutter is not None:
            kept = b"".join([self._kept(*event) for event in self._cutter.feed(chunk)])
        else:
            self._listen(chunk)
            return chunk
        self._digest.update(kept)
        return kept

    def rest(self) -> bytes:
        """What was held back at the end of the body, and goes on to the caller."""
        held = self._cutter.rest() if self._cutter is not None else b""
        if held:
            self.reading.event(payload_of(held) or held)
        elif self._cutter is None and self._whole is not None:
            self.reading.whole(bytes(self._whole))
            self._whole = None
        if not self.strips:
            return b""
        self._digest.update(held)
        return held

    def digest(self) -> str:
        """The digest of what went on to the caller."""
        return self._digest.text()

    def _kept(self, event: bytes, payload: bytes) -> bytes:
        """What of one event goes on to the caller."""
        if not self.strips or b'"usage"' not in payload:
            self.reading.event(payload)
            return event
        shorter = _without_null_usage(event)
        if shorter is not None:
            self.reading.event(payload)
            return shorter
        document = parsed(payload)
        self.reading.document(document)
        return b"" if _only_usage(document) else event

    def _listen(self, chunk: bytes) -> None:
        plain = self._guarded(self._unpack, chunk) if self._unpack is not None else chunk
        self._digest.update(plain)
        if self._unpack is None:
            return
        if self._cutter is not None:
            for _, payload in self._cutter.feed(plain):
                self.reading.event(payload)
        elif self._whole is not None:
            self._whole += plain
            if len(self._whole) > MAX_ANSWER:
                self._whole = None

    def _guarded(self, unpack: Callable[[bytes], bytes], chunk: bytes) -> bytes:
        """The chunk unpacked; one that is damaged ends the reading, not the caller's stream."""
        try:
            return unpack(chunk)
        except zlib.error:
            self._unpack = self._whole = None
            return chunk


def _without_null_usage(event: bytes) -> bytes | None:
    """The event without the first place that says that there is no usage; None if none does."""
    start = event.find(_USUAL_NULL)
    end = start + len(_USUAL_NULL)
    if start < 0 or event[end : end + 1] not in (b",", b"}") or event.count(b'"usage"') > 1:
        match = _NULL_USAGE.search(event)
        if match is None:
            return None
        start, end = match.span()
    return event[:start] + event[end:]


def _only_usage(document: object) -> bool:
    """Whether this is the chunk that OpenAI sends for `include_usage` and for nothing else."""
    return (
        isinstance(document, dict)
        and document.get("choices") == []
        and isinstance(document.get("usage"), dict)
    )
