"""What became of full partitions, and what must not be disposed of; rows that never change."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from audits.models.ledger import HASH_BYTES, Ledger
from policies.models import Integration
from vendors.models import Vendor

# A matter's number, and nothing that could be a sentence.
REFERENCE = r"^[A-Za-z0-9][A-Za-z0-9./_-]{0,39}\Z"


class ArchiveEvent(models.Model):
    """A step of a partition: into the archive, out of the database, back into it; append-only.

    The entry `entry_index` of the partition's ledger says the same.
    """

    class Kind(models.TextChoices):
        ARCHIVED = "archived", "Archived"
        DISPOSED = "disposed", "Disposed of"
        RESTORED = "restored", "Restored"

    ledger = models.ForeignKey(Ledger, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(help_text="Of the partition.")
    kind = models.CharField(max_length=8, choices=Kind)
    at = models.DateTimeField()
    entry_index = models.PositiveBigIntegerField()
    folder = models.CharField(max_length=80, help_text="Where in the archive it stands.")
    manifest_sha256 = models.BinaryField(max_length=HASH_BYTES)
    form = models.CharField(max_length=7, help_text="parquet or ndjson.")
    size_bytes = models.PositiveBigIntegerField(help_text="Of all files of the archive.")
    until = models.DateTimeField(
        null=True, help_text="A restored partition stays in the database up to this moment."
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        ordering = ["id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["ledger", "number"], name="archive_of_partition")]

    def __str__(self) -> str:
        return f"{self.ledger_id}/{self.number}: {self.kind}"


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    def in_force(self) -> LegalHoldQuerySet:
        """Holds that nobody has released."""
        return self.filter(release=None)


class LegalHold(models.Model):
    """Records that stay in the database whatever their age; append-only, and so is its release.

    Which records, `scope` says and the one field that belongs to it.
    """

    class Scope(models.TextChoices):
        ALL = "all", "Everything"
        LEDGER = "ledger", "One ledger"
        PERIOD = "period", "What was received in a period"
        INTEGRATION = "integration", "Calls of one integration"
        VENDOR = "vendor", "Calls to one vendor"

    class Reason(models.TextChoices):
        LITIGATION = "litigation", "Litigation"
        INVESTIGATION = "investigation", "Investigation"
        REGULATOR = "regulator", "Request of a regulator"
        AUDIT = "audit", "Audit"
        INCIDENT = "incident", "Incident"

    scope = models.CharField(max_length=11, choices=Scope)
    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    starts_on = models.DateField(null=True, blank=True, help_text="First day of the period.")
    ends_on = models.DateField(null=True, blank=True, help_text="Last day of the period.")
    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    vendor = models.ForeignKey(
        Vendor, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=13, choices=Reason)
    reference = models.CharField(
        max_length=40,
        validators=[
            RegexValidator(REFERENCE, "Letters, digits and . / _ - alone: a number, not a story.")
        ],
        help_text="The matter's number, such as 2026-CV-0412.",
    )
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view", "add")
        permissions = [("release_legalhold", "Can release legal holds of others")]
        constraints = [
            models.CheckConstraint(
                name="legal_hold_has_what_its_scope_names",
                condition=(
                    Q(scope="ledger", ledger__isnull=False) | (~Q(scope="ledger") & Q(ledger=None))
                )
                & (
                    Q(scope="period", starts_on__isnull=False, ends_on__isnull=False)
                    | (~Q(scope="period") & Q(starts_on=None, ends_on=None))
                )
                & (
                    Q(scope="integration", integration__isnull=False)
                    | (~Q(scope="integration") & Q(integration=None))
                )
                & (Q(scope="vendor", vendor__isnull=False) | (~Q(scope="vendor") & Q(vendor=None))),
            ),
            models.CheckConstraint(
                name="legal_hold_ends_after_it_starts",
                condition=Q(ends_on=None) | Q(ends_on__gte=models.F("starts_on")),
                violation_error_message="The last day is before the first.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}, {self.reference}"


class LegalHoldRelease(models.Model):
    """The end of a legal hold, by another person than set it (a trigger holds that)."""

    class Reason(models.TextChoices):
        CLOSED = "closed", "The matter is closed"
        MISTAKEN = "mistaken", "It was set by mistake"
        REPLACED = "replaced", "Another hold takes its place"

    hold = models.OneToOneField(LegalHold, on_delete=models.PROTECT, related_name="release")
    reason = models.CharField(max_length=9, choices=Reason)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    released_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.hold_id} released"
