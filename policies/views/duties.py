"""Pairs of roles and grants that one person may not hold at once."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from policies.forms.duties import PairForm
from policies.models import ExclusiveRoles
from policies.services import duties
from policies.views.access import person, tell
from vendors import as_of
from vendors.exports import table_response

HEADERS = ("Who holds", "may not hold", "Reason", "Kept by", "Since", "Ended", "Ended by")


@require_safe
@permission_required("policies.view_exclusiveroles", raise_exception=True)
def pair_list(request: HttpRequest) -> HttpResponse:
    """The pairs that are kept, who holds both today, and pairs that ended."""
    pairs = ExclusiveRoles.objects.select_related("made_by", "ended_by")
    rows = [(pair, duties.in_words(pair.first), duties.in_words(pair.second)) for pair in pairs]
    # Who holds what is known of today alone.
    found = [] if as_of.day_read() else list(duties.conflicts())
    people = get_user_model().objects.in_bulk({pk for pk, _ in found})
    context = {
        "kept": [row for row in rows if row[0].ended_at is None],
        "ended": [row for row in rows if row[0].ended_at is not None],
        "conflicts": [
            (people[pk], duties.in_words(pair.first), duties.in_words(pair.second))
            for pk, pair in found
        ],
    }
    return render(request, "policies/exclusiveroles_list.html", context)


@require_safe
@permission_required("policies.view_exclusiveroles", raise_exception=True)
def pair_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """All pairs as a file, with those that ended."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    rows = [
        (
            duties.in_words(pair.first),
            duties.in_words(pair.second),
            pair.reason,
            str(pair.made_by or "came with the portal"),
            pair.made_at,
            pair.ended_at,
            str(pair.ended_by or ""),
        )
        for pair in ExclusiveRoles.objects.select_related("made_by", "ended_by")
    ]
    return table_response(kind, "separation-of-duties", HEADERS, rows)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.keep_duties", raise_exception=True)
def pair_create(request: HttpRequest) -> HttpResponse:
    """Keep two duties apart from now on."""
    form = PairForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given, by, at = form.cleaned_data, person(request), timezone.now()
        if tell(
            request,
            lambda: duties.keep_pair(
                given["first"], given["second"], reason=given["reason"], by=by, at=at
            ),
            "Kept apart from now on.",
        ):
            return redirect("policies:exclusiveroles-list")
    return render(request, "policies/exclusiveroles_form.html", {"form": form})


@require_POST
@permission_required("policies.keep_duties", raise_exception=True)
def pair_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Let one person hold both again; the pair stays in the list of what was."""
    pair = get_object_or_404(ExclusiveRoles, pk=pk)
    by, at = person(request), timezone.now()
    tell(request, lambda: duties.end_pair(pair, by=by, at=at), "Not kept apart any more.")
    return redirect("policies:exclusiveroles-list")
