"""The timeline of what carries a vendor: reports, bridge letters and agreements on one axis."""

from __future__ import annotations

import datetime as dt

from django.urls import reverse

from vendors import charts
from vendors.coverage import relied_until
from vendors.lifecycle import SOON_DAYS
from vendors.models import AssuranceReport, Vendor
from vendors.pages.lines import AgreementLine, ReportLine, agreement_lines, report_lines
from vendors.services.report_facts import limits, report_facts

YEAR = dt.timedelta(days=365)


def vendor_timeline(vendor: Vendor, on: dt.date) -> charts.Timeline | None:
    """Reports, bridge letters and agreements of a vendor on one axis; None if it has none."""
    rows = [
        _report_row(line, on)
        for line in report_lines(vendor.reports.standing(), on)
        if line.until and line.report.review != AssuranceReport.Review.REJECT
    ]
    rows += [_agreement_row(line, on) for line in agreement_lines(vendor, on)]
    if not rows:
        return None
    return charts.timeline(
        rows,
        axis=charts.Axis(on - YEAR, on + YEAR + dt.timedelta(days=60), on),
        caption=charts.Caption(
            "papers",
            "What carries this vendor",
            "The days on which each report is relied on, bridge letters included, and the days "
            "on which each agreement is in force.",
        ),
        label=230,
    )


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
