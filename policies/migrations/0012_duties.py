"""Pairs of roles and grants that one person may not hold at once; nothing of one changes but its end."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from vendors.tracking import tracked

KEEP = """
CREATE TRIGGER keep_versions BEFORE UPDATE ON policies_exclusiveroles
FOR EACH ROW EXECUTE FUNCTION vendors_keep('ended_at', 'ended_by_id');
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON policies_exclusiveroles
FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();
"""
DROP_KEEP = """
DROP TRIGGER append_only ON policies_exclusiveroles;
DROP TRIGGER keep_versions ON policies_exclusiveroles;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0011_otlp_scope"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *tracked(
            [
                migrations.CreateModel(
                    name="ExclusiveRoles",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        (
                            "first",
                            models.CharField(
                                max_length=60,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^(role:[A-Z][A-Za-z ]{1,40}|grant:[a-z_]{1,20})\\Z",
                                        "Choose from the list.",
                                    )
                                ],
                            ),
                        ),
                        (
                            "second",
                            models.CharField(
                                max_length=60,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^(role:[A-Z][A-Za-z ]{1,40}|grant:[a-z_]{1,20})\\Z",
                                        "Choose from the list.",
                                    )
                                ],
                            ),
                        ),
                        (
                            "reason",
                            models.CharField(
                                help_text="Why one person should not hold both.", max_length=300
                            ),
                        ),
                        ("made_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "ended_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "made_by",
                            models.ForeignKey(
                                help_text="None: it came with the portal.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "exclusive roles",
                        "ordering": ["first", "second", "pk"],
                        "permissions": [
                            (
                                "keep_duties",
                                "Can keep the pairs of roles that one person may not hold",
                            )
                        ],
                        "default_permissions": ("view",),
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("first__lt", models.F("second"))),
                                name="exclusive_roles_are_two_in_order",
                                violation_error_message="A pair is of two different roles.",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("ended_at__isnull", True)),
                                fields=("first", "second"),
                                name="exclusive_roles_once",
                                violation_error_message="This pair is kept already.",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("ended_at__isnull", True), ("ended_by__isnull", True)
                                    ),
                                    models.Q(
                                        ("ended_at__gte", models.F("made_at")),
                                        ("ended_by__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="exclusive_roles_end_whole",
                                violation_error_message="A pair that ended says who ended it.",
                            ),
                        ],
                    },
                ),
            ],
            "policies_exclusiveroles",
        ),
        migrations.RunSQL(KEEP, DROP_KEEP),
    ]
