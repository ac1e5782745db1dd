"""Principals: who is behind the calls, what they may do, and files of them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from policies.filters import PrincipalFilter
from policies.forms.principals import ImportForm, PrincipalForm
from policies.models import Grant, Principal
from policies.services import directory
from policies.services.principal_import import BadFile, import_principals, read_lines
from policies.services.trail import Refused
from policies.views.access import person
from vendors import as_of
from vendors.exports import table_response
from vendors.reads import note_read

PER_PAGE = 25
SUBJECT = "policies.principal"
HEADERS = ("Kind", "Identifier", "Name", "E-mail", "State", "Source", "First seen", "Last seen")
# What of the filters a record of a read may name: words of lists, never what was typed.
SAID = ("kind", "state", "source")


def _said(found: PrincipalFilter) -> dict[str, str]:
    applied = found.form.cleaned_data if found.form.is_valid() else {}
    return {name: str(applied[name]) for name in SAID if applied.get(name)}


@require_safe
@permission_required("policies.view_principal", raise_exception=True)
def principal_list(request: HttpRequest) -> HttpResponse:
    """Everybody and everything that calls, or may."""
    found = PrincipalFilter(request.GET, Principal.objects.all())
    page = Paginator(found.qs, PER_PAGE).get_page(request.GET.get("page"))
    note_read(request, ("list", SUBJECT), len(page.object_list), filters=_said(found))
    context = {
        "filter": found,
        "page_obj": page,
        "unknown": Principal.objects.unknown().count(),
    }
    return render(request, "policies/principal_list.html", context)


@require_safe
@permission_required("policies.view_principal", raise_exception=True)
def principal_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the list shows, as a file."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    found = PrincipalFilter(request.GET, Principal.objects.all())
    rows = [
        (
            p.get_kind_display(),
            p.identifier,
            p.name,
            p.email,
            p.get_state_display(),
            p.get_source_display(),
            p.first_seen_at,
            p.last_seen_at,
        )
        for p in found.qs
    ]
    note_read(request, ("export", SUBJECT), len(rows), filters=_said(found))
    return table_response(kind, "principals", HEADERS, rows)


@require_safe
@permission_required("policies.view_principal", raise_exception=True)
def principal_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One principal: who it is, its groups, and what it was granted."""
    principal = get_object_or_404(Principal.objects.select_related("user"), pk=pk)
    note_read(request, ("detail", SUBJECT), 1, subject_id=str(pk))
    groups = list(principal.memberships.select_related("group", "added_by").order_by("group__name"))
    of_groups = Grant.objects.filter(group__in=[m.group_id for m in groups])
    grants = (principal.grants.all() | of_groups).select_related("integration", "group")
    now = as_of.reading_moment()
    context = {
        "principal": principal,
        "memberships": groups,
        "grants": [(grant, grant.stands_at(now)) for grant in grants[:100]],
    }
    return render(request, "policies/principal_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.add_principal", raise_exception=True)
def principal_create(request: HttpRequest) -> HttpResponse:
    """Say who is behind an actor before it calls."""
    form = PrincipalForm(request.POST or None)
    if form.is_valid():
        values = dict(form.cleaned_data)
        kind, identifier, state = values.pop("kind"), values.pop("identifier"), values.pop("state")
        now = timezone.now()
        made = directory.add_principal(
            kind, identifier, source=Principal.Source.PORTAL, at=now, **values
        )
        directory.change_principal(made, {"state": state}, by=person(request), at=now)
        messages.success(request, "Added.")
        return redirect("policies:principal-detail", made.pk)
    return render(request, "policies/principal_form.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.change_principal", raise_exception=True)
def principal_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Say who an unknown one is, or that one has left: then all it may do ends at once."""
    principal = get_object_or_404(Principal, pk=pk)
    form = PrincipalForm(request.POST or None, instance=principal)
    if form.is_valid():
        values = {name: form.cleaned_data[name] for name in ("name", "email", "state")}
        try:
            directory.change_principal(principal, values, by=person(request), at=timezone.now())
        except (Refused, ValidationError) as refusal:
            said = str(refusal) if isinstance(refusal, Refused) else "This does not fit."
            form.add_error(None, said)
        else:
            messages.success(request, "Saved.")
            return redirect("policies:principal-detail", pk)
    return render(
        request,
        "policies/principal_form.html",
        {"form": form, "principal": Principal.objects.get(pk=pk)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.import_principal", raise_exception=True)
def principal_import(request: HttpRequest) -> HttpResponse:
    """Take principals and groups from a file: all of it or nothing."""
    form, problems = ImportForm(request.POST or None, request.FILES or None), []
    if form.is_valid():
        try:
            done = import_principals(
                read_lines(form.cleaned_data["file"]), by=person(request), at=timezone.now()
            )
        except BadFile as bad:
            problems = bad.problems
        else:
            messages.success(
                request,
                f"{done.new} new, {done.changed} changed, {done.same} as before; "
                f"{done.members} memberships added.",
            )
            return redirect("policies:principal-list")
    context = {"form": form, "problems": problems}
    return render(request, "policies/principal_import.html", context)
