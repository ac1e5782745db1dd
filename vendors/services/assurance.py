"""Which services and reports leave us uncovered on a day; exact, by `vendors.coverage`."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from vendors.coverage import Assurance, Coverage, assess, relied_until
from vendors.models import AssuranceReport, Service, Vendor
from vendors.services.postures import postures
from vendors.services.report_facts import limits, report_facts

UNCOVERED = (
    Assurance.NONE,
    Assurance.GAP,
    Assurance.STALE,
    Assurance.TYPE1_OVERDUE,
    Assurance.QUALIFIED,
)
IN_USE = (Vendor.State.APPROVED, Vendor.State.CONDITIONS, Vendor.State.SUSPENDED)


@dataclass(frozen=True, slots=True)
class CoveredService:
    """A service with its coverage on a day."""

    service: Service
    coverage: Coverage


def coverage_of(services: list[Service], on: dt.date) -> list[CoveredService]:
    """How assurance reports cover each service on the day `on`."""
    known = postures(services, on)
    return [
        CoveredService(service, assess(known[service.pk].reports, on, known[service.pk].limits))
        for service in services
    ]


def uncovered_services(on: dt.date) -> list[CoveredService]:
    """Offered services of vendors in use that no accepted report carries on the day `on`."""
    services = list(
        Service.objects.offered(on).filter(vendor__state__in=IN_USE).select_related("vendor")
    )
    return [covered for covered in coverage_of(services, on) if covered.coverage.state in UNCOVERED]


def stale_reports(on: dt.date, *, within_days: int = 0) -> list[tuple[AssuranceReport, dt.date]]:
    """The newest type II of each vendor that is not relied on `within_days` after `on`.

    Returns: each with the last day on which it is relied on, bridge letters counted.
    """
    newest = (
        AssuranceReport.objects.counted()
        .filter(kind=AssuranceReport.Kind.SOC2_TYPE2, vendor__state__in=IN_USE)
        .order_by("vendor_id", "-period_end", "-pk")
        .distinct("vendor_id")
        .select_related("vendor")
        .prefetch_related("bridges")
    )
    rules = limits()
    last_days = [(report, relied_until(report_facts(report), rules)[1]) for report in newest]
    return [(r, last) for r, last in last_days if last < on + dt.timedelta(days=within_days)]
