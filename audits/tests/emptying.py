"""Empties the test database after a test that committed, the tables that refuse it too."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from policies.roles import ROLES
from policies.services.people import sync_roles

# What a new database holds; all else goes.
KEPT = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "vendors_epoch",
    "audits_ledger",
    "audits_ledgerhead",
    "audits_partition",
    "audits_seal_salt",
    "audits_seal_form",
}
# Kept too, as long as it is what the catalogue of roles says.
GROUPS = {"auth_group", "auth_group_permissions"}
HELD = """
SELECT g.name, array_agg(c.app_label || '.' || p.codename)
FROM auth_group g JOIN auth_group_permissions h ON h.group_id = g.id
JOIN auth_permission p ON p.id = h.permission_id
JOIN django_content_type c ON c.id = p.content_type_id GROUP BY g.name
"""
# Triggers that fire in replica mode too and mind that tables are emptied; those that note single
# rows do not.
ALWAYS = """
SELECT format('ALTER TABLE %s ', tgrelid::regclass), quote_ident(tgname) FROM pg_trigger
JOIN pg_class ON pg_class.oid = tgrelid
WHERE tgenabled = 'A' AND NOT tgisinternal AND (tgtype & 1 = 0 OR tgtype & 2 <> 0)
ORDER BY relispartition, tgrelid
"""
NEW_LEDGERS = """
UPDATE audits_ledger SET origin = NULL WHERE origin IS NOT NULL;
UPDATE audits_ledgerhead SET size = 0, frontier = '', root = sha256(''), last_received_at = NULL
WHERE size > 0;
UPDATE audits_partition SET first_received_at = NULL, last_received_at = NULL
WHERE first_received_at IS NOT NULL OR last_received_at IS NOT NULL;
"""
OTHER_PARTITIONS = """
SELECT count(*) <> (SELECT count(*) FROM audits_ledger) OR bool_or(
    number > 0 OR first_index > 0 OR end_index <> 1048576 OR state <> 'open')
FROM audits_partition
"""
FIRST_PARTITIONS = """
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT oid FROM pg_class WHERE relispartition AND relkind = 'r' LOOP
        EXECUTE format('DROP TABLE %s', part);
    END LOOP;
    DELETE FROM audits_partition;
    PERFORM audits_make_partition(id, 0) FROM audits_ledger;
END $$;
"""


def empty_database() -> None:
    """Leaves what a new database holds: roles, empty ledgers with their first partitions, an epoch.

    The roles are made once, not by each test. Not pytest-django's flush, which fails on tables that
    refuse TRUNCATE. The epoch moves on, as no process may meet it twice.
    """
    assert connection.settings_dict["NAME"].startswith("test_")
    if not _roles_stand():
        _empty(KEPT)
        sync_roles()
    _empty(KEPT | GROUPS)


def _roles_stand() -> bool:
    """Whether each role holds what the catalogue gives it, and there is no other."""
    with connection.cursor() as cursor:
        cursor.execute(HELD)
        return {name: set(held) for name, held in cursor.fetchall()} == {
            role: set(names) for role, names in ROLES.items()
        }


def _empty(kept: set[str]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - kept
        quoted = ", ".join(connection.ops.quote_name(name) for name in sorted(tables))
        cursor.execute("SET LOCAL session_replication_role = replica")
        held = _hold_off(cursor)
        cursor.execute(f"TRUNCATE {quoted} CASCADE")
        cursor.execute(NEW_LEDGERS)
        for table, trigger in held:
            cursor.execute(f"{table} ENABLE ALWAYS TRIGGER {trigger}")
        cursor.execute(OTHER_PARTITIONS)
        if cursor.fetchone()[0]:
            renew_partitions(cursor)
        cursor.execute("UPDATE vendors_epoch SET value = value + 1")


def renew_partitions(cursor: CursorWrapper) -> None:
    """Makes the first partitions of empty ledgers anew, of which there are no statistics then."""
    cursor.execute("ALTER TABLE audits_partition DISABLE TRIGGER append_only")
    cursor.execute(FIRST_PARTITIONS)
    cursor.execute("ALTER TABLE audits_partition ENABLE ALWAYS TRIGGER append_only")


def _hold_off(cursor: CursorWrapper) -> list[tuple[str, str]]:
    """Turns off the triggers that always fire. Returns: what it turned off."""
    cursor.execute(ALWAYS)
    held: list[tuple[str, str]] = cursor.fetchall()
    for table, trigger in held:
        cursor.execute(f"{table} DISABLE TRIGGER {trigger}")
    return held
