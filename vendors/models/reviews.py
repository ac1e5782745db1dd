from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import LessThanOrEqual

from vendors.models.agreements import Agreement
from vendors.models.documents import Document
from vendors.models.facts import Fact
from vendors.models.register import Service, Vendor
from vendors.models.reports import AssuranceReport


class VendorReviewQuerySet(models.QuerySet["VendorReview"]):
    def finished(self) -> VendorReviewQuerySet:
        """Reviews that are signed off, the newest first."""
        return self.filter(state=VendorReview.State.FINISHED).order_by("-reviewed_on", "-pk")

    def drafts(self) -> VendorReviewQuerySet:
        """Reviews that somebody has begun."""
        return self.filter(state=VendorReview.State.DRAFT)


class VendorReview(models.Model):
    """One look at everything a vendor promises, item by item of `vendors.checklist`.

    A draft keeps answers as they come. A finished one never changes: it holds what the register
    said of the vendor that day in `snapshot`, and the digest of it.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        FINISHED = "finished", "Finished"

    class Outcome(models.TextChoices):
        VALID = "valid", "Still valid"
        CHANGED = "changed", "Changed"
        RETIRE = "retire", "Retire the vendor"

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="reviews")
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    started_on = models.DateField()
    outcome = models.CharField(max_length=7, choices=Outcome, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reviewed_on = models.DateField(null=True, blank=True)
    next_on = models.DateField(null=True, blank=True, help_text="The day the next one is due.")
    note = models.TextField(blank=True, max_length=2000)
    digest = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the canonical JSON of the snapshot."
    )
    snapshot = models.JSONField(
        default=dict, blank=True, help_text="What the register said of the vendor that day."
    )

    objects = VendorReviewQuerySet.as_manager()

    class Meta:
        ordering = ["vendor__name", "-started_on", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["vendor"],
                condition=Q(state="draft"),
                name="vendor_review_one_draft",
                violation_error_message="A review of this vendor has begun already.",
            ),
            models.CheckConstraint(
                name="vendor_review_finished_is_whole",
                condition=Q(state="draft")
                | (
                    Q(reviewed_by__isnull=False, reviewed_on__isnull=False, next_on__isnull=False)
                    & ~Q(outcome="")
                    & ~Q(digest="")
                ),
                violation_error_message="A finished review has a person, days and an outcome.",
            ),
        ]

    def __str__(self) -> str:
        if self.reviewed_on:
            return f"Review of {self.reviewed_on:%-d %b %Y}"
        return f"Review begun on {self.started_on:%-d %b %Y}"


class ReviewItem(models.Model):
    """The answer to one item of the checklist, of one service where it is asked of each.

    `section` and `question` say what was asked as it was worded then.
    """

    class Answer(models.TextChoices):
        YES = "yes", "Yes"
        PARTLY = "partly", "Partly"
        NO = "no", "No"
        NOT_APPLICABLE = "not_applicable", "Not applicable"
        UNKNOWN = "unknown", "Unknown"

    EVIDENCE = ("agreement", "report", "fact", "document")

    review = models.ForeignKey(VendorReview, on_delete=models.PROTECT, related_name="items")
    section = models.CharField(max_length=20)
    code = models.CharField(max_length=40)
    question = models.CharField(max_length=300)
    service = models.ForeignKey(
        Service, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answer = models.CharField(max_length=14, choices=Answer)
    note = models.CharField(max_length=500, blank=True)
    agreement = models.ForeignKey(
        Agreement, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    report = models.ForeignKey(
        AssuranceReport, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    fact = models.ForeignKey(
        Fact, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["pk"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["review", "code", "service"],
                name="review_item_once",
                nulls_distinct=False,
                violation_error_message="This item is answered already.",
            ),
            models.CheckConstraint(
                name="review_item_one_evidence",
                condition=LessThanOrEqual(
                    Func(
                        F("agreement"),
                        F("report"),
                        F("fact"),
                        F("document"),
                        function="num_nonnulls",
                        output_field=models.IntegerField(),
                    ),
                    1,
                ),
                violation_error_message="Point to one piece of evidence.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.get_answer_display()}"

    @property
    def evidence(self) -> Agreement | AssuranceReport | Fact | Document | None:
        """What the answer rests on, if anything was named."""
        return self.agreement or self.report or self.fact or self.document


class VendorConditionQuerySet(models.QuerySet["VendorCondition"]):
    def open(self) -> VendorConditionQuerySet:
        """Conditions that are neither met nor waived, the earliest first."""
        return self.filter(met_on__isnull=True, waived_on__isnull=True).order_by("due_on", "pk")

    def due(self, on: dt.date, *, within_days: int) -> VendorConditionQuerySet:
        """Open conditions due by `within_days` after `on`, or before."""
        return self.open().filter(due_on__lte=on + dt.timedelta(days=within_days))


class VendorCondition(models.Model):
    """What a vendor that is approved with conditions still has to do, and by when.

    The approval stands until the earliest day on which an open condition is due; that day counts.
    A later day is another condition: the old one is waived with its reason.
    """

    # What may change in a stored row; the trigger names the same fields.
    LIFE_CYCLE = (
        "met_on",
        "met_by_id",
        "met_note",
        "evidence_id",
        "waived_on",
        "waived_by_id",
        "waive_reason",
        "owner_id",
    )

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="conditions")
    review = models.ForeignKey(
        VendorReview, on_delete=models.PROTECT, null=True, blank=True, related_name="conditions"
    )
    text = models.CharField("condition", max_length=300)
    due_on = models.DateField("due", help_text="Last day; the approval ends with it.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who sees to it.",
    )
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    set_on = models.DateField()
    met_on = models.DateField(null=True, blank=True)
    met_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    met_note = models.CharField(max_length=300, blank=True)
    evidence = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    waived_on = models.DateField(null=True, blank=True)
    waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    waive_reason = models.CharField(max_length=300, blank=True)

    objects = VendorConditionQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [
            models.CheckConstraint(
                name="vendor_condition_met_or_waived",
                condition=Q(met_on__isnull=True) | Q(waived_on__isnull=True),
                violation_error_message="A condition is met or waived, not both.",
            ),
            models.CheckConstraint(
                name="vendor_condition_met_by_somebody",
                condition=Q(met_on__isnull=True) | Q(met_by__isnull=False),
                violation_error_message="Somebody says that it is met.",
            ),
            models.CheckConstraint(
                name="vendor_condition_waived_for_a_reason",
                condition=Q(waived_on__isnull=True)
                | (Q(waived_by__isnull=False) & ~Q(waive_reason="")),
                violation_error_message="A condition is waived by somebody, for a reason.",
            ),
            models.CheckConstraint(
                name="vendor_condition_due_after_it_is_set",
                condition=Q(due_on__gte=F("set_on")),
                violation_error_message="A condition is due on the day it is set or later.",
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def open(self) -> bool:
        return self.met_on is None and self.waived_on is None


class VendorTransition(models.Model):
    """One step of a vendor from state to state: why, by whom and when; append-only."""

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="transitions")
    from_state = models.CharField(max_length=24, choices=Vendor.State)
    to_state = models.CharField(max_length=24, choices=Vendor.State)
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.get_from_state_display()} to {self.get_to_state_display()}"
