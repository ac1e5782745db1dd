from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

# Short names that the addresses of pages use themselves.
TAKEN_SLUGS = ("new", "export")
HOST = RegexValidator(r"^[a-z0-9*]([a-z0-9.*-]{0,251}[a-z0-9])?$", "Enter a host name.")
# The one host an integration calls: no * here.
ONE_HOST = RegexValidator(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", "Enter one host name.")
REGION = RegexValidator(r"^[a-z0-9][a-z0-9-]{0,39}$", "Use lower case letters, digits and -.")
# A model as the provider names it; * stands for any characters.
MODEL_PATTERN = RegexValidator(
    r"^[A-Za-z0-9*][A-Za-z0-9*.:/_@-]{0,119}$", "Use the provider's model name; * matches any."
)
# A feature of a service, or a setting of it, as the API takes it: web-search, zero-retention.
WORD = RegexValidator(
    r"^[a-z0-9][a-z0-9_.:-]{0,59}$", "Use lower case letters, digits and _ . : - without spaces."
)


class VendorQuerySet(models.QuerySet["Vendor"]):
    def engaged(self) -> VendorQuerySet:
        """Vendors that are in use or on the way there."""
        return self.exclude(state__in=[Vendor.State.REJECTED, Vendor.State.OFFBOARDED])

    def review_overdue(self, on: dt.date) -> VendorQuerySet:
        """Engaged vendors whose next review was due before `on`."""
        return self.engaged().filter(next_review_on__lt=on)

    def review_due(self, on: dt.date, *, within_days: int) -> VendorQuerySet:
        """Engaged vendors whose next review is due by `within_days` after `on`, or was before."""
        return self.engaged().filter(next_review_on__lte=on + dt.timedelta(days=within_days))

    def without_owner(self) -> VendorQuerySet:
        """Engaged vendors nobody answers for, or somebody who left."""
        return self.engaged().filter(Q(owner__isnull=True) | Q(owner__is_active=False))


class Vendor(models.Model):
    """A company whose AI services we use or think of using."""

    class Criticality(models.TextChoices):
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"
        CRITICAL = "critical", "Critical"

    class State(models.TextChoices):
        PROSPECT = "prospect", "Prospect"
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved", "Approved"
        CONDITIONS = "approved_with_conditions", "Approved with conditions"
        REJECTED = "rejected", "Rejected"
        SUSPENDED = "suspended", "Suspended"
        OFFBOARDING = "offboarding", "Offboarding"
        OFFBOARDED = "offboarded", "Offboarded"

    class Cadence(models.TextChoices):
        FIXED = "fixed", "On fixed days"
        AFTER_LAST = "after_last", "After the last review"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80, unique=True)
    legal_name = models.CharField("legal entity", max_length=200, blank=True)
    website = models.URLField(blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who answers for this vendor and gets its notices.",
    )
    criticality = models.CharField(
        max_length=8, choices=Criticality, default=Criticality.MEDIUM, db_index=True
    )
    state = models.CharField(max_length=24, choices=State, default=State.PROSPECT, db_index=True)
    description = models.TextField(blank=True, max_length=2000)
    conditional_until = models.DateField(
        null=True, blank=True, help_text="Last day an approval with conditions holds."
    )
    review_cadence = models.CharField(
        max_length=10,
        choices=Cadence,
        default=Cadence.AFTER_LAST,
        help_text="Whether a late review moves the ones after it.",
    )
    review_interval_days = models.PositiveIntegerField(default=365)
    last_reviewed_on = models.DateField(null=True, blank=True)
    next_review_on = models.DateField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VendorQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["name"], name="vendor_by_name")]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="vendor_name_whatever_its_case",
                violation_error_message="A vendor of this name exists.",
            ),
            models.CheckConstraint(
                name="vendor_review_interval_positive",
                condition=Q(review_interval_days__gte=1),
                violation_error_message="A review interval is at least one day.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def review_due_on(self) -> dt.date | None:
        """The last day for the next review; None for a vendor that is not engaged."""
        is_left = self.state in (self.State.REJECTED, self.State.OFFBOARDED)
        return None if is_left else self.next_review_on


class ServiceQuerySet(models.QuerySet["Service"]):
    def offered(self, on: dt.date) -> ServiceQuerySet:
        """Services that are not retired on the day `on`."""
        return self.filter(Q(retired_on__isnull=True) | Q(retired_on__gt=on))


class Service(models.Model):
    """A vendor's product or endpoint under its terms: what an agreement or a report can name."""

    class Deployment(models.TextChoices):
        PUBLIC_API = "public_api", "Public API"
        PRIVATE_ENDPOINT = "private_endpoint", "Private endpoint"
        VPC = "vpc", "Our own VPC"
        ON_PREM = "on_prem", "On premises"

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="services")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80, unique=True)
    provider = models.CharField(
        max_length=60,
        validators=[
            RegexValidator(r"^[a-z0-9][a-z0-9._-]*$", "Use lower case letters and digits.")
        ],
        help_text="The provider's name in OpenTelemetry, such as openai or aws.bedrock.",
    )
    deployment = models.CharField(max_length=16, choices=Deployment, default=Deployment.PUBLIC_API)
    plan = models.CharField("plan or tier", max_length=80, blank=True)
    endpoint_hosts = ArrayField(
        models.CharField(max_length=253, validators=[HOST]), default=list, blank=True
    )
    description = models.TextField(blank=True, max_length=2000)
    retired_on = models.DateField(null=True, blank=True, help_text="First day it is not offered.")

    objects = ServiceQuerySet.as_manager()

    class Meta:
        ordering = ["vendor__name", "name"]
        constraints = [
            models.UniqueConstraint(
                F("vendor"),
                Lower("name"),
                name="service_name_once_a_vendor",
                violation_error_message="This vendor has a service of this name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ServiceModel(models.Model):
    """A model, or a pattern of model names, that a service offers."""

    class Lifecycle(models.TextChoices):
        GA = "ga", "Generally available"
        PREVIEW = "preview", "Preview"
        DEPRECATED = "deprecated", "Deprecated"

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="offered_models")
    pattern = models.CharField(max_length=120, validators=[MODEL_PATTERN])
    lifecycle = models.CharField(max_length=10, choices=Lifecycle, default=Lifecycle.GA)

    class Meta:
        ordering = ["pattern"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "pattern"],
                name="service_model_once",
                violation_error_message="This pattern is listed already.",
            ),
        ]

    def __str__(self) -> str:
        return self.pattern


class ServiceRegion(models.Model):
    """A region a service can run in, and how firmly the vendor promises it."""

    class Purpose(models.TextChoices):
        PROCESSING = "processing", "Processing"
        AT_REST = "at_rest", "At rest"
        SUPPORT = "support_access", "Support access"
        FAILOVER = "failover", "Failover"

    class Guarantee(models.TextChoices):
        CONTRACT = "contract", "By contract"
        CONFIGURABLE = "configurable", "Configurable"
        DEFAULT = "default", "By default"
        NONE = "none", "None"

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="regions")
    region = models.CharField(max_length=40, validators=[REGION])
    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.PROCESSING)
    guarantee = models.CharField(max_length=12, choices=Guarantee, default=Guarantee.CONFIGURABLE)
    source = models.CharField(
        max_length=500, blank=True, db_default="", help_text="Address or title of what says so."
    )
    page = models.CharField(max_length=40, blank=True, db_default="")

    class Meta:
        ordering = ["region", "purpose"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "region", "purpose"],
                name="service_region_once_a_purpose",
                violation_error_message="This region is listed already.",
            ),
        ]

    def __str__(self) -> str:
        return self.region
