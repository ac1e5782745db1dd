"""Records never change, and none is stored under an epoch that has passed."""

from django.db import migrations

# A volatile function sees what was committed while it waited for the lock, which the INSERT around
# it does not; a row decided under an older epoch is skipped, and its writer decides again. The lock
# is shared among records and exclusive for changes (vendors_bump_epoch): from the commit of a
# change on, no record of an older decision can come.
CHECK_EPOCH = """
CREATE FUNCTION audits_check_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(730500);
    IF NEW.epoch = (SELECT value FROM vendors_epoch) THEN
        RETURN NEW;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER check_epoch BEFORE INSERT ON audits_call
FOR EACH ROW EXECUTE FUNCTION audits_check_epoch();
"""
DROP_CHECK_EPOCH = """
DROP TRIGGER check_epoch ON audits_call;
DROP FUNCTION audits_check_epoch();
"""

APPEND_ONLY = ["audits_call", "audits_completion", "audits_lease", "audits_readevent"]


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
        ("audits", "0001_initial"),
        ("vendors", "0002_triggers"),
    ]
    operations = [
        migrations.RunSQL(CHECK_EPOCH, DROP_CHECK_EPOCH),
        *[migrations.RunSQL(install, remove) for install, remove in triggers()],
    ]
