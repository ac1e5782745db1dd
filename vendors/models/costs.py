from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from vendors.models.register import Service, Vendor

CURRENCY = RegexValidator(r"^[A-Z]{3}\Z", "Use the three capital letters of ISO 4217, such as USD.")
# What a cost speaks of: of two with the same scope the one recorded later is current.
COST_SCOPE = ("capability", "basis", "vendor_id", "service_id")
MONEY = ("money_once", "money_year")


class Capability(models.TextChoices):
    """What is paid for; OVERALL is a rule of thumb for all of it, and never added."""

    BAA = "baa", "BAA execution"
    BYOK = "byok", "Customer-managed keys"
    PRIVATE_ENDPOINT = "private_endpoint", "Private endpoint or VPC"
    THROUGHPUT = "provisioned_throughput", "Dedicated provisioned throughput"
    RESIDENCY = "residency", "Data residency"
    AUDIT_SUPPORT = "audit_support", "Compliance audit support"
    CONTENT_LOGGING = "content_logging", "Content logging in our own layer"
    BUILD = "build", "First build of a compliant integration"
    OWN_AUDIT = "own_audit", "Our own SOC 2 Type II audit"
    MONITORING = "monitoring_tool", "Compliance automation"
    OVERALL = "overall", "All of it, as a rule of thumb"


class CostFactQuerySet(models.QuerySet["CostFact"]):
    def current(self, on: dt.date) -> CostFactQuerySet:
        """The newest of each capability, basis and scope that was recorded by the day `on`."""
        return (
            self.filter(recorded_on__lte=on)
            .order_by(*COST_SCOPE, "-recorded_on", "-pk")
            .distinct(*COST_SCOPE)
        )


class CostFact(models.Model):
    """What a capability costs, as a source said on a day; append-only, a newer row replaces it.

    With a service or a vendor it speaks of that alone, else of all; the most exact one counts.
    """

    class Basis(models.TextChoices):
        PERCENT = "percent", "Percent of the API spend"
        ONCE = "money_once", "Money, once"
        YEARLY = "money_year", "Money, each year"
        HOURS_ONCE = "hours_once", "Hours, once"
        HOURS_YEARLY = "hours_year", "Hours, each year"
        WEEKS = "weeks", "Weeks until it is there"

    class Grade(models.TextChoices):
        CONTRACT = "contract", "Contract"
        QUOTE = "quote", "Quote"
        LIST_PRICE = "list_price", "List price"
        ESTIMATE = "estimate", "Estimate of an article"

    capability = models.CharField(max_length=24, choices=Capability)
    vendor = models.ForeignKey(
        Vendor, on_delete=models.PROTECT, null=True, blank=True, related_name="costs"
    )
    service = models.ForeignKey(
        Service, on_delete=models.PROTECT, null=True, blank=True, related_name="costs"
    )
    basis = models.CharField("counted in", max_length=10, choices=Basis)
    low = models.DecimalField(
        "from", max_digits=12, decimal_places=2, validators=[MinValueValidator(0)]
    )
    high = models.DecimalField(
        "to", max_digits=12, decimal_places=2, validators=[MinValueValidator(0)]
    )
    currency = models.CharField(
        max_length=3, blank=True, validators=[CURRENCY], help_text="For money alone, such as USD."
    )
    grade = models.CharField(max_length=10, choices=Grade)
    detail = models.TextField(blank=True, max_length=2000)
    source = models.CharField(max_length=500, help_text="Address or title of what says so.")
    as_of = models.DateField(help_text="The day for which the source says it.")
    verified_on = models.DateField(help_text="The day somebody last read the source.")
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_on = models.DateField(help_text="The day it came into the register.")

    objects = CostFactQuerySet.as_manager()

    class Meta:
        ordering = ["capability", "basis", "-recorded_on", "-pk"]
        default_permissions = ("add", "view")
        constraints = [
            models.CheckConstraint(
                name="cost_from_low_to_high",
                condition=Q(low__gte=0, high__gte=F("low")),
                violation_error_message="The range goes from the lower figure to the higher one.",
            ),
            models.CheckConstraint(
                name="cost_currency_with_money",
                condition=Q(basis__in=MONEY, currency__regex="^[A-Z]{3}$")
                | (~Q(basis__in=MONEY) & Q(currency="")),
                violation_error_message="Money has a currency, and nothing else has.",
            ),
            models.CheckConstraint(
                name="cost_of_a_service_or_a_vendor",
                condition=Q(service__isnull=True) | Q(vendor__isnull=True),
                violation_error_message="Name the service or the vendor, not both.",
            ),
            models.CheckConstraint(
                name="cost_verified_before_it_is_recorded",
                condition=Q(verified_on__lte=F("recorded_on"), as_of__lte=F("recorded_on")),
                violation_error_message="The source cannot have been read in the future.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_capability_display()}: {self.get_basis_display()}"

    def clean(self) -> None:
        """Raises: ValidationError where a rule of thumb is counted in anything but percent."""
        if self.capability == Capability.OVERALL and self.basis != self.Basis.PERCENT:
            raise ValidationError({"basis": "The rule of thumb is a percentage."})

    @property
    def scope(self) -> str:
        """Whom it speaks of, in words."""
        return str(self.service or self.vendor or "Any vendor")

    def stale_on(self, *, fresh_days: int) -> dt.date:
        """The first day on which the source must be read again."""
        return self.verified_on + dt.timedelta(days=fresh_days + 1)
