"""A vendor's state, and the conditions of its approval."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from vendors.forms.refusals import show_refusal
from vendors.forms.states import MeetForm, VendorStateForm, WaiveForm, condition_rows
from vendors.models import Vendor, VendorCondition
from vendors.pages.reviews import last_finished
from vendors.pages.states import standing_of
from vendors.services.conditions import (
    approve_with_conditions,
    meet_condition,
    set_conditions,
    waive_condition,
)
from vendors.services.documents import storing
from vendors.services.register import change_vendor_state
from vendors.tables import STATE_KINDS
from vendors.uploads import UploadRefused

REVIEWS = "?tab=reviews"


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_vendor", raise_exception=True)
def vendor_state(request: HttpRequest, slug: str) -> HttpResponse:
    """How a vendor stands, and taking it to its next state for a reason."""
    vendor = get_object_or_404(Vendor, slug=slug)
    on = timezone.localdate()
    form = VendorStateForm(request.POST or None, vendor=vendor)
    rows = condition_rows(3 if "more" in request.GET else 1)(
        request.POST or None, prefix="conditions", form_kwargs={"today": on}
    )
    if request.method == "POST" and all([form.is_valid(), rows.is_valid()]):
        changed = _change(request, vendor, form, rows)
        if changed is not None:
            messages.success(request, f"The state is now: {changed.get_state_display()}.")
            return redirect("vendors:vendor-state", slug)
    context = {
        "form": form,
        "rows": rows,
        "vendor": vendor,
        "last": last_finished(vendor),
        "state_kind": STATE_KINDS[Vendor.State(vendor.state)],
        **standing_of(vendor, on),
    }
    return render(request, "vendors/vendor_state.html", context)


def _change(
    request: HttpRequest, vendor: Vendor, form: VendorStateForm, rows: Any
) -> Vendor | None:
    """The vendor in its new state; None if that was refused, which the form then says."""
    assert request.user.is_authenticated
    to, reason = form.cleaned_data["state"], form.cleaned_data["reason"]
    conditions = rows.conditions()
    who: dict[str, Any] = {"by": request.user, "at": timezone.now()}
    try:
        if to == Vendor.State.CONDITIONS:
            last = last_finished(vendor)
            for condition in conditions:
                condition.review = last
            return approve_with_conditions(
                vendor, conditions, reason=reason, on=timezone.localdate(), **who
            )
        if conditions:
            raise ValidationError("Conditions go with an approval with conditions only.")
        return change_vendor_state(vendor, to, reason=reason, **who)
    except ValidationError as refused:
        show_refusal(form, refused)
    return None


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_vendorcondition", raise_exception=True)
def condition_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Add conditions to an approval that has some."""
    vendor = get_object_or_404(Vendor, slug=slug)
    rows = condition_rows(1)(
        request.POST or None,
        prefix="conditions",
        form_kwargs={"today": timezone.localdate()},
    )
    if request.method == "POST" and rows.is_valid() and rows.conditions():
        assert request.user.is_authenticated
        try:
            set_conditions(vendor, rows.conditions(), by=request.user, on=timezone.localdate())
        except ValidationError as refused:
            messages.error(request, " ".join(refused.messages))
        else:
            messages.success(request, "The condition is set.")
            return redirect(f"{_vendor_url(vendor)}{REVIEWS}")
    context = {"rows": rows, "vendor": vendor}
    return render(request, "vendors/condition_form.html", context)


def _vendor_url(vendor: Vendor) -> str:
    return reverse("vendors:vendor-detail", args=[vendor.slug])


def _condition(pk: int) -> VendorCondition:
    return get_object_or_404(VendorCondition.objects.select_related("vendor"), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_vendorcondition", raise_exception=True)
def condition_meet(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that a condition was met, with what shows it."""
    condition = _condition(pk)
    form = MeetForm(request.POST or None, request.FILES or None, today=timezone.localdate())
    if request.method == "POST" and form.is_valid():
        assert request.user.is_authenticated
        said = form.cleaned_data
        try:
            with storing(said["document"], by=request.user) as document:
                meet_condition(
                    condition,
                    by=request.user,
                    on=said["met_on"],
                    note=said["note"],
                    evidence=document,
                )
        except UploadRefused as refused:
            form.add_error("document", refused.message)
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The condition is met.")
            return redirect(f"{_vendor_url(condition.vendor)}{REVIEWS}")
    return _page(request, form, condition, "Condition met", "Record that it is met")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_vendorcondition", raise_exception=True)
def condition_waive(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a condition go, for a reason."""
    condition = _condition(pk)
    form = WaiveForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        assert request.user.is_authenticated
        try:
            waive_condition(
                condition,
                by=request.user,
                on=timezone.localdate(),
                reason=form.cleaned_data["reason"],
            )
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The condition is waived.")
            return redirect(f"{_vendor_url(condition.vendor)}{REVIEWS}")
    return _page(request, form, condition, "Waive the condition", "Waive it")


def _page(
    request: HttpRequest, form: Any, condition: VendorCondition, title: str, submit: str
) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "vendor": condition.vendor,
        "submit": submit,
        "lede": f"{condition.text}, due {condition.due_on:%-d %B %Y}",
    }
    return render(request, "vendors/vendor_form.html", context)
