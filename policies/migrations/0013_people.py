"""Principals, their groups, and grants: who may do what with an integration, until when.

A grant is never deleted nor lengthened; what is decided stays. No person decides on a grant they
hold themselves, and nobody adds themselves to a group: the database refuses both.
"""

import datetime

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

from vendors.tracking import begun

IS_PERSON = """(
        SELECT 1 FROM policies_principal p JOIN portal_user u ON u.id = person
        WHERE p.id = holder AND (
            p.user_id = u.id
            OR (p.kind = 'user' AND lower(p.identifier) = lower(u.email))
            OR (p.email <> '' AND lower(p.email) = lower(u.email)))
    )"""
FUNCTIONS = f"""
CREATE FUNCTION policies_is_person(holder bigint, person bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$ SELECT EXISTS {IS_PERSON} $$;

CREATE FUNCTION policies_keep_grant() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := ARRAY['reviewed_by_id', 'reviewed_at', 'review_note'];
BEGIN
    IF OLD.reviewed_at IS NOT NULL THEN
        free := ARRAY[]::text[];
    END IF;
    IF OLD.state IN ('requested', 'standing') THEN
        free := free || ARRAY['state', 'ended_by_id', 'ended_at', 'end_note'];
    END IF;
    IF OLD.state = 'requested' THEN
        free := free || ARRAY['starts_at', 'ends_at', 'decided_by_id', 'decided_at', 'note'];
        IF NEW.ends_at > OLD.ends_at THEN
            RAISE EXCEPTION 'nobody decides on more than was asked for'
                USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.state IN ('requested', 'refused') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'a decision on a grant stays' USING ERRCODE = 'restrict_violation';
    END IF;
    IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'policies_grant keeps its versions' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION policies_grant_by_another() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM unnest(ARRAY[NEW.decided_by_id, NEW.reviewed_by_id]) AS second(person)
        WHERE person IS NOT NULL AND (
            policies_is_person(NEW.principal_id, person)
            OR EXISTS (
                SELECT 1 FROM policies_groupmembership m
                WHERE m.group_id = NEW.group_id AND policies_is_person(m.principal_id, person)))
    ) THEN
        RAISE EXCEPTION 'nobody decides on a grant of their own'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION policies_member_by_another() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.added_by_id IS NOT NULL AND policies_is_person(NEW.principal_id, NEW.added_by_id) THEN
        RAISE EXCEPTION 'nobody adds themselves to a group' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER keep_versions BEFORE UPDATE ON policies_grant
FOR EACH ROW EXECUTE FUNCTION policies_keep_grant();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON policies_grant
FOR EACH STATEMENT EXECUTE FUNCTION vendors_refuse();
CREATE TRIGGER second_person_given BEFORE INSERT ON policies_grant
FOR EACH ROW EXECUTE FUNCTION policies_grant_by_another();
CREATE TRIGGER second_person_decided BEFORE UPDATE ON policies_grant FOR EACH ROW
WHEN ((NEW.decided_by_id, NEW.reviewed_by_id)
    IS DISTINCT FROM (OLD.decided_by_id, OLD.reviewed_by_id))
EXECUTE FUNCTION policies_grant_by_another();
CREATE TRIGGER second_person BEFORE INSERT OR UPDATE ON policies_groupmembership
FOR EACH ROW EXECUTE FUNCTION policies_member_by_another();
"""
DROP_FUNCTIONS = """
DROP TRIGGER second_person ON policies_groupmembership;
DROP TRIGGER second_person_decided ON policies_grant;
DROP TRIGGER second_person_given ON policies_grant;
DROP TRIGGER append_only ON policies_grant;
DROP TRIGGER keep_versions ON policies_grant;
DROP FUNCTION policies_member_by_another();
DROP FUNCTION policies_grant_by_another();
DROP FUNCTION policies_keep_grant();
DROP FUNCTION policies_is_person(bigint, bigint);
"""
# A new principal, and when one was seen last, change no verdict: neither raises the epoch.
EPOCH = {
    "grant": "INSERT OR UPDATE",
    "groupmembership": "INSERT OR UPDATE",
    "principal": "UPDATE OF kind, identifier, state, user_id",
}


def triggers() -> list[tuple[str, str]]:
    """SQL to install and to remove each trigger."""
    epoch = [
        (
            f"CREATE TRIGGER epoch AFTER {what} OR DELETE OR TRUNCATE ON policies_{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION vendors_bump_epoch();",
            f"DROP TRIGGER epoch ON policies_{table};",
        )
        for table, what in EPOCH.items()
    ]
    return [(FUNCTIONS, DROP_FUNCTIONS), *epoch]


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0012_duties"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SightingMark",
            fields=[
                ("ledger_id", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("index", models.BigIntegerField(default=-1, help_text="The last one looked at.")),
            ],
            options={
                "default_permissions": (),
            },
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
                    ("grant_asked", "Grant asked for"),
                    ("grant_refused", "Grant refused"),
                    ("grant_ended", "Grant ended"),
                    ("broken_in", "Emergency access taken"),
                    ("break_in_reviewed", "Emergency access reviewed"),
                    ("policy_set", "Data policy set"),
                    ("policy_taken", "Data policy taken away"),
                    ("glass_broken", "Glass broken: may go on without the portal"),
                    ("glass_mended", "Glass mended: recorded strictly again"),
                ],
                max_length=17,
            ),
        ),
        migrations.CreateModel(
            name="Principal",
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
                            ("user", "Person"),
                            ("service", "Service"),
                            ("agent", "Agent"),
                            ("system", "System"),
                        ],
                        default="user",
                        max_length=7,
                    ),
                ),
                (
                    "identifier",
                    models.CharField(
                        help_text="The id that calls carry, not a name.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9@._:+-]{0,119}\\Z",
                                "Use the id that calls carry: letters, digits and @._:+-",
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=120)),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                (
                    "state",
                    models.CharField(
                        choices=[("unknown", "Unknown"), ("active", "Active"), ("left", "Left")],
                        default="active",
                        max_length=7,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("seen", "Seen in a call"),
                            ("csv", "Imported from a file"),
                            ("scim", "From a directory"),
                            ("portal", "Account of the portal"),
                        ],
                        max_length=6,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True,
                        help_text="The id in the directory it came from.",
                        max_length=200,
                    ),
                ),
                (
                    "first_seen_at",
                    models.DateTimeField(blank=True, help_text="In a call.", null=True),
                ),
                (
                    "last_seen_at",
                    models.DateTimeField(blank=True, help_text="In a call.", null=True),
                ),
                ("created_at", models.DateTimeField()),
                ("left_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["kind", "identifier"],
                "permissions": [
                    ("import_principal", "Can import principals and groups from a file")
                ],
                "default_permissions": ("view", "add", "change"),
            },
        ),
        migrations.CreateModel(
            name="GroupMembership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("added_at", models.DateTimeField()),
                (
                    "added_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "principal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="policies.principal",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="PrincipalGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=120)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("seen", "Seen in a call"),
                            ("csv", "Imported from a file"),
                            ("scim", "From a directory"),
                            ("portal", "Account of the portal"),
                        ],
                        default="portal",
                        max_length=6,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True,
                        help_text="The id in the directory it came from.",
                        max_length=200,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "ended_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When it was given up; it has no members since.",
                        null=True,
                    ),
                ),
                (
                    "members",
                    models.ManyToManyField(
                        blank=True,
                        related_name="member_of",
                        through="policies.GroupMembership",
                        to="policies.principal",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "default_permissions": ("view", "add", "change"),
            },
        ),
        migrations.AddField(
            model_name="groupmembership",
            name="group",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="memberships",
                to="policies.principalgroup",
            ),
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "permission",
                    models.CharField(
                        choices=[
                            ("send_prompt", "Send prompts"),
                            ("view_output", "View outputs"),
                            ("read_log", "Read the call log"),
                        ],
                        max_length=11,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("standing", "Grant"), ("emergency", "Emergency access")],
                        default="standing",
                        max_length=9,
                    ),
                ),
                ("purpose", models.CharField(help_text="What it is needed for.", max_length=300)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("standing", "Standing"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                            ("ended", "Ended"),
                        ],
                        default="requested",
                        max_length=9,
                    ),
                ),
                (
                    "starts_at",
                    models.DateTimeField(help_text="First moment it holds, if it stands."),
                ),
                ("ends_at", models.DateTimeField(help_text="First moment it no longer holds.")),
                ("asked_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.CharField(blank=True, help_text="Of who decided.", max_length=300)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "end_note",
                    models.CharField(blank=True, help_text="Why it ended.", max_length=300),
                ),
                ("reviewed_at", models.DateTimeField(null=True)),
                ("review_note", models.CharField(blank=True, max_length=300)),
                (
                    "asked_by",
                    models.ForeignKey(
                        help_text="Who asked for it; nobody where it was given unasked.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        help_text="Who withdrew it; nobody where it came to its end.",
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
                        related_name="grants",
                        to="policies.integration",
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        help_text="Who looked at an emergency access afterwards.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "principal",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="policies.principal",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="policies.principalgroup",
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at", "-pk"],
                "permissions": [
                    ("request_grant", "Can ask for a grant"),
                    ("break_in", "Can take emergency access to an integration"),
                ],
                "default_permissions": ("view",),
            },
        ),
        migrations.AddIndex(
            model_name="principal",
            index=models.Index(fields=["external_id"], name="principal_by_external_id"),
        ),
        migrations.AddIndex(
            model_name="principal",
            index=models.Index(fields=["state", "-last_seen_at"], name="principal_by_state"),
        ),
        migrations.AddConstraint(
            model_name="principal",
            constraint=models.UniqueConstraint(
                fields=("kind", "identifier"),
                name="principal_once_a_kind_and_identifier",
                violation_error_message="There is such a principal already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="principal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("left_at__isnull", False), ("state", "left")),
                    models.Q(models.Q(("state", "left"), _negated=True), ("left_at__isnull", True)),
                    _connector="OR",
                ),
                name="principal_left_at_some_moment",
            ),
        ),
        migrations.AddConstraint(
            model_name="principal",
            constraint=models.CheckConstraint(
                condition=models.Q(("user__isnull", True), ("kind", "user"), _connector="OR"),
                name="principal_of_the_portal_is_a_person",
                violation_error_message="An account of the portal is a person's.",
            ),
        ),
        migrations.AddIndex(
            model_name="principalgroup",
            index=models.Index(fields=["external_id"], name="group_by_external_id"),
        ),
        migrations.AddConstraint(
            model_name="groupmembership",
            constraint=models.UniqueConstraint(
                fields=("group", "principal"),
                name="member_once_a_group",
                violation_error_message="It is a member already.",
            ),
        ),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(fields=["state", "ends_at"], name="grant_by_state_and_end"),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("group__isnull", True), ("principal__isnull", False)),
                    models.Q(("group__isnull", False), ("principal__isnull", True)),
                    _connector="OR",
                ),
                name="grant_has_one_holder",
                violation_error_message="A grant is a principal's or a group's.",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                name="grant_ends_after_it_starts",
                violation_error_message="It ends before it begins.",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "emergency"), _negated=True),
                    models.Q(
                        (
                            "ends_at__lte",
                            django.db.models.expressions.CombinedExpression(
                                models.F("starts_at"),
                                "+",
                                models.Value(datetime.timedelta(seconds=14400)),
                            ),
                        ),
                        ("principal__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="grant_in_an_emergency_lasts_hours",
                violation_error_message="Emergency access is one person's, for 4 hours at most.",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by__isnull", True),
                    models.Q(("decided_by", models.F("asked_by")), _negated=True),
                    _connector="OR",
                ),
                name="grant_decided_by_another",
                violation_error_message="Who asks does not decide.",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reviewed_by__isnull", True),
                    models.Q(
                        models.Q(("reviewed_by", models.F("asked_by")), _negated=True),
                        ("kind", "emergency"),
                    ),
                    _connector="OR",
                ),
                name="grant_reviewed_by_another",
                violation_error_message="Somebody else reviews an emergency access.",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("asked_by__isnull", False), ("kind", "emergency")),
                    models.Q(
                        ("kind", "standing"), ("state__in", ["requested", "withdrawn", "ended"])
                    ),
                    models.Q(("decided_at__isnull", False), ("kind", "standing")),
                    _connector="OR",
                ),
                name="grant_stands_by_a_decision",
                violation_error_message="A grant stands when somebody has decided so.",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", False), ("state__in", ["withdrawn", "ended"])),
                    models.Q(
                        models.Q(("state__in", ["withdrawn", "ended"]), _negated=True),
                        ("ended_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="grant_that_ended_says_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("principal__isnull", False), ("state", "standing")),
                expressions=[
                    ("principal", "="),
                    ("integration", "="),
                    ("permission", "="),
                    ("kind", "="),
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
                name="grant_of_a_principal_once_at_a_time",
                violation_error_message="Such a grant stands at that time already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("group__isnull", False), ("state", "standing")),
                expressions=[
                    ("group", "="),
                    ("integration", "="),
                    ("permission", "="),
                    ("kind", "="),
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
                name="grant_of_a_group_once_at_a_time",
                violation_error_message="Such a grant stands at that time already.",
            ),
        ),
        begun("policies_principal", quiet=["first_seen_at", "last_seen_at"]),
        *[begun(f"policies_{table}") for table in ("principalgroup", "groupmembership", "grant")],
        *[migrations.RunSQL(install, remove) for install, remove in triggers()],
    ]
