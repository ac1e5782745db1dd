import pytest
from django.db import connection

# What migrations put there, or what Django makes once.
KEPT = {"django_migrations", "django_content_type", "auth_permission", "vendors_epoch"}


@pytest.fixture
def committed(django_db_setup, django_db_blocker):
    """A database in which every connection sees what a test writes; emptied at its end.

    Django's own flush would stop at the triggers that refuse TRUNCATE, and take the epoch's row.
    """
    with django_db_blocker.unblock():
        yield
        tables = [t for t in connection.introspection.table_names() if t not in KEPT]
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
            cursor.execute("SET session_replication_role = origin")
        connection.close()
