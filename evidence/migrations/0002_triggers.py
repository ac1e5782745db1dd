"""Histories of findings and packs never change."""

from django.db import migrations

APPEND_ONLY = ["evidence_findingevent", "evidence_packevent"]


def triggers() -> list[tuple[str, str]]:
    """SQL to install and to remove each trigger."""
    return [
        (
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();",
            f"DROP TRIGGER append_only ON {table};",
        )
        for table in APPEND_ONLY
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("evidence", "0001_initial"),
        ("vendors", "0002_triggers"),
    ]
    operations = [migrations.RunSQL(install, remove) for install, remove in triggers()]
