"""Groups of principals: who is in them, and what all of them may do."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from policies.forms.principals import GroupForm, MemberForm
from policies.models import Grant, Principal, PrincipalGroup
from policies.models.people import PrincipalGroup as Group
from policies.services import directory
from policies.views.access import person, tell
from vendors import as_of
from vendors.exports import table_response
from vendors.numbers import whole
from vendors.reads import note_read

PER_PAGE = 25
SUBJECT = "policies.principalgroup"
EDIT = "policies.change_principalgroup"
HEADERS = ("Name", "Source", "Members", "Grants", "Given up")


def _rows() -> list[Group]:
    standing = Q(grants__state=Grant.State.STANDING)
    return list(
        PrincipalGroup.objects.annotate(
            member_count=Count("members", distinct=True),
            grant_count=Count("grants", filter=standing, distinct=True),
        ).order_by("ended_at", "name", "pk")
    )


@require_safe
@permission_required("policies.view_principalgroup", raise_exception=True)
def group_list(request: HttpRequest) -> HttpResponse:
    """All groups; those given up last."""
    page = Paginator(_rows(), PER_PAGE).get_page(request.GET.get("page"))
    note_read(request, ("list", SUBJECT), len(page.object_list))
    return render(request, "policies/principalgroup_list.html", {"page_obj": page})


@require_safe
@permission_required("policies.view_principalgroup", raise_exception=True)
def group_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The list as a file."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    rows = [
        (g.name, g.get_source_display(), g.member_count, g.grant_count, g.ended_at)  # type: ignore[attr-defined]
        for g in _rows()
    ]
    note_read(request, ("export", SUBJECT), len(rows))
    return table_response(kind, "groups", HEADERS, rows)


@require_safe
@permission_required("policies.view_principalgroup", raise_exception=True)
def group_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One group: its members, and what each of them may do by it."""
    return _shown(request, slug, MemberForm())


def _shown(request: HttpRequest, slug: str, form: MemberForm) -> HttpResponse:
    group = get_object_or_404(PrincipalGroup, slug=slug)
    members = group.memberships.select_related("principal", "added_by")
    ordered = members.order_by("principal__kind", "principal__identifier")
    page = Paginator(ordered, PER_PAGE).get_page(request.GET.get("page"))
    note_read(request, ("detail", SUBJECT), len(page.object_list), subject_id=str(group.pk))
    now = as_of.reading_moment()
    grants = group.grants.select_related("integration", "decided_by")
    context = {
        "group": group,
        "page_obj": page,
        "form": form,
        "grants": [(grant, grant.stands_at(now)) for grant in grants[:100]],
    }
    return render(request, "policies/principalgroup_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.add_principalgroup", raise_exception=True)
def group_create(request: HttpRequest) -> HttpResponse:
    """A new group, without members."""
    form = GroupForm(request.POST or None)
    if form.is_valid():
        made = directory.add_group(
            form.cleaned_data["name"], source=Principal.Source.PORTAL, at=timezone.now()
        )
        messages.success(request, "Added: take its members in.")
        return redirect("policies:principalgroup-detail", made.slug)
    return render(request, "policies/principalgroup_form.html", {"form": form})


@require_POST
@permission_required(EDIT, raise_exception=True)
def member_add(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a principal in: it holds the group's grants from now on."""
    group = get_object_or_404(PrincipalGroup, slug=slug)
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _shown(request, slug, form)
    by, at, joining = person(request), timezone.now(), form.cleaned_data["actor"]
    tell(
        request,
        lambda: directory.change_members(group, add=[joining], by=by, at=at),
        f"{joining} is a member now.",
    )
    return redirect("policies:principalgroup-detail", slug)


@require_POST
@permission_required(EDIT, raise_exception=True)
def member_remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a principal out: what it held by the group ends at once."""
    group = get_object_or_404(PrincipalGroup, slug=slug)
    leaving = get_object_or_404(group.members, pk=whole(request.POST.get("principal")))
    by, at = person(request), timezone.now()
    tell(
        request,
        lambda: directory.change_members(group, remove=[leaving], by=by, at=at),
        f"{leaving} is no member any more.",
    )
    return redirect("policies:principalgroup-detail", slug)


@require_POST
@permission_required(EDIT, raise_exception=True)
def group_end(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the group up: its memberships and grants end at once."""
    group = get_object_or_404(PrincipalGroup, slug=slug)
    by, at = person(request), timezone.now()
    tell(request, lambda: directory.give_up_group(group, by=by, at=at), "The group is given up.")
    return redirect("policies:principalgroup-detail", slug)
