"""Every migration of ours can be taken back, on a database of its own."""

from __future__ import annotations

import os
import subprocess

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from conftest import TEMPLATE, drop_database
from install import CHECKOUT, PYTHON
from throwaway import run_manage

pytestmark = pytest.mark.xdist_group("migrations")

# In an order in which nothing that is taken back is still needed. Each app's first migration
# stays: other apps' tables point at theirs. By one process, which works out once, not for each
# app, what every model was like before each migration. Those models are kept until the end: to
# look through all of them for garbage, again and again, would take a third of the time.
APPS = ("portal", "evidence", "audits", "policies", "vendors")
ONE_PROCESS = """
import gc
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
gc.freeze()
gc.set_threshold(100_000, 50, 1000)
"""
TAKE_BACK = f"""{ONE_PROCESS}
executor = MigrationExecutor(connection)
first = executor.loader.get_migration_by_prefix
executor.migrate([(app, first(app, "0001").name) for app in {APPS}])
"""
MAKE_AGAIN = f"""{ONE_PROCESS}
call_command("migrate", verbosity=0)
"""


@pytest.fixture
def migrated():
    """Environment for `manage.py` on a database with all tables that lives for one test.

    It is a copy of the one in which `bin/test` ran every migration.
    """
    server = os.environ["DATABASE_URL"]
    name = f"migrations_{os.getpid()}"
    made = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(make_conninfo(server, dbname="postgres"), autocommit=True) as admin:
        admin.execute(made.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        env = {**os.environ, "DATABASE_URL": make_conninfo(server, dbname=name)}
        if TEMPLATE == "template0":
            run_manage(env, "migrate", "-v0")
        yield env
        drop_database(admin, name)


def ours(env) -> list[tuple[str, str]]:
    """Triggers and functions of ours that are in the database."""
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        return connection.execute(
            "SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal UNION ALL "
            "SELECT 'function', proname FROM pg_proc JOIN pg_language l ON l.oid = prolang "
            "WHERE lanname = 'plpgsql'"
        ).fetchall()


def applied(env) -> list[tuple[str, int]]:
    """How many migrations of each of our apps the database holds."""
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        return connection.execute(
            "SELECT app, count(*) FROM django_migrations WHERE app = ANY(%s) GROUP BY app",
            [list(APPS)],
        ).fetchall()


def run(code: str, env) -> None:
    subprocess.run([PYTHON, "-c", code], cwd=CHECKOUT, env=env, check=True)


def test_migrations_can_be_taken_back_and_made_again(migrated):
    made, all_of_them = sorted(ours(migrated)), sorted(applied(migrated))
    assert made
    run(TAKE_BACK, migrated)
    assert ours(migrated) == []
    assert sorted(applied(migrated)) == sorted((app, 1) for app in APPS)
    run(MAKE_AGAIN, migrated)
    assert sorted(ours(migrated)) == made
    assert sorted(applied(migrated)) == all_of_them
