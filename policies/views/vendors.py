"""What a vendor's page shows of policies: its verdict on PHI, and its integrations."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from policies.models import Integration
from policies.services.phi import phi_by_service, phi_summary
from policies.services.verdicts import for_gate, verdicts
from policies.views.integrations import row_of
from policies.views.presenting import reason_lines, service_papers
from vendors import as_of
from vendors.models import Vendor


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
        "total": uses.count(),
    }
    return render(request, "policies/vendor_integrations.html", context)
