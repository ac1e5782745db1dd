"""A finished review is kept, so that whoever still has it open learns what became of it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vendors", "0011_seal_reviews"),
    ]

    operations = [
        migrations.AddField(
            model_name="reportdraft",
            name="finished_as",
            field=models.ForeignKey(
                blank=True,
                help_text="The report it became, for whoever still had it open.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vendors.assurancereport",
            ),
        ),
        migrations.AlterField(
            model_name="reportdraft",
            name="replaces",
            field=models.ForeignKey(
                blank=True,
                help_text="The report that is reviewed anew; none for a new one.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="drafts",
                to="vendors.assurancereport",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportdraft",
            constraint=models.UniqueConstraint(
                condition=models.Q(("finished_as__isnull", True)),
                fields=("replaces",),
                name="report_draft_open_once",
                violation_error_message="Somebody has begun to review this report already.",
            ),
        ),
        migrations.AlterField(
            model_name="reportdraft",
            name="answers",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
