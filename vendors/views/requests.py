"""Requests for agreements: opened, followed, moved on."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from vendors import as_of
from vendors.forms.agreements import AgreementRequestForm
from vendors.forms.refusals import show_refusal
from vendors.lifecycle import REQUEST_STEPS
from vendors.models import AgreementRequest, Vendor
from vendors.pages.agreement import request_lines
from vendors.services.requests import move_request, save_request

# What the button that leads to a state is called.
STEP_WORDS = {
    "needed": "Back to needed",
    "requested": "Asked the vendor",
    "negotiating": "Being negotiated",
    "dropped": "Drop",
}


def _asked(pk: int) -> AgreementRequest:
    rows = AgreementRequest.objects.select_related("vendor", "owner", "renews", "agreement")
    return get_object_or_404(rows.prefetch_related("services"), pk=pk)


@require_safe
@permission_required("vendors.view_agreementrequest", raise_exception=True)
def request_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A request with where it stands and what may come next."""
    asked = _asked(pk)
    labels = dict(AgreementRequest.State.choices)
    path = ["needed", "requested", "negotiating", "signed"]
    reached = path.index(asked.state) if asked.state in path else -1
    context = {
        "asked": asked,
        "vendor": asked.vendor,
        "line": request_lines([asked], as_of.reading_day())[0],
        "next_steps": [(to, STEP_WORDS[to]) for to in REQUEST_STEPS[asked.state]],
        "steps": [
            {
                "label": labels[state],
                "state": "done"
                if number < reached
                else "current"
                if number == reached
                else "ahead",
                "url": "",
            }
            for number, state in enumerate(path)
        ],
    }
    return render(request, "vendors/agreementrequest_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_agreementrequest", raise_exception=True)
def request_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Note that an agreement is needed, or that one is to be renewed (`?renews=`)."""
    assert request.user.is_authenticated
    vendor = get_object_or_404(Vendor, slug=slug)
    named = request.GET.get("renews", "")
    renewed = vendor.agreements.filter(pk=named).first() if named.isdecimal() else None
    asked = AgreementRequest(vendor=vendor, opened_on=timezone.localdate())
    initial: dict[str, Any] = {"owner": request.user.pk}
    if renewed is not None:
        asked.kind, asked.renews, asked.due_on = renewed.kind, renewed, renewed.ends_on
        initial["services"] = [scope.service_id for scope in renewed.scopes.all()]
    form = AgreementRequestForm(
        request.POST or None, instance=asked, initial=initial, vendor=vendor
    )
    return _edit(request, form, vendor, "Request an agreement")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_agreementrequest", raise_exception=True)
def request_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what a request says; its state changes by steps of its own."""
    asked = _asked(pk)
    form = AgreementRequestForm(request.POST or None, instance=asked, vendor=asked.vendor)
    return _edit(request, form, asked.vendor, f"Edit: {asked}")


def _edit(
    request: HttpRequest, form: AgreementRequestForm, vendor: Vendor, title: str
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            stored = save_request(form.instance, list(form.cleaned_data["services"]))
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The request is saved.")
            return redirect("vendors:agreementrequest-detail", stored.pk)
    context = {
        "form": form,
        "title": title,
        "vendor": vendor,
        "submit": "Save the request",
        "lede": "What is wanted, from whom and by when. The signed agreement closes it.",
    }
    return render(request, "vendors/vendor_form.html", context)


@require_POST
@permission_required("vendors.change_agreementrequest", raise_exception=True)
def request_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a request to its next state."""
    asked = _asked(pk)
    try:
        moved = move_request(asked, request.POST.get("state", ""))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, f"The request is now: {moved.get_state_display().lower()}.")
    return redirect("vendors:agreementrequest-detail", pk)
