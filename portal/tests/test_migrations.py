"""Every migration of ours can be taken back, on a database of its own."""

from __future__ import annotations

import os

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from throwaway import run_manage

# The order in which nothing that is taken back is still needed.
APPS = ["portal", "evidence", "audits", "policies", "vendors"]


@pytest.fixture
def empty_database():
    """Environment for `manage.py` on a database that lives for one test."""
    server = os.environ["DATABASE_URL"]
    name = f"migrations_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield {**os.environ, "DATABASE_URL": make_conninfo(server, dbname=name)}
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def ours(env) -> list[tuple[str, str]]:
    """Triggers and functions of ours that are in the database."""
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        return connection.execute(
            "SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal UNION ALL "
            "SELECT 'function', proname FROM pg_proc JOIN pg_language l ON l.oid = prolang "
            "WHERE lanname = 'plpgsql'"
        ).fetchall()


def test_migrations_can_be_taken_back_and_made_again(empty_database):
    run_manage(empty_database, "migrate", "-v0")
    made = sorted(ours(empty_database))
    assert made
    # Each app's first migration stays: other apps' tables point at theirs.
    for app in APPS:
        run_manage(empty_database, "migrate", "-v0", app, "0001")
    assert ours(empty_database) == []
    run_manage(empty_database, "migrate", "-v0")
    assert sorted(ours(empty_database)) == made
