"""Plain text, and the words of a form: one slot each."""

from __future__ import annotations

import re
from urllib.parse import quote_plus, unquote_plus

from countersign.shapes.names import kind_of
from countersign.shapes.slots import NameSlot, OpaquePart, Slot, Unreadable

_PAIR = re.compile(r"[^&;]+")


class TextDocument:
    """Text without any form."""

    def __init__(self, text: str, *, path: str = "") -> None:
        self.slots: list[Slot] = [Slot(path, "", text)] if text else []
        self.opaque: list[OpaquePart] = []
        self._text = text

    def render(self) -> str:
        if not self.slots:
            return self._text
        new = self.slots[0].new
        return self._text if new is None else new


class FormDocument:
    """Pairs of a posted form, `name=value&...`."""

    def __init__(self, text: str, *, path: str = "", fields: int = 200_000) -> None:
        """Raises: Unreadable."""
        self.slots: list[Slot] = []
        self.opaque: list[OpaquePart] = []
        self._text = text
        self._places: list[tuple[Slot, int, int]] = []
        for pair in _PAIR.finditer(text):
            self._pair(pair, path)
            if len(self.slots) > fields:
                raise Unreadable("too-large")

    def render(self) -> str:
        pieces, at = [], 0
        for slot, start, end in self._places:
            if slot.new is not None:
                pieces += [self._text[at:start], quote_plus(slot.new)]
                at = end
        return "".join([*pieces, self._text[at:]])

    def _pair(self, pair: re.Match[str], path: str) -> None:
        name, equals, _ = pair[0].partition("=")
        plain = unquote_plus(name)
        middle = pair.start() + len(name)
        self._add(NameSlot(path, plain, plain), pair.start(), middle)
        if equals:
            value = unquote_plus(pair[0][len(name) + 1 :])
            kind = kind_of(plain, record=True)
            slot = Slot(path, plain, value, kind=kind, harvested=kind not in (None, "DATE"))
            self._add(slot, middle + 1, pair.end())

    def _add(self, slot: Slot, start: int, end: int) -> None:
        if slot.text:
            self.slots.append(slot)
            self._places.append((slot, start, end))
