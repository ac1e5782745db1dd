"""One attempt at a batch: what it sends to the database, and how far it came."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import psycopg
from psycopg.pq.abc import PGresult

from audits.ledger import moments
from audits.ledger.jobs import Job
from audits.ledger.settling import Batch, Signed
from audits.services import appending, tiling
from audits.services.appending import Head
from audits.services.scripts import Rows, execute, octets, quoted
from countersign.merkle import Frontier

if TYPE_CHECKING:
    from audits.services.drafting import Draft

Raw = psycopg.Connection[Any]

# What a batch asks of the database: a script with the lines of its COPYs, for its results.
Script: TypeAlias = "tuple[str, Sequence[Rows]]"
Results: TypeAlias = "list[PGresult]"
# What comes of it: the epoch that stands, and the jobs for which the partition had no room; None
# in their place if jobs were decided under another epoch.
Outcome: TypeAlias = "tuple[int, list[Job] | None]"
Steps: TypeAlias = Generator[Script, Results, Outcome]

# From so many entries on, a COPY of their row costs less than a literal that is parsed.
LARGE = 128


def written(
    head: Head,
    batch: Batch,
    tiles: tiling.Rows,
    with_checkpoint: tuple[Frontier, Signed],
    refusals: Sequence[str] = (),
) -> Script:
    """What stores the rows, the tiles and the batch, moves the head, and commits.

    `refusals` are statements that may end the transaction when the rows stand.
    """
    grown, checkpoint = with_checkpoint
    received_at = quoted(moments.text(batch.last_ms))
    copies = appending.copies(batch)
    rows: list[Rows] = [lines for _, lines in copies]
    if len(batch.lines) < LARGE:
        stores = _insert(head, batch, with_checkpoint)
    else:
        stores = appending.COPY_BATCH
        rows.append(appending.batch_row(head, batch, with_checkpoint))
    script = [
        *(sql for sql, _ in copies),
        *refusals,
        *(
            execute("ledger_tile", *map(str, place), octets(hashes), octets(root))
            for *place, hashes, root in tiles
        ),
        stores,
        execute(
            "ledger_grow",
            str(grown.size),
            octets(grown.packed()),
            octets(checkpoint.root),
            received_at,
            str(head.ledger_id),
        ),
        "COMMIT",
    ]
    return ";".join(script), rows


def _insert(head: Head, batch: Batch, with_checkpoint: tuple[Frontier, Signed]) -> str:
    """The statement that stores the row of a small batch: none of its data is waited for."""
    grown, checkpoint = with_checkpoint
    # Entries are canonical JSON, in which no byte is null: as a text they need no second form.
    entries = quoted(b"\n".join(batch.lines).decode())
    return execute(
        "ledger_batch",
        str(head.size),
        str(grown.size),
        quoted(moments.text(batch.last_ms)),
        "NULL" if batch.epoch is None else str(batch.epoch),
        str(head.key_id),
        str(head.ledger_id),
        octets(checkpoint.root),
        octets(checkpoint.signature),
        f"convert_to({entries}, 'UTF8')",
    )


class Trial:
    """One attempt at a batch, as far as it came."""

    def __init__(self, jobs: list[Job]) -> None:
        self.jobs = jobs
        self.ledger_id = jobs[0].ledger_id
        self.batch: Batch | None = None
        self.checkpoint: Signed | None = None
        self.rest: list[Job] = []

    def answer(self, raw: Raw, batch: Batch, checkpoint: Signed | None) -> None:
        """Give each job that was settled what came of it."""
        waiting = set(map(id, self.rest))
        appending.answer(
            raw, [job for job in self.jobs if id(job) not in waiting], batch, checkpoint
        )


class Closed(NamedTuple):
    """A draft that is ready to be stored: as a trial and its steps; `follows` goes on after it."""

    draft: Draft
    trial: Trial
    steps: Steps
    follows: Draft
