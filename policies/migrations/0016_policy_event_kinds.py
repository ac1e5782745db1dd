"""No version of a data policy ends but by the next one's approval, which the trail tells of."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("policies", "0015_grants_decide")]

    operations = [
        migrations.AlterField(
            model_name="policyevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("created", "Created"),
                    ("submitted", "Version submitted"),
                    ("approved", "Version approved"),
                    ("rejected", "Version rejected"),
                    ("withdrawn", "Version withdrawn"),
                    ("assigned", "Given to an integration"),
                    ("taken", "Taken from an integration"),
                    ("enforcement", "Enforcement changed"),
                    ("shadow_started", "Shadow started"),
                    ("shadow_ended", "Shadow ended"),
                ],
                max_length=14,
            ),
        ),
    ]
