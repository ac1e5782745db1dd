"""Legal holds: what must not be disposed of, set by one person and released by another."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from audits.forms.archive import LegalHoldForm, LegalHoldReleaseForm
from audits.models import LegalHold
from audits.services.holds import AlreadyReleased, SamePerson, release_hold, set_hold


def _holds() -> QuerySet[LegalHold]:
    return LegalHold.objects.select_related(
        "ledger", "integration", "vendor", "set_by", "release__released_by"
    )


def _release_of(hold: LegalHold) -> object | None:
    return getattr(hold, "release", None)


@require_safe
@permission_required("audits.view_legalhold", raise_exception=True)
def legalhold_list(request: HttpRequest) -> HttpResponse:
    """Holds in force first, then those that were released."""
    holds = [(hold, _release_of(hold)) for hold in _holds().order_by("-pk")]
    context = {
        "in_force": [hold for hold, release in holds if release is None],
        "released": [hold for hold, release in holds if release is not None],
    }
    return render(request, "audits/legalhold_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("audits.add_legalhold", raise_exception=True)
def legalhold_create(request: HttpRequest) -> HttpResponse:
    """Set a hold; it counts from that moment on."""
    assert isinstance(request.user, AbstractBaseUser)
    form = LegalHoldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        hold = set_hold(form.save(commit=False), by=request.user, at=timezone.now())
        messages.success(request, "The hold is set. Nothing it covers is disposed of.")
        return redirect("audits:legalhold-detail", hold.pk)
    return render(request, "audits/legalhold_form.html", {"form": form})


@require_safe
@permission_required("audits.view_legalhold", raise_exception=True)
def legalhold_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A hold, its history, and how it is released."""
    hold = get_object_or_404(_holds(), pk=pk)
    context = {
        "hold": hold,
        "release": _release_of(hold),
        "own": hold.set_by_id == request.user.pk,
        "form": LegalHoldReleaseForm(),
    }
    return render(request, "audits/legalhold_detail.html", context)


@require_http_methods(["POST"])
@permission_required("audits.release_legalhold", raise_exception=True)
def legalhold_release(request: HttpRequest, pk: int) -> HttpResponse:
    """End a hold that another person set."""
    assert isinstance(request.user, AbstractBaseUser)
    hold = get_object_or_404(_holds(), pk=pk)
    form = LegalHoldReleaseForm(request.POST)
    if not form.is_valid():
        context = {"hold": hold, "release": None, "own": False, "form": form}
        return render(request, "audits/legalhold_detail.html", context, status=400)
    try:
        release_hold(hold, reason=form.cleaned_data["reason"], by=request.user, at=timezone.now())
    except SamePerson:
        raise PermissionDenied from None
    except AlreadyReleased:
        messages.warning(request, "Somebody released it before.")
    else:
        messages.success(request, "The hold is released.")
    return redirect("audits:legalhold-detail", hold.pk)
