"""Calls, how they ended, events and batches in partitions; what was there before is set aside."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

from vendors.tracking import begun

# What was recorded before there was a ledger stays as it is, under another name, until
# `manage.py adopt_records` has entered it.
SET_ASIDE = """
DROP TRIGGER check_epoch ON audits_call;
DROP FUNCTION audits_check_epoch();
ALTER TABLE audits_call RENAME TO audits_unsealed_call;
ALTER TABLE audits_completion RENAME TO audits_unsealed_completion;
ALTER TABLE audits_lease RENAME TO audits_unsealed_lease;
ALTER INDEX call_by_integration RENAME TO unsealed_call_by_integration;
ALTER INDEX call_allowed_lease RENAME TO unsealed_call_allowed_lease;
"""
# Taken back only as long as nothing was entered: what a ledger holds, no migration throws away.
TAKE_BACK = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM audits_ledgerhead WHERE size > 0) THEN
        RAISE EXCEPTION 'The ledger holds entries: this migration cannot be taken back.';
    END IF;
END $$;
ALTER INDEX unsealed_call_allowed_lease RENAME TO call_allowed_lease;
ALTER INDEX unsealed_call_by_integration RENAME TO call_by_integration;
ALTER TABLE audits_unsealed_lease RENAME TO audits_lease;
ALTER TABLE audits_unsealed_completion RENAME TO audits_completion;
ALTER TABLE audits_unsealed_call RENAME TO audits_call;

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

# Columns of one width stand together, widest first, so that none is padded.
TABLES = """
CREATE TABLE audits_batch (
    first_index bigint NOT NULL,
    size bigint NOT NULL,
    received_at timestamptz NOT NULL,
    epoch bigint,
    ledger_key_id bigint NOT NULL,
    ledger_id smallint NOT NULL,
    root bytea NOT NULL,
    signature bytea NOT NULL,
    entries bytea NOT NULL,
    PRIMARY KEY (ledger_id, first_index),
    CONSTRAINT batch_holds_something CHECK (size > first_index)
) PARTITION BY RANGE (ledger_id, first_index);

CREATE TABLE audits_call (
    index bigint NOT NULL,
    received_at timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    epoch bigint NOT NULL,
    integration_id bigint NOT NULL,
    key_id bigint NOT NULL,
    verdict_id bigint NOT NULL,
    input_bytes bigint,
    started_at timestamptz,
    call_id uuid NOT NULL,
    operation_id uuid,
    ledger_id smallint NOT NULL,
    attempt smallint NOT NULL,
    livemode boolean NOT NULL,
    stream boolean NOT NULL,
    phi_present boolean NOT NULL,
    decision varchar(5) NOT NULL,
    source varchar(7) NOT NULL,
    body_sha256 bytea NOT NULL,
    provider varchar(60) NOT NULL,
    operation varchar(40) NOT NULL,
    endpoint_host varchar(253) NOT NULL,
    region varchar(40) NOT NULL,
    model varchar(120) NOT NULL,
    actor_type varchar(20) NOT NULL,
    actor_id varchar(120) NOT NULL,
    session_id varchar(120) NOT NULL,
    purpose varchar(40) NOT NULL,
    input_digest varchar(160) NOT NULL,
    sent_digest varchar(160) NOT NULL,
    bundle varchar(80) NOT NULL,
    mode varchar(7) NOT NULL,
    enforcement varchar(8) NOT NULL,
    client varchar(80) NOT NULL,
    claimed_baa_reference varchar(80) NOT NULL,
    features varchar(60)[] NOT NULL,
    data_classes varchar(40)[] NOT NULL,
    reasons varchar(32)[] NOT NULL,
    warnings varchar(32)[] NOT NULL,
    masked jsonb NOT NULL,
    PRIMARY KEY (ledger_id, index)
) PARTITION BY RANGE (ledger_id, index);
CREATE INDEX call_by_call_id ON audits_call (call_id);
CREATE INDEX call_by_integration ON audits_call (ledger_id, integration_id, index);
CREATE INDEX call_allowed_lease ON audits_call (lease_until) WHERE decision = 'allow';
CREATE INDEX call_denied ON audits_call (ledger_id, index) WHERE decision = 'deny';
CREATE INDEX call_received_at ON audits_call USING brin (received_at);

CREATE TABLE audits_completion (
    index bigint NOT NULL,
    received_at timestamptz NOT NULL,
    call_index bigint,
    key_id bigint,
    input_tokens bigint,
    output_tokens bigint,
    cache_tokens bigint,
    reasoning_tokens bigint,
    ended_at timestamptz,
    event_id uuid NOT NULL,
    call_id uuid NOT NULL,
    ttfb_ms integer,
    latency_ms integer,
    ledger_id smallint NOT NULL,
    http_status smallint,
    swept boolean NOT NULL,
    late boolean NOT NULL,
    without_call boolean NOT NULL,
    livemode boolean NOT NULL,
    body_sha256 bytea NOT NULL,
    outcome varchar(9) NOT NULL,
    error varchar(80) NOT NULL,
    finish_reason varchar(40) NOT NULL,
    usage_source varchar(9) NOT NULL,
    provider_request_id varchar(120) NOT NULL,
    response_model varchar(120) NOT NULL,
    output_digest varchar(160) NOT NULL,
    PRIMARY KEY (ledger_id, index)
) PARTITION BY RANGE (ledger_id, index);
CREATE INDEX completion_by_call_id ON audits_completion (call_id);
CREATE INDEX completion_by_event_id ON audits_completion (event_id);

CREATE TABLE audits_lease (
    index bigint NOT NULL,
    received_at timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    call_index bigint,
    call_id uuid NOT NULL,
    ledger_id smallint NOT NULL,
    PRIMARY KEY (ledger_id, index)
) PARTITION BY RANGE (ledger_id, index);
CREATE INDEX lease_by_call_id ON audits_lease (call_id);

CREATE TABLE audits_event (
    index bigint NOT NULL,
    received_at timestamptz NOT NULL,
    ledger_id smallint NOT NULL,
    type varchar(40) NOT NULL,
    subject varchar(120) NOT NULL,
    payload jsonb NOT NULL,
    PRIMARY KEY (ledger_id, index)
) PARTITION BY RANGE (ledger_id, index);
CREATE INDEX event_by_type ON audits_event (ledger_id, type, index);

-- Where the server has it: it packs in a tenth of the time.
DO $$
BEGIN
    ALTER TABLE audits_batch ALTER entries SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;
"""
DROP_TABLES = """
DROP TABLE audits_event;
DROP TABLE audits_lease;
DROP TABLE audits_completion;
DROP TABLE audits_call;
DROP TABLE audits_batch;
"""

PARTITIONED = ["audits_batch", "audits_call", "audits_completion", "audits_lease", "audits_event"]

# A function of its own sees what was committed while it waited for the lock, which the statement
# around it does not. The lock is shared among batches and exclusive for changes
# (vendors_bump_epoch): from the commit of a change on, no batch of an older decision can come.
FUNCTIONS = """
CREATE FUNCTION audits_check_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(730500);
    IF NEW.epoch = (SELECT value FROM vendors_epoch) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the epoch % has passed', NEW.epoch USING ERRCODE = 'CS001';
END $$;

CREATE TRIGGER check_epoch BEFORE INSERT ON audits_batch FOR EACH ROW
WHEN (NEW.epoch IS NOT NULL) EXECUTE FUNCTION audits_check_epoch();
ALTER TABLE audits_batch ENABLE ALWAYS TRIGGER check_epoch;

-- Makes the tables of the nth partition of a ledger, if they are not there. Returns: whether it
-- made them. Statement triggers are not copied to partitions, so each gets its own. A partition is
-- attached when it is complete, which keeps no writer waiting. Runs as its owner, since the role
-- that writes may make no tables.
CREATE FUNCTION audits_make_partition(
    of_ledger integer, nth integer, entries bigint DEFAULT 1048576
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parent text;
    part text;
    beginning bigint := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(730501);
    IF EXISTS (SELECT FROM audits_partition p WHERE p.ledger_id = of_ledger AND p.number = nth) THEN
        RETURN false;
    END IF;
    IF entries < 256 OR entries % 256 <> 0 THEN
        RAISE EXCEPTION 'A partition holds whole tiles of 256 entries, not %.', entries;
    END IF;
    IF nth > 0 THEN
        SELECT p.end_index INTO beginning FROM audits_partition p
        WHERE p.ledger_id = of_ledger AND p.number = nth - 1;
        IF beginning IS NULL THEN
            RAISE EXCEPTION 'Ledger % has no partition % to follow.', of_ledger, nth - 1;
        END IF;
    END IF;
    FOREACH parent IN ARRAY ARRAY[
        'audits_batch', 'audits_call', 'audits_completion', 'audits_lease', 'audits_event'
    ] LOOP
        part := format('%s_%s_%s', parent, of_ledger, nth);
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse()', part);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', part);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s, %s) TO (%s, %s)',
            parent, part, of_ledger, beginning, of_ledger, beginning + entries);
    END LOOP;
    INSERT INTO audits_partition (ledger_id, number, first_index, end_index, state)
    VALUES (of_ledger, nth, beginning, beginning + entries, 'open');
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION audits_make_partition(integer, integer, bigint) FROM PUBLIC;
SELECT audits_make_partition(id, 0) FROM audits_ledger;
"""
DROP_FUNCTIONS = """
DROP FUNCTION audits_make_partition(integer, integer, bigint);
DROP TRIGGER check_epoch ON audits_batch;
DROP FUNCTION audits_check_epoch();
"""


def triggers() -> list[tuple[str, str]]:
    """SQL to install and to remove the trigger of each parent, and to keep it in replica mode."""
    always = "ALTER TABLE {0} ENABLE {1} TRIGGER append_only;"
    made = [
        (
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse(); "
            + always.format(table, "ALWAYS"),
            f"DROP TRIGGER append_only ON {table};",
        )
        for table in PARTITIONED
    ]
    return [
        *made,
        (always.format("audits_readevent", "ALWAYS"), always.format("audits_readevent", "")),
    ]


class Migration(migrations.Migration):
    dependencies = [("audits", "0004_ledger")]
    operations = [
        migrations.RunSQL(
            "SELECT vendors_untrack('audits_call'), vendors_untrack('audits_completion'), "
            "vendors_untrack('audits_lease')",
            "SELECT vendors_track('audits_call', 'received_at'), "
            "vendors_track('audits_completion', 'received_at'), "
            "vendors_track('audits_lease', 'received_at')",
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(SET_ASIDE, TAKE_BACK),
                migrations.RunSQL(TABLES, DROP_TABLES),
            ],
            state_operations=[
                migrations.DeleteModel("Call"),
                migrations.DeleteModel("Completion"),
                migrations.DeleteModel("Lease"),
                migrations.CreateModel(
                    name="Batch",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "ledger_id",
                                "first_index",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "ledger",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="audits.ledger",
                            ),
                        ),
                        ("first_index", models.PositiveBigIntegerField()),
                        ("size", models.PositiveBigIntegerField()),
                        ("received_at", models.DateTimeField(help_text="Of its last entry.")),
                        (
                            "epoch",
                            models.BigIntegerField(
                                help_text="Under which it was decided; refused once that has passed.",
                                null=True,
                            ),
                        ),
                        ("root", models.BinaryField(max_length=32)),
                        (
                            "ledger_key",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="audits.ledgerkey",
                            ),
                        ),
                        (
                            "signature",
                            models.BinaryField(
                                help_text="Ed25519 over the checkpoint's text.", max_length=64
                            ),
                        ),
                        ("entries", models.BinaryField()),
                    ],
                    options={
                        "ordering": ["ledger_id", "first_index"],
                        "default_permissions": (),
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="Call",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "ledger_id",
                                "index",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "ledger",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="audits.ledger",
                            ),
                        ),
                        ("index", models.PositiveBigIntegerField()),
                        ("epoch", models.BigIntegerField()),
                        ("call_id", models.UUIDField()),
                        (
                            "body_sha256",
                            models.BinaryField(
                                help_text="Of what was posted, for replays.", max_length=32
                            ),
                        ),
                        ("received_at", models.DateTimeField()),
                        ("lease_until", models.DateTimeField()),
                        ("livemode", models.BooleanField(default=True)),
                        (
                            "source",
                            models.CharField(
                                choices=[("calls", "POST /calls"), ("records", "POST /records")],
                                default="calls",
                                max_length=7,
                            ),
                        ),
                        ("operation_id", models.UUIDField(null=True)),
                        ("attempt", models.PositiveSmallIntegerField(default=1)),
                        ("provider", models.CharField(max_length=60)),
                        ("operation", models.CharField(max_length=40)),
                        ("endpoint_host", models.CharField(blank=True, max_length=253)),
                        ("region", models.CharField(max_length=40)),
                        ("model", models.CharField(max_length=120)),
                        ("stream", models.BooleanField(default=False)),
                        (
                            "features",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=60), default=list, size=None
                            ),
                        ),
                        (
                            "data_classes",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=40), default=list, size=None
                            ),
                        ),
                        ("phi_present", models.BooleanField()),
                        ("actor_type", models.CharField(max_length=20)),
                        ("actor_id", models.CharField(max_length=120)),
                        ("session_id", models.CharField(blank=True, max_length=120)),
                        ("purpose", models.CharField(blank=True, max_length=40)),
                        ("input_digest", models.CharField(blank=True, max_length=160)),
                        ("sent_digest", models.CharField(blank=True, max_length=160)),
                        ("input_bytes", models.PositiveBigIntegerField(null=True)),
                        (
                            "masked",
                            models.JSONField(
                                default=dict, help_text="Rule id: how often it hid something."
                            ),
                        ),
                        ("bundle", models.CharField(blank=True, max_length=80)),
                        ("mode", models.CharField(blank=True, max_length=7)),
                        ("enforcement", models.CharField(blank=True, max_length=8)),
                        ("started_at", models.DateTimeField(null=True)),
                        ("client", models.CharField(blank=True, max_length=80)),
                        (
                            "claimed_baa_reference",
                            models.CharField(
                                blank=True,
                                help_text="What the seeds' record names; nothing rests on it.",
                                max_length=80,
                            ),
                        ),
                        (
                            "integration",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="policies.integration",
                            ),
                        ),
                        (
                            "key",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="policies.integrationkey",
                            ),
                        ),
                        (
                            "decision",
                            models.CharField(
                                choices=[("allow", "Allowed"), ("deny", "Denied")], max_length=5
                            ),
                        ),
                        (
                            "reasons",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=32), default=list, size=None
                            ),
                        ),
                        (
                            "warnings",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=32), default=list, size=None
                            ),
                        ),
                        (
                            "verdict",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="audits.verdict",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["ledger_id", "-index"],
                        "permissions": [("export_call", "Can export call records")],
                        "default_permissions": ("view",),
                        "indexes": [
                            models.Index(fields=["call_id"], name="call_by_call_id"),
                            models.Index(
                                fields=["ledger", "integration", "index"],
                                name="call_by_integration",
                            ),
                            models.Index(
                                condition=models.Q(("decision", "allow")),
                                fields=["lease_until"],
                                name="call_allowed_lease",
                            ),
                            models.Index(
                                condition=models.Q(("decision", "deny")),
                                fields=["ledger", "index"],
                                name="call_denied",
                            ),
                            django.contrib.postgres.indexes.BrinIndex(
                                fields=["received_at"], name="call_received_at"
                            ),
                        ],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="Completion",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "ledger_id",
                                "index",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "ledger",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="audits.ledger",
                            ),
                        ),
                        ("index", models.PositiveBigIntegerField()),
                        ("event_id", models.UUIDField()),
                        ("call_id", models.UUIDField()),
                        (
                            "call_index",
                            models.PositiveBigIntegerField(
                                help_text="Of the call, if it is known.", null=True
                            ),
                        ),
                        ("body_sha256", models.BinaryField(max_length=32)),
                        ("received_at", models.DateTimeField()),
                        (
                            "swept",
                            models.BooleanField(
                                default=False, help_text="Closed by the sweep, not by its caller."
                            ),
                        ),
                        (
                            "late",
                            models.BooleanField(
                                default=False, help_text="Came after its lease had passed."
                            ),
                        ),
                        (
                            "without_call",
                            models.BooleanField(
                                default=False, help_text="No record of the call was here."
                            ),
                        ),
                        ("livemode", models.BooleanField(default=True)),
                        (
                            "key",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="policies.integrationkey",
                            ),
                        ),
                        (
                            "outcome",
                            models.CharField(
                                choices=[
                                    ("succeeded", "Succeeded"),
                                    ("failed", "Failed"),
                                    ("timeout", "Timed out"),
                                    ("cancelled", "Cancelled"),
                                    ("blocked", "Blocked"),
                                    ("unknown", "Unknown"),
                                ],
                                max_length=9,
                            ),
                        ),
                        ("http_status", models.PositiveSmallIntegerField(null=True)),
                        (
                            "error",
                            models.CharField(
                                blank=True, help_text="The error's class alone.", max_length=80
                            ),
                        ),
                        ("finish_reason", models.CharField(blank=True, max_length=40)),
                        ("input_tokens", models.PositiveBigIntegerField(null=True)),
                        ("output_tokens", models.PositiveBigIntegerField(null=True)),
                        ("cache_tokens", models.PositiveBigIntegerField(null=True)),
                        ("reasoning_tokens", models.PositiveBigIntegerField(null=True)),
                        (
                            "usage_source",
                            models.CharField(
                                choices=[
                                    ("provider", "Provider"),
                                    ("estimated", "Estimated"),
                                    ("none", "None"),
                                ],
                                default="none",
                                max_length=9,
                            ),
                        ),
                        ("ttfb_ms", models.PositiveIntegerField(null=True)),
                        ("latency_ms", models.PositiveIntegerField(null=True)),
                        ("provider_request_id", models.CharField(blank=True, max_length=120)),
                        ("response_model", models.CharField(blank=True, max_length=120)),
                        ("output_digest", models.CharField(blank=True, max_length=160)),
                        ("ended_at", models.DateTimeField(null=True)),
                    ],
                    options={
                        "ordering": ["ledger_id", "-index"],
                        "default_permissions": ("view",),
                        "indexes": [
                            models.Index(fields=["call_id"], name="completion_by_call_id"),
                            models.Index(fields=["event_id"], name="completion_by_event_id"),
                        ],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="Lease",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "ledger_id",
                                "index",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "ledger",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="audits.ledger",
                            ),
                        ),
                        ("index", models.PositiveBigIntegerField()),
                        ("call_id", models.UUIDField()),
                        (
                            "call_index",
                            models.PositiveBigIntegerField(
                                help_text="Of the call, if it is known.", null=True
                            ),
                        ),
                        ("received_at", models.DateTimeField()),
                        ("lease_until", models.DateTimeField()),
                    ],
                    options={
                        "ordering": ["ledger_id", "-index"],
                        "default_permissions": (),
                        "indexes": [models.Index(fields=["call_id"], name="lease_by_call_id")],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "ledger_id",
                                "index",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "ledger",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="audits.ledger",
                            ),
                        ),
                        ("index", models.PositiveBigIntegerField()),
                        ("type", models.CharField(max_length=40)),
                        ("received_at", models.DateTimeField()),
                        ("subject", models.CharField(blank=True, max_length=120)),
                        ("payload", models.JSONField(default=dict)),
                    ],
                    options={
                        "ordering": ["ledger_id", "-index"],
                        "default_permissions": ("view",),
                        "indexes": [
                            models.Index(fields=["ledger", "type", "index"], name="event_by_type")
                        ],
                        "constraints": [],
                    },
                ),
            ],
        ),
        *[migrations.RunSQL(install, remove) for install, remove in triggers()],
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        *[begun(table, moment="received_at") for table in PARTITIONED],
    ]
