"""Writes the populations of a pack from the database, row by row."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
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


def count(dataset: Dataset, plan: Plan) -> Counted:
    """Rows, first and last sequence of a population, and the numbers missing in between.

    Gaps are those of the whole table, so that neither scope nor test keys look like one.
    """
    with connection.cursor() as cursor:
        cursor.execute(part("counts").replace("{query}", sql(dataset)), plan.parameters())
        rows, first, last = cursor.fetchone()
        if not rows:
            return Counted(0, None, None, 0, ())
        cursor.execute(
            part("gaps").replace("{table}", table(dataset)),
            {"first": first, "last": last, "listed": sheets.GAPS_LISTED},
        )
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
        with bag.entry(f"{path}.csv") as entry:
            rows = _copy(cursor, columns, (entry.write, spool.write), tick)
        lines = bag.add_stream(f"{path}.jsonl", cast(BinaryIO, spool))
    if rows != counted.rows:
        raise IncompletePopulation(dataset.name)
    table_file = bag.payload[-2]
    schema = bag.add(f"{path}.schema.json", cells.row_schema(dataset.title, columns))
    return Population(dataset, counted, rows, (table_file, lines, schema))


def _columns(description: Sequence[Any], dataset: Dataset) -> list[Column]:
    return [
        Column(column.name, cells.KINDS[column.type_code], dataset.notes.get(column.name, ""))
        for column in description
    ]


def _copy(
    cursor: Any,
    columns: list[Column],
    targets: tuple[Callable[[bytes], object], Callable[[bytes], object]],
    tick: Tick,
) -> int:
    """Write all rows to the CSV and the JSON lines target; returns how many there were."""
    to_csv, to_lines = targets
    to_csv(_csv([[column.name for column in columns]]))
    total = 0
    while batch := cursor.fetchmany(BATCH):
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
