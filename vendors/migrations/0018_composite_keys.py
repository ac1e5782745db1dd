"""Tables in partitions have keys of several columns; what is read as of a moment needs no key."""

from django.db import migrations

# In the function as 0006 wrote it: the one column of the key, or any where no versions are made.
EDIT = """
DO $edit$
DECLARE
    body text := pg_get_functiondef(
        'vendors_track(text, text, text[], text[], boolean)'::regprocedure);
BEGIN
    body := replace(body, '{before_key}', '{after_key}');
    body := replace(body, '{before_where}', '{after_where}');
    EXECUTE body;
END $edit$;
"""
ONE = "SELECT attname INTO STRICT key"
FIRST = "SELECT min(attname::text) INTO STRICT key"
WHERE = "WHERE indisprimary AND indrelid = to_regclass(format(''public.%I'', tracked));"
GROUPED = f"{WHERE[:-1]} HAVING count(*) = 1 OR said.moment IS NOT NULL;"


class Migration(migrations.Migration):
    dependencies = [("vendors", "0017_epoch_at_commit")]
    operations = [
        migrations.RunSQL(
            EDIT.format(before_key=ONE, after_key=FIRST, before_where=WHERE, after_where=GROUPED),
            EDIT.format(before_key=FIRST, after_key=ONE, before_where=GROUPED, after_where=WHERE),
        )
    ]
