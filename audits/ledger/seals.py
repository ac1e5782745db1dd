"""Triggers that note in `audits_pending` what happened to a row, as SQL for migrations.

A migration of any app at or above this one names its tables here; the functions that these call
are in the migration `sealed_rows` of audits. See docs/decisions/0016.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql


@dataclass(frozen=True, slots=True)
class Seal:
    """What is noted of a table's rows. Every value that says "SQL" may name columns as `r.column`.

    Attributes:
        table: name in the database.
        type: SQL of the type of entry.
        members: SQL of each member of the entry, by name.
        columns: those that the row's digest covers: none of them may ever change but by an event
            that is noted too. Without any no row is sealed, only that something happened.
        subject: SQL of what it is about, such as `vendors.vendor:7`; else the row itself.
        on: `INSERT`, `DELETE`, `UPDATE` or `UPDATE OF a, b`.
        when: SQL with NEW and OLD: what else must hold.
        name: tells the triggers of one table apart.
        form: the number of this choice of columns; another choice takes another number.
    """

    table: str
    type: str
    members: Mapping[str, str]
    columns: Sequence[str] = ()
    subject: str = ""
    on: str = "INSERT"
    when: str = ""
    name: str = "made"
    form: int = field(default=1)

    @property
    def function(self) -> str:
        return f"audits_note_{self.table}_{self.name}"


def form(table: str, columns: Sequence[str], number: int = 1) -> tuple[str, str]:
    """SQL that says which columns a digest of the table covers, and SQL that takes it back."""
    key = (sql.Literal(table), sql.Literal(number))
    insert = "INSERT INTO audits_seal_form (tracked, form, columns) VALUES ({}, {}, {});"
    delete = "DELETE FROM audits_seal_form WHERE tracked = {} AND form = {};"
    return (
        sql.SQL(insert).format(*key, sql.Literal(list(columns))).as_string(),
        sql.SQL(delete).format(*key).as_string(),
    )


def trigger(seal: Seal) -> tuple[str, str]:
    """SQL to install and to remove function and trigger of one seal."""
    members = ", ".join(f"'{name}', {value}" for name, value in seal.members.items())
    row = "OLD" if seal.on == "DELETE" else "NEW"
    stored = f"'{seal.table}', {seal.form}, to_jsonb(r)" if seal.columns else "NULL, NULL, NULL"
    app, _, model = seal.table.partition("_")
    subject = seal.subject or f"'{app}.{model}:' || r.id"
    when = f"WHEN ({seal.when}) " if seal.when else ""
    install = f"""
CREATE FUNCTION {seal.function}() RETURNS trigger LANGUAGE plpgsql
SET "TimeZone" = 'UTC' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
DECLARE
    r public.{seal.table} := {row};
BEGIN
    PERFORM public.audits_note(
        {seal.type}, {subject}, jsonb_build_object({members}), {stored});
    RETURN NULL;
END $$;
CREATE TRIGGER note_{seal.name} AFTER {seal.on} ON {seal.table} FOR EACH ROW {when}
EXECUTE FUNCTION {seal.function}();
ALTER TABLE {seal.table} ENABLE ALWAYS TRIGGER note_{seal.name};
"""
    remove = f"DROP TRIGGER note_{seal.name} ON {seal.table}; DROP FUNCTION {seal.function}();"
    return install, remove


def installed(seals: Sequence[Seal]) -> list[tuple[str, str]]:
    """SQL to install and to remove the seals of tables, with the columns of each table's digest."""
    forms = {(seal.table, seal.form): seal.columns for seal in seals if seal.columns}
    for seal in seals:
        if seal.columns and forms[seal.table, seal.form] != seal.columns:
            raise ValueError(f"{seal.table} has two choices of columns with one number")
    return [
        *(form(table, columns, number) for (table, number), columns in forms.items()),
        *map(trigger, seals),
    ]
