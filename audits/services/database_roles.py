"""Who may do what in the database, apart from who owns it.

The owner migrates, archives and disposes. The writer is what web and worker processes are: of
rows that never change it may insert and read, of the ledger's head it may update the one row.
The reader reads the ledger, as an auditor's own verification does.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from psycopg import sql

# Which of UPDATE and DELETE a trigger refuses, by its bits in pg_trigger.tgtype. Partitions are
# reached through their parents alone.
TABLES = """
SELECT c.relname, bool_or(coalesce(t.tgtype & 16 <> 0, false)) AS never_updated,
       bool_or(coalesce(t.tgtype & 8 <> 0, false)) AS never_deleted
FROM pg_class c
LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = 'append_only'
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
GROUP BY c.relname ORDER BY c.relname
"""
# Narrower than their triggers say: column by column, or through functions that the owner made.
NARROW = {
    "audits_ledger": "SELECT, UPDATE (origin)",
    "audits_ledgerhead": "SELECT, UPDATE",
    "audits_ledgerkey": "SELECT, INSERT, UPDATE (retired_at_index)",
    "audits_partition": "SELECT",
    "django_migrations": "SELECT",
}
FUNCTIONS = ("audits_make_partition(integer, integer, bigint)", "audits_note_moments()")


def grants(writer: str, reader: str) -> Iterator[sql.Composed]:
    """The statements that give both roles what they may, and take all else from them."""
    roles = sql.SQL(", ").join(map(sql.Identifier, (writer, reader)))
    yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public, history, as_of FROM {}").format(roles)
    yield sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}").format(roles)
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(roles)
    yield sql.SQL("GRANT USAGE ON SCHEMA history, as_of TO {}").format(sql.Identifier(writer))
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = cursor.fetchall()
    for table, never_updated, never_deleted in tables:
        privileges = NARROW.get(table) or ", ".join(
            ["SELECT", "INSERT"]
            + ([] if never_updated else ["UPDATE"])
            + ([] if never_deleted else ["DELETE"])
        )
        yield _grant(privileges, sql.Identifier("public", table), writer)
        if table.startswith("audits_"):
            yield _grant("SELECT", sql.Identifier("public", table), reader)
    yield _grant("USAGE", sql.SQL("ALL SEQUENCES IN SCHEMA public"), writer)
    # The history's rows are written by triggers, in the name of who changed the table.
    yield _grant("SELECT, INSERT, UPDATE", sql.SQL("ALL TABLES IN SCHEMA history"), writer)
    yield _grant("SELECT", sql.SQL("ALL TABLES IN SCHEMA as_of"), writer)
    for function in FUNCTIONS:
        yield _grant("EXECUTE", sql.SQL("FUNCTION {}").format(sql.SQL(function)), writer)


def missing_roles(*names: str) -> list[str]:
    """Those of the roles that the server does not have."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)", [list(names)])
        known = {name for (name,) in cursor.fetchall()}
    return [name for name in names if name not in known]


def _grant(privileges: str, what: sql.Composable, role: str) -> sql.Composed:
    return sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(privileges), what, sql.Identifier(role))
