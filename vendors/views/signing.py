"""Agreements as they change: recorded, amended, terminated, their data returned or destroyed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from vendors.forms.agreements import (
    KEPT,
    AgreementForm,
    OwnerForm,
    ReturnDueForm,
    ReturnForm,
    ScopeForm,
    TerminateForm,
    covered_scopes,
    rows_as_typed,
    scope_rows,
)
from vendors.forms.refusals import show_refusal
from vendors.lifecycle import last_day
from vendors.models import Agreement, AgreementRequest, CoveredScope, Vendor
from vendors.pages.agreement import all_doubts
from vendors.services.agreements import (
    amend_agreement,
    ask_return,
    confirm_return,
    record_agreement,
    terminate_agreement,
)
from vendors.services.documents import storing
from vendors.uploads import UploadRefused

# How long a vendor usually has to send back or destroy what it holds.
RETURN_DAYS = dt.timedelta(days=30)
ROWS = "scopes"


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
    return _edit(request, Agreement(**{name: getattr(old, name) for name in KEPT}), old)


def _edit(request: HttpRequest, agreement: Agreement, old: Agreement | None) -> HttpResponse:
    vendor = agreement.vendor
    retyped = request.method == "POST" and bool({"add", "remove"} & set(request.POST))
    posted = None if retyped else request.POST or None
    form = AgreementForm(
        posted,
        request.FILES or None,
        instance=agreement,
        vendor=vendor,
        fixed=("kind", "reference", "account") if old else (),
        initial=_typed(request) if retyped else _initial(request, vendor, old),
    )
    parts = rows_as_typed(request.POST, ROWS) if retyped else _parts(old)
    extra = int("add" in request.POST) if retyped else int(not parts)
    rows = scope_rows(extra)(posted, prefix=ROWS, form_kwargs={"vendor": vendor}, initial=parts)
    if posted is not None and all([form.is_valid(), rows.is_valid()]):
        stored = _store(request, form, rows, old)
        if stored is not None:
            messages.success(request, f"{stored} is recorded.")
            for doubt in all_doubts(stored):
                messages.warning(request, doubt)
            return redirect("vendors:agreement-detail", stored.pk)
    context = {"form": form, "rows": rows, "vendor": vendor, "old": old}
    return render(request, "vendors/agreement_form.html", context)


def _typed(request: HttpRequest) -> dict[str, Any]:
    """What was typed so far: adding or removing a row checks nothing."""
    several = ("covers", "scc_modules")
    typed: dict[str, Any] = {name: request.POST.getlist(name) for name in several}
    return {**request.POST.dict(), **typed}


def _initial(request: HttpRequest, vendor: Vendor, old: Agreement | None) -> dict[str, Any]:
    wanted = _wanted(request, vendor)
    initial: dict[str, Any] = {"owner": request.user.pk} if old is None else {}
    if old is not None:
        whole = [s.service_id for s in old.scopes.select_related("service") if _is_whole(s)]
        initial["covers"] = whole
    if wanted is not None:
        initial["closes"] = wanted.pk
        if old is None:
            initial["kind"] = wanted.kind
            initial["covers"] = list(wanted.services.values_list("pk", flat=True))
    return initial


def _wanted(request: HttpRequest, vendor: Vendor) -> AgreementRequest | None:
    """The open request that the address names, if it is one of this vendor."""
    asked = request.GET.get("request", "")
    if not asked.isdecimal():
        return None
    return vendor.agreement_requests.open().filter(pk=asked).first()


def _is_whole(scope: CoveredScope) -> bool:
    return not scope.narrowed_to() and not scope.page


def _parts(old: Agreement | None) -> list[dict[str, Any]]:
    """The rows of the old version that cover a part of a service only."""
    if old is None:
        return []
    scopes = old.scopes.select_related("service")
    return [
        {
            name: scope.service_id if name == "service" else getattr(scope, name)
            for name in ScopeForm.base_fields
        }
        for scope in scopes
        if not _is_whole(scope)
    ]


def _store(
    request: HttpRequest, form: AgreementForm, rows: Any, old: Agreement | None
) -> Agreement | None:
    """The stored agreement; None where it was refused, and then the form says why."""
    assert request.user.is_authenticated
    covers, closes = covered_scopes(form, rows), form.cleaned_data["closes"]
    try:
        with storing(form.cleaned_data["document"], by=request.user) as document:
            form.instance.document = document
            if old is None:
                return record_agreement(form.instance, covers, by=request.user, closes=closes)
            return amend_agreement(old, form.instance, covers, by=request.user, closes=closes)
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
    today = timezone.localdate()
    initial = {"terminated_on": today, "return_due_on": today + RETURN_DAYS}
    form = TerminateForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            terminate_agreement(
                agreement,
                on=form.cleaned_data["terminated_on"],
                reason=form.cleaned_data["reason"],
                return_due_on=form.cleaned_data["return_due_on"],
            )
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"{agreement} is terminated.")
            return redirect("vendors:agreement-detail", pk)
    context = {"form": form, "agreement": agreement, "vendor": agreement.vendor}
    return render(request, "vendors/agreement_terminate.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.change_agreement", raise_exception=True)
def agreement_owner(request: HttpRequest, pk: int) -> HttpResponse:
    """Say who answers for an agreement and gets its notices."""
    agreement = get_object_or_404(Agreement.objects.select_related("vendor"), pk=pk)
    form = OwnerForm(request.POST if request.method == "POST" else None, instance=agreement)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "The owner is saved.")
        return redirect("vendors:agreement-detail", pk)
    context = {
        "form": form,
        "title": f"Owner of {agreement}",
        "vendor": agreement.vendor,
        "submit": "Save the owner",
        "lede": "Who answers for it and gets its notices.",
    }
    return render(request, "vendors/vendor_form.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.terminate_agreement", raise_exception=True)
def agreement_return(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the proof that data came back or was destroyed; once asked for, record it."""
    agreement = get_object_or_404(Agreement.objects.select_related("vendor"), pk=pk)
    today, awaited = timezone.localdate(), agreement.return_state == Agreement.ReturnState.PENDING
    form: ReturnForm | ReturnDueForm
    if awaited:
        form = ReturnForm(request.POST or None, request.FILES or None, today=today)
    else:
        due = max(last_day(agreement) or today, today) + RETURN_DAYS
        form = ReturnDueForm(request.POST or None, initial={"return_due_on": due})
    if request.method == "POST" and form.is_valid() and _returned(request, agreement, form):
        messages.success(request, "It is recorded.")
        return redirect("vendors:agreement-detail", pk)
    context = {
        "form": form,
        "agreement": agreement,
        "vendor": agreement.vendor,
        "awaited": awaited,
        "settled": agreement.return_state not in ("", Agreement.ReturnState.PENDING),
    }
    return render(request, "vendors/agreement_return.html", context)


def _returned(request: HttpRequest, agreement: Agreement, form: ReturnForm | ReturnDueForm) -> bool:
    """Whether it is stored; where it was refused, the form says why."""
    assert request.user.is_authenticated
    said = form.cleaned_data
    try:
        if isinstance(form, ReturnDueForm):
            ask_return(agreement, due_on=said["return_due_on"])
            return True
        with storing(said["document"], by=request.user) as document:
            confirm_return(
                agreement,
                said["return_state"],
                by=request.user,
                on=said["confirmed_on"],
                document=document,
                note=said["return_note"],
            )
        return True
    except UploadRefused as refused:
        form.add_error("document", refused.message)
    except ValidationError as refused:
        show_refusal(form, refused)
    return False
