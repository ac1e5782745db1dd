from __future__ import annotations

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from vendors.models.reports import AssuranceReport, ReportScope


class SubserviceQuerySet(models.QuerySet["Subservice"]):
    def needing_own_report(self) -> SubserviceQuerySet:
        """Those carved out that we rely on: each needs a report of its own."""
        return self.filter(method=Subservice.Method.CARVE_OUT, needs_own_report=True)

    def without_own_report_in(self, reports: QuerySet[AssuranceReport]) -> SubserviceQuerySet:
        """Those for which none of `reports` stands in: neither the one linked nor one in its line.

        In the line of a report is another of the same vendor that has all its services in scope;
        a linked row that was corrected stands in for nothing. `vendors.services.report_facts`
        says the same.
        """
        soc2 = [AssuranceReport.Kind.SOC2_TYPE1, AssuranceReport.Kind.SOC2_TYPE2]
        standing = Q(own_report__replaced_by__isnull=True, own_report__kind__in=soc2)
        scoped = ReportScope.objects.filter(in_scope=ReportScope.InScope.YES).order_by()
        there = scoped.filter(report=OuterRef(OuterRef("pk")), service=OuterRef("service"))
        lacking = scoped.filter(~Exists(there), report=OuterRef(OuterRef("own_report")))
        linked = Q(pk=OuterRef("own_report"))
        line = Q(
            Exists(scoped.filter(report=OuterRef(OuterRef("own_report")))),
            ~Exists(lacking),
            vendor=OuterRef("own_report__vendor"),
        )
        return self.exclude(standing & Q(Exists(reports.filter(linked | line).order_by())))


class Subservice(models.Model):
    """A subservice organization that a report names: inside its scope, or carved out of it.

    What is carved out and matters to us needs a report of its own; on days that none covers, the
    report that leaves it out does not cover us either. Source: AICPA SOC 2 guide, on the inclusive
    and the carve-out method.
    """

    class Method(models.TextChoices):
        INCLUSIVE = "inclusive", "Inclusive"
        CARVE_OUT = "carve_out", "Carved out"

    # What may change in a stored row; its trigger names the same columns.
    LIFE_CYCLE = ("needs_own_report", "own_report_id")

    report = models.ForeignKey(
        AssuranceReport, on_delete=models.PROTECT, related_name="subservices"
    )
    name = models.CharField(max_length=120)
    function = models.CharField(
        max_length=200, blank=True, help_text="What it does for the vendor, such as hosting."
    )
    method = models.CharField(max_length=9, choices=Method, default=Method.CARVE_OUT)
    needs_own_report = models.BooleanField(
        default=True,
        help_text="Whether we rely on it so far that a carve-out needs a report of its own.",
    )
    own_report = models.ForeignKey(
        AssuranceReport,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="stands_in_for",
        help_text="The SOC 2 report of the subservice organization itself.",
    )
    page = models.CharField(max_length=40, blank=True)

    objects = SubserviceQuerySet.as_manager()

    class Meta:
        ordering = ["report", "name"]
        constraints = [
            models.UniqueConstraint(
                F("report"),
                Lower("name"),
                name="subservice_once_a_report",
                violation_error_message="This subservice is listed already.",
            ),
            models.CheckConstraint(
                name="subservice_own_report_is_another",
                condition=Q(own_report__isnull=True) | ~Q(own_report=F("report")),
                violation_error_message="A report cannot be the subservice's own.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
