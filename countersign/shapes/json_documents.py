"""JSON: every string in it is a slot, and so are numbers and names that may be somebody's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from countersign.shapes.slots import (
    DEFAULT_SIZES,
    PROTOCOL,
    SEALED,
    TERM,
    NameSlot,
    OpaquePart,
    Sizes,
    Slot,
    Unreadable,
    is_encoded_text,
    pointed,
)

# What a word of a protocol looks like; anything else in its place is text like any other.
_WORD = re.compile(r"(?![\d().+/-]{7,}$)[\w$.:/+=;,#%?&~*|()-]{1,256}", re.ASCII)
_BLOB = re.compile(r"[\w+/=.:|-]{16,}", re.ASCII)
# A number of so many digits may be an identifier by itself; shorter ones only by their place.
LONG = 10**6
# An address of a picture is swept for known values; a picture itself, in base64, is not.
LONGEST_ADDRESS = 2048
_NO_KINDS = frozenset({PROTOCOL, SEALED, TERM})
_OF_TOOLS = frozenset({"arguments", "partial_json"})
NAMED = re.compile(r"[A-Za-z_$@][\w$.:-]{0,63}", re.ASCII)


class Place(NamedTuple):
    """Where a container stands: what it is called, what its strings are, and in which list."""

    path: str
    name: str
    kind: str | None
    part: tuple[list[Any], int] | None

    def __repr__(self) -> str:
        return "Place()"


class Reader:
    """Says what the fields of an object hold. This one knows nothing, and looks at all."""

    # Whether bare numbers are looked at; the frame of a protocol has none that matter.
    numbers = True
    # Whether it stands in a call of a tool or in what one answered.
    of_tool = False

    def kinds(self, obj: Mapping[str, Any], place: Place) -> Mapping[str, str]:
        """The kind, or PROTOCOL, of those fields of an object about which that is known."""
        return {}

    def below(self, obj: Mapping[str, Any], key: str, place: Place) -> Reader:
        """Who reads what stands under `key`."""
        return self

    def item(self, value: Mapping[str, Any] | list[Any]) -> Reader:
        """Who reads a member of a list."""
        return self

    def opaque(self, obj: Mapping[str, Any], place: Place) -> Mapping[str, str]:
        """The media type of each field of the object that holds no text or only points to some."""
        return {}

    def answers(self, obj: Mapping[str, Any]) -> bool:
        """Whether the object's own texts are what a tool answered."""
        return False

    def instead(self, media: str) -> dict[str, Any]:
        """What stands in a message's list in the place of a part that was left out."""
        return {"type": "text", "text": removed(media)}

    def harvests(self, key: str, kind: str) -> bool:
        """Whether what a field holds is looked for in all other texts."""
        return kind != "DATE" or "birth" in key.lower() or key.lower().endswith("dob")


def removed(media: str) -> str:
    """The sentence that a model reads where a part was left out."""
    return f"[{media.split('/', maxsplit=1)[0] or 'file'} removed]"


class MemberSlot(Slot):
    """A string or number in an object or a list."""

    __slots__ = ("container", "key")

    def __init__(  # noqa: PLR0913
        self,
        container: Any,
        key: Any,
        path: str,
        text: str,
        kind: str | None,
        *,
        looked: bool,
        harvested: bool,
    ) -> None:
        super().__init__(path, str(key), text, kind=kind, looked=looked, harvested=harvested)
        self.container = container
        self.key = key

    def put(self) -> None:
        """Write what it became."""
        if self.new is None:
            return
        was = self.container[self.key]
        self.container[self.key] = None if not self.new and not isinstance(was, str) else self.new


class PartOpaque(OpaquePart):
    """An opaque part of a message; the list that holds the part can do without it."""

    __slots__ = ("instead", "part")

    def __init__(
        self,
        path: str,
        media: str,
        size: int,
        part: tuple[list[Any], int] | None,
        instead: dict[str, Any],
    ) -> None:
        super().__init__(path, media, size)
        self.part = part
        self.instead = instead

    def drop(self) -> bool:
        self.dropped = self.part is not None
        return self.dropped

    def put(self) -> None:
        """Write what stands in its place."""
        if self.dropped and self.part is not None:
            container, index = self.part
            container[index] = self.instead


class JsonDocument:
    """A value as `json` reads it, with its slots. Rendering changes the value in place."""

    def __init__(
        self,
        root: Any,
        reader: Reader,
        *,
        path: str = "",
        sizes: Sizes = DEFAULT_SIZES,
    ) -> None:
        """Raises: Unreadable for one that is nested deeper or has more fields."""
        self._holder = [root]
        self.slots: list[Slot] = []
        self.opaque: list[OpaquePart] = []
        self._names: set[str] = set()
        self._sizes = sizes
        self._walk(reader, path, sizes.nesting)
        self._name_slots = [
            NameSlot(path, name, name, looked=NAMED.fullmatch(name) is None)
            for name in sorted(self._names)
        ]
        self.slots.extend(self._name_slots)

    def render(self) -> str:
        for slot in self.slots:
            if isinstance(slot, MemberSlot):
                slot.put()
        for part in self.opaque:
            if isinstance(part, PartOpaque):
                part.put()
        renamed = {slot.text: slot.new for slot in self._name_slots if slot.new is not None}
        if renamed:
            _rename(self._holder, renamed)
        return dumped(self._holder[0])

    def _walk(self, reader: Reader, path: str, nesting: int) -> None:
        root = self._holder[0]
        if not isinstance(root, dict | list):
            self._leaf(self._holder, 0, Place(path, "", None, None), reader, None)
            self.slots = [_at_root(slot, path) for slot in self.slots]
            return
        stack = [(root, Place(path, "", None, None), reader, nesting)]
        while stack:
            container, place, reader, left = stack.pop()
            if not left:
                raise Unreadable("nested-too-deep")
            if isinstance(container, dict):
                children = self._object(container, place, reader)
            else:
                children = self._list(container, place, reader)
            stack.extend((*child, left - 1) for child in children)
            if len(self.slots) > self._sizes.fields:
                raise Unreadable("too-large")

    def _object(
        self, obj: dict[str, Any], place: Place, reader: Reader
    ) -> list[tuple[Any, Place, Reader]]:
        self._names.update(obj)
        opaque = reader.opaque(obj, place)
        kinds = reader.kinds(obj, place)
        children = []
        first = len(self.slots)
        for key, value in obj.items():
            if isinstance(value, dict | list):
                kind = kinds.get(key)
                at = Place(f"{place.path}/{pointed(key)}", key, kind, place.part)
                children.append((value, at, reader.below(obj, key, place)))
            elif key in opaque and isinstance(value, str) and not is_encoded_text(value):
                self._opaque(key, value, opaque[key], place, reader)
                if len(value) < LONGEST_ADDRESS:
                    self._leaf(obj, key, place, reader, TERM)
            else:
                self._leaf(obj, key, place, reader, kinds.get(key))
        if reader.answers(obj):
            for slot in self.slots[first:]:
                slot.of_tool = True
        return children

    def _list(
        self, items: list[Any], place: Place, reader: Reader
    ) -> list[tuple[Any, Place, Reader]]:
        children = []
        for index, value in enumerate(items):
            if isinstance(value, dict | list):
                part = (items, index) if isinstance(value, dict) else place.part
                at = Place(f"{place.path}/{index}", place.name, place.kind, part)
                children.append((value, at, reader.item(value)))
            else:
                self._leaf(items, index, place, reader, place.kind)
        return children

    def _opaque(self, key: str, value: str, media: str, place: Place, reader: Reader) -> None:
        size = len(value) * 3 // 4
        part = PartOpaque(f"{place.path}/{key}", media, size, place.part, reader.instead(media))
        self.opaque.append(part)

    def _leaf(
        self,
        container: Any,
        key: Any,
        place: Place,
        reader: Reader,
        kind: str | None,
    ) -> None:
        value = container[key]
        if isinstance(value, str):
            if not value:
                return
        elif value is None or not (
            _matters(value, kind, reader) or (self._sizes.every and reader.numbers)
        ):
            return
        text = value if isinstance(value, str) else repr(value)
        looked = _is_looked_at(text, kind)
        known = None if kind in _NO_KINDS else kind
        name = place.name if isinstance(key, int) else key
        harvested = known is not None and reader.harvests(name, known)
        slot = MemberSlot(
            container, key, place.path, text, known, looked=looked, harvested=harvested
        )
        slot.of_tool = reader.of_tool or (isinstance(key, str) and key in _OF_TOOLS)
        self.slots.append(slot)


def _is_looked_at(text: str, kind: str | None) -> bool:
    """Whether a text is more than what the protocol has in its place."""
    if kind == PROTOCOL:
        return _WORD.fullmatch(text) is None
    if kind == SEALED:
        return _BLOB.fullmatch(text) is None
    return kind != TERM


def _matters(number: float, kind: str | None, reader: Reader) -> bool:
    if kind in _NO_KINDS or isinstance(number, bool):
        return False
    return kind is not None or (
        reader.numbers and isinstance(number, int) and not -LONG < number < LONG
    )


def _at_root(slot: Slot, path: str) -> Slot:
    """The one slot of a document that is a bare string or number stands at the document's path."""
    slot.parent, slot.name = path, ""
    return slot


def _rename(holder: list[Any], renamed: Mapping[str, str]) -> None:
    """Give fields their new names, in the order in which they stood."""
    stack: list[Any] = list(holder)
    while stack:
        container = stack.pop()
        if isinstance(container, dict):
            if not renamed.keys().isdisjoint(container):
                items = [(renamed.get(key, key), value) for key, value in container.items()]
                container.clear()
                _fill(container, items)
            stack.extend(container.values())
        elif isinstance(container, list):
            stack.extend(container)


def _fill(obj: dict[str, Any], items: list[tuple[str, Any]]) -> None:
    """Two names may have become one word: the second gets a number, so that nothing is lost."""
    for key, value in items:
        name, number = key, 1
        while name in obj:
            number += 1
            name = f"{key} {number}"
        obj[name] = value


def parsed(body: bytes | str, seen: Callable[[], None] | None = None) -> Any:
    """The value of a JSON text.

    `seen` is called where an object says a name twice: only the last is kept, so such a body must
    be rendered anew even where nothing was found. Raises: Unreadable.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        obj = dict(items)
        if len(obj) != len(items) and seen is not None:
            seen()
        return obj

    hook = pairs if seen is not None else None
    try:
        return json.loads(body, object_pairs_hook=hook, parse_constant=_constant)
    except RecursionError:
        raise Unreadable("nested-too-deep") from None
    except UnicodeDecodeError:
        raise Unreadable("not-text") from None
    except ValueError:
        raise Unreadable("not-json") from None


def _constant(_: str) -> None:
    raise ValueError("no JSON")


def dumped(value: Any) -> str:
    """The value as JSON. Lone surrogates stay escaped. Raises: Unreadable for no JSON number."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        raise Unreadable("not-json") from None
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text
