"""What the page of an entry shows of its bytes, and what the pages say of a ledger's integrity."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from audits.models import Ledger
from audits.services import integrity
from audits.services.integrity import Integrity

# Told apart from words in how they are set: digests and ids.
_CODES = ("sha256", "digest", "_id", "key", "root", "hash")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an entry, in words; `is_code` where it is an id or a digest."""

    name: str
    value: str
    is_code: bool


@dataclass(frozen=True, slots=True)
class Banner:
    """How a ledger stands, as a banner."""

    ledger: Ledger
    state: Integrity

    @property
    def title(self) -> str:
        if not self.state.checked_at:
            return self.state.sentence
        entries = f"Verified {self.state.verified:,} of {self.state.expected:,} entries"
        return f"{entries}: {self.state.sentence[0].lower()}{self.state.sentence[1:]}"


def banner(ledger: Ledger, at: dt.datetime) -> Banner:
    """The banner of a ledger at the moment `at`."""
    return Banner(ledger, integrity.state(ledger.pk, at))


def members(entry: bytes) -> list[Member]:
    """The entry's members by name; those of its payload after the others, by their own names.

    Raises: ValueError if the bytes are no entry.
    """
    found = json.loads(entry)
    payload = found.pop("payload", None) or {}
    return [_member(name, value) for part in (found, payload) for name, value in part.items()]


def _member(name: str, value: Any) -> Member:
    match value:
        case bool():
            text = "yes" if value else "no"
        case list():
            text = ", ".join(str(each) for each in value)
        case dict():
            text = ", ".join(f"{key} {each}" for key, each in value.items())
        case _:
            text = str(value)
    return Member(name.replace("_", " "), text, any(word in name for word in _CODES))
