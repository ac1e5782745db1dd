"""A slot's text with its finds replaced, and its documents written back."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from countersign.detection.hits import Hit
from countersign.masking.deciding import Find
from countersign.masking.encodings import Segment, written
from countersign.masking.expanding import Node

_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
# What is beside a change may be seen otherwise by it: so many characters of it, and a word more.
_WINDOW = 96
_WHOLE = 2048  # shorter texts are looked at again as a whole

# What stands instead of a find with that value.
Replace = Callable[[Find, str], str]


class Change(NamedTuple):
    """A stretch of the old text and the stretch of the new one that stands for it."""

    start: int
    end: int
    new_start: int
    new_end: int


class Changed(NamedTuple):
    """The new text of a slot, with every change in the order of their places."""

    text: str
    changes: list[Change]

    def __repr__(self) -> str:
        return f"Changed(changes={len(self.changes)})"


def widened(hits: list[Hit], segments: list[Segment]) -> list[Hit]:
    """The hits, each with the whole of every segment that it touches: none is cut in two."""
    if not segments:
        return hits
    wide = []
    ends = [segment.end for segment in segments]
    for hit in hits:
        start, end = hit.start, hit.end
        at = bisect_right(ends, start)
        while at < len(segments) and segments[at].start < hit.end:
            start, end = min(start, segments[at].start), max(end, segments[at].end)
            at += 1
        wide.append(Hit(start, end, hit.kind, hit.score, hit.rule))
    return wide


def changed(node: Node, finds: list[Find], replace: Replace) -> Changed:
    """The text of a node after all slots inside it were changed. `finds` do not overlap."""
    text = node.slot.text
    pieces: list[str] = []
    changes: list[Change] = []
    at = length = 0
    for start, end, new in _edits(node, finds, replace):
        pieces += [text[at:start], new]
        length += start - at
        changes.append(Change(start, end, length, length + len(new)))
        length += len(new)
        at = end
    pieces.append(text[at:])
    return Changed("".join(pieces), changes)


def _edits(node: Node, finds: list[Find], replace: Replace) -> list[tuple[int, int, str]]:
    text = node.slot.text
    edits = []
    for find in finds:
        value = text[find.start : find.end]
        new = written(text, find.start, find.end, replace(find, plain(value)))
        if new != value:
            edits.append((find.start, find.end, new))
    taken = [(find.start, find.end) for find in finds]
    for segment in node.segments:
        slots = segment.body.document.slots
        opaque = segment.body.document.opaque
        touched = any(slot.new is not None for slot in slots) or any(p.dropped for p in opaque)
        if touched and not any(s < segment.end and segment.start < e for s, e in taken):
            new = segment.write(segment.body.document.render())
            edits.append((segment.start, segment.end, new))
    return sorted(edits)


def plain(value: str) -> str:
    """A value as it would stand without the encoding of addresses and of markup."""
    if "%" in value and _PERCENT.search(value):
        value = unquote(value)
    return html.unescape(value) if "&" in value and ";" in value else value


def windows(new: Changed) -> list[tuple[int, int]]:
    """The stretches of a changed text that have to be looked at again."""
    if len(new.text) <= _WHOLE:
        return [(0, len(new.text))]
    found: list[tuple[int, int]] = []
    for change in new.changes:
        start = _space_before(new.text, max(change.new_start - _WINDOW, 0))
        end = _space_after(new.text, min(change.new_end + _WINDOW, len(new.text)))
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def _space_before(text: str, at: int) -> int:
    return max(text.rfind(" ", max(at - 64, 0), at) + 1, 0) or at


def _space_after(text: str, at: int) -> int:
    found = text.find(" ", at, at + 64)
    return at if found < 0 else found


def taken_back(hits: list[Hit], new: Changed) -> list[Hit]:
    """Hits in the new text as hits in the old one, without what was changed already."""
    found = []
    for hit in hits:
        for start, end in _beside(hit, new.changes):
            first, last = _old(start, new.changes), _old(end, new.changes)
            if any(map(str.isalnum, new.text[start:end])):
                found.append(Hit(first, last, hit.kind, hit.score, hit.rule))
    return found


def _beside(hit: Hit, changes: list[Change]) -> list[tuple[int, int]]:
    free, at = [], hit.start
    for change in changes:
        if change.new_end <= at or change.new_start >= hit.end:
            continue
        if change.new_start > at:
            free.append((at, change.new_start))
        at = max(at, change.new_end)
    if at < hit.end:
        free.append((at, hit.end))
    return free


def _old(at: int, changes: list[Change]) -> int:
    moved = 0
    for change in changes:
        if change.new_end > at:
            break
        moved = change.end - change.new_end
    return at + moved
