"""Grants: the list, one of them, asking for one, giving one, deciding, taking away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from policies.filters import GrantFilter
from policies.forms.grants import (
    GrantDecisionForm,
    GrantGiveForm,
    GrantRequestForm,
    WithdrawForm,
)
from policies.models import Grant, PrincipalGroup
from policies.services import granting, holders
from policies.services.granting import Wanted
from policies.services.trail import Person, Refused
from policies.views.access import person
from vendors import as_of
from vendors.exports import table_response
from vendors.reads import checked, note_read

PER_PAGE = 25
ABOUT = ("integration__owner", "principal__user", "group", "asked_by", "decided_by")
# Those of the filters that may be recorded: no text that somebody typed.
FILTERS = ("state", "permission", "kind")
HEADERS = (
    "Holder",
    "Actor",
    "Integration",
    "May",
    "Kind",
    "State",
    "From",
    "Until",
    "What for",
    "Asked by",
    "Asked",
    "Decided by",
    "Decided",
    "Ended by",
    "Ended",
    "Why it ended",
)


@require_safe
@permission_required("policies.view_grant", raise_exception=True)
def grant_list(request: HttpRequest) -> HttpResponse:
    """Every grant and request, the newest first."""
    found = GrantFilter(request.GET, Grant.objects.select_related(*ABOUT))
    page = Paginator(found.qs, PER_PAGE).get_page(request.GET.get("page"))
    filters = checked(found.form, *FILTERS)
    note_read(request, ("list", "policies.grant"), len(page), filters=filters)
    context = {
        "filter": found,
        "page_obj": page,
        "now": as_of.reading_moment(),
    }
    return render(request, "policies/grant_list.html", context)


@require_safe
@permission_required("policies.view_grant", raise_exception=True)
def grant_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The list as a file, under its filters."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    found = GrantFilter(request.GET, Grant.objects.select_related(*ABOUT, "ended_by"))
    rows, filters = found.qs, checked(found.form, *FILTERS)
    note_read(request, ("export", "policies.grant"), rows.count(), filters=filters)
    return table_response(kind, "grants", HEADERS, (_cells(grant) for grant in rows.iterator()))


def _cells(grant: Grant) -> tuple[str | dt.datetime | None, ...]:
    group = grant.group
    return (
        str(grant.holder),
        f"group:{group.slug}" if group else grant.principal.actor if grant.principal else "",
        grant.integration.name,
        grant.get_permission_display(),
        grant.get_kind_display(),
        grant.get_state_display(),
        grant.starts_at,
        grant.ends_at,
        grant.purpose,
        str(grant.asked_by or ""),
        grant.asked_at,
        str(grant.decided_by or ""),
        grant.decided_at,
        str(grant.ended_by or ""),
        grant.ended_at,
        grant.end_note,
    )


def shown_grant(request: HttpRequest, pk: int) -> tuple[Grant, bool]:
    """The grant, for a person who may see it, and whether it is their own.

    Raises: Http404; for others there is none.
    """
    grant = get_object_or_404(
        Grant.objects.select_related(*ABOUT, "ended_by", "reviewed_by", "integration__service"),
        pk=pk,
    )
    who = person(request)
    own = holders.is_own(who, grant)
    if not (own or holders.may_see_others(who, grant)):
        raise Http404
    return grant, own


@require_safe
def grant_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One grant with who asked, decided and ended it, for who may see it."""
    (grant, own), now = shown_grant(request, pk), as_of.reading_moment()
    note_read(request, ("detail", "policies.grant"), 1, subject_id=str(pk))
    who, today = person(request), as_of.day_read() is None
    open_ = today and grant.state in granting.OPEN and grant.ends_at > now
    over = grant.kind == Grant.Kind.EMERGENCY and not grant.stands_at(now)
    decides = holders.may_decide(who) and not own
    context = {
        "grant": grant,
        "now": now,
        "own": own,
        "may_decide": open_ and grant.state == Grant.State.REQUESTED and decides,
        "may_withdraw": open_ and holders.may_withdraw(who, grant),
        "may_review": today and over and grant.reviewed_at is None and decides,
    }
    return render(request, "policies/grant_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.request_grant", raise_exception=True)
def grant_create(request: HttpRequest) -> HttpResponse:
    """Ask for a grant, for oneself or another."""
    form = _form(request, GrantRequestForm)
    if request.method == "POST" and form.is_valid():
        done = "Asked for: somebody else decides."
        made = _store(request, form, granting.request_grant, done)
        if made:
            return redirect("policies:grant-detail", made.pk)
    return render(request, "policies/grant_form.html", {"form": form, "giving": False})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.grant_integration", raise_exception=True)
def grant_give(request: HttpRequest) -> HttpResponse:
    """Give a grant to somebody else, unasked."""
    form = _form(request, GrantGiveForm)
    if request.method == "POST" and form.is_valid():
        made = _store(request, form, granting.give_grant, "Granted.")
        if made:
            return redirect("policies:grant-detail", made.pk)
    return render(request, "policies/grant_form.html", {"form": form, "giving": True})


def _form(request: HttpRequest, kind: type[GrantRequestForm]) -> GrantRequestForm:
    initial = {
        name: request.GET[name]
        for name in ("integration", "permission", "holder")
        if name in request.GET
    }
    return kind(request.POST or None, on=timezone.localdate(), initial=initial)


def _store(
    request: HttpRequest,
    form: GrantRequestForm,
    step: Callable[..., Grant],
    done: str,
) -> Grant | None:
    """The grant that `step` made of the form; None, and the form says why, if it was refused."""
    given, by, at = form.cleaned_data, person(request), timezone.now()
    try:
        with transaction.atomic():
            made = step(given["integration"], _wanted(form, by, at), by=by, at=at)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None
    messages.success(request, done)
    return made


def _wanted(form: GrantRequestForm, by: Person, at: dt.datetime) -> Wanted:
    given = form.cleaned_data
    holder = holders.find_holder(given["holder"], by=by, at=at)
    terms = {
        "permission": given["permission"],
        "purpose": given["purpose"],
        "ends_at": form.ends_at(),
    }
    if isinstance(holder, PrincipalGroup):
        return Wanted(group=holder, **terms)
    return Wanted(principal=holder, **terms)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.grant_integration", raise_exception=True)
def grant_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or refuse a request of somebody else."""
    (grant, own), by = shown_grant(request, pk), person(request)
    last_day = timezone.localdate(grant.ends_at - dt.timedelta(microseconds=1))
    form = GrantDecisionForm(request.POST or None, last_day=last_day)
    if request.method == "POST" and form.is_valid():
        step = _decision(grant, form, by, request.POST.get("decision", ""))
        if step is None:
            form.add_error(None, "Approve it or refuse it.")
        elif taken(request, form, step):
            return redirect("policies:grant-detail", pk)
    context = {"grant": grant, "form": form, "own": own}
    return render(request, "policies/grant_decide.html", context)


@dataclass(frozen=True, slots=True)
class Step:
    """What is done to a grant, and what the person is told."""

    do: Callable[[], Grant]
    done: str


def _decision(grant: Grant, form: GrantDecisionForm, by: Person, word: str) -> Step | None:
    note, ends_at, at = form.cleaned_data["note"], form.ends_at(), timezone.now()
    if word == "approve":
        return Step(
            lambda: granting.approve_grant(grant, by=by, at=at, note=note, ends_at=ends_at),
            "Approved: it holds from now on.",
        )
    if word == "refuse":
        return Step(lambda: granting.refuse_grant(grant, by=by, at=at, note=note), "Refused.")
    return None


def taken(request: HttpRequest, form: forms.Form, step: Step) -> bool:
    """Take a step; the form says why if it was refused."""
    try:
        step.do()
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, step.done)
    return True


@require_http_methods(["GET", "HEAD", "POST"])
def grant_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """End a grant before its time, or take back a request: officers anyone's, others their own."""
    (grant, _), by, at = shown_grant(request, pk), person(request), timezone.now()
    if not holders.may_withdraw(by, grant):
        raise Http404
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        note = form.cleaned_data["note"]
        step = Step(
            lambda: granting.withdraw_grant(grant, by=by, at=at, note=note),
            "Withdrawn, in force for the next call.",
        )
        if taken(request, form, step):
            return redirect("policies:grant-detail", pk)
    return render(request, "policies/grant_withdraw.html", {"grant": grant, "form": form})
