"""What stands in an assurance report, and what we made of it, line by line."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce, Left

from vendors.models.documents import Document
from vendors.models.reports import AssuranceReport

# `soc2_type1` and `soc2_type2` follow one another; the other kinds each follow themselves.
FAMILY_LETTERS = 4


class ReportException(models.Model):
    """A control that the auditor found not to work as described, and what we make of it."""

    class Disposition(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        COMPENSATED = "compensated", "Compensated by our control"
        FOLLOWED = "followed", "Followed up with the vendor"
        IRRELEVANT = "irrelevant", "Does not concern us"

    report = models.ForeignKey(AssuranceReport, on_delete=models.PROTECT, related_name="exceptions")
    control = models.CharField(max_length=60, help_text="The control's number in the report.")
    criterion = models.CharField(max_length=60, blank=True, help_text="Such as CC6.1.")
    failed = models.TextField("what failed", max_length=2000)
    sample_failed = models.PositiveIntegerField("failed", null=True, blank=True)
    sample_size = models.PositiveIntegerField("of a sample of", null=True, blank=True)
    response = models.TextField("management's response", max_length=2000, blank=True)
    relevant = models.BooleanField("concerns our use", default=True)
    compensating = models.CharField("compensating control", max_length=500, blank=True)
    disposition = models.CharField(max_length=11, choices=Disposition)
    page = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["pk"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                name="exception_sample_is_whole",
                condition=Q(sample_failed__isnull=True)
                | Q(sample_size__isnull=True)
                | Q(sample_size__gte=F("sample_failed")),
                violation_error_message="More failed than were looked at.",
            ),
            models.CheckConstraint(
                name="exception_compensated_by_something",
                condition=~Q(disposition="compensated") | ~Q(compensating=""),
                violation_error_message="Name the control that compensates.",
            ),
        ]

    def __str__(self) -> str:
        return f"Exception at {self.control}"


def _followed(report: str) -> Exists:
    """Whether a later accepted report of the vendor, of the same family, has come since."""
    last = Coalesce("period_end", "as_of", "recorded_at__date")
    newer = (
        AssuranceReport.objects.standing()
        .filter(review__in=AssuranceReport.RELIED_ON)
        .annotate(family=Left("kind", FAMILY_LETTERS), last=last)
        .filter(
            vendor=OuterRef(f"{report}__vendor"),
            family=Left(OuterRef(f"{report}__kind"), FAMILY_LETTERS),
            last__gt=Coalesce(
                OuterRef(f"{report}__period_end"),
                OuterRef(f"{report}__as_of"),
                OuterRef(f"{report}__recorded_at__date"),
            ),
        )
    )
    return Exists(newer)


class CuecQuerySet(models.QuerySet["Cuec"]):
    def standing(self) -> CuecQuerySet:
        """Those of the newest report of each vendor that we rely on."""
        return self.filter(
            ~_followed("report"),
            report__replaced_by__isnull=True,
            report__review__in=AssuranceReport.RELIED_ON,
        )

    def unmet(self) -> CuecQuerySet:
        """Those we have not assessed, or found to be missing or partly there."""
        return self.filter(state__in=[Cuec.State.OPEN, Cuec.State.PARTLY, Cuec.State.MISSING])


class Cuec(models.Model):
    """A complementary user entity control: what a report takes for granted on our side."""

    class State(models.TextChoices):
        OPEN = "not_assessed", "Not assessed"
        IN_PLACE = "in_place", "In place"
        PARTLY = "partly", "Partly in place"
        MISSING = "not_in_place", "Not in place"
        IRRELEVANT = "not_applicable", "Not applicable"

    # What may change in a stored row; the migration's trigger names the same fields.
    LIFE_CYCLE = (
        "our_control",
        "owner_id",
        "evidence",
        "evidence_document_id",
        "state",
        "assessed_on",
        "assessed_by_id",
    )

    report = models.ForeignKey(AssuranceReport, on_delete=models.PROTECT, related_name="cuecs")
    reference = models.CharField(max_length=40, blank=True, help_text="Its number in the report.")
    text = models.TextField(max_length=2000)
    page = models.CharField(max_length=40, blank=True)
    our_control = models.CharField(max_length=500, blank=True, help_text="How we do it.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    evidence = models.CharField(
        max_length=500, blank=True, help_text="What shows it, and where. Never patient data."
    )
    evidence_document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=14, choices=State, default=State.OPEN)
    assessed_on = models.DateField(null=True, blank=True)
    assessed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    carried_from = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The entry of an earlier report whose answer was taken over.",
    )

    objects = CuecQuerySet.as_manager()

    class Meta:
        ordering = ["report", "pk"]
        verbose_name = "CUEC"
        default_permissions = ("view", "change")
        constraints = [
            models.CheckConstraint(
                name="cuec_assessed_by_somebody_on_a_day",
                condition=Q(state="not_assessed")
                | Q(assessed_on__isnull=False, assessed_by__isnull=False),
                violation_error_message="An assessment has a person and a day.",
            ),
            models.CheckConstraint(
                name="cuec_in_place_names_our_control",
                condition=~Q(state__in=["in_place", "partly"]) | ~Q(our_control=""),
                violation_error_message="Say which control of ours does it.",
            ),
        ]

    def __str__(self) -> str:
        return self.reference or f"line {self.pk or 'new'}"


class ReportConditionQuerySet(models.QuerySet["ReportCondition"]):
    def open(self) -> ReportConditionQuerySet:
        """Conditions not met yet, of reports that no later row corrects."""
        return self.filter(state=ReportCondition.State.OPEN, report__replaced_by__isnull=True)

    def due(self, on: dt.date, *, within_days: int) -> ReportConditionQuerySet:
        """Open conditions due by `within_days` after `on`, overdue ones included."""
        return self.open().filter(due_on__lte=on + dt.timedelta(days=within_days))


class ReportCondition(models.Model):
    """What must happen, and by when, for us to go on relying on a report."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        MET = "met", "Met"
        WAIVED = "waived", "Waived"

    LIFE_CYCLE = ("state", "closed_on", "closed_by_id", "note", "owner_id")

    report = models.ForeignKey(AssuranceReport, on_delete=models.PROTECT, related_name="conditions")
    text = models.CharField(max_length=500)
    due_on = models.DateField(help_text="Last day on which it may still be open.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    closed_on = models.DateField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)

    objects = ReportConditionQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        default_permissions = ("view", "change")
        constraints = [
            models.CheckConstraint(
                name="condition_closed_by_somebody_on_a_day",
                condition=Q(state="open") | Q(closed_on__isnull=False, closed_by__isnull=False),
                violation_error_message="Who closes a condition, and when, is recorded.",
            ),
            models.CheckConstraint(
                name="condition_waived_with_a_reason",
                condition=~Q(state="waived") | ~Q(note=""),
                violation_error_message="Say why it is waived.",
            ),
        ]

    def __str__(self) -> str:
        return f"Condition due {self.due_on:%-d %b %Y}"
