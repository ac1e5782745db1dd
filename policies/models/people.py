from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, Q, Value

from policies.models.uses import Integration

# As the API takes the id of an actor: no space, so no name slips in.
ACTOR_ID = r"^[A-Za-z0-9][A-Za-z0-9@._:+-]{0,119}\Z"
# Who holds or shall hold a grant, as it is written: whatever an e-mail address may hold, too.
HOLDER = r"[A-Za-z0-9!#$%&'*/=?^_`{|}~+-][A-Za-z0-9@.:!#$%&'*/=?^_`{|}~+-]{0,253}"
IDENTIFIER = RegexValidator(ACTOR_ID, "Use the id that calls carry: letters, digits and @._:+-")
EMERGENCY_AT_MOST = dt.timedelta(hours=4)
# The first moment counts, the last does not.
MOMENTS = Func(
    "starts_at", "ends_at", Value("[)"), function="tstzrange", output_field=DateTimeRangeField()
)


class PrincipalQuerySet(models.QuerySet["Principal"]):
    def active(self) -> PrincipalQuerySet:
        """Those somebody has said who they are, and who have not left."""
        return self.filter(state=Principal.State.ACTIVE)

    def unknown(self) -> PrincipalQuerySet:
        """Those that calls named, and nobody has said who they are."""
        return self.filter(state=Principal.State.UNKNOWN)

    def of_actors(self, actors: list[str]) -> PrincipalQuerySet:
        """Those that calls name as these, each as `kind:identifier`."""
        wanted = Q(pk__in=[])
        by_kind: dict[str, list[str]] = {}
        for actor in actors:
            kind, _, identifier = actor.partition(":")
            by_kind.setdefault(kind, []).append(identifier)
        for kind, identifiers in by_kind.items():
            wanted |= Q(kind=kind, identifier__in=identifiers)
        return self.filter(wanted)


class Principal(models.Model):
    """Who is behind a call: an end user, a service or an agent of an integration.

    `kind` and `identifier` are as a call's actor names them. A person of the portal is one too as
    soon as they hold a grant: kind user, their e-mail address.
    """

    class Kind(models.TextChoices):
        USER = "user", "Person"
        SERVICE = "service", "Service"
        AGENT = "agent", "Agent"
        SYSTEM = "system", "System"

    class State(models.TextChoices):
        UNKNOWN = "unknown", "Unknown"
        ACTIVE = "active", "Active"
        LEFT = "left", "Left"

    class Source(models.TextChoices):
        SEEN = "seen", "Seen in a call"
        CSV = "csv", "Imported from a file"
        SCIM = "scim", "From a directory"
        PORTAL = "portal", "Account of the portal"

    kind = models.CharField(max_length=7, choices=Kind, default=Kind.USER)
    identifier = models.CharField(
        max_length=120, validators=[IDENTIFIER], help_text="The id that calls carry, not a name."
    )
    name = models.CharField(max_length=120, blank=True)
    email = models.EmailField("e-mail", blank=True)
    state = models.CharField(max_length=7, choices=State, default=State.ACTIVE)
    source = models.CharField(max_length=6, choices=Source)
    external_id = models.CharField(
        max_length=200, blank=True, help_text="The id in the directory it came from."
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    first_seen_at = models.DateTimeField(null=True, blank=True, help_text="In a call.")
    last_seen_at = models.DateTimeField(null=True, blank=True, help_text="In a call.")
    created_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    objects = PrincipalQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "identifier"]
        default_permissions = ("view", "add", "change")
        permissions = [("import_principal", "Can import principals and groups from a file")]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "identifier"],
                name="principal_once_a_kind_and_identifier",
                violation_error_message="There is such a principal already.",
            ),
            models.CheckConstraint(
                name="principal_left_at_some_moment",
                condition=Q(state="left", left_at__isnull=False)
                | (~Q(state="left") & Q(left_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="principal_of_the_portal_is_a_person",
                condition=Q(user__isnull=True) | Q(kind="user"),
                violation_error_message="An account of the portal is a person's.",
            ),
        ]
        indexes = [
            models.Index(fields=["external_id"], name="principal_by_external_id"),
            models.Index(fields=["state", "-last_seen_at"], name="principal_by_state"),
        ]

    def __str__(self) -> str:
        return self.name or self.actor

    @property
    def actor(self) -> str:
        """As a call names it, and as the gate compares it."""
        return f"{self.kind}:{self.identifier}"


class PrincipalGroup(models.Model):
    """Principals that hold the same grants, such as a directory's group."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    source = models.CharField(
        max_length=6, choices=Principal.Source, default=Principal.Source.PORTAL
    )
    external_id = models.CharField(
        max_length=200, blank=True, help_text="The id in the directory it came from."
    )
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was given up; it has no members since."
    )
    members = models.ManyToManyField(
        Principal, through="GroupMembership", related_name="member_of", blank=True
    )

    class Meta:
        ordering = ["name"]
        default_permissions = ("view", "add", "change")
        indexes = [models.Index(fields=["external_id"], name="group_by_external_id")]

    def __str__(self) -> str:
        return self.name


class GroupMembership(models.Model):
    """That a principal is a member of a group, and who said so; without a person, a directory."""

    group = models.ForeignKey(PrincipalGroup, on_delete=models.PROTECT, related_name="memberships")
    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="memberships")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    added_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["group", "principal"],
                name="member_once_a_group",
                violation_error_message="It is a member already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.principal} in {self.group}"


class GrantQuerySet(models.QuerySet["Grant"]):
    def standing(self, at: dt.datetime) -> GrantQuerySet:
        """Grants that give a right at the moment `at`; the first counts, the last does not."""
        return self.filter(state=Grant.State.STANDING, starts_at__lte=at, ends_at__gt=at)

    def lapsed(self, at: dt.datetime) -> GrantQuerySet:
        """Grants past their end that no job has closed yet; they give no right."""
        return self.filter(state=Grant.State.STANDING, ends_at__lte=at)

    def asked_for(self) -> GrantQuerySet:
        """Requests that wait for somebody's decision."""
        return self.filter(state=Grant.State.REQUESTED)

    def ending(self, at: dt.datetime, *, within_days: int) -> GrantQuerySet:
        """Grants standing at `at` that end within the days; emergencies are not among them."""
        return self.standing(at).filter(
            kind=Grant.Kind.STANDING, ends_at__lte=at + dt.timedelta(days=within_days)
        )

    def unreviewed(self) -> GrantQuerySet:
        """Emergency access that nobody has reviewed yet, whether it has ended or not."""
        return self.filter(kind=Grant.Kind.EMERGENCY, reviewed_at__isnull=True)


class Grant(models.Model):
    """That a principal, or each member of a group, may do one thing with one integration.

    Who, what for, from when until when, asked for by whom and decided by whom. A row is never
    taken back: it ends. In force from `starts_at` until just before `ends_at`.
    """

    class Permission(models.TextChoices):
        SEND_PROMPT = "send_prompt", "Send prompts"
        VIEW_OUTPUT = "view_output", "View outputs"
        READ_LOG = "read_log", "Read the call log"

    class Kind(models.TextChoices):
        STANDING = "standing", "Grant"
        EMERGENCY = "emergency", "Emergency access"

    class State(models.TextChoices):
        REQUESTED = "requested", "Requested"
        STANDING = "standing", "Standing"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        ENDED = "ended", "Ended"

    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="grants")
    permission = models.CharField(max_length=11, choices=Permission)
    principal = models.ForeignKey(
        Principal, on_delete=models.PROTECT, null=True, blank=True, related_name="grants"
    )
    group = models.ForeignKey(
        PrincipalGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="grants"
    )
    kind = models.CharField(max_length=9, choices=Kind, default=Kind.STANDING)
    purpose = models.CharField(max_length=300, help_text="What it is needed for.")
    state = models.CharField(max_length=9, choices=State, default=State.REQUESTED)
    starts_at = models.DateTimeField(help_text="First moment it holds, if it stands.")
    ends_at = models.DateTimeField(help_text="First moment it no longer holds.")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who asked for it; nobody where it was given unasked.",
    )
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, help_text="Of who decided.")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who withdrew it; nobody where it came to its end.",
    )
    ended_at = models.DateTimeField(null=True)
    end_note = models.CharField(max_length=300, blank=True, help_text="Why it ended.")
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who looked at an emergency access afterwards.",
    )
    reviewed_at = models.DateTimeField(null=True)
    review_note = models.CharField(max_length=300, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-pk"]
        default_permissions = ("view",)
        permissions = [
            ("request_grant", "Can ask for a grant"),
            ("break_in", "Can take emergency access to an integration"),
        ]
        indexes = [
            models.Index(fields=["state", "ends_at"], name="grant_by_state_and_end"),
        ]
        constraints = [
            models.CheckConstraint(
                name="grant_has_one_holder",
                condition=Q(principal__isnull=False, group__isnull=True)
                | Q(principal__isnull=True, group__isnull=False),
                violation_error_message="A grant is a principal's or a group's.",
            ),
            models.CheckConstraint(
                name="grant_ends_after_it_starts",
                condition=Q(ends_at__gt=F("starts_at")),
                violation_error_message="It ends before it begins.",
            ),
            models.CheckConstraint(
                name="grant_in_an_emergency_lasts_hours",
                condition=~Q(kind="emergency")
                | Q(ends_at__lte=F("starts_at") + EMERGENCY_AT_MOST, principal__isnull=False),
                violation_error_message="Emergency access is one person's, for 4 hours at most.",
            ),
            models.CheckConstraint(
                name="grant_decided_by_another",
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                violation_error_message="Who asks does not decide.",
            ),
            models.CheckConstraint(
                name="grant_reviewed_by_another",
                condition=Q(reviewed_by__isnull=True)
                | Q(~Q(reviewed_by=F("asked_by")), kind="emergency"),
                violation_error_message="Somebody else reviews an emergency access.",
            ),
            models.CheckConstraint(
                name="grant_stands_by_a_decision",
                condition=Q(kind="emergency", asked_by__isnull=False)
                | Q(kind="standing", state__in=["requested", "withdrawn", "ended"])
                | Q(kind="standing", decided_at__isnull=False),
                violation_error_message="A grant stands when somebody has decided so.",
            ),
            models.CheckConstraint(
                name="grant_that_ended_says_when",
                condition=Q(state__in=["withdrawn", "ended"], ended_at__isnull=False)
                | (~Q(state__in=["withdrawn", "ended"]) & Q(ended_at__isnull=True)),
            ),
            *(
                ExclusionConstraint(
                    name=f"grant_of_a_{holder}_once_at_a_time",
                    expressions=[
                        (holder, RangeOperators.EQUAL),
                        ("integration", RangeOperators.EQUAL),
                        ("permission", RangeOperators.EQUAL),
                        ("kind", RangeOperators.EQUAL),
                        (MOMENTS, RangeOperators.OVERLAPS),
                    ],
                    condition=Q(state="standing", **{f"{holder}__isnull": False}),
                    violation_error_message="Such a grant stands at that time already.",
                )
                for holder in ("principal", "group")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_permission_display()}: {self.holder}"

    @property
    def holder(self) -> Principal | PrincipalGroup:
        """Whose it is: a principal, or a group whose members all hold it."""
        found = self.principal or self.group
        assert found is not None  # grant_has_one_holder
        return found

    def stands_at(self, at: dt.datetime) -> bool:
        """Whether it gives a right at the moment `at`."""
        return self.state == self.State.STANDING and self.starts_at <= at < self.ends_at


class PrincipalUse(models.Model):
    """When a principal last made an allowed live call through an integration; decides nothing."""

    principal = models.ForeignKey(
        Principal, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="+")
    last_used_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["principal", "integration"], name="principaluse_once"),
        ]

    def __str__(self) -> str:
        return f"{self.last_used_at:%Y-%m-%d %H:%M}"


class SightingMark(models.Model):
    """Up to which entry of a ledger the calls were looked through for actors."""

    ledger_id = models.PositiveSmallIntegerField(primary_key=True)
    index = models.BigIntegerField(default=-1, help_text="The last one looked at.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.ledger_id}: {self.index}"
