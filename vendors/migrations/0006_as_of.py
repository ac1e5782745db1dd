"""What was known on a day: versions of every row, and a schema of views that reads them.

`vendors_track` and `vendors_untrack` serve the apps above too, through `vendors.tracking`; what
they do is told in docs/architecture.md ("As of a day") and docs/decisions/0010.
"""

from django.db import migrations

from vendors.tracking import begun

SCHEMAS = """
CREATE SCHEMA history;
CREATE SCHEMA as_of;

CREATE TABLE history.tables (
    tracked text PRIMARY KEY,
    moment text,                          -- rows that never change say themselves since when
    quiet text[] NOT NULL DEFAULT '{}',   -- a change of these alone makes no version
    kept text[],                          -- the columns that have versions; null for all
    shown boolean NOT NULL DEFAULT true,  -- whether the schema as_of has it
    began timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""

# Statement triggers with the rows before and after: one statement a version table, whether one
# row changes or a hundred thousand. Arguments: primary key, all columns, columns whose change
# counts. EXCEPT rather than a join, since nothing is known of the rows' number when it is planned.
NOTE_VERSIONS = """
CREATE FUNCTION vendors_note_versions() RETURNS trigger LANGUAGE plpgsql AS $$
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
            'RETURNING %2$I AS closed_key, known_until AS closed_at) '
            'INSERT INTO history.%1$I (%3$s, known_from) SELECT %3$s, coalesce(closed_at, $1) '
            'FROM new_rows LEFT JOIN closed ON closed_key = %2$I WHERE %2$I IN (SELECT %2$I FROM '
            '(SELECT %4$s FROM new_rows EXCEPT SELECT %4$s FROM old_rows) after)',
            TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1], TG_ARGV[2], closing) USING at;
    WHEN 'DELETE' THEN
        EXECUTE format('%s AND %2$I IN (SELECT %2$I FROM old_rows)', closing, TG_ARGV[0]) USING at;
    WHEN 'TRUNCATE' THEN
        EXECUTE closing USING at;
    END CASE;
    RETURN NULL;
END $$;

-- Versions are written by the triggers of their table (depth 2 and more), by nobody else.
CREATE FUNCTION vendors_keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'history of % is append-only', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION vendors_refuse_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is read as of a day: nothing can be written', TG_TABLE_NAME
        USING ERRCODE = 'read_only_sql_transaction';
END $$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION vendors_refuse_past();
DROP FUNCTION vendors_keep_history();
DROP FUNCTION vendors_note_versions();
"""

# The parts of vendors_track, each a function, since each is a thought of its own.
TRACK = """
-- Columns of a table that have versions, in order: name, type, whether it must have a value.
CREATE FUNCTION vendors_kept_columns(tracked text)
RETURNS TABLE (name text, type text, required boolean) LANGUAGE sql STABLE AS $$
    SELECT attname::text, format_type(atttypid, NULL), attnotnull FROM pg_attribute
    JOIN history.tables t ON t.tracked = vendors_kept_columns.tracked
    WHERE attrelid = to_regclass(format('public.%I', t.tracked)) AND attnum > 0
        AND NOT attisdropped AND (t.kept IS NULL OR attname = ANY (t.kept))
    ORDER BY attnum
$$;

CREATE FUNCTION vendors_hide(tracked text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    event text;
BEGIN
    EXECUTE format('DROP VIEW IF EXISTS as_of.%I', tracked);
    IF to_regclass(format('public.%I', tracked)) IS NOT NULL THEN
        FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
            EXECUTE format('DROP TRIGGER IF EXISTS versions_%s ON public.%I', event, tracked);
        END LOOP;
    END IF;
END $$;

CREATE FUNCTION vendors_untrack(tracked text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM vendors_hide(tracked);
    EXECUTE format('DROP TABLE IF EXISTS history.%I', tracked);
    DELETE FROM history.tables t WHERE t.tracked = vendors_untrack.tracked;
END $$;

-- Gives the version table the columns of the table. What a new column held in versions made before
-- it is what the row holds now, if it must hold something; else that is not known.
CREATE FUNCTION vendors_fit_history(tracked text, key text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    fresh boolean := to_regclass(format('history.%I', tracked)) IS NULL;
    wanted record;
    present text;
BEGIN
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS history.%I (known_from timestamptz NOT NULL, '
        'known_until timestamptz NOT NULL DEFAULT ''infinity'')', tracked);
    FOR wanted IN SELECT * FROM vendors_kept_columns(tracked) LOOP
        SELECT format_type(atttypid, NULL) INTO present FROM pg_attribute
        WHERE attrelid = to_regclass(format('history.%I', tracked))
            AND attname = wanted.name AND NOT attisdropped;
        IF present IS NULL THEN
            EXECUTE format(
                'ALTER TABLE history.%I ADD COLUMN %I %s', tracked, wanted.name, wanted.type);
            IF wanted.name = key OR wanted.name LIKE '%\\_id' AND wanted.type IN ('bigint', 'integer')
            THEN
                EXECUTE format(
                    'CREATE INDEX ON history.%I (%I, known_until)', tracked, wanted.name);
            END IF;
        ELSIF present <> wanted.type THEN
            EXECUTE format('ALTER TABLE history.%1$I ALTER COLUMN %2$I TYPE %3$s USING %2$I::%3$s',
                tracked, wanted.name, wanted.type);
        END IF;
        IF present IS NULL AND NOT fresh THEN
            EXECUTE format(
                'UPDATE history.%1$I h SET %2$I = t.%2$I FROM public.%1$I t '
                'WHERE t.%3$I = h.%3$I AND (%4$L OR h.known_until = ''infinity'')',
                tracked, wanted.name, key, wanted.required);
        END IF;
        IF present IS NULL AND NOT fresh AND wanted.required THEN
            PERFORM vendors_fill_blank(tracked, wanted.name);
        END IF;
    END LOOP;
END $$;

-- Versions of rows that are gone, in a column that must hold something: the empty value.
CREATE FUNCTION vendors_fill_blank(tracked text, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    blank text;
BEGIN
    SELECT CASE WHEN typname = 'jsonb' THEN '{}' WHEN typcategory = 'A' THEN '{}'
        WHEN typcategory = 'B' THEN 'false' WHEN typcategory = 'N' THEN '0'
        WHEN typcategory = 'S' THEN '' END
    INTO blank FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
    WHERE attrelid = to_regclass(format('history.%I', tracked)) AND attname = name;
    EXECUTE format('UPDATE history.%1$I SET %2$I = %3$L WHERE %2$I IS NULL', tracked, name, blank);
END $$;

-- Closes open versions that are no longer what the table holds, and opens those it lacks.
CREATE FUNCTION vendors_catch_up(tracked text, key text, listed text, loud text, at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'UPDATE history.%1$I SET known_until = greatest($1, known_from + interval ''1 microsecond'')'
        ' WHERE known_until = ''infinity'' AND %2$I IN (SELECT %2$I FROM (SELECT %3$s FROM '
        'history.%1$I WHERE known_until = ''infinity'' EXCEPT SELECT %3$s FROM public.%1$I) other)',
        tracked, key, loud) USING at;
    EXECUTE format(
        'INSERT INTO history.%1$I (%3$s, known_from) SELECT %3$s, $1 FROM public.%1$I WHERE %2$I '
        'NOT IN (SELECT %2$I FROM history.%1$I WHERE known_until = ''infinity'')',
        tracked, key, listed) USING at;
END $$;

CREATE FUNCTION vendors_watch(tracked text, key text, listed text, loud text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    event text;
    rows text;
BEGIN
    FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
        rows := concat_ws(' ',
            CASE WHEN event IN ('update', 'delete') THEN 'OLD TABLE AS old_rows' END,
            CASE WHEN event IN ('update', 'insert') THEN 'NEW TABLE AS new_rows' END);
        EXECUTE format(
            'CREATE TRIGGER versions_%s AFTER %s ON public.%I %s FOR EACH STATEMENT '
            'EXECUTE FUNCTION vendors_note_versions(%L, %L, %L)',
            event, event, tracked, CASE WHEN rows <> '' THEN 'REFERENCING ' || rows END,
            key, listed, loud);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'guard'
        AND tgrelid = to_regclass(format('history.%I', tracked)))
    THEN
        EXECUTE format(
            'CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON history.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION vendors_keep_history()', tracked);
    END IF;
    EXECUTE format('ALTER TABLE history.%I ENABLE TRIGGER guard', tracked);
END $$;

-- The table as it was just before the moment that the reader sets.
CREATE FUNCTION vendors_show(tracked text, listed text, moment text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE VIEW as_of.%I AS SELECT %s FROM %I.%I WHERE %s', tracked, listed,
        CASE WHEN moment IS NULL THEN 'history' ELSE 'public' END, tracked,
        format(CASE WHEN moment IS NULL THEN 'known_from < %2$s AND known_until >= %2$s'
            ELSE '%1$I < %2$s' END, moment, 'current_setting(''countersign.as_of'')::timestamptz'));
    EXECUTE format(
        'CREATE TRIGGER refuse INSTEAD OF INSERT OR UPDATE OR DELETE ON as_of.%I '
        'FOR EACH ROW EXECUTE FUNCTION vendors_refuse_past()', tracked);
END $$;

-- Makes versions and view of a table fit the table as it now stands; one that is gone loses both.
-- What is not said stays as it was said before.
CREATE FUNCTION vendors_track(tracked text, moment text DEFAULT NULL, quiet text[] DEFAULT NULL,
    kept text[] DEFAULT NULL, shown boolean DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    said history.tables;
    key text;
    listed text;
    loud text;
BEGIN
    IF to_regclass(format('public.%I', tracked)) IS NULL THEN
        PERFORM vendors_untrack(tracked);
        RETURN;
    END IF;
    PERFORM vendors_hide(tracked);
    INSERT INTO history.tables AS t (tracked) VALUES (vendors_track.tracked) ON CONFLICT DO NOTHING;
    UPDATE history.tables t SET
        moment = coalesce(vendors_track.moment, t.moment),
        quiet = coalesce(vendors_track.quiet, t.quiet),
        kept = coalesce(vendors_track.kept, t.kept),
        shown = coalesce(vendors_track.shown, t.shown)
    WHERE t.tracked = vendors_track.tracked RETURNING * INTO said;
    SELECT attname INTO STRICT key FROM pg_index JOIN pg_attribute
        ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indisprimary AND indrelid = to_regclass(format('public.%I', tracked));
    SELECT string_agg(format('%I', name), ', '),
        string_agg(format('%I', name), ', ') FILTER (WHERE name <> ALL (said.quiet))
    INTO listed, loud FROM vendors_kept_columns(tracked);
    IF said.moment IS NULL THEN
        IF EXISTS (SELECT FROM pg_trigger WHERE tgname = 'guard'
            AND tgrelid = to_regclass(format('history.%I', tracked)))
        THEN
            EXECUTE format('ALTER TABLE history.%I DISABLE TRIGGER guard', tracked);
        END IF;
        PERFORM vendors_fit_history(tracked, key);
        PERFORM vendors_catch_up(tracked, key, listed, loud, clock_timestamp());
        PERFORM vendors_watch(tracked, key, listed, loud);
    END IF;
    IF said.shown THEN
        PERFORM vendors_show(tracked, listed, said.moment);
    END IF;
END $$;
"""

DROP_TRACK = """
DROP FUNCTION vendors_track(text, text, text[], text[], boolean);
DROP FUNCTION vendors_show(text, text, text);
DROP FUNCTION vendors_watch(text, text, text, text);
DROP FUNCTION vendors_catch_up(text, text, text, text, timestamptz);
DROP FUNCTION vendors_fit_history(text, text);
DROP FUNCTION vendors_fill_blank(text, text);
DROP FUNCTION vendors_untrack(text);
DROP FUNCTION vendors_hide(text);
DROP FUNCTION vendors_kept_columns(text);
"""

TABLES = [
    "vendor",
    "service",
    "servicemodel",
    "serviceregion",
    "fact",
    "agreement",
    "coveredscope",
    "assurancereport",
    "reportscope",
    "reportexception",
    "reportcondition",
    "cuec",
    "subservice",
    "bridgeletter",
]


class Migration(migrations.Migration):
    dependencies = [("vendors", "0005_gate_fields")]
    operations = [
        migrations.RunSQL(
            SCHEMAS, "DROP SCHEMA as_of CASCADE; DROP TABLE history.tables; DROP SCHEMA history;"
        ),
        migrations.RunSQL(NOTE_VERSIONS, DROP_FUNCTIONS),
        migrations.RunSQL(TRACK, DROP_TRACK),
        begun("vendors_document", moment="uploaded_at"),
        *[begun(f"vendors_{table}") for table in TABLES],
    ]
