"""Keys may tell of calls by OpenTelemetry."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0010_data_policies"),
    ]

    operations = [
        migrations.AlterField(
            model_name="integrationkey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("calls:write", "Write call records"),
                        ("calls:read", "Read call records"),
                        ("bundle:read", "Read the bundle of rules of its integration"),
                        ("log:read", "Read checkpoints and proofs of the ledger"),
                        ("otlp:write", "Tell of calls by OpenTelemetry"),
                        ("decide", "Ask the gate without a record"),
                    ],
                    max_length=20,
                ),
                default=list,
                size=None,
            ),
        ),
    ]
