"""A document as the engine sees it: slots with text, parts that nobody can read, and a way back."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Trouble: TypeAlias = Literal[
    "not-json",
    "not-xml",
    "not-text",
    "not-readable",
    "unknown-media-type",
    "too-large",
    "nested-too-deep",
]

# What a reader says of a field in place of a kind: its text is a word of the protocol.
PROTOCOL = "-"
# The same where a terminology's own words stand, which no one wrote about anybody.
TERM = "~"

# The same where a provider's own blob stands, signed or encrypted: any change would break it.
SEALED = "="

# The name of a field, as programs write them. Anything else may be a value that stands as a name:
# an object with a patient's name for each key, say.
_PLAIN_NAME = re.compile(r"[A-Za-z_$@#*.:-][\w$.:#-]{0,63}|\d{1,4}", re.ASCII)
_LONG_NUMBER = re.compile(r"\d{5}")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How deep a document may nest, and how many fields it may have.

    `every`: each number and flag of an application's record is a slot as well.
    """

    nesting: int = 100
    fields: int = 200_000
    every: bool = False


DEFAULT_SIZES = Sizes()


class Unreadable(Exception):
    """A body does not keep the form that it claims; `trouble` says in which way."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble: Trouble = trouble


class Slot:
    """One text at one place in a document.

    `path`: its JSON pointer, values of names included, so for rules only and never for a log.
    `kind`: what its place says that it is, or None.
    `looked`: False for a word of the protocol, which is only swept for values that are known.
    `harvested`: whether what stands here is to be looked for everywhere else too.
    `of_tool`: whether it stands in a call of a tool, or in what one answered.
    `new`: what it becomes, None while it stays.
    """

    __slots__ = ("harvested", "kind", "looked", "name", "new", "of_tool", "parent", "text")

    # Rules about fields speak of what stands in them, and not of what they are called.
    is_name = False

    def __init__(
        self,
        parent: str,
        name: str,
        text: str,
        *,
        kind: str | None = None,
        looked: bool = True,
        harvested: bool = True,
    ) -> None:
        self.parent = parent
        self.name = name
        self.text = text
        self.kind = kind
        self.looked = looked
        self.harvested = harvested
        self.of_tool = False
        self.new: str | None = None

    def __repr__(self) -> str:
        """Neither text nor path: both may hold values."""
        return f"{type(self).__name__}(kind={self.kind!r}, length={len(self.text)})"

    @property
    def path(self) -> str:
        """Where it stands, as a JSON pointer."""
        return f"{self.parent}/{pointed(self.name)}" if self.name else self.parent

    def drop(self) -> None:
        """Take the text away; the place stays, so that the document keeps its shape."""
        self.new = ""


class NameSlot(Slot):
    """What a field is called."""

    __slots__ = ()

    is_name = True


class OpaquePart:
    """Bytes that cannot be read as text: an image, sound, a PDF."""

    __slots__ = ("dropped", "media", "path", "size")

    def __init__(self, path: str, media: str, size: int) -> None:
        self.path = path
        self.media = media
        self.size = size
        self.dropped = False

    def __repr__(self) -> str:
        return f"OpaquePart({self.media!r}, size={self.size})"

    def drop(self) -> bool:
        """Leave it out when the document is rendered. Returns: whether that can be done."""
        return False


class Document(Protocol):
    """What every reader gives: all texts, all that is opaque, and the document again."""

    slots: list[Slot]
    opaque: list[OpaquePart]

    def render(self) -> str:
        """The document with each slot's `new` in its place."""


def pointed(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901)."""
    if "~" in name or "/" in name:
        return name.replace("~", "~0").replace("/", "~1")
    return name


def shown(path: str, hidden: Collection[str] = ()) -> str:
    """The path with "*" for each step that may be a value itself, so that it can be logged.

    `hidden`: names of fields in which something was found.
    """
    return "/".join(_shown(path, hidden))


def _shown(path: str, hidden: Collection[str]) -> Iterator[str]:
    for step in path.split("/"):
        plain = not step or _PLAIN_NAME.fullmatch(step)
        yield step if plain and not _LONG_NUMBER.search(step) and step not in hidden else "*"


def media_of(raw: bytes) -> str | None:
    """What bytes are that are no text, told by how they begin; None where that says nothing."""
    for start, media in _MAGIC:
        if raw.startswith(start):
            return media
    if raw[4:8] == b"ftyp":
        return "video/mp4"
    if raw[128:132] == b"DICM":
        return "application/dicom"
    return None


def is_encoded_text(value: str) -> bool:
    """Whether base64, bare or in a data URL, begins like text, whatever it is said to be."""
    if value.startswith("data:"):
        value = value.partition(",")[2]
    start = value[:_LOOKED_AT].translate(_TO_STANDARD)
    try:
        raw = base64.b64decode(start + "=" * (-len(start) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return media_of(raw) is None and as_text(raw, whole=len(value) <= _LOOKED_AT) is not None


def as_text(raw: bytes, *, whole: bool = True) -> str | None:
    """The bytes as text, if they are UTF-8 and written by or for people; None if not.

    `whole`: False where `raw` may be cut off in the middle of a character.
    """
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(raw, final=whole)
    except UnicodeDecodeError:
        return None
    return None if not text or _CONTROLS.search(text) else text


_LOOKED_AT = 4096
_TO_STANDARD = str.maketrans("-_", "+/", "\r\n \t")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"RIFF", "application/riff"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"\xd0\xcf\x11\xe0", "application/msword"),
)
