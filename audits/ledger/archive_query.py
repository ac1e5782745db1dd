"""Searches files of the archive by DuckDB: a process of its own, which sees these files alone.

Run as `python -m audits.ledger.archive_query`: the question comes as JSON on standard input, the
rows found go as JSON to standard output. The process reads no settings, has no address of the
database, and DuckDB in it may open nothing but the files of the question.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Mapping, Sequence
from typing import Any

MEMORY = "512MB"
THREADS = 2

# What a search needs of each table, with DuckDB's types.
CALLS = {
    "ledger_id": "SMALLINT",
    "index": "BIGINT",
    "call_id": "UUID",
    "received_at": "TIMESTAMPTZ",
    "integration_id": "BIGINT",
    "provider": "VARCHAR",
    "operation": "VARCHAR",
    "model": "VARCHAR",
    "region": "VARCHAR",
    "actor_type": "VARCHAR",
    "actor_id": "VARCHAR",
    "data_classes": "VARCHAR[]",
    "phi_present": "BOOLEAN",
    "decision": "VARCHAR",
    "reasons": "VARCHAR[]",
}
COMPLETIONS = {
    "ledger_id": "SMALLINT",
    "index": "BIGINT",
    "call_id": "UUID",
    "swept": "BOOLEAN",
    "outcome": "VARCHAR",
}

# A filter's name and its condition; each takes the filter's value once.
CONDITIONS = {
    "call_id": "call_id = ?::UUID",
    "decision": "decision = ?",
    "provider": "provider = ?",
    "model": "model = ?",
    "phi_present": "phi_present = ?",
    "reason": "list_contains(reasons, ?)",
    "integrations": "list_contains(?::BIGINT[], integration_id)",
    "start": "received_at >= ?::TIMESTAMPTZ",
    "end": "received_at < ?::TIMESTAMPTZ",
    "outcome": "outcome = ?",
}


def relation(files: Mapping[str, Sequence[str]], columns: Mapping[str, str]) -> str:
    """The rows of files of both formats, as SQL; the names of files are quoted as it asks."""
    names = ", ".join(f'"{name}"' for name in columns)
    kinds = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    parts = []
    if files.get("parquet"):
        source = f"read_parquet([{_listed(files['parquet'])}], union_by_name = true)"
        parts.append(f"SELECT {names} FROM {source}")  # noqa: S608 - names of this module
    if files.get("ndjson"):
        source = (
            f"read_json([{_listed(files['ndjson'])}], format = 'newline_delimited', "
            f"compression = 'gzip', columns = {{{kinds}}})"
        )
        parts.append(f"SELECT {names} FROM {source}")  # noqa: S608 - names of this module
    if not parts:
        nothing = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in columns.items())
        parts.append(f"SELECT {nothing} WHERE false")
    return " UNION ALL ".join(parts)


def _listed(names: Sequence[str]) -> str:
    return ", ".join("'" + name.replace("'", "''") + "'" for name in names)


def statement(question: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The query of a question and its parameters.

    A call ended as its caller said; what the sweep said counts where the caller said nothing.
    """
    filters: Mapping[str, Any] = question["filters"]
    conditions = [CONDITIONS[name] for name in filters]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"""
WITH calls AS ({relation(question["calls"], CALLS)}),
ends AS (
    SELECT ledger_id, call_id, arg_min(outcome, (swept, index)) AS outcome
    FROM ({relation(question["completions"], COMPLETIONS)}) GROUP BY ledger_id, call_id
),
found AS (SELECT calls.*, ends.outcome FROM calls LEFT JOIN ends USING (ledger_id, call_id))
SELECT ledger_id, index, call_id::VARCHAR, epoch_us(received_at), integration_id, provider,
       operation, model, region, actor_type, actor_id, data_classes, phi_present, decision, reasons,
       outcome
FROM found {where} ORDER BY ledger_id, index DESC LIMIT ?
"""  # noqa: S608 - parts of it are of this module; values are parameters
    return query, [*filters.values(), int(question["limit"])]


NAMES = (
    "ledger_id",
    "index",
    "call_id",
    "received_us",
    "integration_id",
    "provider",
    "operation",
    "model",
    "region",
    "actor_type",
    "actor_id",
    "data_classes",
    "phi_present",
    "decision",
    "reasons",
    "outcome",
)


def search(question: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The newest calls that the question finds, `limit` at most.

    `calls` and `completions` are files by format, `filters` names of CONDITIONS with values.
    """
    # Heavy, and needed by this process alone.
    import duckdb  # noqa: PLC0415

    files = [
        name
        for table in ("calls", "completions")
        for names in question[table].values()
        for name in names
    ]
    with duckdb.connect(
        ":memory:",
        config={
            "threads": THREADS,
            "memory_limit": MEMORY,
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    ) as database:
        database.execute(f"SET allowed_paths = [{_listed(files)}]")
        database.execute("SET enable_external_access = false")
        database.execute("SET lock_configuration = true")
        query, values = statement(question)
        return [
            dict(zip(NAMES, row, strict=True)) for row in database.execute(query, values).fetchall()
        ]


def main() -> None:
    """Answer one question."""
    question = json.load(sys.stdin)
    seconds = int(question["seconds"])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds * THREADS, seconds * THREADS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    json.dump(search(question), sys.stdout)


if __name__ == "__main__":
    main()
