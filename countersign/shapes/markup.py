"""XML: text between tags, attributes and comments are slots; all else stays byte for byte.

Nothing is ever expanded: a document that declares a type or an entity is refused, which is the end
of every bomb that is made of them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias
from xml.parsers import expat

from countersign.shapes import ccda
from countersign.shapes.names import kind_of
from countersign.shapes.slots import PROTOCOL, TERM, OpaquePart, Slot, Unreadable

# Well-formed documents alone reach this, so each alternative ends where XML says that it does.
_PIECE = re.compile(
    r"<!--(?P<comment>.*?)-->|<!\[CDATA\[(?P<cdata>.*?)\]\]>|<\?(?P<order>.*?)\?>"
    r"|</(?P<end>[^>]*)>|<(?P<tag>[^\s/>]+)(?P<attributes>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>"
    r"|(?P<text>[^<]+)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s=/]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
_ENCODING = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_ENCODINGS = frozenset({"utf-8", "us-ascii", "ascii", "iso-8859-1", "windows-1252", "utf8"})
_WHITE = {9: "&#9;", 10: "&#10;", 13: "&#13;"}
_WORD = re.compile(r"[\w:.#-]{1,64}", re.ASCII)

Attributes: TypeAlias = dict[str, str]


class Written(NamedTuple):
    """A slot with its place in the document's text, and how text is written there."""

    slot: Slot
    start: int
    end: int
    write: Callable[[str], str]


class XmlDocument:
    """An XML document; a clinical one (C-CDA) is read by its own rules."""

    def __init__(
        self, text: str, *, path: str = "", nesting: int = 100, fields: int = 200_000
    ) -> None:
        """Raises: Unreadable."""
        _check(text, nesting)
        self._text = text
        self._path = path
        self.slots: list[Slot] = []
        self.opaque: list[OpaquePart] = []
        self._written: list[Written] = []
        root = re.search(r"<(?![?!])([^\s/>]+)", text)
        self._clinical = root is not None and _local(root[1]) == "ClinicalDocument"
        self._read(fields)

    def render(self) -> str:
        pieces, at = [], 0
        for written in self._written:
            new = written.slot.new
            if new is not None:
                pieces += [self._text[at : written.start], written.write(new)]
                at = written.end
        return "".join([*pieces, self._text[at:]])

    def _read(self, fields: int) -> None:
        open_names: list[str] = []
        around: list[Attributes] = []
        for piece in _PIECE.finditer(self._text):
            group = piece.lastgroup
            if group == "end":
                open_names.pop()
                around.pop()
            elif piece["tag"] is not None:
                self._tag(piece, open_names, around)
            elif group == "text":
                self._add(piece, "text", _unescaped, _escaped, (open_names, around))
            elif group == "cdata":
                self._add(piece, "cdata", str, _in_cdata, (open_names, around))
            elif group is not None:
                self._add(piece, group, str, _in_comment, (open_names, around))
            if len(self._written) > fields:
                raise Unreadable("too-large")

    def _tag(self, piece: re.Match[str], open_names: list[str], around: list[Attributes]) -> None:
        body = piece["attributes"]
        offset = piece.start("attributes")
        open_names.append(_local(piece["tag"]))
        found = list(_ATTRIBUTE.finditer(body)) if "=" in body else []
        attributes = {each[1]: _unescaped(each[2][1:-1]) for each in found}
        around.append(attributes)
        for each in found:
            name = each[1]
            if name.startswith("xmlns") or not attributes[name]:
                continue
            slot = self._slot(open_names, around, f"@{name}", attributes[name])
            start, end = offset + each.start(2), offset + each.end(2)
            self._written.append(Written(slot, start, end, _quoted))
        if body.endswith("/"):
            open_names.pop()
            around.pop()

    def _add(
        self,
        piece: re.Match[str],
        group: str,
        read: Callable[[str], str],
        write: Callable[[str], str],
        where: tuple[list[str], list[Attributes]],
    ) -> None:
        raw = piece[group]
        if not raw or raw.isspace() or (group == "order" and raw.startswith("xml ")):
            return
        name = {"comment": "#comment", "order": "#instruction"}.get(group, "")
        slot = self._slot(*where, name, read(raw))
        self._written.append(Written(slot, piece.start(group), piece.end(group), write))

    def _slot(self, open_names: list[str], around: list[Attributes], name: str, text: str) -> Slot:
        kind = self._kind(open_names, around, name)
        looked = kind != PROTOCOL or _WORD.fullmatch(text) is None
        if kind == TERM:
            looked = False
        kind = None if kind in (PROTOCOL, TERM) else kind
        slot = Slot(
            "/".join([self._path, *open_names]),
            name,
            text,
            kind=kind,
            looked=looked,
            harvested=kind is not None and (kind != "DATE" or "birthTime" in open_names),
        )
        self.slots.append(slot)
        return slot

    def _kind(self, open_names: list[str], around: list[Attributes], name: str) -> str | None:
        if name.startswith("#"):
            return None
        if self._clinical:
            return ccda.kind(open_names, around, name)
        own = name[1:] if name and name != "@value" else (open_names[-1] if open_names else "")
        return kind_of(own) if own else None


def _check(text: str, nesting: int) -> None:
    """Raises: Unreadable unless it is well-formed, declares nothing and is not too deep."""
    parser = expat.ParserCreate()
    depth = 0

    def refuse(*_: object) -> None:
        raise Unreadable("not-xml")

    def start(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > nesting:
            raise Unreadable("nested-too-deep")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        # As UTF-8, whatever it declared: the text was decoded by that already.
        parser.Parse(re.sub(r"^\s*<\?xml.*?\?>", "", text, count=1).encode(), True)  # noqa: FBT003
    except (expat.ExpatError, UnicodeEncodeError):
        raise Unreadable("not-xml") from None


def decoded(body: bytes) -> tuple[str, str]:
    """The text of an XML body, and the encoding it goes back to. Raises: Unreadable."""
    declared = _ENCODING.match(body[:200])
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if encoding not in _ENCODINGS:
        raise Unreadable("not-xml")
    try:
        return body.decode("utf-8-sig" if encoding.startswith("utf") else encoding), encoding
    except UnicodeDecodeError:
        raise Unreadable("not-text") from None


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _unescaped(text: str) -> str:
    return html.unescape(text) if "&" in text else text


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _quoted(text: str) -> str:
    """An attribute's value with its quotes. White space that a reader would fold is written out."""
    return '"' + html.escape(text).translate(_WHITE) + '"'


def _in_cdata(text: str) -> str:
    return text.replace("]]>", "]]]]><![CDATA[>")


def _in_comment(text: str) -> str:
    return text.replace("--", "- -").replace("?>", "? >")
