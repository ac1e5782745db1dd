"""People count for decisions; the history of changes never changes."""

from django.db import migrations

APPEND_ONLY = ["auditlog_logentry"]


def triggers() -> list[tuple[str, str]]:
    """SQL to install and to remove each trigger."""
    # Signing in changes last_login alone, which no decision rests on.
    people = (
        "CREATE TRIGGER epoch AFTER INSERT OR UPDATE OF is_active, email OR DELETE OR TRUNCATE "
        "ON portal_user FOR EACH STATEMENT EXECUTE FUNCTION vendors_bump_epoch();",
        "DROP TRIGGER epoch ON portal_user;",
    )
    append_only = [
        (
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();",
            f"DROP TRIGGER append_only ON {table};",
        )
        for table in APPEND_ONLY
    ]
    return [people, *append_only]


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0001_initial"),
        ("vendors", "0002_triggers"),
        ("auditlog", "0017_add_actor_email"),
    ]
    operations = [migrations.RunSQL(install, remove) for install, remove in triggers()]
