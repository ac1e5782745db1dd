"""The review of a report while it is being written, and what a program read in the paper."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from vendors.models.documents import Document
from vendors.models.register import Vendor
from vendors.models.reports import AssuranceReport


class DocumentReading(models.Model):
    """What was read in the text of a paper: proposals that a person confirms one by one.

    `proposals` are those of `vendors.reading`; `page_texts` is the text of each page, in order.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting to be read"
        DONE = "done", "Read"
        NO_TEXT = "no_text", "Holds no text"
        FAILED = "failed", "Could not be read"

    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="reading")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    proposals = models.JSONField(default=list)
    page_texts = ArrayField(models.TextField(), default=list)
    asked_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Reading of document {self.document_id}"


class ReportDraftQuerySet(models.QuerySet["ReportDraft"]):
    def open(self) -> ReportDraftQuerySet:
        """Reviews that nobody has finished."""
        return self.filter(finished_as__isnull=True)


class ReportDraft(models.Model):
    """A review of a report begun and not finished; officers share it, nothing rests on it.

    `answers` holds the values of each section, by its name. `revision` counts what was stored,
    so that two people who write at once notice it.
    """

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="report_drafts")
    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    replaces = models.ForeignKey(
        AssuranceReport,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="drafts",
        help_text="The report that is reviewed anew; none for a new one.",
    )
    finished_as = models.ForeignKey(
        AssuranceReport,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The report it became, for whoever still had it open.",
    )
    answers = models.JSONField(default=dict, blank=True)
    sections_done = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    revision = models.PositiveIntegerField(default=0)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ReportDraftQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["replaces"],
                condition=Q(finished_as__isnull=True),
                name="report_draft_open_once",
                violation_error_message="Somebody has begun to review this report already.",
            ),
        ]

    def __str__(self) -> str:
        return f"Review of a report of {self.vendor}"
