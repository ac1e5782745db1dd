"""The bytes of an entry made of its columns again, quickly: what verification compares.

`entries.entry_of_row` says what they must be; this is the same for rows as they should be, without
a look at each value's type. Rows that are otherwise come out otherwise, and are then told apart by
it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from audits.ledger import moments
from audits.ledger.entries import STRUCTURES, Kind, encode, entry_of_row

_BESIDE = {"type", "v"}


def _moment(value: dt.datetime) -> str:
    return moments.text(moments.milliseconds(value))


def _day(value: dt.date) -> str:
    return value.isoformat()


def _sorted(value: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(value.items()))


# Columns that entries write otherwise than the database has them.
_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "body_sha256": bytes.hex,
    "ended_at": _moment,
    "lease_until": _moment,
    "masked": _sorted,
    "received_at": _moment,
    "started_at": _moment,
    "valid_until": _day,
}
_FIELDS = {
    kind: [name for name in structure.__struct_fields__ if name not in _BESIDE]
    for kind, structure in STRUCTURES.items()
}
_CHANGED = {
    kind: [(name, _WRITTEN[name]) for name in fields if name in _WRITTEN]
    for kind, fields in _FIELDS.items()
}


def bytes_of_row(kind: Kind, row: Mapping[str, Any]) -> bytes:
    """The bytes that the columns of a stored row say its entry has; see `entry_of_row`."""
    if kind == "event":
        return entry_of_row(kind, row)
    members = {name: row[name] for name in _FIELDS[kind]}
    for name, written in _CHANGED[kind]:
        value = members[name]
        if value is not None:
            members[name] = written(value)
    if kind == "call":
        entry = "call" if members["decision"] == "allow" else "denial"
    elif kind == "completion":
        entry = "lease-loss" if members["swept"] else "completion"
    else:
        entry = kind
    return encode(STRUCTURES[kind](type=entry, v=1, **members))


def fits(kind: Kind, row: Mapping[str, Any], line: bytes) -> bool:
    """Whether the columns of a row are what the entry says."""
    try:
        if bytes_of_row(kind, row) == line:
            return True
    except (AttributeError, TypeError, ValueError, msgspec.MsgspecError):
        return False  # a value of another kind than any entry has
    return entry_of_row(kind, row) == line
