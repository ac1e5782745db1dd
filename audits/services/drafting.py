"""Batches that are put together before the one before them is stored.

A draft goes on where the ledger ends by what is in memory, and takes only what memory can settle;
the database then holds its message against what it has, and refuses it if anything is otherwise.
So nothing has to be asked first, and the next batch is ready when the one before it is stored.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from audits.ledger.jobs import CallJob, CompletionJob, Job, LeaseJob
from audits.ledger.settling import Known, KnownCall, Refused, Signed
from audits.services import appending, tiling
from audits.services.appending import Head
from audits.services.looking import Look
from audits.services.scripts import execute, octets
from countersign.merkle import Frontier

# So many calls are remembered, twice: their completions need not be looked for.
MAX_REMEMBERED = 20_000


class Remembered:
    """The calls that this process stored last."""

    def __init__(self) -> None:
        self._young: dict[uuid.UUID, KnownCall] = {}
        self._old: dict[uuid.UUID, KnownCall] = {}

    def add(self, calls: dict[uuid.UUID, KnownCall]) -> None:
        """Remember these too; the oldest are forgotten."""
        self._young |= calls
        if len(self._young) >= MAX_REMEMBERED:
            self._old, self._young = self._young, {}

    def get(self, call_id: uuid.UUID) -> KnownCall | None:
        """The call, if it is remembered."""
        return self._young.get(call_id) or self._old.get(call_id)


class Draft:
    """A batch on top of a head that is yet to be: `before` holds what goes in before it."""

    def __init__(
        self,
        head: Head,
        tail: tiling.Tail,
        verdicts: dict[bytes, int],
        remembered: Remembered,
        before: Known | None = None,
    ) -> None:
        self.head = head
        self.tail = tail
        self.batch = appending.new_batch(head, Known(verdicts=verdicts))
        self.jobs: list[Job] = []
        self.epoch: int | None = None
        self._remembered = remembered
        self._before = before

    def take(self, job: Job, most: int) -> bool:
        """Settle the job, if memory is enough for that; a job that is refused has its error then.

        It takes no more than `most`.
        """
        batch = self.batch
        epoch = job.epoch if self.epoch is None else self.epoch
        if (
            job.ledger_id != self.head.ledger_id
            or epoch is None
            or job.epoch != epoch
            or len(self.jobs) >= most
            or batch.next_index >= batch.border
            or not self._knows(job)
        ):
            return False
        try:
            job.settle(batch)
        except Refused as refused:
            job.error = refused
        self.epoch = epoch
        self.jobs.append(job)
        return True

    def _knows(self, job: Job) -> bool:
        if isinstance(job, CallJob):
            return job.verdict.sha256 in self.batch.known.verdicts and self._is_new(
                job.body.call_id
            )
        if isinstance(job, CompletionJob | LeaseJob):
            return self._knows_call(job)
        return False

    def _is_new(self, call_id: uuid.UUID) -> bool:
        """Whether the id is none of the batches before; of those, only the database knows all."""
        if self._remembered.get(call_id) is not None:
            return False
        return self._before is None or call_id not in self._before.calls

    def _knows_call(self, job: CompletionJob | LeaseJob) -> bool:
        """Whether the job's call is in memory, and within its lease whoever else extended it."""
        calls, before = self.batch.known.calls, self._before.calls if self._before else {}
        call = (
            calls.get(job.call_id) or before.get(job.call_id) or self._remembered.get(job.call_id)
        )
        if call is None or max(job.at_ms, self.batch.last_ms) >= call.lease_until_ms:
            return False
        calls[job.call_id] = call
        return True

    def forget(self) -> list[Job]:
        """The jobs, as they were before the draft took them."""
        for job in self.jobs:
            job.forget()
        return self.jobs

    def expectation(self) -> str:
        """The statement that locks the head, and ends the transaction if it is another."""
        head = self.head
        place = str(head.ledger_id), str(head.size), octets(head.frontier.packed())
        return execute("ledger_expect", *place, str(self.epoch))

    def refusals(self) -> list[str]:
        """The statements that end the transaction if an id is stored that memory does not know."""
        live = [job for job in self.jobs if job.error is None]
        look = Look(live, self.batch.known.verdicts, self.jobs[0].at)
        return look.refusals(self.head.ledger_id, self.head.size)

    def tiles(self) -> tiling.Rows | None:
        """The tiles that it completes; None if something has to be read for them."""
        return tiling.at_hand(self.tail, self.head, self.batch.leaves)

    def after(self, checkpoint: tuple[Frontier, Signed]) -> tuple[Head, tiling.Tail]:
        """Where the ledger ends when the draft is stored."""
        grown, _ = checkpoint
        tail = tiling.Tail(self.tail.size, list(self.tail.leaves))
        tail.follow(self.head.size, self.batch.leaves)
        return replace(self.head, frontier=grown, last_ms=self.batch.last_ms), tail
