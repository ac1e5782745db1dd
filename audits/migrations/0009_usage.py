"""What providers counted: imports and their counts never change, sources and lines have a history."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from vendors.tracking import begun

APPEND_ONLY = ["audits_usageimport", "audits_usagecount", "audits_usagecost"]


def triggers() -> list[tuple[str, str]]:
    """SQL to install and to remove each trigger."""
    return [
        (
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse(); "
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only;",
            f"DROP TRIGGER append_only ON {table};",
        )
        for table in APPEND_ONLY
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0008_moments"),
        ("policies", "0008_new_reasons"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="UsageSource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True)),
                (
                    "provider",
                    models.CharField(help_text="Such as openai or aws.bedrock.", max_length=60),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("file", "Files that a person uploads"),
                            ("openai", "OpenAI's usage and cost API"),
                        ],
                        default="file",
                        max_length=6,
                    ),
                ),
                (
                    "base_url",
                    models.CharField(
                        blank=True,
                        help_text="Of the API, such as https://api.openai.com; fetched daily.",
                        max_length=200,
                        verbose_name="address",
                    ),
                ),
                (
                    "key_name",
                    models.SlugField(
                        blank=True,
                        help_text="Under which USAGE_API_KEYS, a setting of the server, has the admin key.",
                        max_length=40,
                        verbose_name="name of the key",
                    ),
                ),
                (
                    "due_after_days",
                    models.PositiveSmallIntegerField(
                        default=3,
                        help_text="Days after the last day counted until counts are missed.",
                        verbose_name="late after",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                ("created_at", models.DateTimeField(editable=False)),
                ("tried_at", models.DateTimeField(editable=False, null=True)),
                ("trouble", models.CharField(blank=True, editable=False, max_length=200)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the compliance officers.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "permissions": [("import_usage", "Can import usage counts of providers")],
                "default_permissions": ("view", "add", "change"),
            },
        ),
        migrations.CreateModel(
            name="UsageMapping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "project",
                    models.CharField(
                        blank=True,
                        help_text="The provider's id of a project, workspace, resource or account.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9 ._:/@+#()\\-]{0,119}$",
                                "Letters, digits, blanks and . _ : / @ + # ( ) - only, at most 120 of them.",
                            )
                        ],
                    ),
                ),
                (
                    "api_key",
                    models.CharField(
                        blank=True,
                        help_text="The provider's id of a key, never the key.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9 ._:/@+#()\\-]{0,119}$",
                                "Letters, digits, blanks and . _ : / @ + # ( ) - only, at most 120 of them.",
                            )
                        ],
                        verbose_name="API key",
                    ),
                ),
                (
                    "model_pattern",
                    models.CharField(
                        blank=True,
                        help_text="Such as gpt-4.1*.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9*?][A-Za-z0-9 ._:/@+\\-*?\\[\\]]{0,119}$",
                                "A model's name, in which * stands for anything.",
                            )
                        ],
                        verbose_name="models",
                    ),
                ),
                (
                    "treatment",
                    models.CharField(
                        choices=[
                            ("integration", "Calls of an integration"),
                            ("test", "Calls of test keys: not compared"),
                            ("outside", "Not through the portal, on purpose: not compared"),
                        ],
                        default="integration",
                        max_length=11,
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        blank=True, help_text="Why it is not compared.", max_length=200
                    ),
                ),
                (
                    "integration",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policies.integration",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mappings",
                        to="audits.usagesource",
                    ),
                ),
            ],
            options={
                "ordering": ["source", "project", "api_key", "model_pattern"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="UsageImport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "origin",
                    models.CharField(choices=[("file", "File"), ("api", "API")], max_length=4),
                ),
                ("file_name", models.CharField(blank=True, max_length=200)),
                (
                    "sha256",
                    models.CharField(
                        help_text="Of the file, or of the answers in order.", max_length=64
                    ),
                ),
                ("size_bytes", models.PositiveIntegerField()),
                ("first_day", models.DateField()),
                ("last_day", models.DateField()),
                ("line_count", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "imported_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the schedule.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="audits.usagesource",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="UsageCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("project", models.CharField(blank=True, max_length=120)),
                ("api_key", models.CharField(blank=True, max_length=120)),
                ("model", models.CharField(blank=True, max_length=120)),
                ("requests", models.PositiveBigIntegerField(null=True)),
                ("input_tokens", models.PositiveBigIntegerField(null=True)),
                ("output_tokens", models.PositiveBigIntegerField(null=True)),
                ("cached_tokens", models.PositiveBigIntegerField(null=True)),
                (
                    "integration",
                    models.ForeignKey(
                        help_text="Where the file itself names it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policies.integration",
                    ),
                ),
                (
                    "usage_import",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="counts",
                        to="audits.usageimport",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "default_permissions": (),
                "indexes": [models.Index(fields=["usage_import", "day"], name="usagecount_by_day")],
            },
        ),
        migrations.CreateModel(
            name="UsageCost",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("project", models.CharField(blank=True, max_length=120)),
                (
                    "item",
                    models.CharField(blank=True, help_text="What was charged for.", max_length=120),
                ),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                ("currency", models.CharField(help_text="ISO 4217, in capitals.", max_length=3)),
                (
                    "usage_import",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="costs",
                        to="audits.usageimport",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "default_permissions": (),
                "indexes": [models.Index(fields=["usage_import", "day"], name="usagecost_by_day")],
            },
        ),
        migrations.AddConstraint(
            model_name="usagesource",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "openai"), _negated=True),
                    models.Q(
                        models.Q(("base_url", ""), _negated=True),
                        models.Q(("key_name", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="usagesource_api_has_its_address",
                violation_error_message="An API needs its address and the name of its key.",
            ),
        ),
        migrations.AddConstraint(
            model_name="usagesource",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_after_days__gte", 1), ("due_after_days__lte", 92)),
                name="usagesource_late_after_a_day",
                violation_error_message="Late after 1 to 92 days.",
            ),
        ),
        migrations.AddConstraint(
            model_name="usagemapping",
            constraint=models.UniqueConstraint(
                fields=("source", "project", "api_key", "model_pattern"),
                name="usagemapping_once",
                violation_error_message="There is a line for exactly these already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="usagemapping",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("integration__isnull", False), ("treatment", "integration")),
                    models.Q(
                        models.Q(("treatment", "integration"), _negated=True),
                        ("integration__isnull", True),
                        models.Q(("note", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="usagemapping_names_its_integration",
                violation_error_message="Choose an integration, or say in the note why it is not compared.",
            ),
        ),
        migrations.AddIndex(
            model_name="usageimport",
            index=models.Index(fields=["source", "-last_day"], name="usageimport_newest_day"),
        ),
        migrations.AddConstraint(
            model_name="usageimport",
            constraint=models.CheckConstraint(
                condition=models.Q(("last_day__gte", models.F("first_day"))),
                name="usageimport_days_in_order",
            ),
        ),
        *[migrations.RunSQL(install, remove) for install, remove in triggers()],
        begun("audits_usagesource", quiet=["tried_at", "trouble"]),
        begun("audits_usagemapping"),
        begun("audits_usageimport", moment="at"),
    ]
