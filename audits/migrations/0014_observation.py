"""Calls that telemetry told of: append-only, read as they were told."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from vendors.tracking import begun

APPEND_ONLY = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audits_observation "
    "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse(); "
    "ALTER TABLE audits_observation ENABLE ALWAYS TRIGGER append_only;"
)


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0013_gaps"),
        ("policies", "0011_otlp_scope"),
    ]

    operations = [
        migrations.CreateModel(
            name="Observation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("livemode", models.BooleanField()),
                ("received_at", models.DateTimeField()),
                (
                    "trace_id",
                    models.CharField(help_text="As OpenTelemetry has it, in hex.", max_length=32),
                ),
                ("span_id", models.CharField(max_length=16)),
                ("operation", models.CharField(blank=True, max_length=40)),
                ("provider", models.CharField(blank=True, max_length=60)),
                ("model", models.CharField(blank=True, max_length=120)),
                ("response_model", models.CharField(blank=True, max_length=120)),
                ("endpoint_host", models.CharField(blank=True, max_length=253)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("input_tokens", models.BigIntegerField(null=True)),
                ("output_tokens", models.BigIntegerField(null=True)),
                ("finish_reason", models.CharField(blank=True, max_length=40)),
                (
                    "error",
                    models.CharField(
                        blank=True, help_text="The class of an error alone.", max_length=80
                    ),
                ),
                ("provider_request_id", models.CharField(blank=True, max_length=120)),
                (
                    "dropped",
                    models.PositiveIntegerField(
                        help_text="Attributes that came and were not kept."
                    ),
                ),
                (
                    "content",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        default=list,
                        help_text="Kinds of content that the span carried; none of it was kept.",
                        size=None,
                    ),
                ),
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
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["integration", "received_at"], name="observation_by_integration"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("integration", "trace_id", "span_id"),
                        name="observation_once_a_span",
                    )
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER append_only ON audits_observation;"),
        begun("audits_observation", moment="received_at"),
    ]
