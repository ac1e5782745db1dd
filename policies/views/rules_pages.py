"""Data policies: the list, a policy, what somebody writes of it, and its versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from countersign.rules import Policy
from countersign.rules.claims import CAVEAT, claim
from policies.forms.policies import PolicyForm
from policies.forms.versions import SubmitForm, VersionDecisionForm
from policies.models import DataPolicy, PolicyVersion
from policies.services import versions
from policies.services.policy_impact import impact
from policies.services.trail import Refused
from policies.views.access import person, tell
from policies.views.rules_comparing import difference
from policies.views.rules_editing import newest_document
from policies.views.rules_presenting import (
    check_lines,
    default_lines,
    lines_of_tests,
    rule_lines,
)
from vendors import as_of

TABS = {
    "rules": "Rules",
    "versions": "Versions",
    "integrations": "Integrations",
    "history": "History",
}
MOST_EVENTS = 100
viewers = permission_required("policies.view_datapolicy", raise_exception=True)
editors = permission_required("policies.change_datapolicy", raise_exception=True)


@require_safe
@viewers
def policy_list(request: HttpRequest) -> HttpResponse:
    """Every policy with its version in force, what may be claimed, and what comes next."""
    now = as_of.reading_moment()
    found = PolicyVersion.objects.select_related("made_by").order_by("number")
    in_force = {v.policy_id: v for v in found.in_force(now)}
    waiting = {v.policy_id: v for v in found.awaiting_decision()}
    coming = {v.policy_id: v for v in found.to_come(now)}
    rows = [
        {
            "policy": policy,
            "in_force": in_force.get(policy.pk),
            "waiting": waiting.get(policy.pk),
            "coming": coming.get(policy.pk),
            "rules": len(in_force[policy.pk].document["rules"]) if policy.pk in in_force else None,
            "uses": policy.used,
        }
        for policy in DataPolicy.objects.annotate(used=Count("uses")).order_by("name")
    ]
    return render(request, "policies/rules_list.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(
    ["policies.add_datapolicy", "policies.change_datapolicy"], raise_exception=True
)
def policy_create(request: HttpRequest) -> HttpResponse:
    """A new policy, whose first draft is the starter set."""
    form = PolicyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = versions.create_policy(
                **form.cleaned_data, by=person(request), at=timezone.now()
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("policies:datapolicy-edit", made.slug)
    return render(request, "policies/rules_create.html", {"form": form})


@require_safe
@viewers
def policy_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One policy: the rules in force, its versions, who goes by it, what happened."""
    policy = get_object_or_404(DataPolicy, slug=slug)
    now = as_of.reading_moment()
    tab = request.GET.get("tab", "rules")
    tab = tab if tab in TABS else "rules"
    in_force = versions.version_at(policy, now)
    context: dict[str, object] = {
        "policy": policy,
        "now": now,
        "tab": tab,
        "tabs": [
            {"label": label, "url": f"?tab={name}", "current": name == tab}
            for name, label in TABS.items()
        ],
        "in_force": in_force,
        "draft": versions.draft_of(policy, person(request)),
        "waiting": policy.versions.awaiting_decision().select_related("made_by"),
        **PARTS[tab](policy, in_force),
    }
    return render(request, "policies/rules_detail.html", context)


def _rules(_policy: DataPolicy, in_force: PolicyVersion | None) -> dict[str, object]:
    return _shown(in_force.document) if in_force else {}


def _shown(document: Mapping[str, Any]) -> dict[str, object]:
    """A document's rules, tests, defaults and claim, as pages show them."""
    return {
        "document": document,
        "rules": rule_lines(document),
        "tests": lines_of_tests(document),
        "defaults": default_lines(document),
        "claim": claim(Policy.parse(document)),
        "caveat": CAVEAT,
    }


def _versions(policy: DataPolicy, _in_force: PolicyVersion | None) -> dict[str, object]:
    return {"versions": policy.versions.select_related("made_by", "decided_by")}


def _integrations(policy: DataPolicy, _in_force: PolicyVersion | None) -> dict[str, object]:
    uses = policy.uses.select_related("integration__service__vendor", "shadow")
    return {"uses": uses.order_by("integration__name")}


def _history(policy: DataPolicy, _in_force: PolicyVersion | None) -> dict[str, object]:
    events = policy.events.select_related("actor", "version", "integration")
    return {"events": events[:MOST_EVENTS]}


PARTS = {
    "rules": _rules,
    "versions": _versions,
    "integrations": _integrations,
    "history": _history,
}


@require_safe
@editors
def policy_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """What the person writes of the next version, with all that stands against it."""
    policy = get_object_or_404(DataPolicy, slug=slug)
    draft = versions.draft_of(policy, person(request))
    document = draft.document if draft else newest_document(policy)
    return render(
        request,
        "policies/rules_draft.html",
        {
            "policy": policy,
            "draft": draft,
            "form": SubmitForm(initial={"note": draft.note if draft else ""}),
            **_looked_through(document),
            **_compared(policy, document),
        },
    )


def _looked_through(document: Mapping[str, Any]) -> dict[str, object]:
    """A document with its tests run, and what stands against submitting it."""
    found = versions.checked(document)
    missed = frozenset(each.rule_id for each in found.unreachable)
    return {
        **_shown(document),
        "rules": rule_lines(document, missed),
        "tests": lines_of_tests(document, found.ran),
        "passed": sum(each.passed for each in found.ran),
        "problems": check_lines(found),
    }


def _compared(
    policy: DataPolicy, document: Mapping[str, Any], *, but: PolicyVersion | None = None
) -> dict[str, object]:
    """What differs from the version in force, or of an older one from the one before."""
    now = as_of.reading_moment()
    base = versions.version_at(policy, now)
    if but is not None and (base is None or base.pk == but.pk or but.state == but.State.APPROVED):
        base = policy.versions.filter(number__lt=but.number, state=but.State.APPROVED).first()
    uses = policy.uses.select_related("integration__service__vendor").prefetch_related(
        "integration__data_classes"
    )
    rows = impact(list(uses), base.document if base else None, document, timezone.localdate(now))
    return {
        "difference": difference(base.document, document) if base else None,
        "against": f"Against version {base.number}" if base else "",
        "impact": rows,
        "would_change": sum(bool(row.lines) for row in rows),
    }


@require_POST
@editors
def policy_discard(request: HttpRequest, slug: str) -> HttpResponse:
    """Throw away what the person wrote."""
    policy = get_object_or_404(DataPolicy, slug=slug)
    versions.discard_draft(policy, by=person(request))
    messages.success(request, "Draft discarded.")
    return redirect("policies:datapolicy-detail", slug)


@require_POST
@permission_required("policies.submit_policyversion", raise_exception=True)
def policy_submit(request: HttpRequest, slug: str) -> HttpResponse:
    """Hand the person's draft in: it becomes a version that somebody else decides on."""
    policy = get_object_or_404(DataPolicy, slug=slug)
    form = SubmitForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say in up to 300 characters what changes, and why.")
        return redirect("policies:datapolicy-edit", slug)
    by, at = person(request), timezone.now()
    draft = versions.draft_of(policy, by)
    document = draft.document if draft else newest_document(policy)
    try:
        kept = versions.save_draft(policy, document, change=form.cleaned_data["note"], by=by, at=at)
        made = versions.submit(kept, by=by, at=at)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("policies:datapolicy-edit", slug)
    messages.success(request, f"Version {made.number} submitted: somebody else decides on it.")
    return redirect("policies:policyversion-detail", slug, made.number)


def _version(slug: str, number: int) -> PolicyVersion:
    rows = PolicyVersion.objects.select_related("policy", "made_by", "decided_by")
    return get_object_or_404(rows, policy__slug=slug, number=number)


@require_safe
@viewers
def version_detail(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One version: what it says, what it changes and for whom, its tests, the decision on it."""
    form = VersionDecisionForm()
    return _show_version(request, _version(slug, number), form)


def _show_version(
    request: HttpRequest, version: PolicyVersion, form: VersionDecisionForm
) -> HttpResponse:
    waiting = version.state == PolicyVersion.State.SUBMITTED
    own = versions.has_a_hand_in(version, person(request))
    may = request.user.has_perm("policies.approve_policyversion")
    today = as_of.day_read() is None
    looked = _looked_through(version.document) if waiting else _shown(version.document)
    context = {
        "policy": version.policy,
        "version": version,
        "now": as_of.reading_moment(),
        "form": form,
        "waiting": waiting,
        "own": own,
        "may_decide": today and waiting and may and not own,
        "may_withdraw": today and waiting and own,
        **looked,
        **_compared(version.policy, version.document, but=version),
    }
    return render(request, "policies/rules_version.html", context)


@require_POST
@permission_required("policies.approve_policyversion", raise_exception=True)
def version_decide(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """A second person approves a version, or turns it down."""
    version = _version(slug, number)
    form = VersionDecisionForm(request.POST)
    if not form.is_valid():
        return _show_version(request, version, form)
    by, at = person(request), timezone.now()
    note, starts_at = form.cleaned_data["note"], form.cleaned_data["starts_at"]
    if request.POST.get("decision") == "approve":
        tell(request, lambda: _approve(version, note, starts_at, by, at), "Approved and signed.")
    elif request.POST.get("decision") == "reject":
        tell(request, lambda: versions.reject(version, by=by, at=at, decision=note), "Rejected.")
    else:
        messages.error(request, "Choose a decision.")
    return redirect("policies:policyversion-detail", slug, number)


def _approve(
    version: PolicyVersion, note: str, starts_at: dt.datetime | None, by: Any, at: dt.datetime
) -> PolicyVersion:
    # A moment of this minute means now: the form has no seconds.
    begins = None if starts_at is None or starts_at <= at else starts_at
    return versions.approve(version, by=by, at=at, starts_at=begins, decision=note)


@require_POST
@permission_required("policies.submit_policyversion", raise_exception=True)
def version_withdraw(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Who submitted a version takes it back before it is decided on."""
    version = _version(slug, number)
    by, at = person(request), timezone.now()
    tell(request, lambda: versions.withdraw(version, by=by, at=at), "Withdrawn.")
    return redirect("policies:policyversion-detail", slug, number)
