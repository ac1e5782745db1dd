"""Operations for migrations that make or change a table whose rows are kept as of a day.

Every table of vendors and policies is: a migration that makes or alters one wraps its operations in
`tracked`. docs/architecture.md ("As of a day") says what this gives, and a test which tables lack
it.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation
from psycopg import sql


def tracked(operations: Sequence[Operation], *tables: str) -> list[Operation]:
    """The operations, after which the history of each table fits the table again, both ways.

    `tables` are names in the database, such as `vendors_vendor`; new ones among them begin their
    history here, and lose it when the migration is taken back. Before the operations the views of
    the tables are taken away, so that columns can change.
    """
    fit, hide = _each("vendors_track", tables), _each("vendors_hide", tables)
    return [RunSQL(hide, fit), *operations, RunSQL(fit, hide)]


def begun(
    table: str,
    *,
    moment: str | None = None,
    quiet: Sequence[str] = (),
    kept: Sequence[str] | None = None,
    shown: bool = True,
) -> RunSQL:
    """Begins the history of a table that is there already; taken back, all of it is lost.

    Args:
        moment: for a table whose rows never change, its column that says since when each is
            there: no versions are made, the table itself is read.
        quiet: columns whose change alone makes no version, such as when something was last seen.
        kept: the columns to keep; all if None.
        shown: whether a reader of a past day sees this table as it was; else it is only kept.
    """
    call = sql.SQL("SELECT vendors_track({}, {}, {}, {}, {})").format(
        *map(sql.Literal, (table, moment, list(quiet), None if kept is None else list(kept), shown))
    )
    return RunSQL(call.as_string(), _each("vendors_untrack", [table]))


def _each(function: str, tables: Sequence[str]) -> str:
    call = sql.SQL(f"SELECT {function}({{}})")
    return "; ".join(call.format(sql.Literal(table)).as_string() for table in tables)
