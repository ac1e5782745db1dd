"""What a type of entry is: its words, and the members that an entry of it may carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# What an event says of the row that it seals. `sha256` is that of a salt and of the row's columns
# (form `form`), so that nobody can find out by guessing what the row says.
ROW = {"table": "string", "row": "integer", "form": "integer", "sha256": "string"}
WHEN = {"at": "string"}


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of entry: `seals` says in a sentence what it stands for."""

    code: str
    title: str
    seals: str
    members: Mapping[str, str] = field(default_factory=dict)
    # Written by the database's triggers into audits_pending, sealed by the commit.
    by_trigger: bool = False
    # The row it is about was deleted: there is nothing left to compare.
    removed: bool = False


def row_type(code: str, title: str, seals: str, **members: str) -> EventType:
    """A type that seals a row."""
    return EventType(code, title, seals, {**ROW, **members}, by_trigger=True)


def gone_type(code: str, title: str, seals: str, **members: str) -> EventType:
    """A type that says that a row was deleted."""
    return EventType(code, title, seals, {**ROW, **members}, by_trigger=True, removed=True)
