"""A pack keeps the signed checkpoint that its records are proven by."""

from django.db import migrations, models

from vendors.tracking import tracked


class Migration(migrations.Migration):
    dependencies = [("evidence", "0005_sealed_rows")]
    operations = tracked(
        [
            migrations.AddField(
                model_name="evidencepack",
                name="checkpoint",
                field=models.TextField(
                    blank=True,
                    default="",
                    editable=False,
                    help_text="The signed note that its records are proven by.",
                ),
                preserve_default=False,
            ),
        ],
        "evidence_evidencepack",
    )
