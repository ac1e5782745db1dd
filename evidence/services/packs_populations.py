"""Writes the populations of a pack from the database, row by row."""

from __future__ import annotations

import csv
import io
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from django.db import connection, transaction

from evidence.pack import cells, sheets
from evidence.pack.bag import BagWriter
from evidence.pack.cells import Column
from evidence.pack.dataset import Dataset
from evidence.pack.datasets import part, sql, table
from evidence.pack.plan import Plan
from evidence.pack.sheets import Counted, Population

BATCH = 500
# Without nested loops, a query that has no other way seems so dear that it would be compiled.
PLANNED_FOR_ALL = {"enable_nestloop": "off", "cursor_tuple_fraction": "1", "jit": "off"}
# Called with the number of rows that were written; it raises to stop the build.
Tick = Callable[[int], None]


class IncompletePopulation(Exception):
    """The file of a population has another number of rows than the database counted."""


@contextmanager
def snapshot() -> Iterator[None]:
    """Every query inside sees the database as of one moment, and none can change it."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


@contextmanager
def whole_tables() -> Iterator[None]:
    """Plan the queries inside for reading all of their tables; call it inside `snapshot`.

    They join the calls of a period with how those ended. Where PostgreSQL has no statistics yet,
    as after a restore, it takes a ledger for some dozens of entries and would go through all calls
    anew for each completion: a pack of 100,000 calls would not end.
    """
    with connection.cursor() as cursor:
        for setting, value in PLANNED_FOR_ALL.items():
            cursor.execute(f"SET LOCAL {setting} = {value}")
    yield
    # What fails ends the transaction, and these with it.
    with connection.cursor() as cursor:
        for setting in PLANNED_FOR_ALL:
            cursor.execute(f"SET LOCAL {setting} TO DEFAULT")


def count(dataset: Dataset, plan: Plan) -> Counted:
    """Rows, first and last sequence of a population, and the numbers missing in between.

    Gaps are those of the whole table, or of the whole ledger, so that neither scope nor test keys
    look like one.
    """
    counts = part("counts").replace("{sequence}", dataset.sequence)
    ledgered = dataset.sequence == "index"
    gaps_in = part("gaps_of_ledger" if ledgered else "gaps").replace("{table}", table(dataset))
    with connection.cursor() as cursor:
        cursor.execute(counts.replace("{query}", sql(dataset)), plan.parameters())
        rows, first, last = cursor.fetchone()
        if not rows:
            return Counted(0, None, None, 0, ())
        cursor.execute(gaps_in, {"first": first, "last": last, "listed": sheets.GAPS_LISTED})
        gaps = cursor.fetchall()
    found = tuple((gap[0], gap[1]) for gap in gaps)
    return Counted(rows, first, last, gaps[0][2] if gaps else 0, found)


def write(bag: BagWriter, dataset: Dataset, plan: Plan, counted: Counted, tick: Tick) -> Population:
    """Write one population as CSV, JSON lines and schema.

    Raises: IncompletePopulation if the file does not hold as many rows as were counted.
    """
    path = f"populations/{dataset.name}"
    with tempfile.TemporaryFile(prefix="pack-") as spool, connection.chunked_cursor() as cursor:
        cursor.execute(sql(dataset), plan.parameters())
        columns = _columns(cursor.description, dataset)
        # Eight bytes a row, whatever the rows are.
        indexes = array("Q")
        with bag.entry(f"{path}.csv") as entry:
            rows = _copy(_noting(cursor, indexes), columns, (entry.write, spool.write), tick)
        lines = bag.add_stream(f"{path}.jsonl", cast(BinaryIO, spool))
    if rows != counted.rows:
        raise IncompletePopulation(dataset.name)
    table_file = bag.payload[-2]
    schema = bag.add(f"{path}.schema.json", cells.row_schema(dataset.title, columns))
    entries = indexes if dataset.sequence == "index" else array("Q")
    return Population(dataset, counted, rows, (table_file, lines, schema), entries)


def _noting(cursor: Any, sequence: array[int]) -> Iterator[list[Any]]:
    """Batches of rows; the first column of each goes into `sequence` too."""
    while batch := cursor.fetchmany(BATCH):
        sequence.extend(row[0] for row in batch)
        yield batch


def _columns(description: Sequence[Any], dataset: Dataset) -> list[Column]:
    return [
        Column(column.name, cells.KINDS[column.type_code], dataset.notes.get(column.name, ""))
        for column in description
    ]


def _copy(
    batches: Iterable[list[Any]],
    columns: list[Column],
    targets: tuple[Callable[[bytes], object], Callable[[bytes], object]],
    tick: Tick,
) -> int:
    """Write all rows to the CSV and the JSON lines target; returns how many there were."""
    to_csv, to_lines = targets
    to_csv(_csv([[column.name for column in columns]]))
    total = 0
    for batch in batches:
        to_csv(_csv(cells.csv_cells(columns, row) for row in batch))
        to_lines(b"".join(cells.json_line(columns, row) for row in batch))
        total += len(batch)
        tick(len(batch))
    return total


def _csv(rows: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def withheld(plan: Plan) -> bytes:
    """`withheld.csv`: what was left out of the pack on purpose, and why."""
    with connection.cursor() as cursor:
        cursor.execute(part("withheld_documents"), plan.parameters())
        documents = [[cells.escape(str(cell)) for cell in row] for row in cursor.fetchall()]
        cursor.execute(part("withheld_test_calls"), plan.parameters())
        tests = cursor.fetchone()[0]
    return _csv(
        [
            ["what", "of", "sha256", "size_bytes", "why"],
            *documents,
            ["calls of test keys", tests, "", "", "Test keys write a log of their own."],
            ["keys and passwords", "all", "", "", "Not even their hashes leave the database."],
        ]
    )
