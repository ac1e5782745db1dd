"""Reads SOC 2 reports into the facts that coverage is computed from."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import JSONObject

from vendors.coverage import CarveOut, Limits, ReportFacts, Span
from vendors.models import AssuranceReport, BridgeLetter, ReportScope, Subservice

ACCEPTED = (AssuranceReport.Review.ACCEPT, AssuranceReport.Review.CONDITIONS)
SOC2 = (AssuranceReport.Kind.SOC2_TYPE1, AssuranceReport.Kind.SOC2_TYPE2)


def limits() -> Limits:
    """The organization's rules of thumb for reports, in days."""
    return Limits(
        stale_days=settings.REPORT_STALE_DAYS,
        bridge_days=settings.BRIDGE_MAX_DAYS,
        red_days=settings.REPORT_RED_DAYS,
    )


def current_reports(on: dt.date) -> QuerySet[AssuranceReport]:
    """Reports that cover the day `on` by themselves, by the organization's rules."""
    rules = limits()
    return AssuranceReport.objects.current(
        on, stale_days=rules.stale_days, bridge_days=rules.bridge_days
    )


def report_facts(report: AssuranceReport, bridges: Collection[Span] | None = None) -> ReportFacts:
    """A stored SOC 2 report in the form that coverage is computed from, its carve-outs aside.

    `bridges` holds the first and last day of each bridge letter, where they were read with it.
    """
    if bridges is None:
        bridges = [(b.covers_from, b.covers_to) for b in report.bridges.all()]
    type2 = report.kind == AssuranceReport.Kind.SOC2_TYPE2
    first = report.period_start if type2 else report.as_of
    last = report.period_end if type2 else report.as_of
    assert first is not None  # held by report_type2_has_a_period and report_type1_has_a_day
    assert last is not None
    return ReportFacts(
        report_id=report.pk,
        type2=type2,
        first_day=first,
        last_day=last,
        clean=report.opinion == AssuranceReport.Opinion.UNQUALIFIED,
        accepted=report.review in ACCEPTED,
        type2_due_on=report.type2_due_on,
        bridges=tuple(sorted(bridges)),
    )


def with_facts(
    wanted: QuerySet[AssuranceReport],
) -> list[tuple[AssuranceReport, ReportFacts, list[int]]]:
    """These SOC 2 reports, carve-outs counted, each with the services in its scope; one query.

    A row that another corrects is left out.
    """
    rows = list(_rows(wanted))
    plain = {row.pk: report_facts(row, [_span(b) for b in row.letters]) for row in rows}
    found = []
    for row in rows:
        if row.asked:
            parts = tuple(
                CarveOut(part["name"], _own(part["own_report"], rows, plain))
                for part in sorted(row.carved, key=lambda part: str(part["name"]))
            )
            found.append((row, replace(plain[row.pk], carve_outs=parts), row.service_ids))
    return found


def _rows(wanted: QuerySet[AssuranceReport]) -> QuerySet[Any]:
    """The reports wanted, and those of the vendors whose reports their carve-outs name."""
    asked = wanted.filter(pk=OuterRef("pk")).order_by()
    carved = Subservice.objects.needing_own_report().order_by()
    bridges = BridgeLetter.objects.filter(report=OuterRef("pk")).order_by()
    scopes = ReportScope.objects.filter(report=OuterRef("pk"), in_scope=ReportScope.InScope.YES)
    ids = wanted.order_by().values("pk")
    named = carved.filter(report__in=ids).values("own_report__vendor")
    # A union: for one or the other of two conditions, PostgreSQL would read every report there is.
    ids = ids.union(AssuranceReport.objects.filter(vendor__in=named).order_by().values("pk"))
    return (
        AssuranceReport.objects.standing()
        .filter(kind__in=SOC2, pk__in=ids)
        .annotate(
            asked=Exists(asked),
            service_ids=ArraySubquery(scopes.order_by().values("service_id")),
            letters=ArraySubquery(
                bridges.values(found=JSONObject(first="covers_from", last="covers_to"))
            ),
            carved=ArraySubquery(
                carved.filter(report=OuterRef("pk")).values(
                    found=JSONObject(name="name", own_report="own_report_id")
                )
            ),
        )
        .order_by("pk")
    )


def _own(
    report_id: int | None, rows: Collection[Any], plain: dict[int, ReportFacts]
) -> tuple[ReportFacts, ...]:
    """The reports a carve-out has of its own: the one linked, and those in its line.

    In its line is a report of the same vendor that has all its services in scope; the query
    `covering_carve_out` says the same.
    """
    linked = next((row for row in rows if row.pk == report_id), None)
    if linked is None:
        return ()
    services = set(linked.service_ids)
    return tuple(
        plain[row.pk]
        for row in rows
        if row.pk == linked.pk
        or (row.vendor_id == linked.vendor_id and services and services.issubset(row.service_ids))
    )


def _span(letter: dict[str, str]) -> Span:
    return dt.date.fromisoformat(letter["first"]), dt.date.fromisoformat(letter["last"])


def service_reports(service_ids: set[int]) -> dict[int, list[ReportFacts]]:
    """SOC 2 reports that have the service in scope, carve-outs counted; one query.

    A row that another corrects does not count.
    """
    scopes = ReportScope.objects.filter(
        service_id__in=service_ids, in_scope=ReportScope.InScope.YES
    )
    wanted = AssuranceReport.objects.filter(pk__in=scopes.values("report"))
    found: dict[int, list[ReportFacts]] = defaultdict(list)
    for _, facts, services in with_facts(wanted):
        for service_id in service_ids.intersection(services):
            found[service_id].append(facts)
    return found
