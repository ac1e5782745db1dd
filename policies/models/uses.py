from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from policies.models.requirements import DataClass
from vendors.models import Document, Service
from vendors.models.register import MODEL_PATTERN, REGION


class IntegrationQuerySet(models.QuerySet["Integration"]):
    def live(self) -> IntegrationQuerySet:
        """Integrations whose calls the gate may allow."""
        return self.filter(state=Integration.State.ACTIVE)

    def in_use(self) -> IntegrationQuerySet:
        """Integrations that were let in and not retired since; suspended ones count."""
        states = Integration.State
        return self.filter(state__in=[states.APPROVED, states.ACTIVE, states.SUSPENDED])

    def open(self) -> IntegrationQuerySet:
        """Integrations that are neither rejected nor retired."""
        return self.exclude(state__in=[Integration.State.REJECTED, Integration.State.RETIRED])


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
        EXPERT = "expert", "Expert Determination"

    class AuditMode(models.TextChoices):
        STRICT = "strict", "Strict: no record, no call"
        SPOOL = "spool", "Spool: record locally while the portal is away"
        OBSERVE = "observe", "Observe: go on and count the gap"

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
            ("send_prompt", "Can send prompts through an integration"),
            ("view_output", "Can view outputs of an integration"),
            ("read_log", "Can read the call log of an integration"),
        ]
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


class IntegrationKeyQuerySet(models.QuerySet["IntegrationKey"]):
    def usable(self, at: dt.datetime) -> IntegrationKeyQuerySet:
        """Keys that open the API at the moment `at`."""
        return self.filter(Q(revoked_at__isnull=True) | Q(revoked_at__gt=at), expires_at__gt=at)


class IntegrationKey(models.Model):
    """A secret an integration calls the API with; only its SHA-256 is stored."""

    class Scope(models.TextChoices):
        CALLS_WRITE = "calls:write", "Write call records"
        CALLS_READ = "calls:read", "Read call records"
        DECIDE = "decide", "Ask the gate without a record"

    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="keys")
    name = models.CharField(max_length=80)
    public_id = models.CharField(max_length=16, unique=True, editable=False)
    secret_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    livemode = models.BooleanField(default=True, help_text="A test key writes to a log of its own.")
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope), default=list)
    cidrs = ArrayField(
        models.CharField(max_length=43),
        default=list,
        blank=True,
        help_text="Networks it may be used from; empty for any.",
    )
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="At most a year after it was made.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = IntegrationKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="key_lasts_a_year_at_most",
                condition=Q(expires_at__gt=F("created_at"))
                & Q(expires_at__lte=F("created_at") + dt.timedelta(days=366)),
                violation_error_message="A key lasts a year at most.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"


class KeyUse(models.Model):
    """When a key was last used, to the minute; apart from the key, since it decides nothing."""

    key = models.OneToOneField(
        IntegrationKey, on_delete=models.CASCADE, primary_key=True, related_name="use"
    )
    last_used_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.last_used_at:%Y-%m-%d %H:%M}"
