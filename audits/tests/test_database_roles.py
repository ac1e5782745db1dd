"""What the database lets each of its roles do, whatever the code asks for."""

import datetime as dt
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

WRITER, READER = "test_countersign_writer", "test_countersign_reader"
NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
BATCH = """
INSERT INTO audits_batch (ledger_id, first_index, size, received_at, root, ledger_key_id, signature,
                          entries)
VALUES (1, 0, 1, now(), '', 1, '', '')
"""
EVENT = "INSERT INTO audits_event VALUES (0, now(), 1, 'read', '', '{}')"


@pytest.fixture
def roles(db):
    """Both roles; they go with the test's transaction."""
    call_command("make_database_roles", writer=WRITER, reader=READER, stdout=StringIO())
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT {WRITER}, {READER} TO CURRENT_USER")  # so as to become either


def run(role: str, *statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("RESET ROLE")


@pytest.mark.parametrize(
    "statement",
    [
        BATCH,
        EVENT,
        "UPDATE audits_ledgerhead SET size = size + 1, last_received_at = now()",
        "UPDATE audits_ledger SET origin = 'portal.example/live' WHERE id = 1",
        "SELECT size FROM audits_ledgerhead WHERE ledger_id = 1 FOR UPDATE",
        "SELECT audits_make_partition(1, 1)",
        "SELECT audits_note_moments()",
        "SELECT count(*) FROM audits_call",
        "INSERT INTO vendors_vendor (name, slug) SELECT '', '' WHERE false",
        "UPDATE vendors_epoch SET value = value + 1",
        "DELETE FROM audits_pending",
    ],
)
def test_the_writer_writes(roles, statement):
    run(WRITER, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audits_call SET decision = 'allow'",
        "DELETE FROM audits_call",
        "TRUNCATE audits_call",
        "UPDATE audits_batch SET entries = ''",
        "DELETE FROM audits_event",
        "UPDATE audits_tile SET root = ''",
        "UPDATE audits_verdict SET baa_reference = ''",
        "DELETE FROM audits_readevent",
        "DELETE FROM audits_ledgerhead",
        "INSERT INTO audits_ledgerhead VALUES (3, 0, '', '', NULL)",
        "UPDATE audits_ledger SET slug = 'other'",
        "UPDATE audits_ledgerkey SET public_key = ''",
        "UPDATE audits_partition SET state = 'disposed'",
        "SELECT * FROM audits_call_1_0",
        "INSERT INTO audits_event_1_0 VALUES (0, now(), 1, 'read', '', '{}')",
        "DROP TABLE audits_call_1_0",
        "ALTER TABLE audits_call DISABLE TRIGGER append_only",
        "ALTER TABLE audits_call DETACH PARTITION audits_call_1_0",
        "CREATE TABLE mine (id bigint)",
        "UPDATE vendors_fact SET value = ''",
        "DELETE FROM vendors_agreement",
        "INSERT INTO django_migrations VALUES (0, 'audits', 'x', now())",
    ],
)
def test_the_writer_changes_nothing_that_was_recorded(roles, statement):
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
        run(WRITER, statement)


def test_the_reader_reads_the_ledger_and_nothing_else(roles):
    run(READER, "SELECT count(*) FROM audits_batch", "SELECT count(*) FROM audits_tile")
    for statement in (
        EVENT,
        "UPDATE audits_ledgerhead SET size = size + 1",
        "SELECT audits_make_partition(1, 1)",
        "SELECT * FROM portal_user",
        "SELECT * FROM vendors_agreement",
    ):
        with pytest.raises(DatabaseError, match="permission denied"):
            run(READER, statement)


def test_the_statements_can_be_printed_for_an_administrator(db):
    printed = StringIO()
    call_command("make_database_roles", writer=WRITER, reader=READER, sql=True, stdout=printed)
    lines = printed.getvalue().splitlines()
    assert lines[0] == f'CREATE ROLE "{WRITER}" NOLOGIN;'
    assert all(line.endswith(";") for line in lines)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [WRITER])
        assert cursor.fetchone()[0] == 0


def test_it_can_be_repeated(roles):
    call_command("make_database_roles", writer=WRITER, reader=READER, stdout=StringIO())
    run(WRITER, EVENT)
