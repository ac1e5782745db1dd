"""The other side of `ingest.py`: the same typed row, bare, by pgbench's INSERT and by COPY.

COPY goes to a bare table like that of calls, and to the table of calls itself: to a partition for a
ledger that there is none of.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from load import ids
from posting import LINES, Round
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from install import postgresql_folders

BARE, SAME = "bench_call", "audits_call"
NO_LEDGER = 99
PARTITION = """
CREATE TABLE bench_partition PARTITION OF audits_call
FOR VALUES FROM (99, MINVALUE) TO (99, MAXVALUE)
"""


@dataclass(frozen=True)
class SameRow:
    """A row like the newest record: as pgbench's INSERT, and as a line of COPY."""

    insert: str
    names: list[str]
    values: list[bytes]

    def lines(self, first: int, count: int) -> bytes:
        """So many rows as COPY takes them, under new ids, of a ledger that there is none of."""
        values, fresh = list(self.values), ids()
        values[self.names.index("ledger_id")] = b"%d" % NO_LEDGER
        call_id, index = self.names.index("call_id"), self.names.index("index")
        found = []
        for number in range(first, first + count):
            values[call_id], values[index] = next(fresh), b"%d" % number
            found.append(b"\t".join(values))
        return b"\n".join(found) + b"\n"


def same_row(database_url: str) -> SameRow:
    """Makes the table that it goes to: with the columns and indexes of that of calls, no more."""
    newest = "SELECT * FROM audits_call ORDER BY ledger_id, index DESC LIMIT 1"
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.execute("CREATE TABLE bench_call (LIKE audits_call INCLUDING ALL)")
        connection.execute("CREATE SEQUENCE bench_index CACHE 100")
        connection.execute(PARTITION)
        row = connection.execute(newest).fetchone()
        assert row is not None
        row["masked"] = Jsonb(row["masked"])
        made = {"call_id": "gen_random_uuid()", "index": "nextval('bench_index')"}
        given: list[sql.Composable] = [
            sql.SQL(made[name]) if name in made else sql.Literal(value)
            for name, value in row.items()
        ]
        names = sql.SQL(", ").join(map(sql.Identifier, row))
        statement = sql.SQL("INSERT INTO bench_call ({}) VALUES ({});\n")
        with connection.cursor() as cursor, cursor.copy(f"COPY ({newest}) TO STDOUT") as out:
            line = b"".join(bytes(part) for part in out).rstrip(b"\n")
        insert = statement.format(names, sql.SQL(", ").join(given)).as_string(connection)
    return SameRow(insert, list(row), line.split(b"\t"))


def pgbench(database_url: str, script: str, clients: int, seconds: float) -> Round:
    """Each INSERT of a pgbench with so many clients."""
    folders = postgresql_folders()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "insert.sql"
        file.write_text(script)
        subprocess.run(
            [
                folders[max(folders)] / "pgbench",
                *("-n", "-M", "prepared", "-c", str(clients), "-j", "2"),
                *("-T", str(max(1, round(seconds))), "-f", file, "--log"),
                f"--log-prefix={folder}/log",
                database_url,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        times = [
            int(line.split()[2]) / 1000
            for log in Path(folder).glob("log.*")
            for line in log.read_text().splitlines()
        ]
    return Round(times, max(1, round(seconds)))


def copies(
    database_url: str, row: SameRow, connections: int, seconds: float, table: str = BARE
) -> float:
    """Rows a second by COPY to a table, LINES of them a transaction, over so many connections."""
    with multiprocessing.get_context("fork").Pool(connections) as pool:
        start = time.monotonic() + 2
        asked = [(database_url, row, table, at, start, seconds) for at in range(connections)]
        return sum(pool.starmap(copy, asked))


def copy(
    database_url: str, row: SameRow, table: str, number: int, start: float, seconds: float
) -> float:
    """Rows a second of one connection; what it sends is made before the clock starts."""
    first = time.time_ns() // 1000 + number * 10**15
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        names = sql.SQL(", ").join(map(sql.Identifier, row.names))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
        bodies = [row.lines(first + n * LINES, LINES) for n in range(60)]
        stored = 0
        time.sleep(max(0.0, start - time.monotonic()))
        begun = time.perf_counter()
        while bodies and time.perf_counter() - begun < seconds:
            with cursor.copy(statement) as sink:
                sink.write(bodies.pop())
            connection.commit()
            stored += LINES
        return stored / (time.perf_counter() - begun)
