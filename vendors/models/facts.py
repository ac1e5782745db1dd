from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from vendors.dimensions import VALUES, value_words
from vendors.models.register import Service


class Dimension(models.TextChoices):
    """What is asked of every service; the value of each is one of `VALUES` in
    `vendors.dimensions`."""

    BAA = "baa", "BAA offered"
    SOC2 = "soc2_type2", "SOC 2 Type II"
    DPA = "gdpr_dpa", "GDPR DPA"
    TRAINING = "training_use", "Training on our data"
    RETENTION = "retention_days", "Default retention (days)"
    ZERO_RETENTION = "zero_retention", "Zero retention"
    RESIDENCY = "residency", "Data residency"
    TLS = "tls_minimum", "TLS minimum"
    AT_REST = "encryption_at_rest", "Encryption at rest"
    BYOK = "byok", "Customer-managed keys"
    ACCESS_LOGS = "access_logs", "Access logs"
    CONTENT_LOGS = "content_logs", "Content logs"
    LOG_RETENTION = "log_retention_control", "Log retention control"
    PRIVATE_ENDPOINT = "private_endpoint", "Private endpoint"
    POSTURE_API = "posture_api", "Posture API"


class Grade(models.TextChoices):
    """How firmly a fact stands, firmest first."""

    CONTRACT = "contract", "Contract"
    GATED = "gated", "Gated document"
    PUBLIC = "public", "Public page"
    SELF_ATTESTED = "self_attested", "Self-attested"


# What a fact speaks of: of two with the same scope the one recorded later is current.
FACT_SCOPE = ("service_id", "dimension", "model_pattern", "region", "endpoint", "plan")


class FactQuerySet(models.QuerySet["Fact"]):
    def known(self, on: dt.date) -> FactQuerySet:
        """Facts that were recorded by the end of the day `on` (UTC), newest first."""
        return self.filter(recorded_on__lte=on).order_by(
            "service_id", "dimension", "-recorded_on", "-pk"
        )

    def current(self, on: dt.date) -> FactQuerySet:
        """The newest fact of each service, dimension and scope on the day `on`."""
        return (
            self.filter(recorded_on__lte=on)
            .order_by(*FACT_SCOPE, "-recorded_on", "-pk")
            .distinct(*FACT_SCOPE)
        )

    def stale(self, on: dt.date, *, fresh_days: int) -> FactQuerySet:
        """Current facts of offered services that must be verified again on the day `on`."""
        offered = Q(service__retired_on__isnull=True) | Q(service__retired_on__gt=on)
        return self.filter(
            offered,
            Q(verified_on__isnull=True)
            | Q(verified_on__lt=on - dt.timedelta(days=fresh_days))
            | Q(expires_on__lte=on),
            pk__in=Fact.objects.current(on).values("pk"),
        ).order_by("service_id", "dimension")


class Fact(models.Model):
    """What is known of a service in one dimension; append-only, so a new look is a new row.

    Empty scope fields mean any; the most specific scope wins.
    """

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="facts")
    dimension = models.CharField(max_length=24, choices=Dimension)
    value = models.CharField(max_length=40, validators=[RegexValidator(r"^[a-z0-9][a-z0-9._-]*$")])
    number = models.IntegerField(
        null=True, blank=True, help_text="Days, where the dimension is counted in days."
    )
    detail = models.TextField(blank=True, max_length=2000)
    model_pattern = models.CharField(max_length=120, blank=True)
    region = models.CharField(max_length=40, blank=True)
    endpoint = models.CharField(max_length=253, blank=True)
    plan = models.CharField(max_length=80, blank=True)
    grade = models.CharField(max_length=13, choices=Grade)
    source = models.CharField(max_length=500, help_text="Address or title of what says so.")
    page = models.CharField(max_length=40, blank=True)
    verified_on = models.DateField(
        null=True, blank=True, help_text="The day somebody last read the source."
    )
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    expires_on = models.DateField(
        null=True,
        blank=True,
        help_text="First day it must not be relied on, if the source says so.",
    )
    recorded_on = models.DateField(help_text="The day it came into the register.")

    objects = FactQuerySet.as_manager()

    class Meta:
        ordering = ["service", "dimension", "-recorded_on", "-pk"]
        indexes = [
            models.Index(fields=["service", "dimension", "-recorded_on"], name="fact_newest_first")
        ]
        constraints = [
            models.CheckConstraint(
                name="fact_number_not_negative",
                condition=Q(number__isnull=True) | Q(number__gte=0),
                violation_error_message="A number of days is not negative.",
            ),
            models.CheckConstraint(
                name="fact_verified_before_it_is_recorded",
                condition=Q(verified_on__isnull=True) | Q(verified_on__lte=models.F("recorded_on")),
                violation_error_message="The source cannot have been read in the future.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_dimension_display()}: {self.words}"

    def clean(self) -> None:
        """Raises: ValidationError unless the value is one of its dimension's."""
        if self.value not in VALUES.get(self.dimension, {}):
            raise ValidationError({"value": "Choose one of this dimension's values."})
        if (self.value == "days") != (self.number is not None):
            raise ValidationError({"number": "Give the number of days, and only with days."})

    @property
    def words(self) -> str:
        """The value as a person reads it."""
        return value_words(self.dimension, self.value, self.number)

    def stale_on(self, *, fresh_days: int) -> dt.date | None:
        """The first day on which the fact must be verified again; None if it never was verified."""
        if self.verified_on is None:
            return None
        stale_on = self.verified_on + dt.timedelta(days=fresh_days + 1)
        return min(stale_on, self.expires_on) if self.expires_on else stale_on


class FactAssignment(models.Model):
    """Who looks next at one dimension of a service; gone once somebody has verified it."""

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="assignments")
    dimension = models.CharField(max_length=24, choices=Dimension)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    look_by = models.DateField(null=True, blank=True, help_text="The day it should be done by.")
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    assigned_on = models.DateField()

    class Meta:
        ordering = ["service", "dimension"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "dimension"],
                name="fact_assignment_once",
                violation_error_message="Somebody looks at this already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_dimension_display()} of {self.service}"
