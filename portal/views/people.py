"""People, their roles, and what each role may do."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import tasks
from portal.filters import PersonFilter
from portal.forms import PersonForm
from portal.identity import second_factor
from portal.models import User
from portal.services import access, people
from vendors.exports import table_response
from vendors.reads import checked, note_read

PER_PAGE = 25


def _applied(found: PersonFilter) -> dict[str, str]:
    """The filters that were set, for the record of the read; what was typed is left out."""
    return checked(found.form, "role", "is_active")


@require_GET
@permission_required("portal.view_user", raise_exception=True)
def user_list(request: HttpRequest) -> HttpResponse:
    found = PersonFilter(request.GET, User.objects.prefetch_related("groups"))
    page = Paginator(found.qs, PER_PAGE).get_page(request.GET.get("page"))
    note_read(request, ("list", "portal.user"), len(page), filters=_applied(found))
    return render(request, "portal/user_list.html", {"filter": found, "page_obj": page})


@require_GET
@permission_required("portal.view_user", raise_exception=True)
def user_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    if kind not in ("csv", "xlsx"):
        raise Http404
    assert request.user.is_authenticated  # LoginRequiredMiddleware
    found = PersonFilter(request.GET, User.objects.prefetch_related("groups"))
    rows = [
        (
            person.full_name,
            person.email,
            ", ".join(sorted(group.name for group in person.groups.all())),
            person.is_active,
            person.last_login,
            person.date_joined,
        )
        for person in found.qs
    ]
    note_read(request, ("export", "portal.user"), len(rows), filters=_applied(found))
    headers = ("Name", "E-mail", "Roles", "May sign in", "Last sign-in", "Added")
    return table_response(kind, "people", headers, rows)


@require_GET
@permission_required("portal.view_user", raise_exception=True)
def user_detail(request: HttpRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(User.objects.prefetch_related("groups"), pk=pk)
    note_read(request, ("detail", "portal.user"), 1, subject_id=str(pk))
    return render(
        request,
        "portal/user_detail.html",
        {
            "person": person,
            "grants": access.grants_of(person),
            "factors": second_factor.kinds_of(person),
        },
    )


@require_GET
@permission_required("portal.view_user", raise_exception=True)
def role_list(request: HttpRequest) -> HttpResponse:
    columns, areas = access.matrix()
    return render(request, "portal/role_list.html", {"columns": columns, "areas": areas})


@require_http_methods(["GET", "POST"])
@permission_required("portal.add_user", raise_exception=True)
def user_create(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    form = PersonForm(request.POST or None, by=request.user)
    if form.is_valid():
        try:
            person = people.add_person(
                form.cleaned_data["email"],
                full_name=form.cleaned_data["full_name"],
                roles=form.cleaned_data["roles"],
                by=request.user,
                at=timezone.now(),
            )
        except people.NotAllowed as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as error:
            form.add_error(None, error)
        else:
            tasks.send_invitation.delay_on_commit(person.pk)
            messages.success(
                request, "The account is made. A mail that says how to sign in is on its way."
            )
            return redirect("portal:user-detail", person.pk)
    return render(request, "portal/user_form.html", {"form": form})


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_user", raise_exception=True)
def user_edit(request: HttpRequest, pk: int) -> HttpResponse:
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    person = get_object_or_404(User, pk=pk)
    had_left = not person.is_active
    form = PersonForm(request.POST or None, instance=person, by=request.user)
    if form.is_valid():
        try:
            stored = people.change_person(
                get_object_or_404(User, pk=pk),
                full_name=form.cleaned_data["full_name"],
                roles=form.cleaned_data["roles"],
                is_active=form.cleaned_data["is_active"],
                by=request.user,
                at=timezone.now(),
            )
        except people.NotAllowed as refusal:
            form.add_error(None, str(refusal))
        else:
            if had_left and stored.is_active:
                tasks.send_invitation.delay_on_commit(pk)
            messages.success(request, "Saved.")
            return redirect("portal:user-detail", pk)
    return render(request, "portal/user_form.html", {"form": form, "person": person})


@require_POST
@permission_required("portal.change_user", raise_exception=True)
def user_invite(request: HttpRequest, pk: int) -> HttpResponse:
    """Mail the link to set a password again."""
    person = get_object_or_404(User, pk=pk, is_active=True)
    tasks.send_invitation.delay_on_commit(person.pk)
    messages.success(request, "A mail that says how to sign in is on its way.")
    return redirect("portal:user-detail", pk)
