"""Directories that provision people: made, given a token, given roles for their groups, ended."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, F, Max, Q
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.models import Directory, DirectoryEvent, DirectoryGroup, DirectoryToken, User
from portal.scim import groups
from portal.scim.answers import BASE
from portal.scim.errors import Refusal
from portal.scim.forms import DirectoryForm, DirectoryTokenForm, GroupRolesForm
from portal.services import directory_tokens

PER_PAGE = 25
# How far back the page counts what a directory did, today included.
DAYS = 14
Kind = DirectoryEvent.Kind


@require_GET
@permission_required("portal.view_directory", raise_exception=True)
def directory_list(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    kept = Q(people__deleted_at=None)
    directories = Directory.objects.annotate(
        people_count=Count("people", filter=kept & Q(people__active=True), distinct=True),
        last_used_at=Max("tokens__last_used_at"),
        works_until=Max("tokens__expires_at", filter=Q(tokens__revoked_at=None)),
    ).order_by(F("ended_at").desc(nulls_first=True), "name")
    page = Paginator(directories, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/directory_list.html", {"page_obj": page, "now": now})


@require_http_methods(["GET", "POST"])
@permission_required("portal.add_directory", raise_exception=True)
def directory_create(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    form = DirectoryForm(request.POST or None)
    if form.is_valid():
        made = directory_tokens.make_directory(
            form.cleaned_data["name"],
            kind=form.cleaned_data["kind"],
            invites=form.cleaned_data["invites"],
            by=request.user,
            at=timezone.now(),
        )
        messages.success(request, "Saved. Now make its token.")
        return redirect("portal:directory-detail", made.pk)
    return render(request, "portal/directory_form.html", {"form": form})


@require_GET
@permission_required("portal.view_directory", raise_exception=True)
def directory_detail(request: HttpRequest, pk: int) -> HttpResponse:
    directory = get_object_or_404(Directory.objects.select_related("created_by"), pk=pk)
    now = timezone.now()
    people = directory.people.filter(deleted_at=None)
    pushed = directory.groups.filter(deleted_at=None).select_related("principal_group")
    pushed = pushed.annotate(people_count=Count("members", filter=Q(members__deleted_at=None)))
    context = {
        "directory": directory,
        "now": now,
        "address": f"{settings.PUBLIC_URL}{BASE}",
        "tokens": directory.tokens.select_related("created_by")[:PER_PAGE],
        "people": people.aggregate(
            having=Count("pk", filter=Q(active=True)), ended=Count("pk", filter=Q(active=False))
        ),
        "page_obj": Paginator(pushed.order_by("display_name"), PER_PAGE).get_page(
            request.GET.get("page")
        ),
        "days": counted(directory, now),
    }
    return render(request, "portal/directory_detail.html", context)


def counted(directory: Directory, now: dt.datetime) -> list[Any]:
    """What the directory did on each of the last days, in numbers; one query."""
    since = now - dt.timedelta(days=DAYS)

    def count(*kinds: str) -> Count:
        return Count("pk", filter=Q(kind__in=kinds))

    return list(
        DirectoryEvent.objects.filter(directory=directory, at__gt=since)
        .annotate(day=TruncDate("at"))
        .values("day")
        .annotate(
            added=count(Kind.ADDED, Kind.RETURNED),
            changed=count(Kind.CHANGED),
            ended=count(Kind.ENDED, Kind.DELETED),
            groups=count(Kind.GROUP_ADDED, Kind.GROUP_CHANGED, Kind.GROUP_DELETED),
            refused=count(Kind.REFUSED),
        )
        .order_by("-day")
    )


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_directory", raise_exception=True)
def token_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a token; the page after it is the only one that ever shows the secret."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    directory = get_object_or_404(Directory, pk=pk)
    form = DirectoryTokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = directory_tokens.issue_token(
                directory,
                cidrs=form.networks(),
                days=form.cleaned_data["days"],
                by=request.user,
                at=timezone.now(),
            )
        except ValidationError as refused:
            form.add_error(None, refused.messages)
        else:
            shown = {"token": token, "secret": secret, "address": f"{settings.PUBLIC_URL}{BASE}"}
            response = render(request, "portal/directory_token_shown.html", shown)
            response["Cache-Control"] = "no-store"
            return response
    context = {"form": form, "directory": directory}
    return render(request, "portal/directory_token_form.html", context)


@require_POST
@permission_required("portal.end_directory", raise_exception=True)
def token_end(request: HttpRequest, pk: int) -> HttpResponse:
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    token = get_object_or_404(DirectoryToken.objects.select_related("directory"), pk=pk)
    try:
        directory_tokens.end_token(token, by=request.user, at=timezone.now())
    except ValidationError as refused:
        messages.error(request, refused.messages[0])
    else:
        messages.success(request, "The token is ended. It opens nothing any more.")
    return redirect("portal:directory-detail", token.directory_id)


@require_http_methods(["GET", "POST"])
@permission_required("portal.end_directory", raise_exception=True)
def directory_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether a directory shall end, and end it."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    directory = get_object_or_404(Directory, pk=pk)
    if request.method == "POST":
        try:
            directory_tokens.end_directory(directory, by=request.user, at=timezone.now())
        except ValidationError as refused:
            messages.error(request, refused.messages[0])
        else:
            messages.success(request, "The directory is ended. Its people stay as they are.")
        return redirect("portal:directory-detail", pk)
    return render(request, "portal/directory_end.html", {"directory": directory})


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_directory", raise_exception=True)
def group_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Say which roles the members of a group have."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    group = get_object_or_404(
        DirectoryGroup.objects.select_related("directory"),
        pk=pk,
        deleted_at=None,
        directory__kind=Directory.Kind.PEOPLE,
    )
    form = GroupRolesForm(request.POST or None, initial={"roles": group.roles})
    if request.method == "POST" and form.is_valid():
        try:
            groups.map_roles(group, form.cleaned_data["roles"], by=request.user, at=timezone.now())
        except Refusal as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, "Saved: its members have these roles now.")
            return redirect("portal:directory-detail", group.directory_id)
    count = group.members.filter(deleted_at=None).count()
    context = {"form": form, "group": group, "count": count}
    return render(request, "portal/directory_group_form.html", context)
