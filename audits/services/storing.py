"""Stores batches on the writer's own connection, with what it may keep in memory in between."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from django.db import connection

from audits.ledger.jobs import Job
from audits.ledger.settling import Known, settle
from audits.services import appending, looking, tiling
from audits.services.appending import HEAD, LEDGER, LOCK_EPOCH, Head, Raw, ask
from audits.services.drafting import Draft, Remembered
from audits.services.looking import Look
from audits.services.scripts import (
    Scripts,
    execute,
    read_bool,
    read_octets,
    read_rows,
    read_text,
)
from audits.services.trials import Closed, Outcome, Results, Script, Steps, Trial, written

# A change of the register that stays open holds records up; after so long they are refused.
LOCK_WAIT = "10s"
# Every statement of the writer goes by an index. A plan that was made while a partition was empty
# must not scan it when it is full, and no plan is worth compiling, or making anew for each batch.
SETTINGS = {
    "lock_timeout": LOCK_WAIT,
    "search_path": "public",
    "standard_conforming_strings": "on",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}
MAX_VERDICTS = 10_000
CROWDED = 20
ROOT = "SELECT root FROM public.audits_batch WHERE ledger_id = %s AND first_index = %s"

PREPARED = {
    "ledger_epoch": LOCK_EPOCH,
    "ledger_head": appending.HEAD_AND_EPOCH % "$1",
    "ledger_batch": appending.INSERT_BATCH % tuple(f"${n}" for n in range(1, 10)),
    "ledger_tile": tiling.INSERT % tuple(f"${n}" for n in range(1, 6)),
    "ledger_beside": LEDGER % "$1",
    "ledger_grow": appending.GROW % tuple(f"${n}" for n in range(1, 6)),
    **looking.PREPARED,
    **looking.REFUSING,
}
_HEAD_KINDS = (int, read_octets, int, int)
_BESIDE_KINDS = (read_text, read_text, read_bool, int, read_octets, int)
# What Django's parameters hold beside those of libpq.
_OURS = {"autocommit", "context", "cursor_factory", "prepare_threshold", "row_factory"}


class Waits(Exception):
    """More has to be asked of the database than the usual: by whoever may wait for it."""


class Lost(Exception):
    """The connection was lost, perhaps while the batch of the trial was committed."""

    def __init__(self, trial: Trial, error: psycopg.Error) -> None:
        super().__init__("the connection was lost")
        self.trial = trial
        self.error = error


class Store:
    """A connection, and what is known of each ledger as long as nobody else appends to it."""

    def __init__(self) -> None:
        self._raw: Raw | None = None
        self._scripts: Scripts | None = None
        self._heads: dict[int, Head] = {}
        self._tails: dict[int, tiling.Tail] = {}
        self._verdicts: dict[bytes, int] = {}
        self._remembered = Remembered()
        self._abandoned = False
        # For so many batches it is no use to expect that nobody else has appended.
        self._crowded = 0

    def raw(self) -> Raw:
        """The connection, made anew if there is none. Raises: psycopg.Error."""
        if self._raw is None or self._raw.closed:
            given = connection.get_connection_params()
            named = {name: value for name, value in given.items() if name not in _OURS}
            named["application_name"] = "countersign-writer"
            self._raw = psycopg.connect(**named, autocommit=True)
            self._raw.prepare_threshold = 0
            self._scripts = None
            for setting, value in SETTINGS.items():
                self._raw.execute(f"SET {setting} = '{value}'")
        return self._raw

    def scripts(self) -> Scripts:
        """The statements that are prepared on the connection. Raises: psycopg.Error."""
        raw = self.raw()
        if self._scripts is None:
            self._scripts = Scripts(raw, PREPARED)
        return self._scripts

    def abandon(self) -> None:
        """What is under way on the connection comes to nothing; for who may not wait for that."""
        self._abandoned = True

    def reset(self) -> None:
        """After a failure: nothing is under way any more, and nothing held counts."""
        raw = self._raw
        self._abandoned = False
        self._heads.clear()
        self._tails.clear()
        self._remembered = Remembered()
        # psycopg may give all prepared statements up when it rolls back.
        self._scripts = None
        if raw is None or raw.closed:
            self._raw = None
            return
        try:
            raw.rollback()
        except psycopg.Error:
            raw.close()
            self._raw = None

    def close(self) -> None:
        """Give the connection back."""
        if self._raw is not None:
            self._raw.close()
        self._raw = None

    def hold_epoch(self) -> int:
        """Begin a transaction in which the epoch cannot pass. Returns: the epoch."""
        raw = self.raw()
        raw.execute("BEGIN")
        return appending.hold_epoch(raw)

    def is_ready(self) -> bool:
        """Whether a batch can be begun without waiting for a connection."""
        if self._abandoned or self._scripts is None or self._raw is None:
            return False
        return not self._raw.closed

    def is_cut(self) -> bool:
        """Whether the connection that there was has gone."""
        return self._raw is None or self._raw.closed

    def try_batch(self, jobs: list[Job], *, held: int | None = None) -> Outcome:
        """Store jobs of one ledger in a transaction, or none of them if the epoch has passed.

        `held` is the epoch that `hold_epoch` has begun a transaction with.
        Raises: Lost, LedgerRefused, TilesMissing, psycopg.Error.
        """
        if self._abandoned:
            self.reset()
        trial = Trial(jobs)
        try:
            scripts = self.scripts()
            steps = self.steps(trial, held)
            asked = next(steps)
            while True:
                asked = steps.send(scripts.run(*asked))
        except StopIteration as done:
            outcome: Outcome = done.value
            return outcome
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if self._raw is not None and not self._raw.closed:
                raise
            raise Lost(trial, error) from error

    def steps(self, trial: Trial, held: int | None = None, *, may_wait: bool = True) -> Steps:
        """The batch of the trial, as the scripts that it takes; whoever sends them waits.

        With `may_wait` what is seldom asked for is asked on the way. Raises: Waits without it,
        LedgerRefused, TilesMissing, psycopg.Error.
        """
        live = [job for job in trial.jobs if job.error is None]
        if not live:
            if held is not None:
                yield "ROLLBACK", ()
            return held or 0, []
        look = Look(live, self._verdicts, live[0].at)
        if look.wanted and not may_wait:
            raise Waits
        begin = ["BEGIN", execute("ledger_epoch")] if held is None else []
        # A verdict that is new is stored on the way, so that is asked for in the other way.
        asked = look.script() if not look.wanted else []
        script = [*begin, execute("ledger_head", str(trial.ledger_id)), *asked]
        results = (yield ";".join(script), ())[len(begin) :]
        *row, epoch = read_rows(results[0], _HEAD_KINDS)[0]
        if any(job.epoch is not None and job.epoch != epoch for job in live):
            yield "ROLLBACK", ()
            return epoch, None
        if look.wanted:
            raw = self.raw()
            with raw.pipeline():
                look.ask(raw)
        else:
            look.read(results[1:])
        head = self._held_head(trial.ledger_id, row)
        if head is None:
            head = yield from self._read_head(trial.ledger_id, row, may_wait=may_wait)
        yield from self._settle(trial, head, look.known(trial.ledger_id), live, may_wait=may_wait)
        return epoch, trial.rest

    def _held_head(self, ledger_id: int, row: Sequence[Any]) -> Head | None:
        """The head that is held, if it is that of this row; else somebody else appended."""
        held = self._heads.get(ledger_id)
        size, frontier, _ = row
        if held and held.size == size < held.border and held.frontier.packed() == bytes(frontier):
            return held
        self._tails.pop(ledger_id, None)
        return None

    def _read_head(
        self, ledger_id: int, row: Sequence[Any], *, may_wait: bool
    ) -> Generator[Script, Results, Head]:
        """The head of this row, with what stands beside it."""
        results = yield execute("ledger_beside", str(ledger_id)), ()
        (beside,) = read_rows(results[0], _BESIDE_KINDS)
        if beside[-1] is None and not may_wait:
            raise Waits
        return appending.read_head(self.raw(), ledger_id, tuple(row), beside)

    def _settle(
        self, trial: Trial, head: Head, known: Known, jobs: Sequence[Job], *, may_wait: bool
    ) -> Generator[Script, Results, None]:
        raw = self.raw()
        batch = appending.new_batch(head, known)
        if head.origin is None:
            if not may_wait:
                raise Waits
            appending.begin_ledger(raw, head, batch, jobs[0].at)
        trial.rest = settle(jobs, batch)
        if not may_wait and any(0 <= job.index < head.size for job in jobs):
            raise Waits  # a repeat: what it was answered the first time has to be read
        if not batch.lines:
            yield "ROLLBACK", ()
            trial.answer(raw, batch, None)
            return
        tail = self._tails.setdefault(head.ledger_id, tiling.Tail())
        tiles = tiling.at_hand(tail, head, batch.leaves)
        if tiles is None and not may_wait:
            raise Waits
        grown, checkpoint = appending.signed(head, batch)
        trial.batch, trial.checkpoint = batch, checkpoint
        if tiles is None:
            tiling.store(raw, tail, head, batch.leaves)
        yield written(head, batch, tiles or [], (grown, checkpoint))
        tail.follow(head.size, batch.leaves)
        self._heads[head.ledger_id] = replace(head, frontier=grown, last_ms=batch.last_ms)
        self._remembered.add(known.calls)
        self._verdicts = known.verdicts if len(known.verdicts) < MAX_VERDICTS else {}
        trial.answer(raw, batch, checkpoint)

    def draft(self, ledger_id: int) -> Draft | None:
        """A batch on top of the head that is held; None if there is none, or no use."""
        head = self._heads.get(ledger_id)
        if self._crowded:
            self._crowded -= 1
            return None
        if head is None or head.size >= head.border:
            return None
        tail = self._tails.get(ledger_id, tiling.Tail())
        return Draft(head, tail, self._verdicts, self._remembered)

    def holds(self, head: Head) -> bool:
        """Whether the ledger still ends there, as far as is known here."""
        return self._heads.get(head.ledger_id) is head

    def closed(self, draft: Draft) -> Closed | None:
        """The draft as it is stored; None if memory is not enough. Raises: LedgerRefused."""
        tiles = draft.tiles()
        if tiles is None or not draft.batch.lines:
            return None
        trial = Trial(draft.jobs)
        checkpoint = appending.signed(draft.head, draft.batch)
        trial.batch, trial.checkpoint = draft.batch, checkpoint[1]
        head, tail = draft.after(checkpoint)
        follows = Draft(head, tail, self._verdicts, self._remembered, draft.batch.known)
        sql, lines = written(draft.head, draft.batch, tiles, checkpoint, draft.refusals())
        script = f"BEGIN;{execute('ledger_epoch')};{draft.expectation()};{sql}", lines
        return Closed(draft, trial, self._expecting(trial, draft, script, follows), follows)

    def _expecting(self, trial: Trial, draft: Draft, script: Script, follows: Draft) -> Steps:
        """The draft in one message; if anything is not as it expects, its jobs in the usual way."""
        try:
            yield script
        except psycopg.Error as error:
            if error.sqlstate != looking.OTHERWISE:
                raise
        else:
            self._heads[draft.head.ledger_id] = follows.head
            self._tails[draft.head.ledger_id] = follows.tail
            self._remembered.add(draft.batch.known.calls)
            trial.answer(self.raw(), draft.batch, trial.checkpoint)
            return draft.epoch or 0, []
        yield "ROLLBACK", ()
        self._crowded = CROWDED
        draft.forget()
        trial.batch = trial.checkpoint = None
        return (yield from self.steps(trial, may_wait=False))

    def landed(self, trial: Trial) -> bool:
        """Whether the batch that was being stored when the connection went is there.

        Waits for the head, so what the server was still doing for the lost connection has ended.
        Its jobs are answered then. Raises: psycopg.Error.
        """
        batch, checkpoint = trial.batch, trial.checkpoint
        if batch is None or checkpoint is None:
            return False
        raw = self.raw()
        raw.execute("BEGIN")
        ask(raw, HEAD, (batch.ledger_id,))
        found = ask(raw, ROOT, (batch.ledger_id, batch.first_index)).fetchone()
        raw.execute("COMMIT")
        if found is None or bytes(found[0]) != checkpoint.root:
            return False
        trial.answer(raw, batch, checkpoint)
        return True
