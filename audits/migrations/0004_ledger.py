"""The log's own tables: ledgers, keys, heads, partitions, tiles, what verdicts rested on."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

# A function that fires in replica mode too, as all triggers of the ledger do.
FUNCTIONS = """
-- Two ledgers, each with an empty tree: the log of live keys and of everything else, and that of
-- test keys. Their names in checkpoints come with the first entry.
INSERT INTO audits_ledger (id, slug, livemode) VALUES (1, 'live', true), (2, 'test', false);
INSERT INTO audits_ledgerhead (ledger_id, size, frontier, root)
SELECT id, 0, '', sha256('') FROM audits_ledger;

CREATE FUNCTION audits_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is set once, and a head only grows', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

-- The condition is looked at by the server itself: a growing head costs no call of a function.
CREATE TRIGGER grow_only BEFORE UPDATE ON audits_ledgerhead FOR EACH ROW
WHEN (NEW.ledger_id <> OLD.ledger_id OR NEW.size <= OLD.size OR NEW.last_received_at IS NULL
      OR NEW.last_received_at < OLD.last_received_at)
EXECUTE FUNCTION audits_refuse_change();

CREATE TRIGGER set_once BEFORE UPDATE ON audits_ledger FOR EACH ROW
WHEN (OLD.origin IS NOT NULL) EXECUTE FUNCTION audits_refuse_change();

CREATE TRIGGER set_once BEFORE UPDATE ON audits_ledgerkey FOR EACH ROW
WHEN (OLD.retired_at_index IS NOT NULL) EXECUTE FUNCTION audits_refuse_change();

ALTER TABLE audits_ledgerhead ENABLE ALWAYS TRIGGER grow_only;
ALTER TABLE audits_ledger ENABLE ALWAYS TRIGGER set_once;
ALTER TABLE audits_ledgerkey ENABLE ALWAYS TRIGGER set_once;

-- Room in the page for the next versions of the row, so that no index is touched by an update.
ALTER TABLE audits_ledgerhead SET (fillfactor = 10);
"""
# The rows go with their tables, which goes first where it is taken back.
DROP_FUNCTIONS = """
DROP TRIGGER grow_only ON audits_ledgerhead;
DROP TRIGGER set_once ON audits_ledger;
DROP TRIGGER set_once ON audits_ledgerkey;
DROP FUNCTION audits_refuse_change();
"""

APPEND_ONLY = ["tile", "verdict"]
# Columns that may change.
VERSIONED = {
    "ledger": ["origin"],
    "ledgerkey": ["retired_at_index"],
    "partition": ["first_received_at", "last_received_at", "state"],
}


def triggers() -> list[tuple[str, str]]:
    """SQL to install and to remove each trigger that other tables of the house have too."""
    refused = dict.fromkeys(APPEND_ONLY, "UPDATE OR DELETE OR TRUNCATE")
    refused |= dict.fromkeys((*VERSIONED, "ledgerhead"), "DELETE OR TRUNCATE")
    found = [
        (
            f"CREATE TRIGGER append_only BEFORE {events} ON audits_{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse(); "
            f"ALTER TABLE audits_{table} ENABLE ALWAYS TRIGGER append_only;",
            f"DROP TRIGGER append_only ON audits_{table};",
        )
        for table, events in refused.items()
    ]
    for table, columns in VERSIONED.items():
        found.append(
            (
                f"CREATE TRIGGER keep_versions BEFORE UPDATE ON audits_{table} FOR EACH ROW "
                f"EXECUTE FUNCTION vendors_keep({', '.join(map(repr, columns))}); "
                f"ALTER TABLE audits_{table} ENABLE ALWAYS TRIGGER keep_versions;",
                f"DROP TRIGGER keep_versions ON audits_{table};",
            )
        )
    return found


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0003_as_of"),
        ("vendors", "0018_composite_keys"),
    ]
    operations = [
        migrations.CreateModel(
            name="Ledger",
            fields=[
                ("id", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("slug", models.SlugField(max_length=40, unique=True)),
                (
                    "origin",
                    models.CharField(
                        help_text="How checkpoints name it; set with the first entry, and never changed.",
                        max_length=200,
                        null=True,
                        unique=True,
                    ),
                ),
                ("livemode", models.BooleanField()),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="LedgerKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "ledger",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="keys",
                        to="audits.ledger",
                    ),
                ),
                ("public_key", models.BinaryField(help_text="Ed25519, 32 bytes.", max_length=32)),
                (
                    "first_index",
                    models.PositiveBigIntegerField(help_text="The first entry it vouches for."),
                ),
                (
                    "retired_at_index",
                    models.PositiveBigIntegerField(
                        help_text="The entry that retired it, which it signed itself.", null=True
                    ),
                ),
            ],
            options={
                "ordering": ["ledger", "first_index"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("ledger", "public_key"), name="ledger_key_once_in_a_ledger"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("retired_at_index", None)),
                        fields=("ledger",),
                        name="ledger_key_one_in_use",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="LedgerHead",
            fields=[
                (
                    "ledger",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="head",
                        serialize=False,
                        to="audits.ledger",
                    ),
                ),
                ("size", models.PositiveBigIntegerField(default=0, help_text="Entries so far.")),
                (
                    "frontier",
                    models.BinaryField(
                        default=b"", help_text="Hashes of the perfect subtrees, from left to right."
                    ),
                ),
                ("root", models.BinaryField(max_length=32)),
                ("last_received_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="Partition",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "ledger_id",
                        "number",
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
                ("number", models.PositiveIntegerField()),
                ("first_index", models.PositiveBigIntegerField()),
                ("end_index", models.PositiveBigIntegerField()),
                ("first_received_at", models.DateTimeField(null=True)),
                ("last_received_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "In the database"),
                            ("archived", "In the archive, and in the database"),
                            ("disposed", "Disposed of"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
            ],
            options={
                "ordering": ["ledger_id", "number"],
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end_index__gt", models.F("first_index"))),
                        name="partition_holds_something",
                    )
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Tile",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "ledger_id",
                        "level",
                        "number",
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
                ("level", models.PositiveSmallIntegerField()),
                ("number", models.PositiveBigIntegerField()),
                ("hashes", models.BinaryField(max_length=8192)),
                ("root", models.BinaryField(max_length=32)),
            ],
            options={
                "ordering": ["ledger_id", "level", "number"],
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="Verdict",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "sha256",
                    models.BinaryField(
                        help_text="Of all that follows.", max_length=32, unique=True
                    ),
                ),
                (
                    "agreement_id",
                    models.BigIntegerField(help_text="The BAA it rests on.", null=True),
                ),
                ("baa_reference", models.CharField(blank=True, max_length=80)),
                (
                    "report_id",
                    models.BigIntegerField(help_text="The SOC 2 report it rests on.", null=True),
                ),
                (
                    "fact_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "valid_until",
                    models.DateField(help_text="Last day the verdict could stand.", null=True),
                ),
                (
                    "terms_digest",
                    models.CharField(help_text="Of the integration's terms.", max_length=64),
                ),
                (
                    "policy_digest",
                    models.CharField(help_text="Of the requirements applied.", max_length=64),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="Pending",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("type", models.CharField(max_length=40)),
                ("subject", models.CharField(blank=True, max_length=120)),
                ("payload", models.JSONField(default=dict)),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
        ),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        *[migrations.RunSQL(install, remove) for install, remove in triggers()],
    ]
