"""Keys may read the ledger."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0008_new_reasons"),
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
                        ("log:read", "Read checkpoints and proofs of the ledger"),
                        ("decide", "Ask the gate without a record"),
                    ],
                    max_length=20,
                ),
                default=list,
                size=None,
            ),
        ),
    ]
