"""The sheet of each population (information produced by the entity, AT-C 205) as data."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from evidence.pack import cells
from evidence.pack.bag import BagFile
from evidence.pack.dataset import Dataset, Timing
from evidence.pack.datasets import sql, table
from evidence.pack.plan import Plan
from evidence.pack.proofs import Proven

# A gap list longer than this is a matter for the database itself; the count is always whole.
GAPS_LISTED = 500
GAPS_NOTE = (
    "A number is also used up when an insert is undone or refused, so a gap is a question to ask, "
    "not proof of deletion; tables of records refuse deletion by trigger."
)

LEDGER_NOTE = (
    "The sequence is that of the whole ledger: numbers of other populations, and those out of the "
    "pack's scope, are no gaps. Each row's entry is proven by log-proofs/ against one signed "
    "checkpoint, whose Merkle root stands here."
)


@dataclass(frozen=True, slots=True)
class Counted:
    """What the database says of a population before it is written."""

    rows: int
    first: int | None
    last: int | None
    gap_count: int
    gaps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Population:
    """A population as it stands in the pack."""

    dataset: Dataset
    counted: Counted
    rows_in_file: int
    files: tuple[BagFile, ...]
    # The entries of the ledger that its rows are, ascending; empty where they are none.
    entries: array[int] = field(default_factory=lambda: array("Q"), repr=False)


def query_digest(dataset: Dataset) -> str:
    """SHA-256 of the query's text in UTF-8, in hex."""
    return hashlib.sha256(sql(dataset).encode()).hexdigest()


def sheet(plan: Plan, population: Population, proven: Proven | None = None) -> dict[str, object]:
    """The sheet of one population: where from, how, when, by whom, how many, which gaps."""
    dataset, counted = population.dataset, population.counted
    query = sql(dataset)
    in_ledger = dataset.sequence == "index"
    return {
        "dataset": dataset.name,
        "title": dataset.title,
        "what": dataset.what,
        **_timing(plan, dataset),
        "scope": "as in scope.json" if dataset.narrowed else "the whole organization",
        "source": {
            "portal": plan.source.portal,
            "database": plan.source.database,
            "table": table(dataset),
        },
        "query": query,
        "query_sha256": query_digest(dataset),
        "parameters": plan.shown_parameters(query),
        "time_zone": f"days in {plan.source.time_zone}; moments in UTC",
        "run_by": plan.requested_by,
        "run_at": cells.moment(plan.as_of),
        "code_version": plan.source.code_version,
        "rows_in_database": counted.rows,
        "rows_in_file": population.rows_in_file,
        "first_sequence": counted.first,
        "last_sequence": counted.last,
        "gap_count": counted.gap_count,
        "gaps": [{"from": first, "to": last} for first, last in counted.gaps],
        "gaps_note": LEDGER_NOTE if in_ledger else GAPS_NOTE,
        **({"ledger": proven.members()} if in_ledger and proven else {}),
        "hash_totals": [
            {"file": file.path, "sha256": file.sha256, "bytes": file.size}
            for file in population.files
        ],
        "criteria": dataset.criteria,
        "cfr_sections": dataset.sections,
    }


def _timing(plan: Plan, dataset: Dataset) -> dict[str, object]:
    if dataset.timing is Timing.AS_OF:
        return {"as_of": cells.moment(plan.as_of)}
    return {
        "period_from": cells.moment(plan.period_from),
        "period_until": cells.moment(plan.period_until),
    }


def index(
    plan: Plan,
    populations: Sequence[Population],
    files: Sequence[BagFile],
    proven: Proven | None = None,
) -> object:
    """What is in the pack: each request, its files, and the criteria and sections it answers."""
    return {
        "title": plan.title,
        "organization": plan.source.organization,
        "period_start": plan.period_start.isoformat(),
        "period_end": plan.period_end.isoformat(),
        "as_of": cells.moment(plan.as_of),
        "signed": False,
        "note": "This pack is unsigned: its hashes show that it is whole, not who made it.",
        "ledger": proven.members() if proven else None,
        "datasets": [
            {
                "dataset": population.dataset.name,
                "title": population.dataset.title,
                "what": population.dataset.what,
                "rows": population.rows_in_file,
                "criteria": population.dataset.criteria,
                "cfr_sections": population.dataset.sections,
                "files": [file.path for file in population.files],
                "sheet": f"data/ipe/{population.dataset.name}.json",
            }
            for population in populations
        ],
        "files": [
            {"path": file.path, "sha256": file.sha256, "bytes": file.size}
            for file in sorted(files, key=lambda file: file.path)
        ],
    }
