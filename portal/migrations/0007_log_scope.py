"""Tokens may read the ledger."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0006_sealed_rows"),
    ]

    operations = [
        migrations.AlterField(
            model_name="personaltoken",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("register:read", "Read the register"),
                        ("register:write", "Write to the register"),
                        ("calls:read", "Read the log of calls"),
                        ("log:read", "Read the ledger: checkpoints, proofs, entries"),
                    ],
                    max_length=20,
                ),
                size=None,
            ),
        ),
    ]
