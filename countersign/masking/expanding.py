"""A document with all that lies encoded in its texts, as far down as the limits let it."""

from __future__ import annotations

from collections import deque

from countersign.masking.encodings import Segment, segments
from countersign.masking.outcomes import Limits
from countersign.shapes.slots import Document, OpaquePart, Sizes, Slot, Unreadable

_SHORTEST = 8  # in fewer characters nothing is encoded that is looked for


class Node:
    """A slot, and the documents that lie in its text."""

    __slots__ = ("looked_at", "segments", "slot")

    def __init__(self, slot: Slot, found: list[Segment]) -> None:
        self.slot = slot
        self.segments = found
        self.looked_at = _blanked(slot.text, found)

    def __repr__(self) -> str:
        return f"Node({self.slot!r}, segments={len(self.segments)})"


def expand(document: Document, limits: Limits, sizes: Sizes) -> tuple[list[Node], list[OpaquePart]]:
    """Every text, those that hold others first; and all parts that are opaque.

    Raises: Unreadable where there is more text, or more of it encoded, than the limits allow.
    """
    nodes: list[Node] = []
    opaque = list(document.opaque)
    waiting = deque((slot, 0) for slot in document.slots)
    characters = decoded = 0
    while waiting:
        slot, depth = waiting.popleft()
        characters += len(slot.text)
        if characters > limits.text_characters or len(nodes) > limits.fields:
            raise Unreadable("too-large")
        if not slot.looked or len(slot.text) < _SHORTEST:
            nodes.append(Node(slot, []))
            continue
        found = segments(slot.text, slot.path, sizes)
        nodes.append(Node(slot, found.segments))
        opaque += found.opaque
        decoded += found.decoded
        if decoded > limits.decoded_bytes:
            raise Unreadable("too-large")
        if found.segments and depth >= limits.encodings:
            raise Unreadable("nested-too-deep")
        for segment in found.segments:
            inner = segment.body.document
            opaque += inner.opaque
            for each in inner.slots:
                each.of_tool = each.of_tool or slot.of_tool
                waiting.append((each, depth + 1))
    return nodes, opaque


def _blanked(text: str, found: list[Segment]) -> str:
    """The text with spaces where a document stands whose own slots say all."""
    pieces, at = [], 0
    for segment in found:
        if segment.blank:
            pieces += [text[at : segment.start], " " * (segment.end - segment.start)]
            at = segment.end
    return "".join([*pieces, text[at:]]) if pieces else text
