"""What is done with the ledger from outside it: verifications, cosignatures, deliveries."""

import django.db.models.deletion
from django.db import migrations, models

from vendors.tracking import begun

MOMENTS = {"verification": "at", "cosignature": "received_at", "checkpointdelivery": "at"}


def triggers() -> list[tuple[str, str]]:
    """SQL to install and to remove each trigger."""
    return [
        (
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audits_{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse(); "
            f"ALTER TABLE audits_{table} ENABLE ALWAYS TRIGGER append_only;",
            f"DROP TRIGGER append_only ON audits_{table};",
        )
        for table in MOMENTS
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0005_records"),
    ]

    operations = [
        migrations.CreateModel(
            name="CheckpointDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("size", models.PositiveBigIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "channel",
                    models.CharField(
                        choices=[("mail", "Mail"), ("webhook", "Webhook"), ("witness", "Witness")],
                        max_length=7,
                    ),
                ),
                (
                    "recipient",
                    models.CharField(help_text="Mail address, host or witness.", max_length=254),
                ),
                ("ok", models.BooleanField()),
                (
                    "error",
                    models.CharField(
                        blank=True, help_text="What kind of failure it was.", max_length=60
                    ),
                ),
                (
                    "ledger",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="audits.ledger",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-id"],
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["ledger", "channel", "-at"], name="delivery_newest")
                ],
            },
        ),
        migrations.CreateModel(
            name="Cosignature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("size", models.PositiveBigIntegerField()),
                ("root", models.BinaryField(max_length=32)),
                ("witness", models.CharField(help_text="The name of its key.", max_length=200)),
                (
                    "line",
                    models.CharField(help_text="Its line in the signed note.", max_length=400),
                ),
                ("signed_at", models.DateTimeField(help_text="When the witness says it signed.")),
                ("received_at", models.DateTimeField()),
                (
                    "ledger",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cosignatures",
                        to="audits.ledger",
                    ),
                ),
            ],
            options={
                "ordering": ["ledger", "-size", "witness"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("ledger", "size", "witness", "line"), name="cosignature_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("full", "Full"), ("incremental", "What is new")], max_length=11
                    ),
                ),
                ("at", models.DateTimeField(help_text="When it began.")),
                ("seconds", models.PositiveIntegerField()),
                ("start", models.PositiveBigIntegerField()),
                ("end", models.PositiveBigIntegerField()),
                (
                    "verified",
                    models.PositiveBigIntegerField(help_text="Entries read, hashed and compared."),
                ),
                ("expected", models.PositiveBigIntegerField()),
                (
                    "disposed",
                    models.PositiveBigIntegerField(
                        help_text="Entries verified by their hashes alone."
                    ),
                ),
                (
                    "row_count",
                    models.PositiveBigIntegerField(help_text="Rows compared with their entries."),
                ),
                (
                    "checkpoint_count",
                    models.PositiveBigIntegerField(help_text="Signed checkpoints verified."),
                ),
                (
                    "kept_count",
                    models.PositiveBigIntegerField(help_text="Kept checkpoints compared."),
                ),
                (
                    "checkpoint_root",
                    models.BinaryField(
                        help_text="Of the tree of `end` entries, as verified.", max_length=32
                    ),
                ),
                (
                    "received_at",
                    models.DateTimeField(help_text="When its last entry was received.", null=True),
                ),
                (
                    "gaps",
                    models.JSONField(
                        default=list, help_text="Runs of missing indexes: first, end."
                    ),
                ),
                ("problem_count", models.PositiveIntegerField(default=0)),
                (
                    "problems",
                    models.JSONField(
                        default=list, help_text="The first ones: code, index, at, what; no content."
                    ),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("passed", "Passed"),
                            ("failed", "Failed"),
                            ("nothing", "Nothing verified"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "ledger",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="verifications",
                        to="audits.ledger",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-id"],
                "permissions": [
                    ("read_ledger", "Can read checkpoints, tiles and proofs of the ledger"),
                    ("read_entries", "Can read the entries of the ledger"),
                ],
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["ledger", "-at"], name="verification_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end__gte", models.F("start"))),
                        name="verification_ends_after_its_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("result", "passed"), _negated=True),
                            models.Q(
                                ("problem_count", 0),
                                ("verified", models.F("expected")),
                                ("verified__gt", 0),
                            ),
                            _connector="OR",
                        ),
                        name="verification_passed_means_all",
                    ),
                ],
            },
        ),
        *[migrations.RunSQL(install, remove) for install, remove in triggers()],
        *[begun(f"audits_{table}", moment=moment) for table, moment in MOMENTS.items()],
    ]
