"""Reviews by the checklist, conditions of approvals, offboarding, and who looks at which fact."""

import django.db.models.deletion
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

from vendors.tracking import tracked


class Migration(migrations.Migration):
    dependencies = [
        ("vendors", "0009_as_of_documents"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = tracked(
        [
            migrations.AddField(
                model_name="serviceregion",
                name="page",
                field=models.CharField(blank=True, db_default="", max_length=40),
            ),
            migrations.AddField(
                model_name="serviceregion",
                name="source",
                field=models.CharField(
                    blank=True,
                    db_default="",
                    help_text="Address or title of what says so.",
                    max_length=500,
                ),
            ),
            migrations.CreateModel(
                name="Offboarding",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("started_on", models.DateField()),
                    (
                        "reason",
                        models.CharField(
                            help_text="Why, in a sentence. Never patient data.", max_length=300
                        ),
                    ),
                    (
                        "planned_last_day",
                        models.DateField(help_text="The last day we want to depend on the vendor."),
                    ),
                    (
                        "disposal",
                        models.CharField(
                            blank=True,
                            choices=[
                                ("returned", "Returned to us"),
                                ("destroyed", "Destroyed"),
                                ("both", "Returned, then destroyed"),
                                ("none_held", "The vendor never held any"),
                            ],
                            max_length=9,
                            verbose_name="our data",
                        ),
                    ),
                    ("finished_on", models.DateField(blank=True, null=True)),
                    ("called_off_on", models.DateField(blank=True, null=True)),
                    (
                        "called_off_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "finished_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "started_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "vendor",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="offboardings",
                            to="vendors.vendor",
                        ),
                    ),
                ],
                options={
                    "ordering": ["-started_on", "-pk"],
                },
            ),
            migrations.CreateModel(
                name="OffboardingStep",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "kind",
                        models.CharField(
                            choices=[
                                ("integrations", "Integrations retired"),
                                ("keys", "Keys revoked"),
                                ("access", "Access and accounts closed"),
                                ("data", "Data returned or destroyed, with proof"),
                                ("contract", "Contract ended and last invoice settled"),
                            ],
                            max_length=12,
                        ),
                    ),
                    ("done_on", models.DateField(blank=True, null=True)),
                    ("note", models.CharField(blank=True, max_length=500)),
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
                        "done_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "offboarding",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="steps",
                            to="vendors.offboarding",
                        ),
                    ),
                ],
                options={
                    "ordering": ["pk"],
                    "default_permissions": ("view",),
                },
            ),
            migrations.CreateModel(
                name="VendorReview",
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
                            choices=[("draft", "Draft"), ("finished", "Finished")],
                            default="draft",
                            max_length=8,
                        ),
                    ),
                    ("started_on", models.DateField()),
                    (
                        "outcome",
                        models.CharField(
                            blank=True,
                            choices=[
                                ("valid", "Still valid"),
                                ("changed", "Changed"),
                                ("retire", "Retire the vendor"),
                            ],
                            max_length=7,
                        ),
                    ),
                    ("reviewed_on", models.DateField(blank=True, null=True)),
                    (
                        "next_on",
                        models.DateField(
                            blank=True, help_text="The day the next one is due.", null=True
                        ),
                    ),
                    ("note", models.TextField(blank=True, max_length=2000)),
                    (
                        "digest",
                        models.CharField(
                            blank=True,
                            help_text="SHA-256 of the canonical JSON of the snapshot.",
                            max_length=64,
                        ),
                    ),
                    (
                        "snapshot",
                        models.JSONField(
                            blank=True,
                            default=dict,
                            help_text="What the register said of the vendor that day.",
                        ),
                    ),
                    (
                        "reviewed_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "started_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "vendor",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="reviews",
                            to="vendors.vendor",
                        ),
                    ),
                ],
                options={
                    "ordering": ["vendor__name", "-started_on", "-pk"],
                },
            ),
            migrations.CreateModel(
                name="VendorCondition",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("text", models.CharField(max_length=300, verbose_name="condition")),
                    (
                        "due_on",
                        models.DateField(
                            help_text="Last day; the approval ends with it.", verbose_name="due"
                        ),
                    ),
                    ("set_on", models.DateField()),
                    ("met_on", models.DateField(blank=True, null=True)),
                    ("met_note", models.CharField(blank=True, max_length=300)),
                    ("waived_on", models.DateField(blank=True, null=True)),
                    ("waive_reason", models.CharField(blank=True, max_length=300)),
                    (
                        "evidence",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="vendors.document",
                        ),
                    ),
                    (
                        "met_by",
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
                            help_text="Who sees to it.",
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "set_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "vendor",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="conditions",
                            to="vendors.vendor",
                        ),
                    ),
                    (
                        "waived_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "review",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="conditions",
                            to="vendors.vendorreview",
                        ),
                    ),
                ],
                options={
                    "ordering": ["due_on", "pk"],
                },
            ),
            migrations.CreateModel(
                name="ReviewItem",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("section", models.CharField(max_length=20)),
                    ("code", models.CharField(max_length=40)),
                    ("question", models.CharField(max_length=300)),
                    (
                        "answer",
                        models.CharField(
                            choices=[
                                ("yes", "Yes"),
                                ("partly", "Partly"),
                                ("no", "No"),
                                ("not_applicable", "Not applicable"),
                                ("unknown", "Unknown"),
                            ],
                            max_length=14,
                        ),
                    ),
                    ("note", models.CharField(blank=True, max_length=500)),
                    (
                        "agreement",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="vendors.agreement",
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
                        "fact",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="vendors.fact",
                        ),
                    ),
                    (
                        "report",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="vendors.assurancereport",
                        ),
                    ),
                    (
                        "service",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="vendors.service",
                        ),
                    ),
                    (
                        "review",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="items",
                            to="vendors.vendorreview",
                        ),
                    ),
                ],
                options={
                    "ordering": ["pk"],
                    "default_permissions": ("view",),
                },
            ),
            migrations.CreateModel(
                name="VendorTransition",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "from_state",
                        models.CharField(
                            choices=[
                                ("prospect", "Prospect"),
                                ("in_review", "In review"),
                                ("approved", "Approved"),
                                ("approved_with_conditions", "Approved with conditions"),
                                ("rejected", "Rejected"),
                                ("suspended", "Suspended"),
                                ("offboarding", "Offboarding"),
                                ("offboarded", "Offboarded"),
                            ],
                            max_length=24,
                        ),
                    ),
                    (
                        "to_state",
                        models.CharField(
                            choices=[
                                ("prospect", "Prospect"),
                                ("in_review", "In review"),
                                ("approved", "Approved"),
                                ("approved_with_conditions", "Approved with conditions"),
                                ("rejected", "Rejected"),
                                ("suspended", "Suspended"),
                                ("offboarding", "Offboarding"),
                                ("offboarded", "Offboarded"),
                            ],
                            max_length=24,
                        ),
                    ),
                    ("reason", models.CharField(max_length=300)),
                    ("at", models.DateTimeField()),
                    (
                        "by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "vendor",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="transitions",
                            to="vendors.vendor",
                        ),
                    ),
                ],
                options={
                    "ordering": ["-at", "-pk"],
                    "default_permissions": ("view",),
                },
            ),
            migrations.CreateModel(
                name="FactAssignment",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "dimension",
                        models.CharField(
                            choices=[
                                ("baa", "BAA offered"),
                                ("soc2_type2", "SOC 2 Type II"),
                                ("gdpr_dpa", "GDPR DPA"),
                                ("training_use", "Training on our data"),
                                ("retention_days", "Default retention (days)"),
                                ("zero_retention", "Zero retention"),
                                ("residency", "Data residency"),
                                ("tls_minimum", "TLS minimum"),
                                ("encryption_at_rest", "Encryption at rest"),
                                ("byok", "Customer-managed keys"),
                                ("access_logs", "Access logs"),
                                ("content_logs", "Content logs"),
                                ("log_retention_control", "Log retention control"),
                                ("private_endpoint", "Private endpoint"),
                                ("posture_api", "Posture API"),
                            ],
                            max_length=24,
                        ),
                    ),
                    (
                        "look_by",
                        models.DateField(
                            blank=True, help_text="The day it should be done by.", null=True
                        ),
                    ),
                    ("assigned_on", models.DateField()),
                    (
                        "assigned_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "assignee",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "service",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="assignments",
                            to="vendors.service",
                        ),
                    ),
                ],
                options={
                    "ordering": ["service", "dimension"],
                    "constraints": [
                        models.UniqueConstraint(
                            fields=("service", "dimension"),
                            name="fact_assignment_once",
                            violation_error_message="Somebody looks at this already.",
                        )
                    ],
                },
            ),
            migrations.AddConstraint(
                model_name="offboarding",
                constraint=models.UniqueConstraint(
                    condition=models.Q(
                        ("called_off_on__isnull", True), ("finished_on__isnull", True)
                    ),
                    fields=("vendor",),
                    name="offboarding_one_at_a_time",
                    violation_error_message="This vendor is being offboarded already.",
                ),
            ),
            migrations.AddConstraint(
                model_name="offboarding",
                constraint=models.CheckConstraint(
                    condition=models.Q(("planned_last_day__gte", models.F("started_on"))),
                    name="offboarding_last_day_after_start",
                    violation_error_message="The last day is before the start.",
                ),
            ),
            migrations.AddConstraint(
                model_name="offboarding",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("finished_on__isnull", True),
                        ("called_off_on__isnull", True),
                        _connector="OR",
                    ),
                    name="offboarding_finished_or_called_off",
                    violation_error_message="It is finished or called off, not both.",
                ),
            ),
            migrations.AddConstraint(
                model_name="offboardingstep",
                constraint=models.UniqueConstraint(
                    fields=("offboarding", "kind"),
                    name="offboarding_step_once",
                    violation_error_message="This step is listed already.",
                ),
            ),
            migrations.AddConstraint(
                model_name="offboardingstep",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("done_on__isnull", True), ("done_by__isnull", False), _connector="OR"
                    ),
                    name="offboarding_step_done_by_somebody",
                    violation_error_message="Somebody says that it is done.",
                ),
            ),
            migrations.AddConstraint(
                model_name="offboardingstep",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("kind", "data"), _negated=True),
                        ("done_on__isnull", True),
                        ("document__isnull", False),
                        _connector="OR",
                    ),
                    name="offboarding_data_has_its_proof",
                    violation_error_message="Store the proof that data was returned or destroyed.",
                ),
            ),
            migrations.AddConstraint(
                model_name="vendorreview",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("state", "draft")),
                    fields=("vendor",),
                    name="vendor_review_one_draft",
                    violation_error_message="A review of this vendor has begun already.",
                ),
            ),
            migrations.AddConstraint(
                model_name="vendorreview",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("state", "draft"),
                        models.Q(
                            ("next_on__isnull", False),
                            ("reviewed_by__isnull", False),
                            ("reviewed_on__isnull", False),
                            models.Q(("outcome", ""), _negated=True),
                            models.Q(("digest", ""), _negated=True),
                        ),
                        _connector="OR",
                    ),
                    name="vendor_review_finished_is_whole",
                    violation_error_message="A finished review has a person, days and an outcome.",
                ),
            ),
            migrations.AddConstraint(
                model_name="vendorcondition",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("met_on__isnull", True), ("waived_on__isnull", True), _connector="OR"
                    ),
                    name="vendor_condition_met_or_waived",
                    violation_error_message="A condition is met or waived, not both.",
                ),
            ),
            migrations.AddConstraint(
                model_name="vendorcondition",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("met_on__isnull", True), ("met_by__isnull", False), _connector="OR"
                    ),
                    name="vendor_condition_met_by_somebody",
                    violation_error_message="Somebody says that it is met.",
                ),
            ),
            migrations.AddConstraint(
                model_name="vendorcondition",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        ("waived_on__isnull", True),
                        models.Q(
                            ("waived_by__isnull", False),
                            models.Q(("waive_reason", ""), _negated=True),
                        ),
                        _connector="OR",
                    ),
                    name="vendor_condition_waived_for_a_reason",
                    violation_error_message="A condition is waived by somebody, for a reason.",
                ),
            ),
            migrations.AddConstraint(
                model_name="vendorcondition",
                constraint=models.CheckConstraint(
                    condition=models.Q(("due_on__gte", models.F("set_on"))),
                    name="vendor_condition_due_after_it_is_set",
                    violation_error_message="A condition is due on the day it is set or later.",
                ),
            ),
            migrations.AddConstraint(
                model_name="reviewitem",
                constraint=models.UniqueConstraint(
                    fields=("review", "code", "service"),
                    name="review_item_once",
                    nulls_distinct=False,
                    violation_error_message="This item is answered already.",
                ),
            ),
            migrations.AddConstraint(
                model_name="reviewitem",
                constraint=models.CheckConstraint(
                    condition=django.db.models.lookups.LessThanOrEqual(
                        models.Func(
                            models.F("agreement"),
                            models.F("report"),
                            models.F("fact"),
                            models.F("document"),
                            function="num_nonnulls",
                            output_field=models.IntegerField(),
                        ),
                        1,
                    ),
                    name="review_item_one_evidence",
                    violation_error_message="Point to one piece of evidence.",
                ),
            ),
        ],
        "vendors_serviceregion",
        "vendors_vendorreview",
        "vendors_reviewitem",
        "vendors_vendorcondition",
        "vendors_offboarding",
        "vendors_offboardingstep",
        "vendors_factassignment",
    )
