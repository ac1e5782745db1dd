from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import F, Q


def pack_storage() -> Storage:
    return storages["packs"]


class EvidencePack(models.Model):
    """A zip of reports and populations for a period; both days of the period count."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        BUILDING = "building", "Building"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    title = models.CharField(max_length=120)
    period_start = models.DateField()
    period_end = models.DateField()
    vendors = models.ManyToManyField(
        "vendors.Vendor", blank=True, related_name="+", help_text="Empty for all."
    )
    integrations = models.ManyToManyField(
        "policies.Integration", blank=True, related_name="+", help_text="Empty for all."
    )
    datasets = ArrayField(models.CharField(max_length=40), default=list)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED, editable=False)
    attempt = models.PositiveSmallIntegerField(default=1, editable=False)
    step = models.CharField(max_length=80, blank=True, editable=False)
    done = models.PositiveIntegerField(default=0, editable=False)
    total = models.PositiveIntegerField(default=0, editable=False)
    failure = models.CharField(max_length=300, blank=True, editable=False)
    file = models.FileField(storage=pack_storage, max_length=200, blank=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    size_bytes = models.PositiveBigIntegerField(null=True, editable=False)
    checkpoint = models.TextField(
        blank=True, editable=False, help_text="The signed note that its records are proven by."
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    requested_at = models.DateTimeField(editable=False)
    # The build's only clock: every query and page of the pack says this moment.
    as_of = models.DateTimeField(editable=False)
    heartbeat_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-requested_at"]
        permissions = [("download_evidencepack", "Can download evidence packs")]
        constraints = [
            models.CheckConstraint(
                name="pack_period_ends_after_it_begins",
                condition=Q(period_end__gte=F("period_start")),
                violation_error_message="The period ends before it begins.",
            ),
            models.CheckConstraint(
                name="pack_ready_has_its_file",
                condition=~Q(state="ready") | (~Q(file="") & ~Q(sha256="")),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def percent(self) -> str:
        """How much of the build is done, in words for a person."""
        return f"{100 * self.done // self.total} %" if self.total else ""


class PackEvent(models.Model):
    """What happened to a pack, downloads included; append-only."""

    class Kind(models.TextChoices):
        ASKED = "asked", "Asked for"
        STARTED = "started", "Started"
        BUILT = "built", "Built"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        RETRIED = "retried", "Tried again"
        DOWNLOADED = "downloaded", "Downloaded"

    pack = models.ForeignKey(EvidencePack, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind)
    sha256 = models.CharField(max_length=64, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%-d %b %Y}"
