from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from policies.models import Integration

# Ids of projects, keys and models as providers write them: nothing that could be content.
PROVIDER_ID = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9 ._:/@+#()\-]{0,119}$",
    "Letters, digits, blanks and . _ : / @ + # ( ) - only, at most 120 of them.",
)
PATTERN = RegexValidator(
    r"^[A-Za-z0-9*?][A-Za-z0-9 ._:/@+\-*?\[\]]{0,119}$",
    "A model's name, in which * stands for anything.",
)


class UsageSource(models.Model):
    """Where counts of what a provider was asked come from: its exports, or its usage API.

    The provider's admin key is never here: `key_name` says under which name USAGE_API_KEYS has it.
    """

    class Kind(models.TextChoices):
        FILE = "file", "Files that a person uploads"
        OPENAI = "openai", "OpenAI's usage and cost API"

    name = models.CharField(max_length=80, unique=True)
    provider = models.CharField(max_length=60, help_text="Such as openai or aws.bedrock.")
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.FILE)
    base_url = models.CharField(
        "address",
        max_length=200,
        blank=True,
        help_text="Of the API, such as https://api.openai.com; fetched daily.",
    )
    key_name = models.SlugField(
        "name of the key",
        max_length=40,
        blank=True,
        help_text="Under which USAGE_API_KEYS, a setting of the server, has the admin key.",
    )
    due_after_days = models.PositiveSmallIntegerField(
        "late after",
        default=3,
        help_text="Days after the last day counted until counts are missed.",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: the compliance officers.",
    )
    is_active = models.BooleanField("in use", default=True)
    created_at = models.DateTimeField(editable=False)
    tried_at = models.DateTimeField(null=True, editable=False)
    trouble = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        default_permissions = ("view", "add", "change")
        permissions = [("import_usage", "Can import usage counts of providers")]
        constraints = [
            models.CheckConstraint(
                name="usagesource_api_has_its_address",
                condition=~Q(kind="openai") | (~Q(base_url="") & ~Q(key_name="")),
                violation_error_message="An API needs its address and the name of its key.",
            ),
            models.CheckConstraint(
                name="usagesource_late_after_a_day",
                condition=Q(due_after_days__gte=1, due_after_days__lte=92),
                violation_error_message="Late after 1 to 92 days.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UsageMapping(models.Model):
    """Which of a source's counts are which integration's; the more it names, the more it counts.

    Empty fields stand for anything. What no mapping takes is told as a finding.
    """

    class Treatment(models.TextChoices):
        INTEGRATION = "integration", "Calls of an integration"
        TEST = "test", "Calls of test keys: not compared"
        OUTSIDE = "outside", "Not through the portal, on purpose: not compared"

    source = models.ForeignKey(UsageSource, on_delete=models.PROTECT, related_name="mappings")
    project = models.CharField(
        max_length=120,
        blank=True,
        validators=[PROVIDER_ID],
        help_text="The provider's id of a project, workspace, resource or account.",
    )
    api_key = models.CharField(
        "API key",
        max_length=120,
        blank=True,
        validators=[PROVIDER_ID],
        help_text="The provider's id of a key, never the key.",
    )
    model_pattern = models.CharField(
        "models", max_length=120, blank=True, validators=[PATTERN], help_text="Such as gpt-4.1*."
    )
    treatment = models.CharField(max_length=11, choices=Treatment, default=Treatment.INTEGRATION)
    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=200, blank=True, help_text="Why it is not compared.")

    class Meta:
        ordering = ["source", "project", "api_key", "model_pattern"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["source", "project", "api_key", "model_pattern"],
                name="usagemapping_once",
                violation_error_message="There is a line for exactly these already.",
            ),
            models.CheckConstraint(
                name="usagemapping_names_its_integration",
                condition=Q(treatment="integration", integration__isnull=False)
                | (~Q(treatment="integration") & Q(integration__isnull=True) & ~Q(note="")),
                violation_error_message=(
                    "Choose an integration, or say in the note why it is not compared."
                ),
            ),
        ]

    def __str__(self) -> str:
        named = [part for part in (self.project, self.api_key, self.model_pattern) if part]
        return ", ".join(named) or "everything else"


class UsageImportQuerySet(models.QuerySet["UsageImport"]):
    def covering(self, start: dt.date, end: dt.date) -> UsageImportQuerySet:
        """Imports with a day from `start` to `end`, both counted; the newest last."""
        return self.filter(first_day__lte=end, last_day__gte=start).order_by("pk")


class UsageImport(models.Model):
    """Counts that were taken in at once: of a file or of an API; append-only by trigger.

    It speaks of every day from its first to its last, both counted: a day without a line had no
    use. Of each day the newest import counts, and the older ones stay.
    """

    class Origin(models.TextChoices):
        FILE = "file", "File"
        API = "api", "API"

    source = models.ForeignKey(UsageSource, on_delete=models.PROTECT, related_name="imports")
    origin = models.CharField(max_length=4, choices=Origin)
    file_name = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, help_text="Of the file, or of the answers in order.")
    size_bytes = models.PositiveIntegerField()
    first_day = models.DateField()
    last_day = models.DateField()
    line_count = models.PositiveIntegerField()
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: the schedule.",
    )
    at = models.DateTimeField()

    objects = UsageImportQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["source", "-last_day"], name="usageimport_newest_day")]
        constraints = [
            models.CheckConstraint(
                name="usageimport_days_in_order", condition=Q(last_day__gte=models.F("first_day"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_day:%-d %b %Y} to {self.last_day:%-d %b %Y}"


class UsageCount(models.Model):
    """What a provider counted on a day (UTC) of one project, key and model; append-only.

    `requests` is null where its export tells tokens alone. Input tokens have the cached ones in.
    """

    usage_import = models.ForeignKey(UsageImport, on_delete=models.PROTECT, related_name="counts")
    day = models.DateField()
    project = models.CharField(max_length=120, blank=True)
    api_key = models.CharField(max_length=120, blank=True)
    model = models.CharField(max_length=120, blank=True)
    integration = models.ForeignKey(
        Integration,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Where the file itself names it.",
    )
    requests = models.PositiveBigIntegerField(null=True)
    input_tokens = models.PositiveBigIntegerField(null=True)
    output_tokens = models.PositiveBigIntegerField(null=True)
    cached_tokens = models.PositiveBigIntegerField(null=True)

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        indexes = [models.Index(fields=["usage_import", "day"], name="usagecount_by_day")]

    def __str__(self) -> str:
        return f"{self.day:%-d %b %Y} {self.project} {self.model}"


class UsageCost(models.Model):
    """What a provider charged for a day (UTC), in units of the currency; append-only."""

    usage_import = models.ForeignKey(UsageImport, on_delete=models.PROTECT, related_name="costs")
    day = models.DateField()
    project = models.CharField(max_length=120, blank=True)
    item = models.CharField(max_length=120, blank=True, help_text="What was charged for.")
    amount = models.DecimalField(max_digits=20, decimal_places=8)
    currency = models.CharField(max_length=3, help_text="ISO 4217, in capitals.")

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        indexes = [models.Index(fields=["usage_import", "day"], name="usagecost_by_day")]

    def __str__(self) -> str:
        return f"{self.day:%-d %b %Y} {self.amount} {self.currency}"
