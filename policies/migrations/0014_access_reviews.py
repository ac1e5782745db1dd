"""Access reviews: campaigns, their frozen lines, what was decided, what became of it.

The lines of a campaign are as many as it says and no more; once it is closed nothing is decided
or executed in it, and once it is signed off nothing of it changes.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

from vendors.tracking import begun, tracked

TRAILS = {
    "policies_accessreviewentry": "frozen_at",
    "policies_accessreviewdecision": "at",
    "policies_accessreviewproof": "at",
}
FUNCTIONS = """
CREATE FUNCTION policies_keep_review() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := CASE
        WHEN OLD.signed_at IS NOT NULL THEN ARRAY[]::text[]
        WHEN OLD.closed_at IS NOT NULL THEN ARRAY['signed_by_id', 'signed_at', 'sign_note']
        ELSE ARRAY['closed_by_id', 'closed_at', 'closed_digest']
    END;
BEGIN
    IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'policies_accessreview keeps its versions'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_versions BEFORE UPDATE ON policies_accessreview
FOR EACH ROW EXECUTE FUNCTION policies_keep_review();

-- The campaign is locked, so that it is not closed between this check and the transaction's end.
CREATE FUNCTION policies_review_takes_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    count integer;
BEGIN
    SELECT population_count INTO count FROM public.policies_accessreview
    WHERE id = NEW.review_id AND closed_at IS NULL FOR SHARE;
    IF count IS NULL OR NEW.number NOT BETWEEN 1 AND count THEN
        RAISE EXCEPTION 'the population of a review is frozen'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER frozen BEFORE INSERT ON policies_accessreviewentry
FOR EACH ROW EXECUTE FUNCTION policies_review_takes_line();

CREATE FUNCTION policies_review_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM public.policies_accessreview r
    JOIN public.policies_accessreviewentry e ON e.review_id = r.id
    WHERE e.id = NEW.entry_id AND r.closed_at IS NULL FOR SHARE OF r;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the review is closed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER frozen BEFORE INSERT ON policies_accessreviewdecision
FOR EACH ROW EXECUTE FUNCTION policies_review_is_open();
CREATE TRIGGER frozen BEFORE INSERT ON policies_accessreviewproof
FOR EACH ROW WHEN (NEW.kind IN ('executed', 'refused'))
EXECUTE FUNCTION policies_review_is_open();
"""
DROP_FUNCTIONS = """
DROP TRIGGER frozen ON policies_accessreviewproof;
DROP TRIGGER frozen ON policies_accessreviewdecision;
DROP FUNCTION policies_review_is_open();
DROP TRIGGER frozen ON policies_accessreviewentry;
DROP FUNCTION policies_review_takes_line();
DROP TRIGGER keep_versions ON policies_accessreview;
DROP FUNCTION policies_keep_review();
"""


def refusing() -> list[tuple[str, str]]:
    """SQL to install and to remove the triggers that refuse."""
    events = {**dict.fromkeys(TRAILS, "UPDATE OR DELETE"), "policies_accessreview": "DELETE"}
    return [
        (
            f"CREATE TRIGGER append_only BEFORE {event} OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();",
            f"DROP TRIGGER append_only ON {table};",
        )
        for table, event in events.items()
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0013_people"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *tracked(
            [
                migrations.CreateModel(
                    name="AccessReview",
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
                        ("title", models.CharField(max_length=120)),
                        (
                            "started_at",
                            models.DateTimeField(
                                help_text="The moment of which the population is."
                            ),
                        ),
                        (
                            "due_on",
                            models.DateField(
                                help_text="Last day to decide on every line.", verbose_name="due"
                            ),
                        ),
                        ("population_count", models.PositiveIntegerField()),
                        ("population_query", models.TextField(help_text="The query as it ran.")),
                        ("population_query_sha256", models.CharField(max_length=64)),
                        (
                            "population_digest",
                            models.CharField(
                                help_text="SHA-256 of the canonical JSON of all lines as frozen.",
                                max_length=64,
                            ),
                        ),
                        ("closed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "closed_digest",
                            models.CharField(
                                blank=True,
                                help_text="SHA-256 of the canonical JSON of the campaign, decisions and proofs included.",
                                max_length=64,
                            ),
                        ),
                        ("signed_at", models.DateTimeField(blank=True, null=True)),
                        ("sign_note", models.CharField(blank=True, max_length=500)),
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
                            "escalate_to",
                            models.ForeignKey(
                                help_text="Who is told once it is overdue.",
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "reviewer",
                            models.ForeignKey(
                                help_text="Who sees to it, and is reminded.",
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "signed_by",
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
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-started_at", "-pk"],
                        "permissions": [
                            ("decide_accessreview", "Can decide in access reviews and close them"),
                            (
                                "sign_accessreview",
                                "Can sign off access reviews that somebody else closed",
                            ),
                        ],
                        "default_permissions": ("view", "add"),
                    },
                ),
                migrations.CreateModel(
                    name="AccessReviewEntry",
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
                            "number",
                            models.PositiveIntegerField(
                                help_text="Its place in the population, from 1."
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("role", "Role"),
                                    ("superuser", "Superuser flag"),
                                    ("staff", "Staff flag"),
                                    ("permission", "Permission outside roles"),
                                    ("object", "Permission without a grant"),
                                    ("grant", "Grant"),
                                    ("ownership", "Ownership"),
                                    ("token", "Access token"),
                                    ("key", "Integration key"),
                                    ("directory", "Directory token"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "row_id",
                            models.BigIntegerField(
                                help_text="The row that gives the access, by its kind."
                            ),
                        ),
                        (
                            "holder",
                            models.CharField(
                                help_text="Who holds it, as it was named then.", max_length=320
                            ),
                        ),
                        ("what", models.CharField(max_length=200)),
                        ("since", models.DateTimeField(null=True)),
                        ("ends_at", models.DateTimeField(null=True)),
                        (
                            "use_known",
                            models.BooleanField(help_text="Whether anything records its use."),
                        ),
                        ("last_used_at", models.DateTimeField(null=True)),
                        (
                            "flags",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(
                                    choices=[
                                        ("unused", "Unused for 90 days"),
                                        ("orphaned", "Orphaned"),
                                        ("expired-owner", "Nobody answers for it"),
                                        ("excessive", "More than needed"),
                                        ("conflicting", "Conflicts with another"),
                                        ("privileged", "Privileged"),
                                    ],
                                    max_length=16,
                                ),
                                default=list,
                                size=None,
                            ),
                        ),
                        ("frozen_at", models.DateTimeField()),
                        (
                            "integration",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="policies.integration",
                            ),
                        ),
                        (
                            "review",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="entries",
                                to="policies.accessreview",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                help_text="The person who holds it or answers for it: they do not decide on it.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["review", "number"],
                        "default_permissions": (),
                    },
                ),
                migrations.CreateModel(
                    name="AccessReviewDecision",
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
                            "decision",
                            models.CharField(
                                choices=[
                                    ("keep", "Keep"),
                                    ("revoke", "Revoke"),
                                    ("change", "Change"),
                                ],
                                max_length=6,
                            ),
                        ),
                        (
                            "change_to",
                            models.CharField(
                                blank=True, help_text="What it becomes.", max_length=320
                            ),
                        ),
                        ("note", models.CharField(help_text="Why.", max_length=500)),
                        (
                            "together",
                            models.PositiveSmallIntegerField(
                                default=1,
                                help_text="How many lines of one page were decided with it.",
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        (
                            "by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "entry",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="decisions",
                                to="policies.accessreviewentry",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-pk"],
                        "default_permissions": (),
                    },
                ),
                migrations.CreateModel(
                    name="AccessReviewProof",
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
                                    ("executed", "Executed"),
                                    ("refused", "Could not be executed"),
                                    ("gone", "Verified: gone"),
                                    ("remains", "Still there"),
                                ],
                                max_length=8,
                            ),
                        ),
                        (
                            "reason",
                            models.CharField(
                                blank=True, help_text="Why it could not be.", max_length=300
                            ),
                        ),
                        ("looks", models.JSONField(default=list)),
                        ("at", models.DateTimeField()),
                        (
                            "by",
                            models.ForeignKey(
                                help_text="None: the system itself.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "entry",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="proofs",
                                to="policies.accessreviewentry",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-pk"],
                        "default_permissions": (),
                    },
                ),
                migrations.AddConstraint(
                    model_name="accessreview",
                    constraint=models.UniqueConstraint(
                        django.db.models.lookups.IsNull(models.F("closed_at"), rhs=True),
                        condition=models.Q(("closed_at__isnull", True)),
                        name="access_review_one_open",
                        violation_error_message="A review is open already: close it first.",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="accessreview",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("closed_at__isnull", True),
                                ("closed_by__isnull", True),
                                ("closed_digest", ""),
                            ),
                            models.Q(
                                ("closed_at__isnull", False),
                                ("closed_by__isnull", False),
                                models.Q(("closed_digest", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="access_review_closed_is_whole",
                        violation_error_message="A closed review says who closed it, and its digest.",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="accessreview",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("signed_at__isnull", True), ("signed_by__isnull", True)),
                            models.Q(
                                ("closed_at__isnull", False),
                                ("signed_at__isnull", False),
                                ("signed_at__gte", models.F("closed_at")),
                                models.Q(("signed_by", models.F("closed_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="access_review_signed_by_another_person",
                        violation_error_message="Another person than who closed it signs it off.",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="accessreview",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("reviewer", models.F("escalate_to")), _negated=True),
                        name="access_review_escalates_to_another",
                        violation_error_message="It escalates to another person than its reviewer.",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="accessreviewentry",
                    constraint=models.UniqueConstraint(
                        fields=("review", "number"), name="access_entry_numbered"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="accessreviewentry",
                    constraint=models.UniqueConstraint(
                        fields=("review", "kind", "row_id"), name="access_entry_once_a_row"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="accessreviewdecision",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("note", ""), _negated=True),
                        name="access_decision_says_why",
                        violation_error_message="A decision says why.",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="accessreviewdecision",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decision", "change"), models.Q(("change_to", ""), _negated=True)
                            ),
                            models.Q(
                                models.Q(("decision", "change"), _negated=True), ("change_to", "")
                            ),
                            _connector="OR",
                        ),
                        name="access_decision_changes_to_something",
                        violation_error_message="A change says what it becomes.",
                    ),
                ),
            ],
            "policies_accessreview",
        ),
        *[begun(table, moment=moment) for table, moment in TRAILS.items()],
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        *[migrations.RunSQL(install, remove) for install, remove in refusing()],
    ]
