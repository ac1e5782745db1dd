from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject

from policies.models.requirements import DataClass
from vendors.models import Document, Service
from vendors.models.register import MODEL_PATTERN, ONE_HOST, REGION, WORD


class IntegrationQuerySet(models.QuerySet["Integration"]):
    def live(self) -> IntegrationQuerySet:
        """Integrations whose calls the gate may allow."""
        return self.filter(state=Integration.State.ACTIVE)

    def in_use(self) -> IntegrationQuerySet:
        """Integrations that were let in and not retired since; suspended ones count."""
        return self.filter(state__in=Integration.STANDING)

    def open(self) -> IntegrationQuerySet:
        """Integrations that are neither rejected nor retired."""
        return self.exclude(state__in=[Integration.State.REJECTED, Integration.State.RETIRED])

    def awaiting_decision(self) -> IntegrationQuerySet:
        """Integrations that were submitted and wait for an officer."""
        return self.filter(state=Integration.State.SUBMITTED)

    def unowned(self) -> IntegrationQuerySet:
        """Open integrations for which nobody answers: no owner, or one who has left."""
        return self.open().filter(Q(owner__isnull=True) | Q(owner__is_active=False))

    def with_standing_approval(self) -> IntegrationQuerySet:
        """Adds `newest_decision`: a dict of decision, terms_digest, expires_on (ISO)."""
        newest = Approval.objects.filter(integration=OuterRef("pk")).order_by("-decided_at", "-pk")
        return self.annotate(
            newest_decision=Subquery(
                newest.values(
                    found=JSONObject(
                        decision="decision", terms_digest="terms_digest", expires_on="expires_on"
                    )
                )[:1]
            )
        )


class Integration(models.Model):
    """One use of one AI service: what for, with which data, by whom."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        SUBMITTED = "submitted", "Submitted"
        CHANGES = "changes_requested", "Changes requested"
        APPROVED = "approved", "Approved"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        REJECTED = "rejected", "Rejected"
        RETIRED = "retired", "Retired"

    class Environment(models.TextChoices):
        PRODUCTION = "production", "Production"
        STAGING = "staging", "Staging"
        DEVELOPMENT = "development", "Development"

    class Deidentification(models.TextChoices):
        NONE = "none", "None"
        SAFE_HARBOR = "safe_harbor", "Safe Harbor"
        RULES = "rules", "Safe Harbor by data rules"
        EXPERT = "expert", "Expert Determination"

    class AuditMode(models.TextChoices):
        STRICT = "strict", "Strict: no record, no call"
        SPOOL = "spool", "Spool: record locally while the portal is away"
        OBSERVE = "observe", "Observe: go on and count the gap"

    # The states in which calls may be made while an approval stands.
    STANDING = (State.APPROVED, State.ACTIVE, State.SUSPENDED)

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    purpose = models.CharField(
        max_length=40,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9_-]*$", "Use lower case letters and -.")],
        help_text="A word that records carry, such as treatment, payment, operations, support.",
    )
    description = models.TextField(
        max_length=2000, help_text="What it does, for an officer to read."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="+")
    model_patterns = ArrayField(
        models.CharField(max_length=120, validators=[MODEL_PATTERN]),
        verbose_name="models",
        help_text="Models it may use, as the provider names them; * matches any characters.",
    )
    region = models.CharField(max_length=40, validators=[REGION])
    account = models.CharField(
        "account or project id",
        max_length=80,
        blank=True,
        help_text="Ours at the vendor, where an agreement is made for one account.",
    )
    endpoint = models.CharField(
        "endpoint host",
        max_length=253,
        blank=True,
        validators=[ONE_HOST],
        help_text="The host it calls, such as api.openai.com, where more than one is offered.",
    )
    features = ArrayField(
        models.CharField(max_length=60, validators=[WORD]),
        default=list,
        blank=True,
        help_text="Features of the service it uses, such as web-search or code-execution.",
    )
    settings_made = ArrayField(
        models.CharField(max_length=60, validators=[WORD]),
        verbose_name="settings made",
        default=list,
        blank=True,
        help_text="Settings at the vendor that are switched on, such as zero-retention.",
    )
    environment = models.CharField(
        max_length=11, choices=Environment, default=Environment.PRODUCTION
    )
    data_classes = models.ManyToManyField(DataClass, related_name="integrations")
    deidentification = models.CharField(
        "de-identification", max_length=11, choices=Deidentification, default=Deidentification.NONE
    )
    deidentification_document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    deidentification_expires_on = models.DateField(
        null=True, blank=True, help_text="Last day the determination is relied on."
    )
    audit_mode = models.CharField(max_length=7, choices=AuditMode, default=AuditMode.STRICT)
    known_actors_only = models.BooleanField(
        default=False, help_text="Deny calls whose actor has no send_prompt grant here."
    )
    state = models.CharField(
        max_length=17, choices=State, default=State.DRAFT, db_index=True, editable=False
    )
    suspended_reason = models.CharField(max_length=300, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = IntegrationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        permissions = [
            ("submit_integration", "Can submit an integration for approval"),
            ("approve_integration", "Can approve, reject or send back an integration"),
            ("suspend_integration", "Can suspend and resume an integration"),
            ("retire_integration", "Can retire an integration"),
            ("manage_keys", "Can make, rotate and revoke keys of an integration"),
            ("grant_integration", "Can grant people access to an integration and change its owner"),
            ("send_prompt", "Can send prompts through an integration"),
            ("view_output", "Can view outputs of an integration"),
            ("read_log", "Can read the call log of an integration"),
        ]
        # The register is read in this order, a page at a time.
        indexes = [models.Index(fields=["name"], name="integration_by_name")]
        constraints = [
            models.CheckConstraint(
                name="integration_determination_has_its_paper",
                condition=~Q(deidentification="expert")
                | Q(
                    deidentification_document__isnull=False,
                    deidentification_expires_on__isnull=False,
                ),
                violation_error_message=(
                    "An Expert Determination needs its document and last day: 45 CFR 164.514(b)."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class IntegrationDraft(models.Model):
    """What somebody has filled in of the form so far, kept until it is saved or thrown away.

    Apart from `Integration`, so that a register entry is whole and a change takes hold at once.
    """

    integration = models.ForeignKey(
        Integration,
        on_delete=models.CASCADE,
        null=True,
        related_name="drafts",
        help_text="The integration to change; none for a new one.",
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    answers = models.JSONField(default=dict, help_text="Checked values of each step, by field.")
    steps_done = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated_at"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "author"],
                name="draft_once_an_integration_and_author",
                violation_error_message="You have begun to change this integration already.",
            ),
        ]

    def __str__(self) -> str:
        return str(self.answers.get("name") or "Unnamed draft")


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def standing(self) -> ApprovalQuerySet:
        """The newest decision on each integration, if it approved and no change has voided it."""
        newer = Approval.objects.filter(integration=OuterRef("integration")).filter(
            Q(decided_at__gt=OuterRef("decided_at"))
            | Q(decided_at=OuterRef("decided_at"), pk__gt=OuterRef("pk"))
        )
        return self.filter(
            ~Exists(newer),
            decision=Approval.Decision.APPROVE,
            integration__state__in=Integration.STANDING,
        )

    def expiring(self, on: dt.date, *, within_days: int) -> ApprovalQuerySet:
        """Standing approvals whose last day is at most `within_days` after `on`, not before it."""
        last = on + dt.timedelta(days=within_days)
        return self.standing().filter(expires_on__gte=on, expires_on__lte=last)

    def lapsed(self, on: dt.date) -> ApprovalQuerySet:
        """Approvals that nothing replaced though their last day was before `on`."""
        return self.standing().filter(expires_on__lt=on)


class Approval(models.Model):
    """An officer's decision on an integration, with the digest of what was decided on."""

    class Decision(models.TextChoices):
        APPROVE = "approve", "Approved"
        CHANGES = "request_changes", "Changes requested"
        REJECT = "reject", "Rejected"

    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="approvals")
    decision = models.CharField(max_length=15, choices=Decision)
    terms_digest = models.CharField(max_length=64, help_text="SHA-256 of the terms decided on.")
    terms = models.JSONField(help_text="The terms themselves, as canonical JSON was made of them.")
    expires_on = models.DateField(null=True, blank=True, help_text="Last day it holds.")
    note = models.TextField(blank=True, max_length=2000)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField()

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-decided_at", "-pk"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                name="approval_has_a_last_day",
                condition=~Q(decision="approve") | Q(expires_on__isnull=False),
                violation_error_message="An approval has a last day.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()} {self.decided_at:%-d %b %Y}"


class IntegrationEvent(models.Model):
    """What happened to an integration, in order; append-only."""

    class Kind(models.TextChoices):
        CREATED = "created", "Created"
        CHANGED = "changed", "Changed"
        SUBMITTED = "submitted", "Submitted"
        APPROVED = "approved", "Approved"
        CHANGES = "changes_requested", "Changes requested"
        REJECTED = "rejected", "Rejected"
        APPROVAL_VOIDED = "approval_voided", "Approval voided by a change"
        ACTIVATED = "activated", "Activated"
        SUSPENDED = "suspended", "Suspended"
        RESUMED = "resumed", "Resumed"
        RETIRED = "retired", "Retired"
        KEY_ISSUED = "key_issued", "Key issued"
        KEY_ROTATED = "key_rotated", "Key rotated"
        KEY_REVOKED = "key_revoked", "Key revoked"
        OWNER_CHANGED = "owner_changed", "Owner changed"
        GRANT_GIVEN = "grant_given", "Grant given"
        GRANT_WITHDRAWN = "grant_withdrawn", "Grant withdrawn"
        GRANT_ASKED = "grant_asked", "Grant asked for"
        GRANT_REFUSED = "grant_refused", "Grant refused"
        GRANT_ENDED = "grant_ended", "Grant ended"
        BROKEN_IN = "broken_in", "Emergency access taken"
        EMERGENCY_REVIEWED = "break_in_reviewed", "Emergency access reviewed"
        POLICY_SET = "policy_set", "Data policy set"
        POLICY_TAKEN = "policy_taken", "Data policy taken away"
        GLASS_BROKEN = "glass_broken", "Glass broken: may go on without the portal"
        GLASS_MENDED = "glass_mended", "Glass mended: recorded strictly again"

    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=17, choices=Kind)
    note = models.CharField(max_length=300, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%-d %b %Y}"
