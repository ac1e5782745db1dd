"""What every token of the portal has, whoever bears it."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class BearerToken(models.Model):
    """A secret that is sent with each request; the SHA-256 alone is kept.

    Whoever bears it: a person's scripts, or a directory. It ends within a year of `created_at`.
    """

    public_id = models.CharField(max_length=12, unique=True)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    cidrs = ArrayField(models.CharField(max_length=43), default=list, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="First moment it no longer works.")
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        abstract = True
        ordering = ["-created_at", "-pk"]

    def usable_at(self, at: dt.datetime) -> bool:
        """Whether it opens anything at this moment, were it sent by who bears it."""
        return self.revoked_at is None and at < self.expires_at


def ends_within_a_year(name: str) -> models.CheckConstraint:
    """The constraint of this name, that a token ends after it was made and within a year."""
    return models.CheckConstraint(
        name=name,
        condition=Q(expires_at__gt=F("created_at"))
        & Q(expires_at__lte=F("created_at") + dt.timedelta(days=366)),
        violation_error_message="A token ends after today and within a year.",
    )
