"""Calls that a client in observe mode made without a record: rows never change, and are sealed."""

import django.db.models.deletion
from django.db import migrations, models

from audits.ledger.seals import Seal, installed
from vendors.tracking import begun

APPEND_ONLY = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audits_gap "
    "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse(); "
    "ALTER TABLE audits_gap ENABLE ALWAYS TRIGGER append_only;"
)
SEALS = [
    Seal(
        "audits_gap",
        "'gap'",
        {
            "integration": "r.integration_id",
            "key": "r.key_id",
            "calls": "r.calls",
            "first_at": "public.audits_moment(r.first_at)",
            "last_at": "public.audits_moment(r.last_at)",
            "livemode": "r.livemode",
        },
        [
            "id",
            "event_id",
            "integration_id",
            "key_id",
            "livemode",
            "calls",
            "first_at",
            "last_at",
            "received_at",
        ],
    )
]


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0012_unless"),
        ("policies", "0010_data_policies"),
    ]

    operations = [
        migrations.CreateModel(
            name="Gap",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.UUIDField(unique=True)),
                ("livemode", models.BooleanField()),
                ("calls", models.PositiveIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField(help_text="The last of them counts itself.")),
                ("received_at", models.DateTimeField()),
                (
                    "integration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policies.integration",
                    ),
                ),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policies.integrationkey",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["received_at"], name="gap_received_at")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("calls__gte", 1)), name="gap_has_calls"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("last_at__gte", models.F("first_at"))),
                        name="gap_ends_after_it_begins",
                    ),
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER append_only ON audits_gap;"),
        begun("audits_gap", moment="received_at"),
        *[migrations.RunSQL(install, remove) for install, remove in installed(SEALS)],
    ]
