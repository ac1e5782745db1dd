"""The expiry timeline above the vendor list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.urls import reverse

from vendors import charts
from vendors.lifecycle import SOON_DAYS
from vendors.services.report_facts import limits, report_facts
from vendors.tables.vendors import VendorRow

# The days that the timeline shows around today.
BEFORE, AFTER = dt.timedelta(days=120), dt.timedelta(days=420)


def expiry_timeline(rows: Iterable[VendorRow], on: dt.date) -> charts.Timeline:
    """Which report each vendor of the page is relied on until, and the day its BAA ends."""
    return charts.timeline(
        [_timeline_row(row) for row in rows],
        axis=charts.Axis(on - BEFORE, on + AFTER, on),
        caption=charts.Caption(
            "expiry",
            "Expiry timeline",
            "For each vendor, the days on which its SOC 2 report is relied on and the last day of "
            "its BAA.",
        ),
    )


def _timeline_row(row: VendorRow) -> charts.Row:
    spans: tuple[charts.Span, ...] = ()
    report = row.report
    if report is not None:
        facts = report_facts(report, ())
        until = row.coverage.until or facts.last_day + dt.timedelta(days=limits().stale_days)
        days = (until - row.on).days
        kind, label = "main", "Report relied on"
        if days < 0 or row.assurance[0] == "bad":
            kind, label = "bad", "No longer relied on"
        elif days <= SOON_DAYS:
            kind, label = "soon", f"Within {SOON_DAYS} days"
        spans = (charts.Span(facts.first_day, until, kind, label),)
    last = row.baa.last_day() if row.baa else None
    markers: tuple[charts.Marker, ...] = ()
    if last is not None:
        kind = {"bad": "bad", "soon": "soon"}.get(row.baa_standing.kind, "main")
        markers = (charts.Marker(last, kind, "BAA ends"),)
    return charts.Row(
        row.vendor.name, spans, markers, reverse("vendors:vendor-detail", args=[row.vendor.slug])
    )
