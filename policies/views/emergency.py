"""Emergency access: taken without waiting for anybody, told to every officer, reviewed after."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from policies import tasks
from policies.forms.grants import EmergencyForm, EmergencyReviewForm
from policies.models import Grant
from policies.services import granting
from policies.services.trail import Refused
from policies.views.access import person
from policies.views.grants import ABOUT, PER_PAGE, Step, shown_grant, taken
from vendors import as_of
from vendors.reads import note_read


@require_safe
@permission_required("policies.view_grant", raise_exception=True)
def emergency_list(request: HttpRequest) -> HttpResponse:
    """Every emergency access: those that last, those that wait for a review, those before."""
    rows = Grant.objects.filter(kind=Grant.Kind.EMERGENCY).select_related(*ABOUT, "reviewed_by")
    now = as_of.reading_moment()
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    note_read(request, ("list", "policies.grant"), len(page), filters={"kind": "emergency"})
    context = {
        "page_obj": page,
        "now": now,
    }
    return render(request, "policies/emergency_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.break_in", raise_exception=True)
def emergency_create(request: HttpRequest) -> HttpResponse:
    """Take access in an emergency; every officer is told."""
    initial = {"integration": request.GET.get("integration", "")}
    form = EmergencyForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        grant = _broken_in(request, form)
        if grant is not None:
            return redirect("policies:grant-detail", grant.pk)
    return render(request, "policies/emergency_form.html", {"form": form})


def _broken_in(request: HttpRequest, form: EmergencyForm) -> Grant | None:
    """The access that was taken, noted and told; None, and the form says why, if refused."""
    given = form.cleaned_data
    try:
        with transaction.atomic():
            grant = granting.break_in(
                given["integration"],
                permission=given["permission"],
                by=person(request),
                at=timezone.now(),
                reason=given["reason"],
                hours=given["hours"],
            )
            tasks.tell_emergency.delay_on_commit(grant.pk)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None
    messages.warning(request, "You have emergency access. Every officer is told of it.")
    return grant


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.grant_integration", raise_exception=True)
def emergency_review(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what somebody else's emergency access was, after it ended."""
    (grant, own), by = shown_grant(request, pk), person(request)
    if grant.kind != Grant.Kind.EMERGENCY:
        raise Http404
    form = EmergencyReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        at, note = timezone.now(), form.cleaned_data["note"]
        step = Step(
            lambda: granting.review_emergency(grant, by=by, at=at, note=note),
            "Reviewed.",
        )
        if taken(request, form, step):
            return redirect("policies:grant-detail", pk)
    context = {
        "grant": grant,
        "form": form,
        "own": own,
        "lasts": grant.stands_at(timezone.now()),
    }
    return render(request, "policies/emergency_review.html", context)
