"""How values stand in a population: as CSV cells, as JSON, and as the schema of their columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from vendors.sheets import FORMULA

Cell = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A PostgreSQL type in a population: its JSON Schema and how a value becomes text."""

    schema: Mapping[str, Any]
    cell: Cell
    raw_json: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a population."""

    name: str
    kind: Kind
    note: str = ""


def escape(text: str) -> str:
    """The text as a CSV cell: an apostrophe before what a spreadsheet would run (CWE-1236)."""
    return f"'{text}" if text.startswith(FORMULA) else text


def moment(value: dt.datetime) -> str:
    """A moment as ISO 8601 in UTC, to the microsecond, with Z."""
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _boolean(value: bool) -> str:  # noqa: FBT001 - the value of a cell
    return "true" if value else "false"


def _list(values: Sequence[object]) -> str:
    return escape("; ".join(map(str, values)))


def _array(items: Mapping[str, Any]) -> Kind:
    return Kind({"type": "array", "items": items}, _list)


TEXT = Kind({"type": "string"}, escape)
INTEGER = Kind({"type": "integer"}, str)
BOOLEAN = Kind({"type": "boolean"}, _boolean)
DATE = Kind({"type": "string", "format": "date"}, dt.date.isoformat)
MOMENT = Kind({"type": "string", "format": "date-time"}, moment)
UUID = Kind({"type": "string", "format": "uuid"}, str)
JSON = Kind({}, escape, raw_json=True)
TEXTS = _array({"type": "string"})
INTEGERS = _array({"type": "integer"})

# By the number PostgreSQL gives a type (pg_type.oid).
KINDS: dict[int, Kind] = {
    16: BOOLEAN,
    20: INTEGER,
    21: INTEGER,
    23: INTEGER,
    25: TEXT,
    1043: TEXT,
    1082: DATE,
    1184: MOMENT,
    2950: UUID,
    3802: JSON,
    1005: INTEGERS,
    1007: INTEGERS,
    1016: INTEGERS,
    1009: TEXTS,
    1015: TEXTS,
}


def csv_cells(columns: Sequence[Column], row: Sequence[Any]) -> list[str]:
    """One row as CSV cells; what is not known is an empty cell."""
    return [
        "" if value is None else column.kind.cell(value)
        for column, value in zip(columns, row, strict=True)
    ]


def json_line(columns: Sequence[Column], row: Sequence[Any]) -> bytes:
    """One row as a line of JSON; its values are exactly those of the database."""
    values = {
        column.name: _json_value(column.kind, value)
        for column, value in zip(columns, row, strict=True)
    }
    return msgspec.json.encode(values) + b"\n"


def _json_value(kind: Kind, value: object) -> object:
    if value is None:
        return None
    if kind is MOMENT:
        return kind.cell(value)
    return msgspec.Raw(str(value).encode()) if kind.raw_json else value


def row_schema(title: str, columns: Sequence[Column]) -> bytes:
    """The JSON Schema (2020-12) of a line of the population."""
    return pretty(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": title,
            "type": "object",
            "properties": {column.name: _property(column) for column in columns},
            "required": [column.name for column in columns],
            "additionalProperties": False,
        }
    )


def _property(column: Column) -> dict[str, Any]:
    schema = dict(column.kind.schema)
    if "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return {**schema, "description": column.note} if column.note else schema


def pretty(value: object) -> bytes:
    """JSON to be read by people and programs: two spaces, keys as they come, a newline last."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
