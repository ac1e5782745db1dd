"""The timeline of what carries a vendor: reports, bridge letters and agreements on one axis."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.urls import reverse

from vendors import charts
from vendors.coverage import ReportFacts, cover, relied_until
from vendors.lifecycle import SOON_DAYS
from vendors.models import AssuranceReport, Vendor
from vendors.pages.lines import AgreementLine, ReportLine, agreement_lines, report_lines
from vendors.services.assurance import audit_period
from vendors.services.report_facts import limits, report_facts, with_facts

YEAR, AFTER = dt.timedelta(days=365), dt.timedelta(days=60)
OWN, OPEN = "Carved out, with its own report", "Carved out, with no report of its own"


def vendor_timeline(vendor: Vendor, on: dt.date) -> charts.Timeline | None:
    """Reports with what they carve out, bridge letters and agreements of a vendor on one axis.

    Our audit period is shaded on it. None if the vendor has no paper.
    """
    period = audit_period(on)
    axis = charts.Axis(min(on - YEAR, period[0]), max(on + YEAR + AFTER, period[1]), on, period)
    carved = {row.pk: facts for row, facts, _ in with_facts(vendor.reports.standing())}
    rows: list[charts.Row] = []
    for line in report_lines(vendor.reports.standing(), on):
        if line.until and line.report.review != AssuranceReport.Review.REJECT:
            rows.append(_report_row(line, on))
            rows += _carve_out_rows(carved[line.report.pk], line, axis)
    rows += [_agreement_row(line, on) for line in agreement_lines(vendor, on)]
    if not rows:
        return None
    return charts.timeline(
        rows,
        axis=axis,
        caption=charts.Caption(
            "papers",
            "What carries this vendor",
            "The days on which each report is relied on, bridge letters included, whether what it "
            "carves out has a report of its own, and the days on which each agreement is in "
            "force, with our audit period shaded.",
        ),
        label=230,
    )


def _carve_out_rows(
    facts: ReportFacts, line: ReportLine, axis: charts.Axis
) -> Iterator[charts.Row]:
    """A row for each carve-out that needs its own report, as far as the main one is relied on."""
    first = max(facts.first_day, axis.first)
    last = min(line.until or axis.last, axis.last)
    if last < first:
        return
    url = reverse("vendors:report-detail", args=[line.report.pk])
    for part in facts.carve_outs:
        own = cover(part.reports, first, last, limits())
        spans = [charts.Span(s.first, s.last, "info", OWN) for s in own.stretches if s.covered]
        spans += [charts.Span(*gap, "bad", OPEN) for gap in own.gaps]
        yield charts.Row(f"without {part.name}", tuple(spans), (), url)


def _report_row(line: ReportLine, on: dt.date) -> charts.Row:
    report, facts = line.report, report_facts(line.report)
    assert line.until is not None
    alone = relied_until(facts, limits())[0]
    kind, label = "main", "Report relied on"
    if report.review == "pending":
        kind, label = "neutral", "Not reviewed yet"
    elif line.until < on:
        kind, label = "bad", "No longer relied on"
    elif (line.until - on).days <= SOON_DAYS:
        kind, label = "soon", f"Within {SOON_DAYS} days"
    spans = [charts.Span(facts.first_day, alone, kind, label)]
    if line.until > alone:
        first = alone + dt.timedelta(days=1)
        spans.append(charts.Span(first, line.until, "info", "Bridge letter"))
    url = reverse("vendors:report-detail", args=[report.pk])
    return charts.Row(str(report), tuple(spans), (), url)


def _agreement_row(line: AgreementLine, on: dt.date) -> charts.Row:
    agreement, last = line.agreement, line.agreement.last_day()
    kind, label = {
        "bad": ("bad", "Agreement ended"),
        "neutral": ("neutral", "Replaced by a newer version"),
        "soon": ("soon", f"Within {SOON_DAYS} days"),
    }.get(line.standing.kind, ("ok", "Agreement in force"))
    spans: tuple[charts.Span, ...] = ()
    if last is None or last >= agreement.starts_on:
        spans = (charts.Span(agreement.starts_on, last, kind, label),)
    markers: tuple[charts.Marker, ...] = ()
    if last is not None and spans and line.standing.kind != "neutral":
        tone = {"bad": "bad", "soon": "soon"}.get(line.standing.kind, "main")
        markers = (charts.Marker(last, tone, "Agreement ends"),)
    url = reverse("vendors:agreement-detail", args=[agreement.pk])
    version = f" v{agreement.version}" if agreement.version > 1 else ""
    return charts.Row(f"{agreement}{version}", spans, markers, url)
