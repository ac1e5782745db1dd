from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from policies.models.uses import Integration


class IntegrationKeyQuerySet(models.QuerySet["IntegrationKey"]):
    def usable(self, at: dt.datetime) -> IntegrationKeyQuerySet:
        """Keys that open the API at the moment `at`."""
        return self.filter(Q(revoked_at__isnull=True) | Q(revoked_at__gt=at), expires_at__gt=at)

    def expiring(self, at: dt.datetime, *, within_days: int) -> IntegrationKeyQuerySet:
        """Usable keys of open integrations that end within the days and have no successor."""
        return self.usable(at).filter(
            expires_at__lte=at + dt.timedelta(days=within_days),
            replaced_by__isnull=True,
            integration__in=Integration.objects.open(),
        )


class IntegrationKey(models.Model):
    """A secret an integration calls the API with; only its SHA-256 is stored."""

    class Scope(models.TextChoices):
        CALLS_WRITE = "calls:write", "Write call records"
        CALLS_READ = "calls:read", "Read call records"
        BUNDLE_READ = "bundle:read", "Read the bundle of rules of its integration"
        LOG_READ = "log:read", "Read checkpoints and proofs of the ledger"
        OTLP_WRITE = "otlp:write", "Tell of calls by OpenTelemetry"
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

    def usable_at(self, at: dt.datetime) -> bool:
        """Whether the key opens the API at the moment `at`; as `usable` of the QuerySet."""
        return at < self.expires_at and (self.revoked_at is None or at < self.revoked_at)


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
