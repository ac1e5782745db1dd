"""CSV: every cell is a slot, and the heading of its column says what it holds."""

from __future__ import annotations

import csv
import io

from countersign.shapes.names import kind_of
from countersign.shapes.slots import NameSlot, OpaquePart, Slot, Unreadable


class CsvDocument:
    """A table with a heading; the delimiter is told by the first line. Quotes are written anew."""

    def __init__(self, text: str, *, path: str = "", fields: int = 200_000) -> None:
        """Raises: Unreadable."""
        self._text = text
        self._dialect = _delimiter(text)
        self.slots: list[Slot] = []
        self.opaque: list[OpaquePart] = []
        self._rows: list[list[Slot]] = []
        names: list[str] = []
        for number, row in enumerate(self._read(text)):
            if not number:
                names = row
            self._rows.append(
                [
                    self._cell(path, number, names[at] if at < len(names) else str(at), cell)
                    for at, cell in enumerate(row)
                ]
            )
            if len(self.slots) > fields:
                raise Unreadable("too-large")

    def render(self) -> str:
        if all(slot.new is None for slot in self.slots):
            return self._text
        written = io.StringIO()
        end = "\r\n" if "\r\n" in self._text else "\n"
        writer = csv.writer(written, delimiter=self._dialect, lineterminator=end)
        for row in self._rows:
            writer.writerow([slot.text if slot.new is None else slot.new for slot in row])
        return written.getvalue()

    def _cell(self, path: str, number: int, name: str, text: str) -> Slot:
        """A heading is text like any other, for a table may have none and begin with a person."""
        kind = kind_of(name, record=True) if number and text else None
        parent = f"{path}/{number}"
        harvested = kind is not None and kind != "DATE"
        sort = Slot if number else NameSlot
        slot = sort(parent, name or "-", text, kind=kind, harvested=harvested)
        if text:
            self.slots.append(slot)
        return slot

    def _read(self, text: str) -> list[list[str]]:
        limit = csv.field_size_limit()
        if len(text) > limit and max(map(len, text.splitlines()), default=0) > limit:
            raise Unreadable("too-large")
        try:
            return list(csv.reader(io.StringIO(text, newline=""), delimiter=self._dialect))
        except csv.Error:
            raise Unreadable("not-readable") from None


def _delimiter(text: str) -> str:
    first = text[:4096].splitlines()[0] if text.strip() else ""
    return max(",;\t|", key=first.count)
