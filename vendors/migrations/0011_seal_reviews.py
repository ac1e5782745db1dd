"""What is signed off never changes: finished reviews and offboardings, with their parts.

Also: transitions are append-only, and of a condition only what becomes of it may change.
"""

from django.db import migrations

from vendors.tracking import begun

FUNCTIONS = """
-- A row is sealed once the named column has the named value; with no value, once it has any.
CREATE FUNCTION vendors_seal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held text := to_jsonb(OLD) ->> TG_ARGV[0];
BEGIN
    IF held IS NOT NULL AND (TG_ARGV[1] = '' OR held = TG_ARGV[1]) THEN
        RAISE EXCEPTION '% is sealed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- Rows of a sealed whole: its table, our column that names it, and what seals it, as above. The
-- whole is locked, so that it is not sealed between this check and the end of the transaction.
CREATE FUNCTION vendors_seal_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    part jsonb;
    held text;
BEGIN
    FOREACH part IN ARRAY CASE TG_OP
        WHEN 'INSERT' THEN ARRAY[to_jsonb(NEW)]
        WHEN 'DELETE' THEN ARRAY[to_jsonb(OLD)]
        ELSE ARRAY[to_jsonb(OLD), to_jsonb(NEW)]
    END LOOP
        EXECUTE format('SELECT %I::text FROM %I WHERE id = $1 FOR SHARE', TG_ARGV[2], TG_ARGV[0])
            INTO held USING (part ->> TG_ARGV[1])::bigint;
        IF held IS NOT NULL AND (TG_ARGV[3] = '' OR held = TG_ARGV[3]) THEN
            RAISE EXCEPTION '% is sealed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""
DROP_FUNCTIONS = "DROP FUNCTION vendors_seal_part(); DROP FUNCTION vendors_seal();"

SEALED = {"vendorreview": ("state", "finished"), "offboarding": ("finished_on", "")}
PARTS = {
    "reviewitem": ("vendors_vendorreview", "review_id", "state", "finished"),
    "offboardingstep": ("vendors_offboarding", "offboarding_id", "finished_on", ""),
}
LIFE_CYCLE = (
    "met_on",
    "met_by_id",
    "met_note",
    "evidence_id",
    "waived_on",
    "waived_by_id",
    "waive_reason",
    "owner_id",
)


def triggers() -> list[tuple[str, str]]:
    """SQL to install and to remove each trigger."""
    refuse = "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();"
    found = [
        (
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON vendors_vendortransition {refuse}",
            "DROP TRIGGER append_only ON vendors_vendortransition;",
        ),
        (
            "CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE "
            f"ON vendors_vendorcondition {refuse}",
            "DROP TRIGGER append_only ON vendors_vendorcondition;",
        ),
        (
            "CREATE TRIGGER keep_versions BEFORE UPDATE ON vendors_vendorcondition FOR EACH ROW "
            f"EXECUTE FUNCTION vendors_keep({', '.join(map(repr, LIFE_CYCLE))});",
            "DROP TRIGGER keep_versions ON vendors_vendorcondition;",
        ),
    ]
    for table, words in SEALED.items():
        found.append(_seal(table, "UPDATE OR DELETE", "vendors_seal", words))
    for table, words in PARTS.items():
        found.append(_seal(table, "INSERT OR UPDATE OR DELETE", "vendors_seal_part", words))
    found += [
        (
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON vendors_{table} {refuse}",
            f"DROP TRIGGER never_emptied ON vendors_{table};",
        )
        for table in (*SEALED, *PARTS)
    ]
    return found


def _seal(table: str, events: str, function: str, words: tuple[str, ...]) -> tuple[str, str]:
    return (
        f"CREATE TRIGGER sealed BEFORE {events} ON vendors_{table} FOR EACH ROW "
        f"EXECUTE FUNCTION {function}({', '.join(map(repr, words))});",
        f"DROP TRIGGER sealed ON vendors_{table};",
    )


class Migration(migrations.Migration):
    dependencies = [("vendors", "0010_vendor_reviews")]
    operations = [
        begun("vendors_vendortransition", moment="at"),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        *[migrations.RunSQL(install, remove) for install, remove in triggers()],
    ]
