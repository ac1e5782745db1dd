"""Data policies: their versions, which integrations use them, and who broke the glass."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from policies.models.uses import Integration

LONGEST_BREAK_HOURS = 8

# The first moment counts, the last does not; without a last one there is no end.
MOMENTS_IN_FORCE = Func(
    "starts_at", "ends_at", Value("[)"), function="tstzrange", output_field=DateTimeRangeField()
)


class DataPolicy(models.Model):
    """Rules for data under one name; what they say is in its versions."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True, max_length=1000)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "data policies"
        permissions = [
            ("submit_policyversion", "Can submit a version of a data policy for approval"),
            ("approve_policyversion", "Can approve or reject a version of a data policy"),
            ("assign_datapolicy", "Can say which integrations use a data policy"),
            ("break_glass", "Can let an integration go on without the portal for some hours"),
        ]

    def __str__(self) -> str:
        return self.name


class PolicyDraft(models.Model):
    """What somebody writes of a policy's next version; nothing is decided by it."""

    policy = models.ForeignKey(DataPolicy, on_delete=models.PROTECT, related_name="drafts")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    document = models.JSONField(help_text="As countersign/rules/schema.json describes it.")
    note = models.CharField(max_length=300, blank=True, help_text="What changes, and why.")
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-updated_at"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "author"],
                name="policy_draft_once_an_author",
                violation_error_message="You have a draft of this policy already.",
            ),
        ]

    def __str__(self) -> str:
        return f"Draft of {self.policy}"


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def in_force(self, at: dt.datetime) -> PolicyVersionQuerySet:
        """Approved versions whose rules count at the moment `at`; one a policy at most."""
        return self.filter(
            Q(ends_at__isnull=True) | Q(ends_at__gt=at),
            state=PolicyVersion.State.APPROVED,
            starts_at__lte=at,
        )

    def to_come(self, at: dt.datetime) -> PolicyVersionQuerySet:
        """Approved versions that begin after the moment `at`."""
        return self.filter(state=PolicyVersion.State.APPROVED, starts_at__gt=at)

    def awaiting_decision(self) -> PolicyVersionQuerySet:
        """Versions that were submitted and wait for a second person."""
        return self.filter(state=PolicyVersion.State.SUBMITTED)


class PolicyVersion(models.Model):
    """What a policy says from one moment to another. Its content never changes; its state does.

    `signature` is Ed25519 over `statement` of policies/services/versions.py, by `public_key`; both
    in hex. From `starts_at` on, and before `ends_at`, its rules count.
    """

    class State(models.TextChoices):
        SUBMITTED = "submitted", "Submitted"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"

    class Claim(models.TextChoices):
        SAFE_HARBOR = "safe_harbor", "Safe Harbor"
        LIMITED = "limited", "Limited: a BAA is still required"

    policy = models.ForeignKey(DataPolicy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the document's canonical JSON.")
    claim = models.CharField(max_length=11, choices=Claim)
    note = models.CharField(max_length=300, help_text="What changes, and why.")
    state = models.CharField(max_length=9, choices=State, default=State.SUBMITTED)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.CharField(max_length=300, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    signature = models.CharField(max_length=128, blank=True)
    public_key = models.CharField(max_length=64, blank=True)

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        ordering = ["policy", "-number"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_number_once"),
            models.CheckConstraint(
                name="policy_version_approved_whole",
                condition=~Q(state="approved")
                | (
                    Q(starts_at__isnull=False, decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(signature="")
                    & ~Q(public_key="")
                ),
                violation_error_message="An approved version has a beginning and a signature.",
            ),
            models.CheckConstraint(
                name="policy_version_decided_by_another",
                condition=Q(state="withdrawn")
                | Q(decided_by__isnull=True)
                | ~Q(decided_by=F("made_by")),
                violation_error_message="Somebody else decides on a version.",
            ),
            models.CheckConstraint(
                name="policy_version_ends_after_it_starts",
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
                violation_error_message="It ends before it begins.",
            ),
            ExclusionConstraint(
                name="policy_version_one_at_a_time",
                expressions=[
                    ("policy", RangeOperators.EQUAL),
                    (MOMENTS_IN_FORCE, RangeOperators.OVERLAPS),
                ],
                condition=Q(state="approved"),
                violation_error_message="Another version is in force at that time.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy} {self.number}"

    def in_force_at(self, at: dt.datetime) -> bool:
        """Whether its rules count at the moment `at`; as `in_force` of the QuerySet."""
        begun = self.state == self.State.APPROVED and self.starts_at is not None
        return (
            begun
            and self.starts_at is not None
            and self.starts_at <= at
            and (self.ends_at is None or at < self.ends_at)
        )


class PolicyUse(models.Model):
    """Which data policy an integration goes by, and which version is tried beside it."""

    class Enforcement(models.TextChoices):
        ENFORCE = "enforce", "Enforce: what the rules say is done"
        MONITOR = "monitor", "Monitor: what the rules say is counted"

    integration = models.OneToOneField(
        Integration, on_delete=models.PROTECT, related_name="policy_use"
    )
    policy = models.ForeignKey(DataPolicy, on_delete=models.PROTECT, related_name="uses")
    enforcement = models.CharField(max_length=7, choices=Enforcement, default=Enforcement.ENFORCE)
    shadow = models.ForeignKey(
        PolicyVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="shadowing",
        help_text="A version whose decisions are counted beside those of the one in force.",
    )
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    set_at = models.DateTimeField()

    class Meta:
        ordering = ["integration"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.integration}: {self.policy}"


class PolicyEvent(models.Model):
    """What happened to a data policy, in order; append-only."""

    class Kind(models.TextChoices):
        CREATED = "created", "Created"
        SUBMITTED = "submitted", "Version submitted"
        APPROVED = "approved", "Version approved"
        REJECTED = "rejected", "Version rejected"
        WITHDRAWN = "withdrawn", "Version withdrawn"
        ASSIGNED = "assigned", "Given to an integration"
        TAKEN = "taken", "Taken from an integration"
        ENFORCEMENT = "enforcement", "Enforcement changed"
        SHADOW_STARTED = "shadow_started", "Shadow started"
        SHADOW_ENDED = "shadow_ended", "Shadow ended"

    policy = models.ForeignKey(DataPolicy, on_delete=models.PROTECT, related_name="events")
    version = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, null=True, related_name="events"
    )
    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, null=True, related_name="policy_events"
    )
    kind = models.CharField(max_length=14, choices=Kind)
    note = models.CharField(max_length=300, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%-d %b %Y}"


class BreakGlassQuerySet(models.QuerySet["BreakGlass"]):
    def open(self, at: dt.datetime) -> BreakGlassQuerySet:
        """Those under which calls may go on without the portal at the moment `at`."""
        return self.filter(opened_at__lte=at, until__gt=at, closed_at__isnull=True)


class BreakGlass(models.Model):
    """An officer let an integration that is recorded strictly go on without the portal for hours.

    Calls are then written into the client's journal first, and told later.
    """

    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, related_name="broken_glass"
    )
    reason = models.CharField(max_length=300)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    opened_at = models.DateTimeField()
    until = models.DateTimeField(help_text="At most some hours after it was opened.")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = BreakGlassQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        default_permissions = ("view",)
        verbose_name_plural = "broken glass"
        constraints = [
            models.CheckConstraint(
                name="break_glass_lasts_hours",
                condition=Q(until__gt=F("opened_at"))
                & Q(until__lte=F("opened_at") + dt.timedelta(hours=LONGEST_BREAK_HOURS)),
                violation_error_message=f"It lasts {LONGEST_BREAK_HOURS} hours at most.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.integration} until {self.until:%-d %b %Y %H:%M}"


class IssuedBundle(models.Model):
    """A bundle that clients were given: its content without the policy's document.

    `last_issued_at` is the moment of issue that its newest signature names, so a client may rely on
    it for 15 minutes after that.
    """

    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="bundles")
    livemode = models.BooleanField()
    bundle_id = models.CharField(max_length=40)
    content = models.JSONField()
    first_issued_at = models.DateTimeField()
    last_issued_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_issued_at"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "bundle_id"], name="bundle_once_an_integration"
            ),
        ]

    def __str__(self) -> str:
        return self.bundle_id
