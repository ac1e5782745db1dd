"""What the page of a vendor shows, tab by tab: a new tab is one entry in `VENDOR_TABS`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vendors.models import Vendor
from vendors.pages.agreement import clause_warnings, request_lines
from vendors.pages.coverage import coverage_card
from vendors.pages.cuecs import cuec_lines, registered
from vendors.pages.inquiries import of_vendor
from vendors.pages.lines import agreement_lines, fact_lines, report_lines, service_lines
from vendors.pages.states import reviews_tab
from vendors.pages.timeline import vendor_timeline
from vendors.tables import STATE_KINDS


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    url: str
    current: bool
    count: int | None = None


def _overview(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    in_force = vendor.agreements.in_force(on)
    return {
        "services": service_lines(vendor, on),
        "timeline": vendor_timeline(vendor, on),
        **coverage_card(vendor.services.offered(on), on),
        "clause_warnings": clause_warnings(in_force),
    }


def _services(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    return {"services": service_lines(vendor, on)}


def _agreements(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    wanted = vendor.agreement_requests.open().select_related("owner", "renews")
    return {
        "agreements": agreement_lines(vendor, on),
        "requests": request_lines(wanted.prefetch_related("services"), on),
    }


def _reports(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    return {
        "reports": report_lines(vendor.reports.all(), on),
        "drafts": vendor.report_drafts.open().select_related("changed_by", "replaces"),
    }


def _facts(vendor: Vendor, on: dt.date) -> dict[str, Any]:
    services = vendor.services.filter(retired_on__isnull=True)
    return {"facts": [(service, fact_lines(service, on)) for service in services]}


def _questionnaires(vendor: Vendor, _on: dt.date) -> dict[str, Any]:
    return of_vendor(vendor)


def _cuecs(vendor: Vendor, _on: dt.date) -> dict[str, Any]:
    return {"lines": cuec_lines(registered().filter(report__vendor=vendor))}


def _elsewhere(_vendor: Vendor, _on: dt.date) -> dict[str, Any]:
    """Nothing of this app: the tab loads what others know of the vendor."""
    return {}


VENDOR_TABS: dict[str, tuple[str, Callable[[Vendor, dt.date], dict[str, Any]]]] = {
    "overview": ("Overview", _overview),
    "services": ("Services", _services),
    "agreements": ("Agreements", _agreements),
    "reports": ("Reports", _reports),
    "cuecs": ("CUECs", _cuecs),
    "facts": ("Facts", _facts),
    "reviews": ("Reviews", reviews_tab),
    "questionnaires": ("Questionnaires", _questionnaires),
    "evidence": ("Evidence", _elsewhere),
    "calls": ("Calls", _elsewhere),
    "history": ("History", _elsewhere),
}

# Tabs of which not everybody who sees a vendor sees all, and the permission each asks for.
TAB_PERMISSIONS = {
    "reviews": "vendors.view_vendorreview",
    "cuecs": "vendors.view_cuec",
    "evidence": "evidence.view_finding",
    "calls": "audits.view_call",
}


def vendor_tabs(current: str, permitted: Callable[[str], bool]) -> list[Tab]:
    """The tabs that a person sees; `permitted` says whether they hold a permission."""
    return [
        Tab(label, f"?tab={name}", name == current)
        for name, (label, _) in VENDOR_TABS.items()
        if name not in TAB_PERMISSIONS or permitted(TAB_PERMISSIONS[name])
    ]


def vendor_page(vendor: Vendor, tab: str, on: dt.date) -> dict[str, Any]:
    """What a tab of the vendor's page needs, and the colour of its state."""
    return {
        "state_kind": STATE_KINDS[Vendor.State(vendor.state)],
        "review_days": (vendor.review_due_on - on).days if vendor.review_due_on else None,
        **VENDOR_TABS[tab][1](vendor, on),
    }
