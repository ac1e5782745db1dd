from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from vendors.models.documents import Document
from vendors.models.register import Vendor


class OffboardingQuerySet(models.QuerySet["Offboarding"]):
    def open(self) -> OffboardingQuerySet:
        """Offboardings that go on: neither finished nor called off."""
        return self.filter(finished_on__isnull=True, called_off_on__isnull=True)

    def due(self, on: dt.date, *, within_days: int) -> OffboardingQuerySet:
        """Open ones whose planned last day is at most `within_days` away, or past."""
        return self.open().filter(planned_last_day__lte=on + dt.timedelta(days=within_days))


class Offboarding(models.Model):
    """How we leave a vendor, step by step, with the proof that our data was returned or destroyed.

    Source: 45 CFR 164.504(e)(2)(ii)(J), return or destroy at the end of the contract.
    """

    class Disposal(models.TextChoices):
        RETURNED = "returned", "Returned to us"
        DESTROYED = "destroyed", "Destroyed"
        BOTH = "both", "Returned, then destroyed"
        NONE_HELD = "none_held", "The vendor never held any"

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="offboardings")
    started_on = models.DateField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=300, help_text="Why, in a sentence. Never patient data.")
    planned_last_day = models.DateField(help_text="The last day we want to depend on the vendor.")
    disposal = models.CharField("our data", max_length=9, choices=Disposal, blank=True)
    finished_on = models.DateField(null=True, blank=True)
    finished_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    called_off_on = models.DateField(null=True, blank=True)
    called_off_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = OffboardingQuerySet.as_manager()

    class Meta:
        ordering = ["-started_on", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["vendor"],
                condition=Q(finished_on__isnull=True, called_off_on__isnull=True),
                name="offboarding_one_at_a_time",
                violation_error_message="This vendor is being offboarded already.",
            ),
            models.CheckConstraint(
                name="offboarding_last_day_after_start",
                condition=Q(planned_last_day__gte=F("started_on")),
                violation_error_message="The last day is before the start.",
            ),
            models.CheckConstraint(
                name="offboarding_finished_or_called_off",
                condition=Q(finished_on__isnull=True) | Q(called_off_on__isnull=True),
                violation_error_message="It is finished or called off, not both.",
            ),
        ]

    def __str__(self) -> str:
        return f"Offboarding since {self.started_on:%-d %b %Y}"

    @property
    def open(self) -> bool:
        return self.finished_on is None and self.called_off_on is None


class OffboardingStep(models.Model):
    """One thing to do before a vendor is left, and what shows that it was done."""

    class Kind(models.TextChoices):
        INTEGRATIONS = "integrations", "Integrations retired"
        KEYS = "keys", "Keys revoked"
        ACCESS = "access", "Access and accounts closed"
        DATA = "data", "Data returned or destroyed, with proof"
        CONTRACT = "contract", "Contract ended and last invoice settled"

    offboarding = models.ForeignKey(Offboarding, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=12, choices=Kind)
    done_on = models.DateField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)
    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["pk"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["offboarding", "kind"],
                name="offboarding_step_once",
                violation_error_message="This step is listed already.",
            ),
            models.CheckConstraint(
                name="offboarding_step_done_by_somebody",
                condition=Q(done_on__isnull=True) | Q(done_by__isnull=False),
                violation_error_message="Somebody says that it is done.",
            ),
            models.CheckConstraint(
                name="offboarding_data_has_its_proof",
                condition=~Q(kind="data") | Q(done_on__isnull=True) | Q(document__isnull=False),
                violation_error_message="Store the proof that data was returned or destroyed.",
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
