"""From bytes and their media type to a document, and back."""

from __future__ import annotations

import re
from typing import Any

from countersign.shapes.hl7 import Hl7Document
from countersign.shapes.json_documents import JsonDocument, Reader, parsed
from countersign.shapes.lines import LinesDocument
from countersign.shapes.markup import XmlDocument, decoded
from countersign.shapes.multipart import MultipartDocument, ReadPart
from countersign.shapes.plain import FormDocument, TextDocument
from countersign.shapes.protocols import reader_for
from countersign.shapes.records import reader_of
from countersign.shapes.slots import (
    Document,
    OpaquePart,
    Sizes,
    Slot,
    Unreadable,
    as_text,
    media_of,
)
from countersign.shapes.tables import CsvDocument

_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_JSON = re.compile(r"application/(json|[\w.+-]+\+json|x-json)|text/json")
_JSON_LINES = re.compile(r"application/(x-)?(jsonl|ndjson|json-?lines|jsonlines)|text/jsonl")
_XML = re.compile(r"(application|text)/(xml|[\w.+-]+\+xml)")
_HL7 = re.compile(r"(application|x-application|text)/(x-)?hl7.*")
_CSV = re.compile(r"(text|application)/(csv|tab-separated-values)")
_EVENTS = re.compile(r"text/event-stream")
_POSTED = re.compile(r"application/x-www-form-urlencoded")
_FORMS = ((_POSTED, FormDocument), (_CSV, CsvDocument), (_HL7, Hl7Document))
_BINARY = re.compile(r"(image|audio|video|font|model)/.*|application/(pdf|zip|gzip|dicom|msword)")
_HL7_START = re.compile(r"[\s\x0b]*MSH[^\w\s][^\w\s]{3,4}")
_XML_START = re.compile(r"\s*<(\?xml\b|[A-Za-z_][\w.:-]*[\s/>])")


class Body:
    """A document with what it takes to make bytes of it again.

    `anew`: it has to be rendered even where nothing was found, for parts of it were not read.
    """

    __slots__ = ("anew", "document", "encoding")

    def __init__(self, document: Document, encoding: str = "utf-8", *, anew: bool = False) -> None:
        self.document = document
        self.encoding = encoding
        self.anew = anew

    def __repr__(self) -> str:
        return f"Body({type(self.document).__name__})"

    def render(self) -> bytes:
        """The bytes of the document as it is now."""
        if isinstance(self.document, MultipartDocument):
            return self.document.render_bytes()
        text = self.document.render()
        if self.encoding.startswith("utf"):
            return text.encode("utf-8", "surrogatepass")
        return text.encode(self.encoding, "xmlcharrefreplace")


class OpaqueDocument:
    """A body that is no text at all."""

    def __init__(self, media: str, size: int) -> None:
        self.slots: list[Slot] = []
        self.opaque: list[OpaquePart] = [OpaquePart("", media, size)]

    def render(self) -> str:
        """Never asked for: it has no slot that could change."""
        raise Unreadable("not-text")


def read(body: bytes, media_type: str, shape: str | None, sizes: Sizes) -> Body:
    """The document of a body. `shape` as `shape_for` gives it. Raises: Unreadable."""
    media = media_type.partition(";")[0].strip().lower()
    charset = _CHARSET.search(media_type)
    if media.startswith("multipart/"):
        return Body(MultipartDocument(body, media_type, _part_reader(sizes)))
    if charset and charset[1].lower() not in _CHARSETS and not _XML.fullmatch(media):
        raise Unreadable("not-text")
    if _XML.fullmatch(media):
        text, encoding = decoded(body)
        document = XmlDocument(text, nesting=sizes.nesting, fields=sizes.fields)
        return Body(document, encoding)
    known = media_of(body)
    if known or _BINARY.fullmatch(media):
        text_of = None if known else as_text(body)
        if text_of is None:
            return Body(OpaqueDocument(known or media, len(body)))
        return read_text(text_of, "", shape, sizes)
    return _read_typed(_text(body, media), media, shape, sizes)


def _text(body: bytes, media: str) -> str:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("not-text") from None
    if "\0" in text:  # UTF-16 and UTF-32 of plain letters are valid UTF-8 too, cut up by these
        raise Unreadable("not-text")
    return text


def _read_typed(text: str, media: str, shape: str | None, sizes: Sizes) -> Body:
    if _JSON.fullmatch(media):
        return _json(text, "", shape, sizes)
    for pattern, prefix in ((_JSON_LINES, ""), (_EVENTS, "data:")):
        if pattern.fullmatch(media):
            return Body(_lines(text, shape, sizes, prefix=prefix), anew=True)
    for pattern, form in _FORMS:
        if pattern.fullmatch(media):
            return Body(form(text, fields=sizes.fields))
    return read_text(text, "", shape, sizes)


def read_text(text: str, path: str, shape: str | None, sizes: Sizes) -> Body:
    """The document in a text of no declared form: JSON, XML and HL7 show how they begin.

    What begins like one and is none is text.
    """
    found = embedded(text, path, sizes, shape)
    return found or Body(TextDocument(text, path=path))


def embedded(text: str, path: str, sizes: Sizes, shape: str | None = None) -> Body | None:
    """The document that a text is as a whole; None where it is none.

    Raises: Unreadable for a document that is too deep or has too many fields.
    """
    start = text.lstrip()[:1]
    try:
        if start and start in "{[":
            return _json(text, path, shape, sizes)
        if start == "<" and _XML_START.match(text):
            return Body(XmlDocument(text, path=path, nesting=sizes.nesting, fields=sizes.fields))
        if start == "M" and _HL7_START.match(text):
            return Body(Hl7Document(text, path=path, fields=sizes.fields))
    except Unreadable as error:
        if error.trouble in ("too-large", "nested-too-deep"):
            raise
    return None


def _json(text: str, path: str, shape: str | None, sizes: Sizes) -> Body:
    twice: list[bool] = []
    root = parsed(text, lambda: twice.append(True))
    return Body(json_document(root, path, shape, sizes), anew=bool(twice))


def json_document(root: Any, path: str, shape: str | None, sizes: Sizes) -> JsonDocument:
    """The document of a value that was parsed already. Raises: Unreadable."""
    reader: Reader = reader_for(shape) if shape else reader_of(root)
    return JsonDocument(root, reader, path=path, sizes=sizes)


def _lines(text: str, shape: str | None, sizes: Sizes, *, prefix: str) -> LinesDocument:
    def line(value: str, path: str) -> Document:
        root = parsed(value)
        inner = root.get("body") if isinstance(root, dict) else None
        named = shape or ("openai.chat" if isinstance(inner, dict) else None)
        return json_document(root, path, named, sizes)

    return LinesDocument(text, line, prefix=prefix, fields=sizes.fields)


def _part_reader(sizes: Sizes) -> ReadPart:
    def part(content: bytes, media: str, path: str) -> Document | None:
        plain = media.partition(";")[0].strip().lower()
        text = as_text(content)
        if text is None and content:
            return None
        if _JSON_LINES.fullmatch(plain):
            return _lines(text or "", None, sizes, prefix="")
        if _CSV.fullmatch(plain):
            return CsvDocument(text or "", path=path, fields=sizes.fields)
        return read_text(text or "", path, None, sizes).document

    return part
