"""What stands encoded inside a text: found, decoded, and written back the same way.

Two sorts. Some encodings leave characters in their order, as %20, =20, &amp; and \\u0020 do: a
`View` is the text without them, with the way back for every character. Others hide a whole
document or text in a stretch of it, as base64 and JSON do: that is a `Segment`.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from array import array
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import quote

from countersign.shapes.reading import Body, embedded, json_document, read_text
from countersign.shapes.slots import OpaquePart, Sizes, as_text, media_of

_RUN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{8,}(?:\r?\n[A-Za-z0-9+/_-]{16,})*={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){8,}")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+*-]+)?[^,\s]{0,200};base64,$")
_SURE = 16  # shorter runs are taken for base64 only if they do not look like a word
# Base64 that is no text and this long is a file: opaque. Shorter ones are keys and hashes.
_FILE = 2048
_OPENING = re.compile(r"[\[{]\s*[\[{\"]|<\?xml\b|<ClinicalDocument\b|^MSH\|", re.MULTILINE)
_ATTEMPTS = 16  # so many documents are looked for in one text
_HL7_END = re.compile(r"\n\s*\n|\Z")

_ESCAPE = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)|(?P<quoted>(?:=[0-9A-F]{2})+)|(?P<soft>=\r?\n)"
    r"|(?P<entity>&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    r"|(?P<unicode>(?:\\u[0-9A-Fa-f]{4})+)|(?P<letter>\\[nrt\"/])"
    r"|(?P<plus>(?<=[A-Za-z0-9])\+(?=[A-Za-z%]))|(?P<tag></?[A-Za-z][^<>]{0,300}>)"
)
_SIGNS = re.compile(r"[%=&\\+<]")
_INLINE = re.compile(r"</?(?:b|i|u|em|strong|span|font|a|mark|small|sub|sup|wbr)\b")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "/": "/"}
_AROUND = 160  # characters of context that a decoded stretch is looked at with
_ROUNDS = 3
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_AROUND_WORDS = " \t\r\n\"'<>()[]{},;"


class View(NamedTuple):
    """Decoded text of a stretch; `starts` and `ends` say where each character stood."""

    text: str
    starts: array[int]
    ends: array[int]

    def __repr__(self) -> str:
        return f"View(length={len(self.text)})"

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the text that became `start` to `end`; never an empty one."""
        return self.starts[start], self.ends[end - 1]


class Segment(NamedTuple):
    """A stretch of a text that is a document; `write` makes the stretch of the rendered one.

    `blank`: the stretch itself says nothing beyond what the document's slots say.
    """

    start: int
    end: int
    body: Body
    write: Callable[[str], str]
    blank: bool

    def __repr__(self) -> str:
        return f"Segment({self.start}, {self.end})"


class Found(NamedTuple):
    """What is encoded in a text: documents, files, and how many bytes were decoded."""

    segments: list[Segment]
    opaque: list[OpaquePart]
    decoded: int


def segments(text: str, path: str, sizes: Sizes) -> Found:
    """The documents in a text, none overlapping another. Raises: Unreadable."""
    documents = list(_documents(text, path, sizes))
    found, opaque, count = list(documents), [], 0
    for match in _RUN.finditer(text):
        if any(each.start <= match.start() < each.end for each in documents):
            continue
        for start, end in _pieces(match):
            raw = _raw(text[start:end])
            if raw is None:
                continue
            inner = as_text(raw)
            if inner is not None and len(inner) > 3:
                count += len(raw)
                found.append(_encoded(text, start, end, inner, path, sizes))
            elif inner is None and (len(raw) >= _FILE or _is_data_url(text, start)):
                media = media_of(raw) or _said(text, start)
                opaque.append(OpaquePart(path, media, len(raw)))
    found.sort(key=lambda each: each.start)
    return Found(found, opaque, count)


def _documents(text: str, path: str, sizes: Sizes) -> Iterator[Segment]:
    """JSON, XML and HL7 that a text is, or that stand in it."""
    if len(text) < 8 or _OPENING.search(text) is None:
        return
    whole = embedded(text, path, sizes)
    if whole is not None:
        yield Segment(0, len(text), whole, str, blank=True)
        return
    at = 0
    for _ in range(_ATTEMPTS):
        opening = _OPENING.search(text, at)
        if opening is None:
            return
        end, body = _document_at(text, opening.start(), path, sizes)
        if body is None:
            at = opening.end() - 1
            continue
        yield Segment(opening.start(), end, body, str, blank=True)
        at = end


def _document_at(text: str, at: int, path: str, sizes: Sizes) -> tuple[int, Body | None]:
    if text[at] in "[{":
        try:
            root, end = json.JSONDecoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            return at, None
        return end, Body(json_document(root, path, None, sizes))
    if text[at] == "<":
        end = text.find("</ClinicalDocument>", at) + len("</ClinicalDocument>")
    else:
        closing = _HL7_END.search(text, at)
        end = closing.start() if closing else len(text)
    return (end, embedded(text[at:end], path, sizes)) if end > at else (at, None)


def _pieces(match: re.Match[str]) -> Iterator[tuple[int, int]]:
    """A run of lines as one; where that is no base64, line by line."""
    text = match[0]
    if "\n" not in text or _raw(text) is not None:
        yield match.span()
        return
    for line in re.finditer(r"[A-Za-z0-9+/_=-]+", text):
        yield match.start() + line.start(), match.start() + line.end()


def _raw(run: str) -> bytes | None:
    """The bytes of base64 or of hexadecimal digits; None for what is rather a word."""
    if _HEX.fullmatch(run):
        return bytes.fromhex(run)
    if len(run) < _SURE and run.isalpha() and (run.islower() or run.isupper() or run.istitle()):
        return None
    plain = run.replace("\r", "").replace("\n", "").rstrip("=").translate(_TO_STANDARD)
    if len(plain) % 4 == 1:
        return None
    try:
        return binascii.a2b_base64(plain + "=" * (-len(plain) % 4))
    except binascii.Error:
        return None


_TO_STANDARD = str.maketrans("-_", "+/")


def _encoded(text: str, start: int, end: int, inner: str, path: str, sizes: Sizes) -> Segment:
    body = read_text(inner, path, None, sizes)
    return Segment(start, end, body, _writer(text[start:end]), blank=end - start > _FILE)


def _writer(run: str) -> Callable[[str], str]:
    """Writes a text as the run was written: alphabet, padding, length of lines."""
    if _HEX.fullmatch(run):
        return lambda text: text.encode("utf-8", "surrogatepass").hex()
    bare = run.replace("\r", "").replace("\n", "")
    padded = bare.endswith("=") or len(bare) % 4 == 0
    urlsafe = "-" in bare or "_" in bare
    width = run.find("\n")

    def write(text: str) -> str:
        raw = text.encode("utf-8", "surrogatepass")
        code = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(raw).decode()
        code = code if padded else code.rstrip("=")
        if width <= 0:
            return code
        wide = width - (run[width - 1] == "\r")
        return "\n".join(code[at : at + wide] for at in range(0, len(code), wide))

    return write


def _is_data_url(text: str, start: int) -> bool:
    return text.startswith(";base64,", max(start - 8, 0))


def _said(text: str, start: int) -> str:
    found = _DATA_URL.search(text[max(start - 240, 0) : start])
    return found[1] if found and found[1] else "application/octet-stream"


def views(text: str) -> list[View]:
    """Decoded stretches of a text, with some text around each; none where nothing is encoded."""
    found: list[View] = []
    stretch: tuple[int, int] | None = None
    for match in _escapes(text):
        start, end = max(match.start() - _AROUND, 0), min(match.end() + _AROUND, len(text))
        if stretch is not None and start <= stretch[1]:
            stretch = stretch[0], end
            continue
        if stretch is not None:
            found.append(_view(text, *stretch))
        stretch = start, end
    if stretch is not None:
        found.append(_view(text, *stretch))
    return [view for view in found if view.text]


def _escapes(text: str) -> Iterator[re.Match[str]]:
    """All escapes in a text, none overlapping another. Most texts have not even their signs."""
    at = 0
    for sign in _SIGNS.finditer(text):
        if sign.start() >= at and (match := _ESCAPE.match(text, sign.start())):
            yield match
            at = match.end()


def _view(text: str, start: int, end: int) -> View:
    stretch = text[start:end]
    view = View(stretch, array("q", range(start, end)), array("q", range(start + 1, end + 1)))
    for _ in range(_ROUNDS):
        decoded = _decoded(view)
        if decoded.text == view.text:
            break
        view = decoded
    return view


def _decoded(view: View) -> View:
    pieces: list[str] = []
    starts, ends = array("q"), array("q")
    at = 0
    for match in _escapes(view.text):
        pieces.append(view.text[at : match.start()])
        starts.extend(view.starts[at : match.start()])
        ends.extend(view.ends[at : match.start()])
        for piece, first, last in _characters(match):
            pieces.append(piece)
            starts.extend([view.starts[first]] * len(piece))
            ends.extend([view.ends[last - 1]] * len(piece))
        at = match.end()
    pieces.append(view.text[at:])
    starts.extend(view.starts[at:])
    ends.extend(view.ends[at:])
    return View("".join(pieces), starts, ends)


def _characters(match: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    """What an escape stands for, each character with its place in the text."""
    group, found, start = match.lastgroup, match[0], match.start()
    if group in ("percent", "quoted"):
        raw = bytes.fromhex(found.replace("%", "").replace("=", ""))
        for character, length in _utf8(raw):
            yield character, start, start + 3 * length
            start += 3 * length
    elif group == "unicode":
        text = json.loads(f'"{found}"')
        width = len(found) // max(len(text), 1)
        for index, character in enumerate(text):
            first = start + index * width
            yield character, first, first + width
    elif group == "entity":
        yield html.unescape(found), start, match.end()
    elif group == "letter":
        yield _LETTERS[found[1]], start, match.end()
    elif group == "plus" or (group == "tag" and not _INLINE.match(found)):
        yield " ", start, match.end()


def _utf8(raw: bytes) -> Iterator[tuple[str, int]]:
    """Characters with their lengths in bytes; Latin-1 where it is no UTF-8."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
        yield from ((character, 1) for character in text)
        return
    yield from ((character, len(character.encode())) for character in text)


def written(text: str, start: int, end: int, new: str) -> str:
    """`new` as it is written in the place of that stretch: in an address, as addresses are.

    A stretch that stands by itself is no part of an address or of markup any more.
    """
    old = text[start:end]
    if _PERCENT.search(old) and not _stands_alone(text, start, end):
        return quote(new, safe="")
    if "&" in old and ";" in old:
        return html.escape(new, quote=False)
    return new


def _stands_alone(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return (not before or before in _AROUND_WORDS) and (not after or after in _AROUND_WORDS)
