from __future__ import annotations

import datetime as dt

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.db.models.functions import Greatest

from vendors.models.documents import Document
from vendors.models.register import Service, Vendor


def _next(day: str) -> Func:
    """The day after the one in the column `day`."""
    return Func(F(day), template="(%(expressions)s + 1)", output_field=models.DateField())


class AssuranceReportQuerySet(models.QuerySet["AssuranceReport"]):
    def standing(self) -> AssuranceReportQuerySet:
        """Reports that no later row corrects."""
        return self.filter(replaced_by__isnull=True)

    def counted(self) -> AssuranceReportQuerySet:
        """SOC 2 reports that coverage counts: accepted, not corrected, with a service in scope."""
        scoped = ReportScope.objects.filter(report=OuterRef("pk"), in_scope=ReportScope.InScope.YES)
        return self.standing().filter(
            Exists(scoped),
            kind__in=[AssuranceReport.Kind.SOC2_TYPE1, AssuranceReport.Kind.SOC2_TYPE2],
            review__in=AssuranceReport.RELIED_ON,
        )

    def current(self, on: dt.date, *, stale_days: int, bridge_days: int) -> AssuranceReportQuerySet:
        """Unqualified type II reports relied on by themselves on the day `on`.

        What they carve out has a report of its own that day. The same as `Assurance.CURRENT` of
        `vendors.coverage`; a test holds them together.
        """
        own = AssuranceReport.objects.relied_on(on, stale_days=stale_days, bridge_days=bridge_days)
        subservices = apps.get_model("vendors", "Subservice").objects
        holes = subservices.needing_own_report().without_own_report_in(own)
        return self.counted().filter(
            ~Exists(holes.filter(report=OuterRef("pk"))),
            kind=AssuranceReport.Kind.SOC2_TYPE2,
            opinion=AssuranceReport.Opinion.UNQUALIFIED,
            period_start__lte=on,
            period_end__gte=on - dt.timedelta(days=stale_days),
        )

    def relied_on(
        self, on: dt.date, *, stale_days: int, bridge_days: int
    ) -> AssuranceReportQuerySet:
        """Accepted, unqualified SOC 2 reports that cover the day `on`, their carve-outs aside.

        A type II by itself, or by letters that leave no day out; a type I until its type II is
        due. They need no service of ours in scope.
        """
        fresh = on - dt.timedelta(days=stale_days)
        letters = BridgeLetter.objects.filter(report=OuterRef("pk")).order_by()
        going_on = BridgeLetter.objects.filter(
            report=OuterRef("report"),
            covers_from__lte=OuterRef("next"),
            covers_to__gte=OuterRef("next"),
        ).order_by()
        first = letters.filter(covers_from__lte=OuterRef("next"), covers_to__gte=OuterRef("next"))
        # A letter that ends before the day, and that no other goes on from, breaks the chain.
        breaks = letters.annotate(next=_next("covers_to")).filter(
            ~Exists(going_on), next__lte=on, next__gt=OuterRef("next")
        )
        accepted = self.standing().filter(
            review__in=[AssuranceReport.Review.ACCEPT, AssuranceReport.Review.CONDITIONS],
            opinion=AssuranceReport.Opinion.UNQUALIFIED,
        )
        type2 = Q(kind=AssuranceReport.Kind.SOC2_TYPE2, period_start__lte=on)
        bridged = Q(
            Exists(first), ~Exists(breaks), period_end__gte=fresh - dt.timedelta(days=bridge_days)
        )
        type1 = Q(
            kind=AssuranceReport.Kind.SOC2_TYPE1,
            as_of__lte=on,
            type2_due_on__gte=Greatest(F("as_of"), on, output_field=models.DateField()),
        )
        return accepted.annotate(next=_next("period_end")).filter(
            (type2 & (Q(period_end__gte=fresh) | bridged)) | type1
        )

    def type1_overdue(self, on: dt.date) -> AssuranceReportQuerySet:
        """Type I reports relied on past the day their type II was due, with no type II since."""
        type2 = AssuranceReport.objects.counted().filter(
            kind=AssuranceReport.Kind.SOC2_TYPE2,
            vendor=OuterRef("vendor"),
            period_end__gte=OuterRef("as_of"),
        )
        return self.counted().filter(
            Q(type2_due_on__isnull=True) | Q(type2_due_on__lt=on),
            ~Exists(type2),
            kind=AssuranceReport.Kind.SOC2_TYPE1,
        )

    def type2_due(self, on: dt.date, *, within_days: int) -> AssuranceReportQuerySet:
        """Type I reports whose type II is due by `within_days` after `on` or was before."""
        return self.type1_overdue(on + dt.timedelta(days=within_days + 1))

    def to_review(self) -> AssuranceReportQuerySet:
        """Reports recorded and not reviewed yet."""
        return self.standing().filter(review=AssuranceReport.Review.PENDING)


class AssuranceReport(models.Model):
    """An independent report on a vendor's controls, as issued, with our review of it.

    A type II report covers a period, both days counting; a type I describes one day.
    """

    class Kind(models.TextChoices):
        SOC2_TYPE2 = "soc2_type2", "SOC 2 Type II"
        SOC2_TYPE1 = "soc2_type1", "SOC 2 Type I"
        SOC1 = "soc1", "SOC 1"
        SOC3 = "soc3", "SOC 3"
        ISO27001 = "iso27001", "ISO 27001"
        HITRUST = "hitrust", "HITRUST"

    class Opinion(models.TextChoices):
        UNQUALIFIED = "unqualified", "Unqualified"
        QUALIFIED = "qualified", "Qualified"
        ADVERSE = "adverse", "Adverse"
        DISCLAIMER = "disclaimer", "Disclaimer"
        NONE = "none", "Not an opinion"

    class Review(models.TextChoices):
        PENDING = "pending", "Not reviewed"
        ACCEPT = "accept", "Accepted"
        CONDITIONS = "accept_with_conditions", "Accepted with conditions"
        REJECT = "reject", "Rejected"

    class Category(models.TextChoices):
        SECURITY = "security", "Security"
        AVAILABILITY = "availability", "Availability"
        INTEGRITY = "processing_integrity", "Processing integrity"
        CONFIDENTIALITY = "confidentiality", "Confidentiality"
        PRIVACY = "privacy", "Privacy"

    # The verdicts by which a report counts.
    RELIED_ON = (Review.ACCEPT, Review.CONDITIONS)
    # What may change in a stored row; the trigger in migration 0002 names the same fields.
    LIFE_CYCLE = ("review", "review_note", "reviewed_by_id", "reviewed_on", "type2_due_on")

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="reports")
    kind = models.CharField(max_length=10, choices=Kind)
    as_of = models.DateField(null=True, blank=True, help_text="The day a type I describes.")
    period_start = models.DateField(null=True, blank=True)
    period_end = models.DateField(null=True, blank=True)
    issued_on = models.DateField(null=True, blank=True, help_text="Date of the auditor's letter.")
    auditor = models.CharField(max_length=160)
    opinion = models.CharField(max_length=12, choices=Opinion, default=Opinion.UNQUALIFIED)
    categories = ArrayField(
        models.CharField(max_length=20, choices=Category), default=list, blank=True
    )
    exception_count = models.PositiveSmallIntegerField(default=0)
    certificate_number = models.CharField(max_length=80, blank=True)
    valid_until = models.DateField(
        null=True, blank=True, help_text="Last day on which a certificate is valid."
    )
    scope_statement = models.TextField(
        max_length=2000, blank=True, help_text="What the certificate or report says it covers."
    )
    pages = models.JSONField(
        default=dict, blank=True, help_text="The page of the document on which each field stands."
    )
    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    replaces = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="replaced_by",
        help_text="The row this one corrects.",
    )
    type2_due_on = models.DateField(
        "type II due",
        null=True,
        blank=True,
        help_text="The day by which a type II must have arrived, for a type I we rely on.",
    )
    review = models.CharField(max_length=22, choices=Review, default=Review.PENDING)
    review_note = models.TextField(blank=True, max_length=2000)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reviewed_on = models.DateField(null=True, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField(auto_now_add=True)

    objects = AssuranceReportQuerySet.as_manager()

    class Meta:
        ordering = ["vendor__name", F("period_end").desc(nulls_last=True), "-pk"]
        permissions = [("review_assurancereport", "Can review an assurance report")]
        constraints = [
            models.CheckConstraint(
                name="report_type2_has_a_period",
                condition=~Q(kind="soc2_type2")
                | Q(period_start__isnull=False, period_end__isnull=False),
                violation_error_message="A type II report covers a period: give both its days.",
            ),
            models.CheckConstraint(
                name="report_type1_has_a_day",
                condition=~Q(kind="soc2_type1") | Q(as_of__isnull=False),
                violation_error_message="A type I report describes one day: give it.",
            ),
            models.CheckConstraint(
                name="report_period_ends_after_it_starts",
                condition=Q(period_end__isnull=True)
                | Q(period_start__isnull=True)
                | Q(period_end__gte=F("period_start")),
                violation_error_message="The period ends before it begins.",
            ),
            models.CheckConstraint(
                name="report_reviewed_by_somebody_on_a_day",
                condition=Q(review="pending")
                | Q(reviewed_by__isnull=False, reviewed_on__isnull=False),
                violation_error_message="A review has a person and a day.",
            ),
        ]

    def __str__(self) -> str:
        if self.period_end:
            return f"{self.get_kind_display()} to {self.period_end:%-d %b %Y}"
        return f"{self.get_kind_display()}" + (f" of {self.as_of:%-d %b %Y}" if self.as_of else "")


class ReportScope(models.Model):
    """Whether a report speaks of one of our services; read in the system description."""

    class InScope(models.TextChoices):
        YES = "yes", "In scope"
        NO = "no", "Not in scope"
        UNCLEAR = "unclear", "Unclear"

    report = models.ForeignKey(AssuranceReport, on_delete=models.PROTECT, related_name="scopes")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="report_scopes")
    in_scope = models.CharField(max_length=8, choices=InScope, default=InScope.YES)
    page = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["service__name"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["report", "service"],
                name="report_scope_once",
                violation_error_message="This service is listed already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service}: {self.get_in_scope_display()}"


class BridgeLetter(models.Model):
    """The vendor management's word for the days after a report's period; both days count."""

    report = models.ForeignKey(AssuranceReport, on_delete=models.PROTECT, related_name="bridges")
    covers_from = models.DateField()
    covers_to = models.DateField()
    signer = models.CharField(
        max_length=160, help_text="For the vendor's management, not the auditor."
    )
    signer_role = models.CharField(max_length=120, blank=True)
    signed_on = models.DateField(null=True, blank=True)
    discloses_changes = models.BooleanField("discloses changes or incidents", default=False)
    changes = models.TextField(
        "changes disclosed", blank=True, max_length=1000, help_text="Changes of the controls."
    )
    incidents = models.TextField("incidents disclosed", blank=True, max_length=1000)
    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["covers_from"]
        constraints = [
            models.CheckConstraint(
                name="bridge_ends_after_it_starts",
                condition=Q(covers_to__gte=F("covers_from")),
                violation_error_message="The last day is before the first.",
            ),
        ]

    def __str__(self) -> str:
        return f"Bridge letter to {self.covers_to:%-d %b %Y}"
