"""What is used and no BAA in force covers, for the pages of a vendor and of an agreement."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from policies.services.uncovered import uncovered_uses
from vendors import as_of
from vendors.models import Agreement, Vendor


@require_safe
@permission_required("policies.view_integration", raise_exception=True)
def vendor_uncovered(request: HttpRequest, slug: str) -> HttpResponse:
    """Live uses of a vendor's services without a BAA in force; the part is #vendor-uncovered."""
    vendor = get_object_or_404(Vendor, slug=slug)
    return _uncovered(request, vendor, "vendor-uncovered")


@require_safe
@permission_required("policies.view_integration", raise_exception=True)
def agreement_uncovered(request: HttpRequest, pk: int) -> HttpResponse:
    """The same for the vendor of an agreement; the part is #agreement-uncovered."""
    agreement = get_object_or_404(Agreement.objects.select_related("vendor"), pk=pk)
    return _uncovered(request, agreement.vendor, "agreement-uncovered")


def _uncovered(request: HttpRequest, vendor: Vendor, part: str) -> HttpResponse:
    context = {
        "vendor": vendor,
        "part": part,
        "uses": uncovered_uses(vendor, as_of.reading_day()),
    }
    return render(request, "policies/vendor_uncovered.html", context)
