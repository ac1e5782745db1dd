import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from vendors.tracking import tracked


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0006_as_of"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = tracked(
        [
            migrations.CreateModel(
                name="CostPlan",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("name", models.CharField(default="Plan", max_length=80)),
                    (
                        "monthly_spend",
                        models.DecimalField(
                            decimal_places=2,
                            max_digits=12,
                            validators=[django.core.validators.MinValueValidator(0)],
                            verbose_name="API spend a month",
                        ),
                    ),
                    (
                        "currency",
                        models.CharField(
                            default="USD",
                            max_length=3,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "^[A-Z]{3}\\Z",
                                    "Use the three capital letters of ISO 4217, such as USD.",
                                )
                            ],
                        ),
                    ),
                    (
                        "hourly_rate",
                        models.DecimalField(
                            decimal_places=2,
                            default=150,
                            max_digits=8,
                            validators=[django.core.validators.MinValueValidator(0)],
                            verbose_name="an engineer's hour",
                        ),
                    ),
                    (
                        "capabilities",
                        django.contrib.postgres.fields.ArrayField(
                            base_field=models.CharField(
                                choices=[
                                    ("baa", "BAA execution"),
                                    ("byok", "Customer-managed keys"),
                                    ("private_endpoint", "Private endpoint or VPC"),
                                    ("provisioned_throughput", "Dedicated provisioned throughput"),
                                    ("residency", "Data residency"),
                                    ("audit_support", "Compliance audit support"),
                                    ("content_logging", "Content logging in our own layer"),
                                    ("build", "First build of a compliant integration"),
                                    ("own_audit", "Our own SOC 2 Type II audit"),
                                    ("monitoring_tool", "Compliance automation"),
                                    ("overall", "All of it, as a rule of thumb"),
                                ],
                                max_length=24,
                            ),
                            default=list,
                            size=None,
                        ),
                    ),
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
                        "integration",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="cost_plans",
                            to="policies.integration",
                        ),
                    ),
                ],
                options={
                    "ordering": ["integration__name", "name"],
                    "constraints": [
                        models.UniqueConstraint(
                            fields=("integration", "name"),
                            name="cost_plan_name_once_an_integration",
                            violation_error_message="This integration has a plan of this name.",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("hourly_rate__gte", 0), ("monthly_spend__gte", 0)),
                            name="cost_plan_money_not_negative",
                            violation_error_message="Spend and rate are not negative.",
                        ),
                    ],
                },
            ),
        ],
        "policies_costplan",
    )
