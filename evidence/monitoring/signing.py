"""Checks of what is done about agreements: notices, requests, clauses, return of data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from evidence.monitoring.sightings import Asked, Sighting, answering
from vendors.lifecycle import notice_deadline
from vendors.models import Agreement, AgreementRequest, Vendor
from vendors.services.clauses import agreements_with_concerns


def of_agreement(agreement: Agreement, due_on: dt.date | None, detail: str = "") -> Sighting:
    """A sighting of an agreement; its owner answers, or the vendor's."""
    vendor = agreement.vendor
    return Sighting(
        subject=agreement,
        label=f"{vendor.name}: {agreement.reference}",
        due_on=due_on,
        detail=detail,
        owner_id=answering(agreement.owner) or answering(vendor.owner),
        vendor_id=vendor.pk,
    )


def notices_due(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Agreements of engaged vendors whose notice is due, with no renewal and no successor."""
    rows = Agreement.objects.notice_due(asked.on, until=until).filter(
        vendor__in=Vendor.objects.engaged()
    )
    for row in rows.select_related("vendor__owner", "owner"):
        notice_on = notice_deadline(row.ends_on, row.notice_days)
        yield of_agreement(row, notice_on, f"{row.notice_days} days before its last day")


def requests_due(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Open requests whose agreement is wanted by then."""
    rows = AgreementRequest.objects.due(until).filter(vendor__in=Vendor.objects.engaged())
    for row in rows.select_related("vendor__owner", "owner", "renews"):
        yield Sighting(
            subject=row,
            label=f"{row.vendor.name}: {row}",
            due_on=row.due_on,
            detail=row.get_state_display(),
            owner_id=answering(row.owner) or answering(row.vendor.owner),
            vendor_id=row.vendor_id,
        )


def returns_due(_asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Ended agreements without the proof that data came back or was destroyed.

    Vendors that left count too: they are those who owe it.
    """
    rows = Agreement.objects.to_return(until)
    for row in rows.select_related("vendor__owner", "owner"):
        yield of_agreement(row, row.return_due_on, "No proof that data came back or is gone")


def clauses_missing(asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Agreements in force in which a required clause was read as absent or weak."""
    rows = Agreement.objects.in_force(asked.on).filter(
        clauses__read_on__isnull=False, vendor__in=Vendor.objects.engaged()
    )
    for row, titles in agreements_with_concerns(
        rows.distinct().select_related("vendor__owner", "owner")
    ):
        yield of_agreement(row, None, ", ".join(titles)[:300])
