"""What a check is, what it is asked, and what it answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, QuerySet

from audits.services.completeness import Completeness, Period, completeness
from evidence.models import Finding
from policies.models import Integration
from vendors.coverage import Coverage, ReportFacts, assess
from vendors.models import ReportScope, Service
from vendors.services.report_facts import current_reports, limits, service_reports

Severity = Finding.Severity


@dataclass(frozen=True)
class Asked:
    """One question to every check: how things stand on the day `on`, at the moment `at` (UTC).

    What several checks need is read once and kept here.
    """

    on: dt.date
    at: dt.datetime
    _uncovered: dict[dt.date, list[Rested]] = field(default_factory=dict, repr=False)

    @cached_property
    def phi_services(self) -> frozenset[int]:
        """Ids of the services that live integrations send PHI to."""
        live = Integration.objects.live().filter(data_classes__is_phi=True)
        return frozenset(live.values_list("service_id", flat=True))

    @cached_property
    def completeness(self) -> Completeness:
        """What providers counted against what was recorded, of the days that findings speak of."""
        return completeness(Period.until_yesterday(self.at, settings.USAGE_WINDOW_DAYS))

    def uncovered(self, until: dt.date) -> list[Rested]:
        """Services in use that no clean type II covers by itself past the day `until`."""
        if until not in self._uncovered:
            self._uncovered[until] = list(self._read_uncovered(until))
        return self._uncovered[until]

    def _read_uncovered(self, until: dt.date) -> Iterator[Rested]:
        rules = limits()
        # What covers the day after is left out by the database: a large register has few others.
        covering = current_reports(until + dt.timedelta(days=1)).filter(
            pk__in=current_reports(self.on).values("pk")
        )
        covered = ReportScope.objects.filter(
            service=OuterRef("pk"), in_scope=ReportScope.InScope.YES, report__in=covering
        )
        services = services_in_use().filter(~Exists(covered)).select_related("vendor__owner")
        reports = service_reports({service.pk for service in services})
        for service in services:
            facts = tuple(reports.get(service.pk, ()))
            yield Rested(service, facts, assess(facts, self.on, rules))


@dataclass(frozen=True, slots=True)
class Rested:
    """A service in use with the SOC 2 reports that have it in scope, and what they come to."""

    service: Service
    reports: tuple[ReportFacts, ...]
    coverage: Coverage


def services_in_use() -> QuerySet[Service]:
    """The services that integrations in use rest on."""
    return Service.objects.filter(
        Exists(Integration.objects.in_use().filter(service=OuterRef("pk")))
    )


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing that a check found.

    `due_on` is the last day on which all is well; None if it is not about a day. `severity` is
    given only where the check's own rule cannot tell it. `detail` names papers, reasons and
    counts, never anything that a call carried.
    """

    subject: Model
    label: str
    due_on: dt.date | None = None
    detail: str = ""
    owner_id: int | None = None
    vendor_id: int | None = None
    integration_id: int | None = None
    severity: Finding.Severity | None = None


def about(
    integration: Integration,
    detail: str = "",
    severity: Finding.Severity | None = None,
    *,
    due_on: dt.date | None = None,
) -> Sighting:
    """What a check found of an integration, which comes with its owner and service."""
    return Sighting(
        subject=integration,
        label=integration.name,
        due_on=due_on,
        detail=detail[:300],
        owner_id=answering(integration.owner),
        vendor_id=integration.service.vendor_id,
        integration_id=integration.pk,
        severity=severity,
    )


def integrations_of(ids: Collection[int]) -> Iterator[Integration]:
    """The integrations of these ids by name, with all that `weighed` reads of them."""
    rows = Integration.objects.filter(pk__in=ids).order_by("name", "pk")
    yield from rows.select_related("owner", "service").prefetch_related("data_classes")


def weighed(integration: Integration, detail: str) -> Sighting:
    """As `about`: of high severity where the integration sends PHI, else of medium."""
    phi = any(each.is_phi for each in integration.data_classes.all())
    return about(integration, detail, Severity.HIGH if phi else Severity.MEDIUM)


def counted(number: int, what: str) -> str:
    """The number with its unit, such as 1 call, 1,200 calls."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of the table of daily checks.

    `find` takes what is asked, and the last day to look at: a thing whose last good day is that
    one is still told. `horizon_days` is how many days ahead that is; None if the check is not
    about days, and then it has no place among the deadlines either. `severity` takes the days
    left, negative when overdue, None without a due day. `watch` asks for what is new every few
    minutes, where a day is too long to wait; None where it is not.
    """

    code: str
    title: str
    control: str
    remedy: str
    find: Callable[[Asked, dt.date], Iterable[Sighting]]
    severity: Callable[[int | None], Finding.Severity]
    horizon_days: int | None = None
    watch: Callable[[Asked, dt.date], Iterable[Sighting]] | None = None

    def sightings(self, asked: Asked) -> Iterable[Sighting]:
        """What the check finds within its own horizon."""
        return self.find(asked, asked.on + dt.timedelta(days=self.horizon_days or 0))

    def severity_of(self, sighting: Sighting, on: dt.date) -> Finding.Severity:
        days = (sighting.due_on - on).days if sighting.due_on else None
        return sighting.severity or self.severity(days)


def pressing(days: int | None) -> Finding.Severity:
    """For what stops PHI calls when it ends: high from 14 days before, medium from 30."""
    if days is None or days <= 14:
        return Severity.HIGH
    return Severity.MEDIUM if days <= 30 else Severity.LOW


def steady(days: int | None) -> Finding.Severity:
    """For periodic work: high when it is overdue, medium in the last two weeks."""
    if days is not None and days < 0:
        return Severity.HIGH
    return Severity.MEDIUM if days is None or days <= 14 else Severity.LOW


def gentle(days: int | None) -> Finding.Severity:
    """For what the gate tells apart when it matters: medium when it is overdue."""
    return Severity.LOW if days is not None and days >= 0 else Severity.MEDIUM


def always(severity: Finding.Severity) -> Callable[[int | None], Finding.Severity]:
    return lambda _days: severity


def answering(owner: Model | None) -> int | None:
    """The owner's id, unless they left: then the compliance officers answer."""
    return owner.pk if owner is not None and getattr(owner, "is_active", False) else None
