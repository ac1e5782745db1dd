"""A vendor: its page and its fields."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from vendors import as_of
from vendors.forms.refusals import show_refusal
from vendors.forms.register import VendorForm
from vendors.models import Vendor
from vendors.pages.vendor import VENDOR_TABS, vendor_page, vendor_tabs
from vendors.services.saving import save_checked


@require_safe
@permission_required("vendors.view_vendor", raise_exception=True)
def vendor_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """A vendor under one of its tabs."""
    vendor = get_object_or_404(Vendor.objects.select_related("owner"), slug=slug)
    chosen = request.GET.get("tab", "")
    tab = chosen if chosen in VENDOR_TABS else "overview"
    on = as_of.reading_day()
    context = {
        "vendor": vendor,
        "on": on,
        "tab": tab,
        "tabs": vendor_tabs(tab, request.user.has_perm),
        **vendor_page(vendor, tab, on),
    }
    return render(request, f"vendors/vendor_{tab}.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_vendor", raise_exception=True)
def vendor_create(request: HttpRequest) -> HttpResponse:
    """Add a vendor; it begins as a prospect."""
    assert request.user.is_authenticated
    form = VendorForm(request.POST or None, initial={"owner": request.user.pk})
    return _edit(request, form, "Add a vendor", "")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_vendor", raise_exception=True)
def vendor_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change the fields of a vendor."""
    vendor = get_object_or_404(Vendor, slug=slug)
    form = VendorForm(request.POST or None, instance=vendor)
    return _edit(request, form, f"Edit {vendor.name}", slug)


def _edit(request: HttpRequest, form: VendorForm, title: str, slug: str) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            save_checked(form.instance)
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The vendor is saved.")
            return redirect("vendors:vendor-detail", form.instance.slug)
    # The stored name, not the one that was typed and refused.
    stored = Vendor.objects.filter(slug=slug).first() if slug else None
    context: dict[str, Any] = {"form": form, "title": title, "vendor": stored, "submit": "Save"}
    return render(request, "vendors/vendor_form.html", context)
