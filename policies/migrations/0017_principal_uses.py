"""When each principal last called through each integration, noted by the job of each minute.

The job looks through the ledger from its beginning once more, piece by piece, beside the calls;
until it is through, an access review reads what it has not come to itself.
"""

import django.db.models.deletion
from django.db import migrations, models

AGAIN = "UPDATE policies_sightingmark SET index = -1"


class Migration(migrations.Migration):
    dependencies = [("policies", "0016_policy_event_kinds")]

    operations = [
        migrations.CreateModel(
            name="PrincipalUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("last_used_at", models.DateTimeField()),
                (
                    "integration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="policies.integration",
                    ),
                ),
                (
                    "principal",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="policies.principal",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("principal", "integration"), name="principaluse_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(AGAIN, migrations.RunSQL.noop),
    ]
