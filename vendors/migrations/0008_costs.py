import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from vendors.tracking import tracked

APPEND_ONLY = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON vendors_costfact "
    "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();"
)


class Migration(migrations.Migration):
    dependencies = [
        ("vendors", "0007_register_imports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = tracked(
        [
            migrations.CreateModel(
                name="CostFact",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "capability",
                        models.CharField(
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
                    ),
                    (
                        "basis",
                        models.CharField(
                            choices=[
                                ("percent", "Percent of the API spend"),
                                ("money_once", "Money, once"),
                                ("money_year", "Money, each year"),
                                ("hours_once", "Hours, once"),
                                ("hours_year", "Hours, each year"),
                                ("weeks", "Weeks until it is there"),
                            ],
                            max_length=10,
                            verbose_name="counted in",
                        ),
                    ),
                    (
                        "low",
                        models.DecimalField(
                            decimal_places=2,
                            max_digits=12,
                            validators=[django.core.validators.MinValueValidator(0)],
                            verbose_name="from",
                        ),
                    ),
                    (
                        "high",
                        models.DecimalField(
                            decimal_places=2,
                            max_digits=12,
                            validators=[django.core.validators.MinValueValidator(0)],
                            verbose_name="to",
                        ),
                    ),
                    (
                        "currency",
                        models.CharField(
                            blank=True,
                            help_text="For money alone, such as USD.",
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
                        "grade",
                        models.CharField(
                            choices=[
                                ("contract", "Contract"),
                                ("quote", "Quote"),
                                ("list_price", "List price"),
                                ("estimate", "Estimate of an article"),
                            ],
                            max_length=10,
                        ),
                    ),
                    ("detail", models.TextField(blank=True, max_length=2000)),
                    (
                        "source",
                        models.CharField(
                            help_text="Address or title of what says so.", max_length=500
                        ),
                    ),
                    ("as_of", models.DateField(help_text="The day for which the source says it.")),
                    (
                        "verified_on",
                        models.DateField(help_text="The day somebody last read the source."),
                    ),
                    (
                        "recorded_on",
                        models.DateField(help_text="The day it came into the register."),
                    ),
                    (
                        "service",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="costs",
                            to="vendors.service",
                        ),
                    ),
                    (
                        "vendor",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="costs",
                            to="vendors.vendor",
                        ),
                    ),
                    (
                        "verified_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "ordering": ["capability", "basis", "-recorded_on", "-pk"],
                    "default_permissions": ("add", "view"),
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(("high__gte", models.F("low")), ("low__gte", 0)),
                            name="cost_from_low_to_high",
                            violation_error_message="The range goes from the lower figure to the higher one.",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(
                                    ("basis__in", ("money_once", "money_year")),
                                    ("currency__regex", "^[A-Z]{3}$"),
                                ),
                                models.Q(
                                    models.Q(
                                        ("basis__in", ("money_once", "money_year")), _negated=True
                                    ),
                                    ("currency", ""),
                                ),
                                _connector="OR",
                            ),
                            name="cost_currency_with_money",
                            violation_error_message="Money has a currency, and nothing else has.",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("service__isnull", True), ("vendor__isnull", True), _connector="OR"
                            ),
                            name="cost_of_a_service_or_a_vendor",
                            violation_error_message="Name the service or the vendor, not both.",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("as_of__lte", models.F("recorded_on")),
                                ("verified_on__lte", models.F("recorded_on")),
                            ),
                            name="cost_verified_before_it_is_recorded",
                            violation_error_message="The source cannot have been read in the future.",
                        ),
                    ],
                },
            ),
            migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER append_only ON vendors_costfact;"),
        ],
        "vendors_costfact",
    )
