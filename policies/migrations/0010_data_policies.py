"""Data policies, their versions, which integrations use them, and who broke the glass.

What a version says never changes; once it is decided on, nothing of it does but its end.
"""

import datetime

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

from vendors.tracking import begun, tracked

EPOCH = ("datapolicy", "policyversion", "policyuse", "breakglass")
TRACKED = tuple(f"policies_{table}" for table in EPOCH)
KEEP = """
CREATE FUNCTION policies_keep_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := ARRAY['state', 'decided_by_id', 'decided_at', 'decision_note', 'starts_at',
        'ends_at', 'signature', 'public_key'];
BEGIN
    IF OLD.state <> 'submitted' THEN
        free := ARRAY['ends_at'];
        IF OLD.ends_at IS NOT NULL AND (NEW.ends_at IS NULL OR NEW.ends_at > OLD.ends_at) THEN
            RAISE EXCEPTION 'the end of a version is never put off'
                USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'policies_policyversion keeps its versions'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_versions BEFORE UPDATE ON policies_policyversion
FOR EACH ROW EXECUTE FUNCTION policies_keep_version();
CREATE TRIGGER keep_versions BEFORE UPDATE ON policies_breakglass
FOR EACH ROW EXECUTE FUNCTION vendors_keep('closed_at', 'closed_by_id');
"""
DROP_KEEP = """
DROP TRIGGER keep_versions ON policies_breakglass;
DROP TRIGGER keep_versions ON policies_policyversion;
DROP FUNCTION policies_keep_version();
"""


def triggers() -> list[tuple[str, str]]:
    """SQL to install and to remove each trigger."""
    epoch = [
        (
            f"CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON policies_{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_bump_epoch();",
            f"DROP TRIGGER epoch ON policies_{table};",
        )
        for table in EPOCH
    ]
    refuse = "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();"
    append_only = [
        (
            f"CREATE TRIGGER append_only BEFORE {what} OR DELETE OR TRUNCATE ON policies_{table} {refuse}"
            if what
            else f"CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON policies_{table} {refuse}",
            f"DROP TRIGGER append_only ON policies_{table};",
        )
        for table, what in (("policyevent", "UPDATE"), ("policyversion", ""), ("breakglass", ""))
    ]
    return [*epoch, *append_only, (KEEP, DROP_KEEP)]


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0009_log_scope"),
        ("vendors", "0018_composite_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="integration",
            name="deidentification",
            field=models.CharField(
                choices=[
                    ("none", "None"),
                    ("safe_harbor", "Safe Harbor"),
                    ("rules", "Safe Harbor by data rules"),
                    ("expert", "Expert Determination"),
                ],
                default="none",
                max_length=11,
                verbose_name="de-identification",
            ),
        ),
        migrations.AlterField(
            model_name="integrationevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("created", "Created"),
                    ("changed", "Changed"),
                    ("submitted", "Submitted"),
                    ("approved", "Approved"),
                    ("changes_requested", "Changes requested"),
                    ("rejected", "Rejected"),
                    ("approval_voided", "Approval voided by a change"),
                    ("activated", "Activated"),
                    ("suspended", "Suspended"),
                    ("resumed", "Resumed"),
                    ("retired", "Retired"),
                    ("key_issued", "Key issued"),
                    ("key_rotated", "Key rotated"),
                    ("key_revoked", "Key revoked"),
                    ("owner_changed", "Owner changed"),
                    ("grant_given", "Grant given"),
                    ("grant_withdrawn", "Grant withdrawn"),
                    ("policy_set", "Data policy set"),
                    ("policy_taken", "Data policy taken away"),
                    ("glass_broken", "Glass broken: may go on without the portal"),
                    ("glass_mended", "Glass mended: recorded strictly again"),
                ],
                max_length=17,
            ),
        ),
        migrations.AlterField(
            model_name="integrationkey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("calls:write", "Write call records"),
                        ("calls:read", "Read call records"),
                        ("bundle:read", "Read the bundle of rules of its integration"),
                        ("log:read", "Read checkpoints and proofs of the ledger"),
                        ("decide", "Ask the gate without a record"),
                    ],
                    max_length=20,
                ),
                default=list,
                size=None,
            ),
        ),
        *tracked(
            [
                migrations.CreateModel(
                    name="DataPolicy",
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
                        ("slug", models.SlugField(max_length=60, unique=True)),
                        ("name", models.CharField(max_length=120, unique=True)),
                        ("description", models.TextField(blank=True, max_length=1000)),
                        ("created_at", models.DateTimeField()),
                        (
                            "created_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "data policies",
                        "ordering": ["name"],
                        "permissions": [
                            (
                                "submit_policyversion",
                                "Can submit a version of a data policy for approval",
                            ),
                            (
                                "approve_policyversion",
                                "Can approve or reject a version of a data policy",
                            ),
                            ("assign_datapolicy", "Can say which integrations use a data policy"),
                            (
                                "break_glass",
                                "Can let an integration go on without the portal for some hours",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PolicyVersion",
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
                        ("number", models.PositiveIntegerField()),
                        ("document", models.JSONField()),
                        (
                            "digest",
                            models.CharField(
                                help_text="SHA-256 of the document's canonical JSON.", max_length=64
                            ),
                        ),
                        (
                            "claim",
                            models.CharField(
                                choices=[
                                    ("safe_harbor", "Safe Harbor"),
                                    ("limited", "Limited: a BAA is still required"),
                                ],
                                max_length=11,
                            ),
                        ),
                        (
                            "note",
                            models.CharField(help_text="What changes, and why.", max_length=300),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("submitted", "Submitted"),
                                    ("approved", "Approved"),
                                    ("rejected", "Rejected"),
                                    ("withdrawn", "Withdrawn"),
                                ],
                                default="submitted",
                                max_length=9,
                            ),
                        ),
                        ("made_at", models.DateTimeField()),
                        ("decided_at", models.DateTimeField(blank=True, null=True)),
                        ("decision_note", models.CharField(blank=True, max_length=300)),
                        ("starts_at", models.DateTimeField(blank=True, null=True)),
                        ("ends_at", models.DateTimeField(blank=True, null=True)),
                        ("signature", models.CharField(blank=True, max_length=128)),
                        ("public_key", models.CharField(blank=True, max_length=64)),
                        (
                            "decided_by",
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
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "policy",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="versions",
                                to="policies.datapolicy",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["policy", "-number"],
                        "default_permissions": ("view",),
                    },
                ),
                migrations.CreateModel(
                    name="PolicyUse",
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
                            "enforcement",
                            models.CharField(
                                choices=[
                                    ("enforce", "Enforce: what the rules say is done"),
                                    ("monitor", "Monitor: what the rules say is counted"),
                                ],
                                default="enforce",
                                max_length=7,
                            ),
                        ),
                        ("set_at", models.DateTimeField()),
                        (
                            "integration",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="policy_use",
                                to="policies.integration",
                            ),
                        ),
                        (
                            "policy",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="uses",
                                to="policies.datapolicy",
                            ),
                        ),
                        (
                            "set_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "shadow",
                            models.ForeignKey(
                                blank=True,
                                help_text="A version whose decisions are counted beside those of the one in force.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="shadowing",
                                to="policies.policyversion",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["integration"],
                        "default_permissions": (),
                    },
                ),
                migrations.CreateModel(
                    name="PolicyEvent",
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
                            "kind",
                            models.CharField(
                                choices=[
                                    ("created", "Created"),
                                    ("submitted", "Version submitted"),
                                    ("approved", "Version approved"),
                                    ("rejected", "Version rejected"),
                                    ("withdrawn", "Version withdrawn"),
                                    ("ended", "Version ended"),
                                    ("assigned", "Given to an integration"),
                                    ("taken", "Taken from an integration"),
                                    ("enforcement", "Enforcement changed"),
                                    ("shadow_started", "Shadow started"),
                                    ("shadow_ended", "Shadow ended"),
                                ],
                                max_length=14,
                            ),
                        ),
                        ("note", models.CharField(blank=True, max_length=300)),
                        ("at", models.DateTimeField()),
                        (
                            "actor",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "integration",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="policy_events",
                                to="policies.integration",
                            ),
                        ),
                        (
                            "policy",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="events",
                                to="policies.datapolicy",
                            ),
                        ),
                        (
                            "version",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="events",
                                to="policies.policyversion",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-at", "-pk"],
                        "default_permissions": (),
                    },
                ),
                migrations.CreateModel(
                    name="BreakGlass",
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
                        ("reason", models.CharField(max_length=300)),
                        ("opened_at", models.DateTimeField()),
                        (
                            "until",
                            models.DateTimeField(
                                help_text="At most some hours after it was opened."
                            ),
                        ),
                        ("closed_at", models.DateTimeField(blank=True, null=True)),
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
                            "integration",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="broken_glass",
                                to="policies.integration",
                            ),
                        ),
                        (
                            "opened_by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "broken glass",
                        "ordering": ["-opened_at"],
                        "default_permissions": ("view",),
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("until__gt", models.F("opened_at")),
                                    (
                                        "until__lte",
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("opened_at"),
                                            "+",
                                            models.Value(datetime.timedelta(seconds=28800)),
                                        ),
                                    ),
                                ),
                                name="break_glass_lasts_hours",
                                violation_error_message="It lasts 8 hours at most.",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="IssuedBundle",
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
                        ("livemode", models.BooleanField()),
                        ("bundle_id", models.CharField(max_length=40)),
                        ("content", models.JSONField()),
                        ("first_issued_at", models.DateTimeField()),
                        ("last_issued_at", models.DateTimeField()),
                        (
                            "integration",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="bundles",
                                to="policies.integration",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-last_issued_at"],
                        "default_permissions": (),
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("integration", "bundle_id"),
                                name="bundle_once_an_integration",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PolicyDraft",
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
                            "document",
                            models.JSONField(
                                help_text="As countersign/rules/schema.json describes it."
                            ),
                        ),
                        (
                            "note",
                            models.CharField(
                                blank=True, help_text="What changes, and why.", max_length=300
                            ),
                        ),
                        ("updated_at", models.DateTimeField()),
                        (
                            "author",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "policy",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="drafts",
                                to="policies.datapolicy",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-updated_at"],
                        "default_permissions": (),
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("policy", "author"),
                                name="policy_draft_once_an_author",
                                violation_error_message="You have a draft of this policy already.",
                            )
                        ],
                    },
                ),
                migrations.AddConstraint(
                    model_name="policyversion",
                    constraint=models.UniqueConstraint(
                        fields=("policy", "number"), name="policy_version_number_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="policyversion",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "approved"), _negated=True),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("starts_at__isnull", False),
                                models.Q(("signature", ""), _negated=True),
                                models.Q(("public_key", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="policy_version_approved_whole",
                        violation_error_message="An approved version has a beginning and a signature.",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="policyversion",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("state", "withdrawn"),
                            ("decided_by__isnull", True),
                            models.Q(("decided_by", models.F("made_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="policy_version_decided_by_another",
                        violation_error_message="Somebody else decides on a version.",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="policyversion",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at__isnull", True),
                            ("ends_at__gte", models.F("starts_at")),
                            _connector="OR",
                        ),
                        name="policy_version_ends_after_it_starts",
                        violation_error_message="It ends before it begins.",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="policyversion",
                    constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("state", "approved")),
                        expressions=[
                            ("policy", "="),
                            (
                                models.Func(
                                    "starts_at",
                                    "ends_at",
                                    models.Value("[)"),
                                    function="tstzrange",
                                    output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                                ),
                                "&&",
                            ),
                        ],
                        name="policy_version_one_at_a_time",
                        violation_error_message="Another version is in force at that time.",
                    ),
                ),
            ],
            *TRACKED,
        ),
        begun("policies_policyevent", moment="at"),
        *[migrations.RunSQL(install, remove) for install, remove in triggers()],
    ]
