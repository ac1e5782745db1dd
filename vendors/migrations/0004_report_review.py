"""What stands in a report line by line, and the workbench in which it is written down."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

VERSIONED = {
    "cuec": [
        "our_control",
        "owner_id",
        "evidence",
        "evidence_document_id",
        "state",
        "assessed_on",
        "assessed_by_id",
    ],
    "reportcondition": ["state", "closed_on", "closed_by_id", "note", "owner_id"],
}


def triggers() -> list[migrations.RunSQL]:
    """The lines of a report never change; of ours only what is said in the life cycle does."""
    refuse = "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();"
    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON vendors_reportexception {refuse}",
            "DROP TRIGGER append_only ON vendors_reportexception;",
        )
    ]
    for table, columns in VERSIONED.items():
        operations += [
            migrations.RunSQL(
                f"CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON vendors_{table} {refuse}",
                f"DROP TRIGGER append_only ON vendors_{table};",
            ),
            migrations.RunSQL(
                f"CREATE TRIGGER keep_versions BEFORE UPDATE ON vendors_{table} FOR EACH ROW "
                f"EXECUTE FUNCTION vendors_keep({', '.join(map(repr, columns))});",
                f"DROP TRIGGER keep_versions ON vendors_{table};",
            ),
        ]
    return operations


class Migration(migrations.Migration):
    dependencies = [
        ("vendors", "0003_checks_of_forms"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="assurancereport",
            name="certificate_number",
            field=models.CharField(blank=True, max_length=80),
        ),
        migrations.AddField(
            model_name="assurancereport",
            name="pages",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="The page of the document on which each field stands.",
            ),
        ),
        migrations.AddField(
            model_name="assurancereport",
            name="scope_statement",
            field=models.TextField(
                blank=True,
                help_text="What the certificate or report says it covers.",
                max_length=2000,
            ),
        ),
        migrations.AddField(
            model_name="assurancereport",
            name="valid_until",
            field=models.DateField(
                blank=True, help_text="Last day on which a certificate is valid.", null=True
            ),
        ),
        migrations.CreateModel(
            name="DocumentReading",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting to be read"),
                            ("done", "Read"),
                            ("no_text", "Holds no text"),
                            ("failed", "Could not be read"),
                        ],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("proposals", models.JSONField(default=list)),
                (
                    "page_texts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "document",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reading",
                        to="vendors.document",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ReportDraft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("answers", models.JSONField(default=dict)),
                (
                    "sections_done",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=12),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "changed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "document",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vendors.document",
                    ),
                ),
                (
                    "replaces",
                    models.OneToOneField(
                        blank=True,
                        help_text="The report that is reviewed anew; none for a new one.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="draft",
                        to="vendors.assurancereport",
                    ),
                ),
                (
                    "vendor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="report_drafts",
                        to="vendors.vendor",
                    ),
                ),
            ],
            options={
                "ordering": ["-updated_at"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Cuec",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True, help_text="Its number in the report.", max_length=40
                    ),
                ),
                ("text", models.TextField(max_length=2000)),
                ("page", models.CharField(blank=True, max_length=40)),
                (
                    "our_control",
                    models.CharField(blank=True, help_text="How we do it.", max_length=500),
                ),
                (
                    "evidence",
                    models.CharField(
                        blank=True,
                        help_text="What shows it, and where. Never patient data.",
                        max_length=500,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("not_assessed", "Not assessed"),
                            ("in_place", "In place"),
                            ("partly", "Partly in place"),
                            ("not_in_place", "Not in place"),
                            ("not_applicable", "Not applicable"),
                        ],
                        default="not_assessed",
                        max_length=14,
                    ),
                ),
                ("assessed_on", models.DateField(blank=True, null=True)),
                (
                    "assessed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "carried_from",
                    models.ForeignKey(
                        blank=True,
                        help_text="The entry of an earlier report whose answer was taken over.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vendors.cuec",
                    ),
                ),
                (
                    "evidence_document",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vendors.document",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cuecs",
                        to="vendors.assurancereport",
                    ),
                ),
            ],
            options={
                "verbose_name": "CUEC",
                "ordering": ["report", "pk"],
                "default_permissions": ("view", "change"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "not_assessed"),
                            models.Q(
                                ("assessed_by__isnull", False), ("assessed_on__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="cuec_assessed_by_somebody_on_a_day",
                        violation_error_message="An assessment has a person and a day.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["in_place", "partly"]), _negated=True),
                            models.Q(("our_control", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="cuec_in_place_names_our_control",
                        violation_error_message="Say which control of ours does it.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReportCondition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=500)),
                ("due_on", models.DateField(help_text="Last day on which it may still be open.")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("met", "Met"), ("waived", "Waived")],
                        default="open",
                        max_length=6,
                    ),
                ),
                ("closed_on", models.DateField(blank=True, null=True)),
                ("note", models.CharField(blank=True, max_length=500)),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conditions",
                        to="vendors.assurancereport",
                    ),
                ),
            ],
            options={
                "ordering": ["due_on", "pk"],
                "default_permissions": ("view", "change"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "open"),
                            models.Q(("closed_by__isnull", False), ("closed_on__isnull", False)),
                            _connector="OR",
                        ),
                        name="condition_closed_by_somebody_on_a_day",
                        violation_error_message="Who closes a condition, and when, is recorded.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "waived"), _negated=True),
                            models.Q(("note", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="condition_waived_with_a_reason",
                        violation_error_message="Say why it is waived.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReportException",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "control",
                    models.CharField(
                        help_text="The control's number in the report.", max_length=60
                    ),
                ),
                (
                    "criterion",
                    models.CharField(blank=True, help_text="Such as CC6.1.", max_length=60),
                ),
                ("failed", models.TextField(max_length=2000, verbose_name="what failed")),
                (
                    "sample_failed",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="failed"),
                ),
                (
                    "sample_size",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="of a sample of"
                    ),
                ),
                (
                    "response",
                    models.TextField(
                        blank=True, max_length=2000, verbose_name="management's response"
                    ),
                ),
                ("relevant", models.BooleanField(default=True, verbose_name="concerns our use")),
                (
                    "compensating",
                    models.CharField(
                        blank=True, max_length=500, verbose_name="compensating control"
                    ),
                ),
                (
                    "disposition",
                    models.CharField(
                        choices=[
                            ("accepted", "Accepted"),
                            ("compensated", "Compensated by our control"),
                            ("followed", "Followed up with the vendor"),
                            ("irrelevant", "Does not concern us"),
                        ],
                        max_length=11,
                    ),
                ),
                ("page", models.CharField(blank=True, max_length=40)),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exceptions",
                        to="vendors.assurancereport",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "default_permissions": ("view",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("sample_failed__isnull", True),
                            ("sample_size__isnull", True),
                            ("sample_size__gte", models.F("sample_failed")),
                            _connector="OR",
                        ),
                        name="exception_sample_is_whole",
                        violation_error_message="More failed than were looked at.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("disposition", "compensated"), _negated=True),
                            models.Q(("compensating", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="exception_compensated_by_something",
                        violation_error_message="Name the control that compensates.",
                    ),
                ],
            },
        ),
        *triggers(),
    ]
