"""Agreements: recorded, read, amended, terminated."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from vendors import as_of
from vendors.forms.papers import AgreementForm, TerminateForm, covered_scopes, scope_rows
from vendors.forms.refusals import show_refusal
from vendors.models import Agreement, Vendor
from vendors.services.agreements import amend_agreement, record_agreement, terminate_agreement
from vendors.services.documents import storing
from vendors.tables import standing
from vendors.uploads import UploadRefused

# A scope that covers a service without any limit.
WHOLE: dict[str, Any] = {"model_pattern": "", "region": "", "features_excluded": [], "page": ""}


@require_safe
@permission_required("vendors.view_agreement", raise_exception=True)
def agreement_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One version of an agreement, with what it covers and its other versions."""
    agreement = get_object_or_404(
        Agreement.objects.select_related(
            "vendor", "document", "owner", "recorded_by", "amends", "amended_by"
        ).prefetch_related("scopes__service"),
        pk=pk,
    )
    on = as_of.reading_day()
    now = standing(agreement, on)
    versions = Agreement.objects.filter(vendor=agreement.vendor, reference=agreement.reference)
    uncovered = agreement.vendor.services.offered(on).exclude(agreement_scopes__agreement=agreement)
    context = {
        "agreement": agreement,
        "vendor": agreement.vendor,
        "standing": now,
        "open": now.kind not in ("bad", "neutral"),
        "amendable": agreement.superseded_on is None and agreement.terminated_on is None,
        "versions": versions.order_by("-version"),
        "uncovered": uncovered,
        "on": on,
    }
    return render(request, "vendors/agreement_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_agreement", raise_exception=True)
def agreement_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Record a signed agreement with its PDF and what it covers."""
    vendor = get_object_or_404(Vendor, slug=slug)
    agreement = Agreement(vendor=vendor, counterparty=vendor.legal_name or vendor.name)
    return _edit(request, agreement, None)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_agreement", raise_exception=True)
def agreement_amend(request: HttpRequest, pk: int) -> HttpResponse:
    """Record the next version of an agreement; the old one holds until the day before."""
    old = get_object_or_404(Agreement.objects.select_related("vendor"), pk=pk)
    kept = ("kind", "reference", "counterparty", "our_role", "account", "notice_days")
    more = ("breach_notice_days", "owner", "vendor")
    fields = {name: getattr(old, name) for name in (*kept, *more)}
    return _edit(request, Agreement(**fields), old)


def _edit(request: HttpRequest, agreement: Agreement, old: Agreement | None) -> HttpResponse:
    vendor = agreement.vendor
    posted, files = request.POST or None, request.FILES or None
    form = AgreementForm(
        posted,
        files,
        instance=agreement,
        vendor=vendor,
        fixed=("kind", "reference", "account") if old else (),
        initial=_initial(old, request),
    )
    extra = 6 if "more" in request.GET else 2
    rows = scope_rows(extra)(
        posted, prefix="scopes", form_kwargs={"vendor": vendor}, initial=_parts(old)
    )
    if request.method == "POST" and all([form.is_valid(), rows.is_valid()]):
        stored = _store(request, form, rows, old)
        if stored is not None:
            messages.success(request, f"{stored} is recorded.")
            return redirect("vendors:agreement-detail", stored.pk)
    context = {"form": form, "rows": rows, "vendor": vendor, "old": old}
    return render(request, "vendors/agreement_form.html", context)


def _initial(old: Agreement | None, request: HttpRequest) -> dict[str, Any]:
    if old is None:
        return {"owner": request.user.pk}
    return {"covers": list(old.scopes.filter(**WHOLE).values_list("service_id", flat=True))}


def _parts(old: Agreement | None) -> list[dict[str, Any]]:
    """The rows of the old version that cover a part of a service only."""
    if old is None:
        return []
    return [dict(row) for row in old.scopes.exclude(**WHOLE).values("service", *WHOLE)]


def _store(
    request: HttpRequest, form: AgreementForm, rows: Any, old: Agreement | None
) -> Agreement | None:
    """The stored agreement; None where it was refused, and then the form says why."""
    assert request.user.is_authenticated
    covers = covered_scopes(form, rows)
    try:
        with storing(form.cleaned_data["document"], by=request.user) as document:
            form.instance.document = document
            if old is None:
                return record_agreement(form.instance, covers, by=request.user)
            return amend_agreement(old, form.instance, covers, by=request.user)
    except UploadRefused as refused:
        form.add_error("document", refused.message)
    except ValidationError as refused:
        show_refusal(form, refused)
    return None


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.terminate_agreement", raise_exception=True)
def agreement_terminate(request: HttpRequest, pk: int) -> HttpResponse:
    """End an agreement from a day on."""
    agreement = get_object_or_404(Agreement.objects.select_related("vendor"), pk=pk)
    form = TerminateForm(request.POST or None, initial={"terminated_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            terminate_agreement(
                agreement,
                on=form.cleaned_data["terminated_on"],
                reason=form.cleaned_data["reason"],
            )
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"{agreement} is terminated.")
            return redirect("vendors:agreement-detail", pk)
    context = {"form": form, "agreement": agreement, "vendor": agreement.vendor}
    return render(request, "vendors/agreement_terminate.html", context)
