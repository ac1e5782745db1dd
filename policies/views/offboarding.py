"""Leaving a vendor, as far as our own uses of it are concerned."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from policies.services.offboarding import leave_vendor, remaining
from vendors import as_of
from vendors.models import Offboarding, Vendor


@require_safe
@permission_required("policies.view_integration", raise_exception=True)
def vendor_remaining(request: HttpRequest, slug: str) -> HttpResponse:
    """What still lives with a vendor that is being left; the part is #remaining."""
    vendor = get_object_or_404(Vendor, slug=slug)
    context = {"vendor": vendor, "left": remaining(vendor, as_of.reading_moment())}
    return render(request, "policies/vendor_remaining.html", context)


@require_POST
@permission_required("vendors.change_offboarding", raise_exception=True)
def offboarding_finish(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave a vendor for good; refused while something lives or a step is not done."""
    assert request.user.is_authenticated
    offboarding = get_object_or_404(Offboarding.objects.select_related("vendor"), pk=pk)
    at = timezone.now()
    try:
        leave_vendor(offboarding, by=request.user, at=at, on=timezone.localdate(at))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, f"{offboarding.vendor.name} is offboarded.")
    return redirect("vendors:offboarding-detail", pk)
