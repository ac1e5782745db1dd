import pytest
from django.db import connection
from django.test import Client

from audits.api import ingest, limits
from audits.services import facts
from audits.tests import make


@pytest.fixture(autouse=True)
def _new_process():
    """No test sees what another one's process holds in memory."""
    facts.SHARED.forget()
    limits.BUCKETS.forget()
    ingest.forget_uses()


@pytest.fixture
def integration(db):
    return make.active_integration()


@pytest.fixture
def api(integration):
    """A program that calls with a live key of an active integration."""
    return make.Api(Client(), make.key(integration)[1])


# What a new database holds; all else goes after a test that committed.
KEPT = {"django_migrations", "django_content_type", "auth_permission", "vendors_epoch"}


@pytest.fixture
def committed(django_db_setup, django_db_blocker):
    """A database in which transactions really commit, emptied afterwards.

    Not pytest-django's: its flush fails on tables that refuse TRUNCATE. The triggers are held off
    while this one empties them, and the epoch moves on, as no process may meet it twice.
    """
    with django_db_blocker.unblock():
        assert connection.settings_dict["NAME"].startswith("test_")
        yield
        with connection.cursor() as cursor:
            tables = set(connection.introspection.table_names(cursor)) - KEPT
            quoted = ", ".join(connection.ops.quote_name(name) for name in sorted(tables))
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(f"TRUNCATE {quoted} CASCADE")
            cursor.execute("SET session_replication_role = origin")
            cursor.execute("UPDATE vendors_epoch SET value = value + 1")
        connection.close()


@pytest.fixture
def live(committed):
    """An active integration that every connection sees."""
    return make.active_integration()
