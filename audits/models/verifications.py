"""What is done with the ledger from outside it: verifications, cosignatures, deliveries."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F, Q

from audits.models.ledger import HASH_BYTES, Ledger


class VerificationQuerySet(models.QuerySet["Verification"]):
    def passed(self) -> VerificationQuerySet:
        """Those that found nothing wrong."""
        return self.filter(result=Verification.Result.PASSED)

    def since(self, at: dt.datetime) -> VerificationQuerySet:
        """Those of the moment `at` or later."""
        return self.filter(at__gte=at)


class Verification(models.Model):
    """One look over a ledger and what it found; append-only by trigger.

    It covers the entries from index `start` to before `end`. `expected` are those that must be
    there: all but what was disposed of.
    """

    class Kind(models.TextChoices):
        FULL = "full", "Full"
        INCREMENTAL = "incremental", "What is new"

    class Result(models.TextChoices):
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        NOTHING = "nothing", "Nothing verified"

    ledger = models.ForeignKey(Ledger, on_delete=models.PROTECT, related_name="verifications")
    kind = models.CharField(max_length=11, choices=Kind)
    at = models.DateTimeField(help_text="When it began.")
    seconds = models.PositiveIntegerField()
    start = models.PositiveBigIntegerField()
    end = models.PositiveBigIntegerField()
    verified = models.PositiveBigIntegerField(help_text="Entries read, hashed and compared.")
    expected = models.PositiveBigIntegerField()
    disposed = models.PositiveBigIntegerField(help_text="Entries verified by their hashes alone.")
    row_count = models.PositiveBigIntegerField(help_text="Rows compared with their entries.")
    checkpoint_count = models.PositiveBigIntegerField(help_text="Signed checkpoints verified.")
    kept_count = models.PositiveBigIntegerField(help_text="Kept checkpoints compared.")
    checkpoint_root = models.BinaryField(
        max_length=HASH_BYTES, help_text="Of the tree of `end` entries, as verified."
    )
    received_at = models.DateTimeField(null=True, help_text="When its last entry was received.")
    gaps = models.JSONField(default=list, help_text="Runs of missing indexes: first, end.")
    problem_count = models.PositiveIntegerField(default=0)
    problems = models.JSONField(
        default=list, help_text="The first ones: code, index, at, what; no content."
    )
    result = models.CharField(max_length=7, choices=Result)

    objects = VerificationQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        default_permissions = ("view",)
        permissions = [
            ("read_ledger", "Can read checkpoints, tiles and proofs of the ledger"),
            ("read_entries", "Can read the entries of the ledger"),
        ]
        indexes = [models.Index(fields=["ledger", "-at"], name="verification_newest")]
        constraints = [
            models.CheckConstraint(
                name="verification_ends_after_its_start", condition=Q(end__gte=F("start"))
            ),
            models.CheckConstraint(
                name="verification_passed_means_all",
                condition=~Q(result="passed")
                | Q(problem_count=0, verified=F("expected"), verified__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ledger_id}: {self.verified} of {self.expected}, {self.result}"


class Cosignature(models.Model):
    """That a witness saw a checkpoint grow out of all it had seen; append-only by trigger."""

    ledger = models.ForeignKey(Ledger, on_delete=models.PROTECT, related_name="cosignatures")
    size = models.PositiveBigIntegerField()
    root = models.BinaryField(max_length=HASH_BYTES)
    witness = models.CharField(max_length=200, help_text="The name of its key.")
    line = models.CharField(max_length=400, help_text="Its line in the signed note.")
    signed_at = models.DateTimeField(help_text="When the witness says it signed.")
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["ledger", "-size", "witness"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["ledger", "size", "witness", "line"], name="cosignature_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.witness} on {self.ledger_id}: {self.size}"


class CheckpointDelivery(models.Model):
    """That a checkpoint was handed to somebody outside, or that it failed; append-only."""

    class Channel(models.TextChoices):
        MAIL = "mail", "Mail"
        WEBHOOK = "webhook", "Webhook"
        WITNESS = "witness", "Witness"

    ledger = models.ForeignKey(Ledger, on_delete=models.PROTECT, related_name="deliveries")
    size = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    channel = models.CharField(max_length=7, choices=Channel)
    recipient = models.CharField(max_length=254, help_text="Mail address, host or witness.")
    ok = models.BooleanField()
    error = models.CharField(max_length=60, blank=True, help_text="What kind of failure it was.")

    class Meta:
        ordering = ["-at", "-id"]
        default_permissions = ()
        indexes = [models.Index(fields=["ledger", "channel", "-at"], name="delivery_newest")]

    def __str__(self) -> str:
        return f"{self.ledger_id}: {self.size} to {self.recipient}"
