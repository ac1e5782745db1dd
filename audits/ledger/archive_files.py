"""The files of an archive: entries and typed rows as NDJSON in gzip, or as Parquet.

The same content gives the same bytes, so that a step that was broken off can be done again over
what it left. Pure: rows in, bytes out, and back.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import io
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from countersign import archives

if TYPE_CHECKING:
    import pyarrow

Columns: TypeAlias = "Sequence[Sequence[str]]"
Row: TypeAlias = "Sequence[Any]"

# Of gzip: 9 takes three times as long for 2 % less.
LEVEL = 6
ENTRY_COLUMNS = (("index", "bigint"), ("leaf_hash", "bytea"), ("entry", "bytea"))


class UnknownType(Exception):
    """A column has a type that no archive can hold yet. Names the type."""


def base_type(kind: str) -> tuple[str, bool]:
    """A type of PostgreSQL without its length, and whether it is an array of it."""
    array = kind.endswith("[]")
    return kind.removesuffix("[]").partition("(")[0], array


def entries_file(form: str, first: int, entries: Sequence[bytes], leaves: Sequence[bytes]) -> bytes:
    """A file of the entries whose indexes begin with `first`; `leaves` are their hashes.

    As NDJSON a line is an entry's bytes and nothing else: its hash follows from it.
    """
    if form == "ndjson":
        return zipped(entry + b"\n" for entry in entries)
    rows = [(first + at, leaves[at], entry) for at, entry in enumerate(entries)]
    return rows_file(form, ENTRY_COLUMNS, rows)


def batches_file(batches: Iterable[Mapping[str, Any]]) -> bytes:
    """The checkpoints, a line each. `signature` is bytes, `root` is bytes, moments are in UTC."""
    return zipped(
        _dumped(
            {
                **batch,
                "received_at": _moment(batch["received_at"]),
                "root": bytes(batch["root"]).hex(),
                "signature": base64.b64encode(batch["signature"]).decode(),
            }
        )
        for batch in batches
    )


def rows_file(form: str, columns: Columns, rows: Sequence[Row]) -> bytes:
    """A file of typed rows, their values in the order of `columns`; those of jsonb as JSON text.

    Raises: UnknownType.
    """
    if form == "parquet":
        return _parquet(columns, rows)
    names = [name for name, _ in columns]
    plain = [_plain(kind) for _, kind in columns]
    lines = (
        _dumped(
            {
                name: None if value is None else make(value)
                for name, make, value in zip(names, plain, row, strict=True)
            }
        )
        for row in rows
    )
    return zipped(lines)


def rows_of(columns: Columns, name: str, content: bytes) -> Iterator[dict[str, Any]]:
    """The rows of a file, each as JSON has it and as PostgreSQL's json_populate_record takes it."""
    if not name.endswith(archives.ENDINGS["parquet"]):
        for line in gzip.decompress(content).splitlines():
            yield json.loads(line)
        return
    # Only archives in Parquet need it, and it is heavy.
    import pyarrow.parquet  # noqa: PLC0415

    plain = {name: _plain(kind) for name, kind in columns}
    with pyarrow.parquet.ParquetFile(io.BytesIO(content)) as file:
        for rows in file.iter_batches():
            for row in rows.to_pylist():
                yield {
                    name: None if value is None else plain[name](value)
                    for name, value in row.items()
                }


def zipped(lines: Iterable[bytes]) -> bytes:
    """The lines in gzip, without a moment of its making."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=LEVEL, mtime=0) as file:
        for line in lines:
            file.write(line)
    return out.getvalue()


def _dumped(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _same(value: Any) -> Any:
    return value


def _hex(value: bytes) -> str:
    """As PostgreSQL writes and reads bytes."""
    return "\\x" + bytes(value).hex()


def _moment(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).isoformat()


PLAIN: dict[str, Callable[[Any], Any]] = {
    "bigint": _same,
    "boolean": _same,
    "bytea": _hex,
    "character varying": _same,
    "date": dt.date.isoformat,
    "integer": _same,
    "jsonb": json.loads,
    "smallint": _same,
    "text": _same,
    "timestamp with time zone": _moment,
    "uuid": str,
}


def _plain(kind: str) -> Callable[[Any], Any]:
    """What makes JSON of a value of the type."""
    base, array = base_type(kind)
    try:
        one = PLAIN[base]
    except KeyError:
        raise UnknownType(kind) from None
    return (lambda values: [one(value) for value in values]) if array else one


def _arrow(kind: str) -> pyarrow.DataType:
    import pyarrow as pa  # noqa: PLC0415

    base, array = base_type(kind)
    types = {
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
        "bytea": pa.binary(),
        "character varying": pa.string(),
        "date": pa.date32(),
        "integer": pa.int32(),
        "jsonb": pa.string(),
        "smallint": pa.int16(),
        "text": pa.string(),
        "timestamp with time zone": pa.timestamp("us", tz="UTC"),
        "uuid": pa.uuid(),
    }
    try:
        found = types[base]
    except KeyError:
        raise UnknownType(kind) from None
    return pa.list_(found) if array else found


def _stored(kind: str) -> Callable[[Any], Any]:
    """What makes of a value what Arrow takes for the type."""
    if base_type(kind)[0] == "uuid":
        return lambda value: value.bytes if isinstance(value, uuid.UUID) else value
    return _same


def _parquet(columns: Columns, rows: Sequence[Row]) -> bytes:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    arrays = []
    for at, (_, kind) in enumerate(columns):
        stored = _stored(kind)
        values = [stored(row[at]) for row in rows]
        arrays.append(pa.array(values, _arrow(kind)))
    out = io.BytesIO()
    table = pa.Table.from_arrays(arrays, names=[name for name, _ in columns])
    # Digests and hashes do not repeat: a dictionary of them would only cost.
    repeats = [name for name, kind in columns if base_type(kind)[0] not in {"bytea", "uuid"}]
    pq.write_table(table, out, compression="zstd", compression_level=6, use_dictionary=repeats)
    return out.getvalue()
