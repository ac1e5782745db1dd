"""Leaving a vendor step by step."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from vendors import as_of
from vendors.forms.offboarding import CallOffForm, StartForm, StepForm
from vendors.forms.refusals import show_refusal
from vendors.models import Agreement, Offboarding, OffboardingStep, Vendor
from vendors.services.documents import storing
from vendors.services.offboarding import call_off_offboarding, do_step, start_offboarding
from vendors.tables import STATE_KINDS
from vendors.uploads import UploadRefused


def _offboarding(pk: int) -> Offboarding:
    rows = Offboarding.objects.select_related("vendor", "started_by", "finished_by")
    return get_object_or_404(rows, pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_offboarding", raise_exception=True)
def offboarding_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin to leave a vendor."""
    vendor = get_object_or_404(Vendor, slug=slug)
    at = timezone.now()
    form = StartForm(request.POST or None, today=timezone.localdate(at))
    if request.method == "POST" and form.is_valid():
        assert request.user.is_authenticated
        try:
            begun = start_offboarding(
                vendor,
                **form.cleaned_data,
                by=request.user,
                at=at,
                on=timezone.localdate(at),
            )
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The offboarding has begun. Calls with PHI stop at once.")
            return redirect("vendors:offboarding-detail", begun.pk)
    context = {
        "form": form,
        "title": f"Offboard {vendor.name}",
        "vendor": vendor,
        "submit": "Begin to offboard",
        "lede": "The gate denies calls with PHI from now on. What is recorded stays.",
    }
    return render(request, "vendors/vendor_form.html", context)


@require_safe
@permission_required("vendors.view_offboarding", raise_exception=True)
def offboarding_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """How far the leaving of a vendor is, and what proves it."""
    offboarding = _offboarding(pk)
    on = as_of.reading_day()
    steps = list(offboarding.steps.select_related("done_by", "document"))
    in_force = Agreement.objects.in_force(on).filter(vendor=offboarding.vendor)
    context = {
        "offboarding": offboarding,
        "vendor": offboarding.vendor,
        "state_kind": STATE_KINDS[Vendor.State(offboarding.vendor.state)],
        "steps": steps,
        "undone": sum(step.done_on is None for step in steps),
        "agreements": in_force if offboarding.open else [],
        "days": (offboarding.planned_last_day - on).days,
    }
    return render(request, "vendors/offboarding_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_offboarding", raise_exception=True)
def step_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that a step is done, with what shows it."""
    step = get_object_or_404(
        OffboardingStep.objects.select_related("offboarding__vendor", "document"), pk=pk
    )
    if not step.offboarding.open:
        raise Http404
    form = StepForm(
        request.POST or None, request.FILES or None, step=step, today=timezone.localdate()
    )
    if request.method == "POST" and form.is_valid() and _do(request, step, form):
        messages.success(request, "The step is done.")
        return redirect("vendors:offboarding-detail", step.offboarding_id)
    context: dict[str, Any] = {
        "form": form,
        "title": step.get_kind_display(),
        "vendor": step.offboarding.vendor,
        "submit": "Record that it is done",
        "lede": LEDES[OffboardingStep.Kind(step.kind)],
    }
    return render(request, "vendors/vendor_form.html", context)


LEDES = {
    OffboardingStep.Kind.INTEGRATIONS: "No integration of ours uses the vendor any more.",
    OffboardingStep.Kind.KEYS: "Our keys are revoked, and those at the vendor's own console.",
    OffboardingStep.Kind.ACCESS: "Nobody of us can sign in there, and nobody of them here.",
    OffboardingStep.Kind.DATA: "What became of our data, with the vendor's certificate: 45 CFR "
    "164.504(e)(2)(ii)(J).",
    OffboardingStep.Kind.CONTRACT: "Notice is given, the last invoice is settled.",
}


def _do(request: HttpRequest, step: OffboardingStep, form: StepForm) -> bool:
    assert request.user.is_authenticated
    said = form.cleaned_data
    try:
        with storing(said["document"], by=request.user) as document:
            do_step(
                step,
                by=request.user,
                on=said["done_on"],
                note=said["note"],
                document=document,
                disposal=said.get("disposal", ""),
            )
    except UploadRefused as refused:
        form.add_error("document", refused.message)
    except ValidationError as refused:
        show_refusal(form, refused)
    else:
        return True
    return False


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_offboarding", raise_exception=True)
def offboarding_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stay with a vendor after all."""
    offboarding = _offboarding(pk)
    form = CallOffForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        assert request.user.is_authenticated
        at = timezone.now()
        try:
            call_off_offboarding(
                offboarding,
                reason=form.cleaned_data["reason"],
                by=request.user,
                at=at,
                on=timezone.localdate(at),
            )
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "It is called off. The vendor is in review again.")
            return redirect("vendors:vendor-detail", offboarding.vendor.slug)
    context = {
        "form": form,
        "title": "Call the offboarding off",
        "vendor": offboarding.vendor,
        "submit": "Call it off",
        "lede": "The vendor goes back into review; nothing passes before it is approved again.",
    }
    return render(request, "vendors/vendor_form.html", context)
