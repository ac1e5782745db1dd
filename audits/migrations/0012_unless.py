"""What a batch that goes as one message asks of the database: to end the transaction, unless."""

from django.db import migrations

UNLESS = """
CREATE FUNCTION audits_unless(otherwise boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF otherwise THEN
        RAISE EXCEPTION USING ERRCODE = 'CS001', MESSAGE = 'not as the batch expects it';
    END IF;
END $$;
COMMENT ON FUNCTION audits_unless(boolean) IS
    'Ends the transaction if what a batch relies on is not so; the writer then asks first.';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0011_events_source"),
    ]

    operations = [
        migrations.RunSQL(UNLESS, "DROP FUNCTION audits_unless(boolean)"),
    ]
