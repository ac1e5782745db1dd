"""What the engine says about a body: to be sent as it is now, or not at all.

Nothing here holds a value that was found: places, kinds, rules and counts alone. The one exception
is `Outcome.body`, which is what may be sent; it is left out of `repr`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Reason: TypeAlias = Literal[
    "not-json",  # said to be JSON, and is not
    "not-xml",  # said to be XML, and is not, or declares entities
    "not-text",  # bytes that are no UTF-8
    "not-readable",  # another form that its media type promises and it does not keep
    "unknown-media-type",
    "too-large",
    "nested-too-deep",
    "timed-out",
    "opaque-content",  # images, sound, PDF: the policy lets none pass
    "blocked-by-rule",
    "left-after-masking",  # looked at once more, the masked body still held what may not leave
    "engine-error",
]


# A body of so many bytes has the time that a policy gives; larger ones have more, up to a limit.
TIMED_BYTES, MOST_TIMES = 32 * 1024, 40


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these a body is refused. Sizes in bytes, `text_characters` in characters.

    `timeout_ms` is processor time for a body of up to 32 KB; a larger one has more in proportion,
    at most 40 times as much. It is looked at between texts and between pieces of 16 KB of a long
    one, so it may be passed by the time that one piece takes.
    """

    body_bytes: int = 16 * 1024 * 1024
    text_characters: int = 4 * 1024 * 1024
    decoded_bytes: int = 1024 * 1024
    encodings: int = 3
    nesting: int = 100
    fields: int = 200_000
    timeout_ms: int = 250

    def seconds(self, size: int) -> float:
        """How long a body of `size` bytes may take."""
        return self.timeout_ms / 1000 * min(max(1.0, size / TIMED_BYTES), MOST_TIMES)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing may be sent, and which rules said so. It quotes nothing."""

    reason: Reason
    rule_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldSpan:
    """One thing that was found: where, what, and what was done.

    `path` is a JSON pointer into the body as it was read (it goes on into JSON that stands in a
    string; XML: element names, HL7: segment, field, component, CSV: row, column). A name in it
    that may be a value itself stands as "*". `start` and `end` count characters of the field's own
    text, decoded where it was encoded; `end` does not count. `letter` is that of
    45 CFR 164.514(b)(2)(i), or "".
    """

    path: str
    start: int
    end: int
    kind: str
    letter: str
    rule: str
    action: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """A part that nobody can read here: its place, what it is, how many bytes, what was done."""

    path: str
    media: str
    size: int
    action: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a body. Either `body` stands and may be sent, or `refusal` does.

    `body`: the same bytes that came in where nothing was to be done.
    `masked`: how many spans each rule changed, by rule id; "defaults" where none did.
    `counts`: how many spans of each kind were found, whatever was done with them.
    `data_classes`: the classes of data found, sorted, as `classes_of` in `countersign.rules` names
    them.
    `scanned`: characters that were looked at.
    """

    body: bytes | None = field(repr=False)
    refusal: Refusal | None
    masked: Mapping[str, int] = field(default_factory=dict)
    spans: tuple[FieldSpan, ...] = ()
    data_classes: tuple[str, ...] = ()
    opaque: tuple[Opaque, ...] = ()
    scanned: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether `body` may be sent."""
        return self.refusal is None
