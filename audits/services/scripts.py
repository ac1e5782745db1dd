"""Several statements in one message, on a psycopg connection: waited for once, not once each.

psycopg waits in Python, and each time the thread has to get the interpreter back from the others.
Here the whole script is sent by the simple protocol, so that its results come together. Statements
are prepared once and take literals by EXECUTE: ids, moments, bytes, and texts through `quoted`.
Source: PostgreSQL 15 manual, Message Flow (simple query, multiple statements, COPY), libpq.
"""

from __future__ import annotations

import select
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

Raw = psycopg.Connection[Any]
# What a COPY takes: lines of its text form, or its binary form.
Rows: TypeAlias = "Sequence[str] | bytes"

_HELD = "SELECT name FROM pg_prepared_statements WHERE name = ANY(%s)"
_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE)


def _octets_of(rows: Rows) -> bytes:
    return rows if isinstance(rows, bytes) else "".join(rows).encode()


class Sent:
    """A script on its way: `advance` takes what has come of its results."""

    def __init__(self, raw: Raw, script: str, rows: Sequence[Rows]) -> None:
        """Send it; `rows` are what each COPY in it takes, in their order."""
        self._raw = raw
        self._pgconn = raw.pgconn
        self._rows = iter(rows)
        # What there is to send for a COPY, and whether its end is still to be said.
        self._lines: bytes | None = None
        self._copies = False
        self._results: list[PGresult] = []
        self._pgconn.send_query(script.encode())

    def advance(self) -> int:
        """Go on as far as it goes without waiting.

        Returns: the events of poll to wait for on the connection's socket, 0 when all has come.
        Raises: psycopg.Error.
        """
        pgconn = self._pgconn
        while True:
            queued = self._queue_lines()
            if pgconn.flush() or not queued:
                return select.POLLIN | select.POLLOUT
            if pgconn.is_busy():
                return select.POLLIN
            result = pgconn.get_result()
            if result is None:
                return 0
            if result.status == ExecStatus.COPY_IN:
                self._lines, self._copies = _octets_of(next(self._rows)), True
            else:
                self._results.append(result)

    def _queue_lines(self) -> bool:
        """Queue what a COPY waits for. Returns: whether nothing is left of it."""
        if self._lines is not None and self._pgconn.put_copy_data(self._lines):
            self._lines = None
        if self._copies and self._lines is None and self._pgconn.put_copy_end():
            self._copies = False
        return not self._copies

    @property
    def socket(self) -> int:
        """The number of the connection's socket. Raises: psycopg.Error if it has gone."""
        return self._pgconn.socket

    def comes_at_once(self) -> bool:
        """Whether something comes within a millisecond; waits no longer for it."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(1))

    def came(self) -> int:
        """Take what has come on the socket, and go on. As `advance`."""
        self._pgconn.consume_input()
        return self.advance()

    def results(self) -> list[PGresult]:
        """The result of each statement but COPY's beginning. Raises: psycopg.Error."""
        for result in self._results:
            if result.status in _FAILED:
                raise psycopg.errors.error_from_result(result, encoding=self._raw.info.encoding)
        return self._results


class Scripts:
    """A connection's prepared statements, and a way to send many of them at once."""

    def __init__(self, raw: Raw, statements: Mapping[str, str]) -> None:
        """Prepare what the connection does not hold yet. Raises: psycopg.Error."""
        self.raw = raw
        self._poll = select.poll()
        held = {name for (name,) in raw.execute(_HELD, (list(statements),)).fetchall()}
        for name, sql in statements.items():
            if name not in held:
                self.run(f"PREPARE {name} AS {sql}")

    def send(self, script: str, rows: Sequence[Rows] = ()) -> Sent:
        """Send the script, and wait for nothing. Raises: psycopg.Error."""
        return Sent(self.raw, script, rows)

    def run(self, script: str, rows: Sequence[Rows] = ()) -> list[PGresult]:
        """Send the script and wait for its end.

        Returns: the result of each statement but COPY's beginning. Raises: psycopg.Error.
        """
        sent = self.send(script, rows)
        events = sent.advance()
        while events:
            self._poll.register(self.raw.pgconn.socket, events)
            self._poll.poll()
            events = sent.came()
        return sent.results()


def execute(name: str, *literals: str) -> str:
    """The statement that runs a prepared one."""
    return f"EXECUTE {name}({', '.join(literals)})" if literals else f"EXECUTE {name}"


def quoted(text: str) -> str:
    """A text as a literal; the connection has to have standard_conforming_strings."""
    return "'" + text.replace("'", "''") + "'"


def octets(value: bytes) -> str:
    """Bytes as a literal."""
    return f"'\\x{value.hex()}'"


def uuids(ids: Iterable[uuid.UUID]) -> str:
    """Ids as a literal of an array."""
    return "'{" + ",".join(["%032x" % each.int for each in ids]) + "}'"  # noqa: UP031 - faster


def read_octets(value: bytes) -> bytes:
    """Bytes of a result."""
    return bytes.fromhex(value[2:].decode())


def read_uuid(value: bytes) -> uuid.UUID:
    """An id of a result."""
    return uuid.UUID(value.decode())


def read_text(value: bytes) -> str:
    """A text of a result."""
    return value.decode()


def read_bool(value: bytes) -> bool:
    """A truth of a result."""
    return value == b"t"


def read_rows(result: PGresult, kinds: Sequence[Callable[[bytes], Any]]) -> list[tuple[Any, ...]]:
    """The rows of a result, whose columns are of these kinds."""
    return [
        tuple(
            None if (value := result.get_value(row, column)) is None else kind(value)
            for column, kind in enumerate(kinds)
        )
        for row in range(result.ntuples)
    ]
