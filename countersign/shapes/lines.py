"""Documents of many: JSON lines (files of batches), and events of a stream that has ended."""

from __future__ import annotations

import re
from collections.abc import Callable

from countersign.shapes.plain import TextDocument
from countersign.shapes.slots import Document, OpaquePart, Slot, Unreadable

_LINES = re.compile(r"([^\r\n]*)(\r\n|\r|\n|$)")


class LinesDocument:
    """Lines, each read by itself; what stands before a line's value (`data: `) stays."""

    def __init__(
        self,
        text: str,
        read: Callable[[str, str], Document],
        *,
        prefix: str = "",
        fields: int = 200_000,
    ) -> None:
        """`read` takes a line's value and its path. Raises: Unreadable."""
        self.slots: list[Slot] = []
        self.opaque: list[OpaquePart] = []
        self._pieces: list[str | Document] = []
        for number, found in enumerate(_LINES.finditer(text)):
            self._line(found[1], number, read, prefix)
            self._pieces.append(found[2])
            if len(self.slots) > fields:
                raise Unreadable("too-large")

    def render(self) -> str:
        return "".join(
            piece if isinstance(piece, str) else piece.render() for piece in self._pieces
        )

    def _line(
        self, line: str, number: int, read: Callable[[str, str], Document], prefix: str
    ) -> None:
        value = line[len(prefix) :].lstrip(" ") if line.startswith(prefix) else ""
        if not value.strip() or value == "[DONE]":
            if not prefix or value == "[DONE]" or not line.strip():
                self._pieces.append(line)
                return
            value = line  # a comment or an event's name: text like any other
            self._pieces.append(self._taken(TextDocument(value, path=f"/{number}")))
            return
        self._pieces.append(line[: len(line) - len(value)])
        self._pieces.append(self._taken(read(value, f"/{number}")))

    def _taken(self, document: Document) -> Document:
        self.slots += document.slots
        self.opaque += document.opaque
        return document
