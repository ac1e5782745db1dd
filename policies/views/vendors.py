"""What a vendor's page shows of policies: its verdict on PHI, and its integrations."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from policies.models import Integration
from policies.pages.integrations import INTEGRATION_LIST
from policies.pages.vendors import judged_rows, vendor_standings, with_own_cells
from policies.services.phi import phi_by_service, phi_summary
from policies.services.verdicts import for_gate, verdicts
from policies.views.integrations import row_of
from policies.views.presenting import reason_lines, service_papers
from vendors import as_of
from vendors.exports import table_response
from vendors.models import Vendor
from vendors.tables import VENDOR_LIST
from vendors.tables.columns import file_rows, headers
from vendors.views.register import vendor_filter

# No list shows more of them on a page.
MOST_FIGURES = 50


@require_safe
@permission_required("policies.view_integration", raise_exception=True)
def vendor_verdict(request: HttpRequest, slug: str) -> HttpResponse:
    """Which of a vendor's services PHI could go to, and until when; the part is #verdict."""
    vendor = get_object_or_404(Vendor, slug=slug)
    on = as_of.reading_day()
    services = list(vendor.services.offered(on))
    found = phi_by_service(services, on)
    summary = phi_summary(list(found.values()))
    papers = service_papers({s: found[s.pk].verdict for s in services}, on)
    context = {
        "vendor": vendor,
        "summary": summary,
        "kind": _kind(summary.allowed, summary.total),
        "services": [
            {
                "service": service,
                "phi": found[service.pk],
                "reasons": reason_lines(found[service.pk].verdict),
                "days": _days(found[service.pk].verdict.until, on),
                "papers": lines,
            }
            for service, lines in zip(services, papers, strict=True)
        ],
    }
    return render(request, "policies/vendor_verdict.html", context)


def _kind(allowed: int, total: int) -> str:
    if not total:
        return "neutral"
    return "ok" if allowed == total else "soon" if allowed else "bad"


def _days(until: dt.date | None, on: dt.date) -> int | None:
    return (until - on).days if until else None


@require_safe
@permission_required("policies.view_integration", raise_exception=True)
def vendor_integrations(request: HttpRequest, slug: str) -> HttpResponse:
    """The integrations that use a vendor's services, the first hundred; the part is #uses."""
    vendor = get_object_or_404(Vendor, slug=slug)
    on = as_of.reading_day()
    uses = Integration.objects.open().filter(service__vendor=vendor).select_related("owner")
    shown = list(for_gate(uses)[:100])
    found = verdicts(shown, on) if shown else {}
    context = {
        "vendor": vendor,
        "rows": [row_of(i, found[i.pk], on) for i in shown],
        "columns": INTEGRATION_LIST.shown(()),
        "total": uses.count(),
    }
    return render(request, "policies/vendor_integrations.html", context)


@require_safe
@permission_required(("policies.view_integration", "vendors.view_vendor"), raise_exception=True)
def vendor_figures(request: HttpRequest) -> HttpResponse:
    """PHI and uses of the vendors that the address names, the first fifty; parts by their slugs."""
    on = as_of.reading_day()
    slugs = request.GET.getlist("vendor")[:MOST_FIGURES]
    vendors = list(Vendor.objects.filter(slug__in=slugs).order_by("name"))
    found = vendor_standings(vendors, on) if vendors else {}
    rows = [{"vendor": vendor, "standing": found[vendor.pk]} for vendor in vendors]
    return render(request, "policies/vendor_figures.html", {"rows": rows})


@require_safe
@permission_required(("policies.view_integration", "vendors.view_vendor"), raise_exception=True)
def vendor_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The list of vendors as it is shown, all its pages, with PHI by the gate and the uses."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    on = as_of.reading_day()
    columns = with_own_cells(VENDOR_LIST.chosen(request.GET))
    vendors = vendor_filter(request, request.GET).qs
    rows = file_rows(columns, judged_rows(vendors, on))
    return table_response(kind, f"vendors-{on.isoformat()}", headers(columns), rows)
