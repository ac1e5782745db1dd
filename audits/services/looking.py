"""Looks up what the ledgers hold of the ids in a batch, while the head is held."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import psycopg
from psycopg.pq.abc import PGresult
from psycopg.rows import tuple_row

from audits.ledger.entries import read_call, read_completion
from audits.ledger.jobs import CallJob, Job
from audits.ledger.settling import Known, KnownCall, KnownEnd, Signed
from audits.services.scripts import (
    execute,
    quoted,
    read_bool,
    read_octets,
    read_rows,
    read_uuid,
    uuids,
)
from countersign.checkpoints import Checkpoint
from countersign.notes import joined, key_id, signature_line

Raw = psycopg.Connection[Any]
# A cursor whose rows are yet to come, or the rows.
Answers: TypeAlias = "psycopg.Cursor[Any] | Sequence[tuple[Any, ...]] | None"

# A reused id is found within these days; a UUIDv7, which tells its time, however old it is.
RECENT = dt.timedelta(days=30)
# How much a caller's clock may be behind ours for its ids to be found by their time.
SLACK = dt.timedelta(days=1)

# Where records of the last days begin, by ledger: partitions before that are not looked at.
_FROM = """(
    SELECT coalesce(min(p.first_index), 0) FROM public.audits_partition p
    WHERE p.ledger_id = {ledger} AND p.state <> 'disposed'
      AND (p.last_received_at IS NULL OR p.last_received_at >= %(since)s)
)"""
_PLACES = " OR ".join(
    f'({{0}}.ledger_id = {ledger} AND {{0}}."index" >= {_FROM.format(ledger=ledger)})'
    for ledger in (1, 2)
)
CALLS = f"""
SELECT c.ledger_id, c."index", c.call_id, c.body_sha256, c.integration_id, c.decision = 'allow',
       (extract(epoch FROM c.lease_until) * 1000)::bigint
FROM public.audits_call c
WHERE c.call_id = ANY(%(calls)s) AND ({_PLACES.format("c")})
"""  # noqa: S608 - constants of this module
_END = f"""
SELECT o.ledger_id, o."index", o.call_id, o.event_id, o.body_sha256, o.swept
FROM public.audits_completion o
WHERE o.{{0}} = ANY(%({{1}})s) AND ({_PLACES.format("o")})
"""  # noqa: S608
# Two questions, so that each goes by an index of its own.
ENDS = f"{_END.format('call_id', 'ended')} UNION ALL {_END.format('event_id', 'events')}"
LEASES = f"""
SELECT l.call_id, (extract(epoch FROM max(l.lease_until)) * 1000)::bigint
FROM public.audits_lease l
WHERE l.call_id = ANY(%(ended)s) AND ({_PLACES.format("l")})
GROUP BY l.call_id
"""  # noqa: S608
# The same questions as statements that are prepared, with what their columns hold.
PREPARED = {
    "ledger_calls": CALLS % {"calls": "$1", "since": "$2"},
    "ledger_ends": ENDS % {"ended": "$1", "events": "$2", "since": "$3"},
    "ledger_leases": LEASES % {"ended": "$1", "since": "$2"},
}
# The same as conditions: the transaction ends if the head is not that, or if anything is found
# but the rows from an index on, which are its own.
_EXPECT = """
SELECT public.audits_unless(NOT (h.size = $2 AND h.frontier = $3 AND e.value = $4))
FROM (SELECT size, frontier FROM public.audits_ledgerhead WHERE ledger_id = $1 FOR UPDATE) h,
     public.vendors_epoch e
"""
_UNLESS = """
SELECT public.audits_unless(EXISTS (
    SELECT FROM ({}) f WHERE NOT (f.ledger_id = {} AND f."index" >= {})
))
"""
REFUSING = {
    "ledger_expect": _EXPECT,
    "ledger_no_calls": _UNLESS.format(PREPARED["ledger_calls"], "$3", "$4"),
    "ledger_no_ends": _UNLESS.format(PREPARED["ledger_ends"], "$4", "$5"),
}
# By which the transaction ends then.
OTHERWISE = "CS001"
_CALL_KINDS = (int, int, read_uuid, read_octets, int, read_bool, int)
_END_KINDS = (int, int, read_uuid, read_uuid, read_octets, read_bool)
_LEASE_KINDS = (read_uuid, int)
VERDICTS = "SELECT sha256, id FROM public.audits_verdict WHERE sha256 = ANY(%s)"
INSERT_VERDICT = """
INSERT INTO public.audits_verdict (sha256, agreement_id, baa_reference, report_id, fact_ids,
                                   valid_until, terms_digest, policy_digest)
VALUES (%s, %s, %s, %s, %s::bigint[], %s::date, %s, %s)
ON CONFLICT (sha256) DO NOTHING
"""
BATCHES = """
SELECT i, b.first_index, b.size, b.root, b.signature, b.entries, k.public_key, l.origin
FROM unnest(%s::bigint[]) i
CROSS JOIN LATERAL (
    SELECT * FROM public.audits_batch
    WHERE ledger_id = %s AND first_index <= i ORDER BY first_index DESC LIMIT 1
) b
JOIN public.audits_ledgerkey k ON k.id = b.ledger_key_id
JOIN public.audits_ledger l ON l.id = b.ledger_id
"""


def _ask(
    raw: Raw, sql: str, parameters: Sequence[object] | Mapping[str, object]
) -> psycopg.Cursor[Any]:
    asked = psycopg.Cursor(raw, row_factory=tuple_row)
    asked.execute(sql.encode(), parameters)
    return asked


class Look:
    """The questions of a batch, asked in one go: `ask` sends them, `known` reads the answers."""

    def __init__(self, jobs: Iterable[Job], verdicts: dict[bytes, int], at: dt.datetime) -> None:
        """`verdicts` holds ids that are known to be committed; what is found is not added."""
        self.calls: list[uuid.UUID] = []
        self.new: list[uuid.UUID] = []
        self.ended: list[uuid.UUID] = []
        self.events: list[uuid.UUID] = []
        self.verdicts = verdicts
        self.wanted: dict[bytes, Any] = {}
        self.since = at - RECENT
        self._calls: Answers = None
        self._ends: Answers = None
        self._leases: Answers = None
        self._verdicts: psycopg.Cursor[Any] | None = None
        for job in jobs:
            if isinstance(job, CallJob):
                sha256 = job.verdict.sha256
                if sha256 not in verdicts:
                    self.wanted[sha256] = job.verdict
                self.new.append(job.body.call_id)
            else:
                self.ended += job.call_ids()
                self.events += job.event_ids()
            self.calls += job.call_ids()

    def ask(self, raw: Raw) -> None:
        """Send the questions. In a pipeline no answer is waited for."""
        asked = {
            "calls": self.calls,
            "ended": self.ended,
            "events": self.events,
            "since": self._since(),
        }
        self._calls = _ask(raw, CALLS, asked) if self.calls else None
        self._ends = _ask(raw, ENDS, asked) if self.ended else None
        self._leases = _ask(raw, LEASES, asked) if self.ended else None
        for sha256 in sorted(self.wanted):
            _ask(raw, INSERT_VERDICT, (sha256, *self.wanted[sha256].dictionary()))
        self._verdicts = _ask(raw, VERDICTS, (list(self.wanted),)) if self.wanted else None

    def script(self) -> list[str]:
        """The questions as statements of a script, if no verdict is wanted: see `read`."""
        since, asked = quoted(self._since().isoformat()), list[str]()
        if self.calls:
            asked.append(execute("ledger_calls", uuids(self.calls), since))
        if self.ended:
            ended = uuids(self.ended)
            asked.append(execute("ledger_ends", ended, uuids(self.events), since))
            asked.append(execute("ledger_leases", ended, since))
        return asked

    def refusals(self, ledger_id: int, first_index: int) -> list[str]:
        """The statements that end the transaction if any of the calls or completions is stored.

        What the transaction has stored itself, from `first_index` on, is not looked at.
        """
        rest = quoted(self._since().isoformat()), str(ledger_id), str(first_index)
        asked = []
        if self.new:
            asked.append(execute("ledger_no_calls", uuids(self.new), *rest))
        if self.ended:
            ends = uuids(self.ended), uuids(self.events)
            asked.append(execute("ledger_no_ends", *ends, *rest))
        return asked

    def read(self, results: Sequence[PGresult]) -> None:
        """Take the answers to the statements of `script`."""
        waiting = iter(results)
        self._calls = read_rows(next(waiting), _CALL_KINDS) if self.calls else None
        self._ends = read_rows(next(waiting), _END_KINDS) if self.ended else None
        self._leases = read_rows(next(waiting), _LEASE_KINDS) if self.ended else None

    def _since(self) -> dt.datetime:
        return min([self.since, *map(_sent, self.calls)])

    def known(self, ledger_id: int) -> Known:
        """The answers. Of an id that two ledgers hold, that of `ledger_id` counts."""
        known = Known(verdicts=self.verdicts)
        for ledger, index, call_id, sent, integration, allowed, until in _rows(self._calls):
            if call_id not in known.calls or ledger == ledger_id:
                call = KnownCall(ledger, index, bytes(sent), integration, allowed, until)
                known.calls[call_id] = call
        for ledger, index, call_id, event_id, sent, swept in _rows(self._ends):
            end = KnownEnd(ledger, index, call_id, event_id, bytes(sent))
            known.events[event_id] = end
            if swept:
                known.swept.add(call_id)
            elif call_id not in known.ends or ledger == ledger_id:
                known.ends[call_id] = end
        known.leases = dict(_rows(self._leases))
        if self._verdicts is not None:
            found = {bytes(sha256): pk for sha256, pk in self._verdicts.fetchall()}
            known.verdicts = {**self.verdicts, **found}
        return known


def _rows(asked: Answers) -> Sequence[tuple[Any, ...]]:
    return asked.fetchall() if isinstance(asked, psycopg.Cursor) else asked or ()


def _sent(call_id: uuid.UUID) -> dt.datetime:
    """The moment before which no record of this id can have come, as far as the id tells."""
    if call_id.version != 7:
        return dt.datetime.max.replace(tzinfo=dt.UTC)
    made = dt.datetime.fromtimestamp(min(call_id.int >> 80, 2**45) / 1000, dt.UTC)
    return max(made, dt.datetime(1971, 1, 1, tzinfo=dt.UTC)) - SLACK


def known(raw: Raw, jobs: Sequence[Job], at: dt.datetime) -> Known:
    """What is stored of the ids in these jobs, which are of one ledger."""
    if not any(job.call_ids() for job in jobs):
        return Known()
    look = Look(jobs, {}, at)
    look.ask(raw)
    return look.known(jobs[0].ledger_id)


def read_again(raw: Raw, ledger_id: int, jobs: Sequence[Job]) -> None:
    """Give repeats the entry and the checkpoint of the first time.

    A job whose batch is not there any more keeps none, and gets its error from whoever asked.
    """
    by_index: dict[int, list[Job]] = {}
    for job in jobs:
        by_index.setdefault(job.index, []).append(job)
    asked = _ask(raw, BATCHES, (list(by_index), ledger_id))
    for index, first, size, root, signature, entries, public_key, origin in asked.fetchall():
        line = bytes(entries).split(b"\n")[index - first]
        identity = key_id(origin, bytes(public_key))
        text = Checkpoint(origin, size, bytes(root)).text()
        note = joined(text, [signature_line(origin, identity, bytes(signature))])
        signed = Signed(origin, size, bytes(root), bytes(signature), note)
        for job in by_index[index]:
            job.checkpoint, job.line = signed, line
            job.entry = read_call(line) if isinstance(job, CallJob) else read_completion(line)
