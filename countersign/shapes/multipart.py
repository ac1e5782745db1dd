"""Uploads: the parts of a `multipart/form-data` body, each read by what it is.

A body is cut at its boundary as RFC 7578 and RFC 2046 say; what does not keep to them is refused,
for a reader that guesses may see other parts than the provider does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from countersign.shapes.slots import (
    Document,
    NameSlot,
    OpaquePart,
    Slot,
    Unreadable,
    as_text,
    media_of,
)

_BOUNDARY = re.compile(r"boundary=(?:\"([^\"]{1,70})\"|([^\s;\"]{1,70}))", re.IGNORECASE)
_PARAMETER = re.compile(
    r"(?P<name>\bfilename\*?|\bname)=(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<bare>[^;\s]+))"
)
_MOST_PARTS = 1000
_HEADERS = 8192
_PROTOCOL = frozenset(
    {"purpose", "model", "response_format", "language", "temperature", "n", "size"}
)
_BY_ENDING = {
    "json": "application/json",
    "jsonl": "application/jsonl",
    "ndjson": "application/jsonl",
    "csv": "text/csv",
    "xml": "application/xml",
    "hl7": "application/hl7-v2",
    "txt": "text/plain",
    "md": "text/plain",
}

# Reads bytes of a media type: gives None where they are no text.
ReadPart = Callable[[bytes, str, str], "Document | None"]


class Part(NamedTuple):
    """A part: its headers as they came, slots of its names, and its content, read or not."""

    headers: str
    names: list[tuple[Slot, int, int]]
    raw: bytes
    document: Document | None

    def __repr__(self) -> str:
        return f"Part(names={len(self.names)}, size={len(self.raw)})"


class MultipartDocument:
    """All parts of an upload. It renders bytes: parts may hold what is no text."""

    def __init__(self, body: bytes, media_type: str, read: ReadPart) -> None:
        """Raises: Unreadable."""
        found = _BOUNDARY.search(media_type)
        if found is None:
            raise Unreadable("not-readable")
        self._boundary = b"--" + (found[1] or found[2]).encode()
        self.slots: list[Slot] = []
        self.opaque: list[OpaquePart] = []
        self._read = read
        self._parts = [self._part(raw) for raw in self._cut(body)]

    def render(self) -> str:
        """As text, where all parts are; see `render_bytes`."""
        return self.render_bytes().decode("utf-8", "surrogateescape")

    def render_bytes(self) -> bytes:
        """The body with the same boundary."""
        pieces = []
        for part in self._parts:
            headers, at = [], 0
            for slot, start, end in part.names:
                if slot.new is not None:
                    headers += [part.headers[at:start], _quoted(slot.new)]
                    at = end
            text = "".join([*headers, part.headers[at:]])
            content = part.raw if part.document is None else _encoded(part.document)
            pieces += [self._boundary, b"\r\n", text.encode(), b"\r\n\r\n", content, b"\r\n"]
        return b"".join([*pieces, self._boundary, b"--\r\n"])

    def _cut(self, body: bytes) -> list[bytes]:
        """The parts between boundaries; text before the first and after the last is refused."""
        pieces = (b"\r\n" + body).split(b"\r\n" + self._boundary)
        if len(pieces) < 2 or len(pieces) > _MOST_PARTS or pieces[0].strip():
            raise Unreadable("not-readable")
        last = pieces[-1]
        if not last.startswith(b"--") or last[2:].strip():
            raise Unreadable("not-readable")
        parts = []
        for piece in pieces[1:-1]:
            line, _, rest = piece.partition(b"\r\n")
            if line.strip(b" \t"):
                raise Unreadable("not-readable")
            parts.append(rest)
        return parts

    def _part(self, raw: bytes) -> Part:
        head, middle, content = raw.partition(b"\r\n\r\n")
        if not middle or len(head) > _HEADERS:
            raise Unreadable("not-readable")
        try:
            headers = head.decode()
        except UnicodeDecodeError:
            raise Unreadable("not-text") from None
        fields = _fields(headers)
        if "content-transfer-encoding" in fields:
            raise Unreadable("not-readable")
        names = self._names(headers)
        name = next((slot.text for slot, _, _ in names if slot.name == "name"), "")
        ending = next(
            (s.text.rpartition(".")[2].lower() for s, _, _ in names if s.name == "filename"), None
        )
        media = _media(fields.get("content-type", ""), ending)
        document = self._content(content, media, f"/{name or len(self.slots)}", name)
        return Part(headers, names, content, document)

    def _names(self, headers: str) -> list[tuple[Slot, int, int]]:
        names: list[tuple[Slot, int, int]] = []
        for found in _PARAMETER.finditer(headers):
            if found["name"] == "filename*":
                raise Unreadable("not-readable")
            group = "bare" if found["quoted"] is None else "quoted"
            text = found[group].replace('\\"', '"').replace("\\\\", "\\")
            slot = NameSlot("", found["name"], text, looked=found["name"] != "name")
            if text:
                self.slots.append(slot)
                names.append((slot, found.start(group), found.end(group)))
        return names

    def _content(self, content: bytes, media: str, path: str, name: str) -> Document | None:
        known = media_of(content)
        document = None
        if known is None and (as_text(content) is not None or not content):
            document = self._read(content, media, path)
        if document is None:
            self.opaque.append(OpaquePart(path, known or media, len(content)))
            return None
        if name in _PROTOCOL:
            for slot in document.slots:
                slot.looked = " " in slot.text
        self.slots += document.slots
        self.opaque += document.opaque
        return document


def _fields(headers: str) -> dict[str, str]:
    fields = {}
    for line in headers.split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon and line.strip():
            raise Unreadable("not-readable")
        fields[name.strip().lower()] = value.strip()
    return fields


def _media(said: str, ending: str | None) -> str:
    """What a part is said to be; a general word gives way to the ending of its file name."""
    if said and said.partition(";")[0].strip().lower() not in (
        "application/octet-stream",
        "text/plain",
    ):
        return said
    return _BY_ENDING.get(ending or "", "text/plain")


def _encoded(document: Document) -> bytes:
    return document.render().encode("utf-8", "surrogatepass")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", " ")
