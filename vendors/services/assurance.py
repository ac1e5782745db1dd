"""How assurance reports cover our services, on a day and over a period of ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.conf import settings

from vendors.coverage import Coverage, PeriodCoverage, ReportFacts, Span, assess, cover
from vendors.models import Service
from vendors.services.report_facts import limits, service_reports

YEAR, ONE_DAY = dt.timedelta(days=365), dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CoveredService:
    """A service with its coverage on a day."""

    service: Service
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class AuditedService:
    """A service with how its reports cover a period of ours."""

    service: Service
    reports: tuple[ReportFacts, ...]
    coverage: PeriodCoverage


def coverage_of(services: list[Service], on: dt.date) -> list[CoveredService]:
    """How assurance reports cover each service on the day `on`; one query."""
    reports = service_reports({service.pk for service in services})
    rules = limits()
    return [
        CoveredService(service, assess(tuple(reports[service.pk]), on, rules))
        for service in services
    ]


def audit_period(on: dt.date) -> Span:
    """The first and last day of the period that our own audit asks about.

    As it is set; without, the last twelve full months and this one to the day `on`. A day that is
    not set is taken from the other: a year from the start, or a year before the end.
    """
    first: dt.date | None = settings.AUDIT_PERIOD_START
    last: dt.date | None = settings.AUDIT_PERIOD_END
    if first is not None:
        return first, last or first + YEAR - ONE_DAY
    if last is not None:
        return last - YEAR + ONE_DAY, last
    return dt.date(on.year - 1, on.month, 1), on


def coverage_over(services: Collection[Service], period: Span) -> list[AuditedService]:
    """How assurance reports cover each service over a period; one query."""
    reports = service_reports({service.pk for service in services})
    rules = limits()
    found = []
    for service in services:
        of_service = tuple(reports[service.pk])
        found.append(AuditedService(service, of_service, cover(of_service, *period, rules)))
    return found
