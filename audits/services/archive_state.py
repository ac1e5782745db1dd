"""What stands where: each partition, its archive, and what retention does next with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from audits.models import ArchiveEvent, LegalHold, Partition
from audits.services import archiving_rows, holds
from audits.services.retention import disposable_from

# How far ahead it is looked whether a legal hold keeps what would go.
LOOK_AHEAD = dt.timedelta(days=60)

_ROWS = """
SELECT p.ledger_id, p.number, l.slug, p.first_index, p.end_index, p.state,
       least(p.end_index, h.size) - p.first_index AS entries,
       coalesce(p.first_received_at, (SELECT b.received_at FROM audits_batch b
           WHERE b.ledger_id = p.ledger_id AND b.first_index >= p.first_index
           AND b.first_index < p.end_index ORDER BY b.first_index LIMIT 1)),
       coalesce(p.last_received_at, (SELECT b.received_at FROM audits_batch b
           WHERE b.ledger_id = p.ledger_id AND b.first_index >= p.first_index
           AND b.first_index < p.end_index ORDER BY b.first_index DESC LIMIT 1)),
       (SELECT coalesce(sum(pg_total_relation_size(to_regclass(
           format('public.audits_%%s_%%s_%%s', t, p.ledger_id, p.number)))), 0)
        FROM unnest(%s::text[]) t)::bigint
FROM audits_partition p
JOIN audits_ledger l ON l.id = p.ledger_id
JOIN audits_ledgerhead h ON h.ledger_id = l.id
WHERE h.size > p.first_index
ORDER BY p.ledger_id, p.number DESC
"""


@dataclass(frozen=True, slots=True)
class Next:
    """What the retention job does next with a partition: `kind` archive, dispose or nothing.

    `on` is from when on it may, None while that is not known; `why` says what it waits for.
    """

    kind: str
    on: dt.datetime | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class PartitionLine:
    """A partition that holds entries, or held them."""

    ledger_id: int
    number: int
    ledger: str
    first_index: int
    end_index: int
    state: str
    entries: int
    first_received_at: dt.datetime | None
    last_received_at: dt.datetime | None
    size_bytes: int
    archive: ArchiveEvent | None
    held_by: tuple[LegalHold, ...]
    next: Next

    @property
    def state_words(self) -> str:
        """The state as people read it."""
        if self.state == Partition.State.OPEN and self.entries == self.end_index - self.first_index:
            return "Full"
        return {"open": "Being filled", "archived": "Archived", "disposed": "Disposed of"}[
            self.state
        ]

    @property
    def state_kind(self) -> str:
        """Which pill shows it."""
        return {"open": "info", "archived": "ok", "disposed": "neutral"}[self.state]

    @property
    def share(self) -> int:
        """How full it is, in percent."""
        return 100 * self.entries // (self.end_index - self.first_index)

    @property
    def digest(self) -> str:
        """SHA-256 of the archive's manifest, in hex."""
        return bytes(self.archive.manifest_sha256).hex() if self.archive else ""


def overview(at: dt.datetime) -> list[PartitionLine]:
    """All partitions that entries reached, the newest of each ledger first."""
    events: dict[tuple[int, int], ArchiveEvent] = {}
    for event in ArchiveEvent.objects.order_by("id"):
        events[event.ledger_id, event.number] = event
    in_force = list(LegalHold.objects.in_force().select_related("ledger", "integration", "vendor"))
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [list(archiving_rows.TABLES)])
        return [_line(row, events.get(row[:2]), in_force, at) for row in cursor.fetchall()]


def _line(
    row: Sequence[object], archive: ArchiveEvent | None, in_force: list[LegalHold], at: dt.datetime
) -> PartitionLine:
    ledger_id, number, slug, first, end, state, entries, began, ended, size = row
    assert isinstance(ledger_id, int)
    assert isinstance(number, int)
    assert isinstance(first, int)
    assert isinstance(end, int)
    assert isinstance(entries, int)
    assert isinstance(size, int)
    assert began is None or isinstance(began, dt.datetime)
    assert ended is None or isinstance(ended, dt.datetime)
    held: list[LegalHold] = []
    soon = ended is not None and disposable_from(ended) - LOOK_AHEAD <= at
    if in_force and state == Partition.State.ARCHIVED and began and ended and soon:
        part = archiving_rows.stretch(ledger_id, number)
        held = holds.covering(part, (began, ended), in_force)
    return PartitionLine(
        ledger_id=ledger_id,
        number=number,
        ledger=str(slug),
        first_index=first,
        end_index=end,
        state=str(state),
        entries=entries,
        first_received_at=began,
        last_received_at=ended,
        size_bytes=size,
        archive=archive,
        held_by=tuple(held),
        next=_next(str(state), entries < end - first, ended, archive, held),
    )


def _next(
    state: str,
    filling: bool,  # noqa: FBT001 - a fact among others, not a switch
    ended: dt.datetime | None,
    archive: ArchiveEvent | None,
    held: list[LegalHold],
) -> Next:
    if state == Partition.State.DISPOSED:
        return Next("nothing", None)
    if filling or ended is None:
        return Next("archive", None, "once it is full")
    if state == Partition.State.OPEN:
        return Next("archive", ended + dt.timedelta(days=settings.LEDGER_ARCHIVE_AFTER_DAYS))
    on = disposable_from(ended)
    if archive and archive.until and archive.until > on:
        on = archive.until
    if held:
        names = ", ".join(hold.reference for hold in held)
        return Next("dispose", None, f"under legal hold {names}")
    return Next("dispose", on)
