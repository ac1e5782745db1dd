"""A batch while it is put together: what is stored already, what gets which place.

Nothing here reads or writes anything: what is stored comes in, lines and leaves come out.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec

from audits.ledger import copying, moments
from audits.ledger.entries import (
    CallEntry,
    CompletionEntry,
    Entry,
    LeaseEntry,
    encode,
    event_entry,
)
from countersign.merkle import leaf_hash


class Refused(Exception):
    """Nothing was stored; `code` is one of countersign.problems."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class KnownCall(msgspec.Struct, frozen=True, gc=False):
    """What has to be known of a call that is in a ledger."""

    ledger_id: int
    index: int
    body_sha256: bytes
    integration_id: int
    allowed: bool
    lease_until_ms: int


class KnownEnd(msgspec.Struct, frozen=True, gc=False):
    """What has to be known of a completion that is in a ledger."""

    ledger_id: int
    index: int
    call_id: uuid.UUID
    event_id: uuid.UUID
    body_sha256: bytes


@dataclass(slots=True)
class Known:
    """What the ledgers hold of the ids in a batch; grows as the batch is settled.

    `ends` are the completions that callers sent, by call; `events` all of them, by event.
    """

    calls: dict[uuid.UUID, KnownCall] = field(default_factory=dict)
    ends: dict[uuid.UUID, KnownEnd] = field(default_factory=dict)
    events: dict[uuid.UUID, KnownEnd] = field(default_factory=dict)
    swept: set[uuid.UUID] = field(default_factory=set)
    leases: dict[uuid.UUID, int] = field(default_factory=dict)
    verdicts: dict[bytes, int] = field(default_factory=dict)

    def is_ended(self, call_id: uuid.UUID) -> bool:
        """Whether the call is closed, by whomever."""
        return call_id in self.ends or call_id in self.swept

    def lease_until_ms(self, call: KnownCall, call_id: uuid.UUID) -> int:
        """The moment until which the call counts as running."""
        return max(call.lease_until_ms, self.leases.get(call_id, 0))


@dataclass(slots=True)
class Signed:
    """A checkpoint with what vouches for it; `note` is the signed note."""

    origin: str
    size: int
    root: bytes
    signature: bytes
    note: str


class Placed(Protocol):
    """A job that wants a place in a batch."""

    error: BaseException | None

    def settle(self, batch: Batch) -> None:
        """Take a place, or find that there is one already, or that there is none to have."""


P = TypeVar("P", bound=Placed)


@dataclass(slots=True)
class Batch:
    """Entries from `first_index` on. No place is given from `border` on, where a partition ends.

    `last_ms` is the moment of the entry before: none goes back behind it, whatever clocks say. A
    lease is `lease_ms` long.
    """

    ledger_id: int
    livemode: bool
    first_index: int
    border: int
    last_ms: int
    lease_ms: int
    known: Known
    epoch: int | None = None
    entries: list[Entry | None] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    completions: list[str] = field(default_factory=list)
    leases: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    @property
    def next_index(self) -> int:
        """The place that the next entry gets."""
        return self.first_index + len(self.lines)

    def received(self, at_ms: int) -> int:
        """When an entry of the moment `at_ms` counts as received."""
        if at_ms > self.last_ms:
            self.last_ms = at_ms
        return self.last_ms

    def _place(self, line: bytes, entry: Entry | None) -> int:
        index = self.first_index + len(self.lines)
        self.lines.append(line)
        self.leaves.append(leaf_hash(line))
        self.entries.append(entry)
        return index

    def place_call(self, entry: CallEntry, verdict: bytes) -> int:
        """Give the call its index; `verdict` is the digest of what its verdict rests on."""
        index = self._place(encode(entry), entry)
        verdict_id = self.known.verdicts[verdict]
        self.calls.append(copying.call_line(entry, index, self.ledger_id, verdict_id))
        self.epoch = entry.epoch
        return index

    def place_completion(self, entry: CompletionEntry) -> int:
        """Give the completion its index."""
        index = self._place(encode(entry), entry)
        self.completions.append(copying.completion_line(entry, index, self.ledger_id))
        return index

    def place_lease(self, entry: LeaseEntry) -> int:
        """Give the sign of life its index."""
        index = self._place(encode(entry), entry)
        self.leases.append(copying.lease_line(entry, index, self.ledger_id))
        return index

    def place_event(self, kind: str, subject: str, payload: dict[str, object], at_ms: int) -> int:
        """Give an entry of another type its index."""
        received_at = moments.text(self.received(at_ms))
        index = self._place(event_entry(kind, subject, payload, received_at), None)
        words = (kind, subject, encode(payload).decode())
        self.events.append(copying.event_line(index, received_at, self.ledger_id, words))
        return index


def settle(jobs: Iterable[P], batch: Batch) -> list[P]:
    """Settle jobs in their order, as far as the partition has room.

    Returns: those for which there was none. A job that is refused carries its error.
    """
    waiting = iter(jobs)
    for job in waiting:
        if batch.first_index + len(batch.lines) >= batch.border:
            return [job, *waiting]
        try:
            job.settle(batch)
        except Refused as refused:
            job.error = refused
    return []
