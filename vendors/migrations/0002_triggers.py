"""The epoch, and tables whose rows never change.

Functions defined here serve the apps above too: `vendors_bump_epoch`, `vendors_refuse`,
`vendors_keep`.
"""

from django.db import migrations

FUNCTIONS = """
INSERT INTO vendors_epoch (id, value) VALUES (1, 1);

-- Every change to what a decision rests on waits for the records being stored, then raises the
-- epoch; records that come later wait for this transaction (see audits_check_epoch).
CREATE FUNCTION vendors_bump_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(730500);
    UPDATE vendors_epoch SET value = value + 1;
    RETURN NULL;
END $$;

CREATE FUNCTION vendors_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

-- Lets only the columns change that the trigger names.
CREATE FUNCTION vendors_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - TG_ARGV::text[] IS DISTINCT FROM to_jsonb(OLD) - TG_ARGV::text[] THEN
        RAISE EXCEPTION '% keeps its versions', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION vendors_keep();
DROP FUNCTION vendors_refuse();
DROP FUNCTION vendors_bump_epoch();
DELETE FROM vendors_epoch;
"""

EPOCH = [
    "vendor",
    "service",
    "servicemodel",
    "serviceregion",
    "fact",
    "agreement",
    "coveredscope",
    "assurancereport",
    "reportscope",
    "bridgeletter",
]
APPEND_ONLY = ["document", "fact", "coveredscope", "reportscope", "bridgeletter"]
VERSIONED = {
    "agreement": ["terminated_on", "termination_reason", "superseded_on", "owner_id"],
    "assurancereport": ["review", "review_note", "reviewed_by_id", "reviewed_on", "type2_due_on"],
}


def triggers() -> list[tuple[str, str]]:
    """SQL to install and to remove each trigger."""
    refuse = "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();"
    epoch = [
        (
            f"CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON vendors_{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_bump_epoch();",
            f"DROP TRIGGER epoch ON vendors_{table};",
        )
        for table in EPOCH
    ]
    append_only = [
        (
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON vendors_{table} "
            f"{refuse}",
            f"DROP TRIGGER append_only ON vendors_{table};",
        )
        for table in APPEND_ONLY
    ]
    kept = [
        (
            f"CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON vendors_{table} {refuse}",
            f"DROP TRIGGER append_only ON vendors_{table};",
        )
        for table in VERSIONED
    ]
    versioned = [
        (
            f"CREATE TRIGGER keep_versions BEFORE UPDATE ON vendors_{table} FOR EACH ROW "
            f"EXECUTE FUNCTION vendors_keep({', '.join(map(repr, columns))});",
            f"DROP TRIGGER keep_versions ON vendors_{table};",
        )
        for table, columns in VERSIONED.items()
    ]
    return epoch + append_only + kept + versioned


class Migration(migrations.Migration):
    dependencies = [("vendors", "0001_initial")]
    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        *[migrations.RunSQL(install, remove) for install, remove in triggers()],
    ]
