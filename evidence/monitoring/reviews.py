"""Checks of what a review of a report leaves to do: conditions to meet, CUECs to put in place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import groupby

from evidence.monitoring.sightings import Asked, Sighting, answering, services_in_use
from vendors.models import Cuec, ReportCondition, Vendor


def report_conditions(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Open conditions of reviews whose last day is near or past; one for each."""
    within = (until - asked.on).days
    rows = ReportCondition.objects.due(asked.on, within_days=within).filter(
        report__vendor__in=Vendor.objects.engaged()
    )
    for row in rows.select_related("report__vendor__owner", "owner"):
        vendor = row.report.vendor
        yield Sighting(
            subject=row,
            label=f"{vendor.name}: {row.report}",
            due_on=row.due_on,
            detail=row.text[:300],
            owner_id=answering(row.owner) or answering(vendor.owner),
            vendor_id=vendor.pk,
        )


def cuecs_unmet(_asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Reports of vendors in use with CUECs that are not in place; one for each report."""
    rows = (
        Cuec.objects.standing()
        .unmet()
        .filter(report__vendor__services__in=services_in_use())
        .distinct()
        .order_by("report_id", "pk")
        .select_related("report__vendor__owner")
    )
    for _, group in groupby(rows, key=lambda cuec: cuec.report_id):
        cuecs = list(group)
        report = cuecs[0].report
        unassessed = sum(cuec.state == Cuec.State.OPEN for cuec in cuecs)
        yield Sighting(
            subject=report,
            label=f"{report.vendor.name}: {report}",
            detail=f"{len(cuecs)} not in place, {unassessed} of them not assessed",
            owner_id=answering(report.vendor.owner),
            vendor_id=report.vendor_id,
        )
