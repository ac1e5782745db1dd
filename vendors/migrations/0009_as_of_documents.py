"""Versions of tables with any column names; documents have versions like what they belong to."""

from django.db import migrations

from vendors.tracking import begun

# As in 0006, but with a name for the key that no column has: `closed_at` is one of findings.
NOTE_VERSIONS = """
CREATE OR REPLACE FUNCTION vendors_note_versions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    closing text := format(
        'UPDATE history.%I SET known_until = greatest($1, known_from + interval ''1 microsecond'') '
        'WHERE known_until = ''infinity''', TG_TABLE_NAME);
BEGIN
    CASE TG_OP
    WHEN 'INSERT' THEN
        EXECUTE format(
            'INSERT INTO history.%1$I (%2$s, known_from) SELECT %2$s, $1 FROM new_rows',
            TG_TABLE_NAME, TG_ARGV[1]) USING at;
    WHEN 'UPDATE' THEN
        EXECUTE format(
            'WITH closed AS (%5$s AND %2$I IN (SELECT %2$I FROM '
            '(SELECT %4$s FROM old_rows EXCEPT SELECT %4$s FROM new_rows) before) '
            'RETURNING %2$I AS known_key, known_until) '
            'INSERT INTO history.%1$I (%3$s, known_from) SELECT %3$s, coalesce(known_until, $1) '
            'FROM new_rows LEFT JOIN closed ON known_key = %2$I WHERE %2$I IN (SELECT %2$I FROM '
            '(SELECT %4$s FROM new_rows EXCEPT SELECT %4$s FROM old_rows) after)',
            TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1], TG_ARGV[2], closing) USING at;
    WHEN 'DELETE' THEN
        EXECUTE format('%s AND %2$I IN (SELECT %2$I FROM old_rows)', closing, TG_ARGV[0]) USING at;
    WHEN 'TRUNCATE' THEN
        EXECUTE closing USING at;
    END CASE;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("vendors", "0008_costs")]
    operations = [
        migrations.RunSQL(NOTE_VERSIONS, migrations.RunSQL.noop),
        migrations.RunSQL(
            "SELECT vendors_untrack('vendors_document')",
            "SELECT vendors_track('vendors_document', 'uploaded_at')",
        ),
        begun("vendors_document"),
    ]
