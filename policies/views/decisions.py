"""Steps of an integration's life: hand in, decide, suspend, resume, retire."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from countersign.canonical import digest
from policies.forms.decisions import DecisionForm, ReasonForm
from policies.models import Approval, Integration
from policies.services import lifecycle
from policies.services.deciding import evaluate_as_approved, material_terms, standing_approval
from policies.views.access import integration_for, person, tell
from policies.views.presenting import banner, paper_lines, reason_lines, term_lines

State = Integration.State


@require_POST
def submit(request: HttpRequest, slug: str) -> HttpResponse:
    """Hand a draft in for a decision."""
    integration = integration_for(request, slug, "submit_integration")
    by, at = person(request), timezone.now()
    tell(
        request,
        lambda: lifecycle.submit(integration, by=by, at=at),
        "Submitted: an officer decides on it.",
    )
    return redirect("policies:integration-detail", slug)


@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, slug: str) -> HttpResponse:
    """An officer reads the terms and the verdict, and decides; or renews what stands."""
    integration = integration_for(request, slug, "approve_integration")
    now = timezone.now()
    initial = {
        "terms": digest(material_terms(integration)),
        "expires_on": lifecycle.longest_approval(now),
    }
    form = DecisionForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        step, done = _step(request, integration, form)
        if step is None:
            messages.error(request, "Choose a decision.")
        elif tell(request, step, done):
            return redirect("policies:integration-detail", slug)
        else:
            return redirect("policies:integration-decide", slug)
    return render(
        request, "policies/integration_decide.html", _decision_page(request, integration, form)
    )


def _step(
    request: HttpRequest, integration: Integration, form: DecisionForm
) -> tuple[Callable[[], object] | None, str]:
    by, at, seen = person(request), timezone.now(), form.cleaned_data
    note, ends = seen["note"], seen["expires_on"]
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "approve": (
            lambda: lifecycle.approve(
                integration, by=by, at=at, note=note, expires_on=ends, seen_digest=seen["terms"]
            ),
            "Approved.",
        ),
        "renew": (
            lambda: lifecycle.renew(
                integration, by=by, at=at, note=note, expires_on=ends, seen_digest=seen["terms"]
            ),
            "Approval renewed.",
        ),
        "changes": (
            lambda: lifecycle.request_changes(integration, by=by, at=at, note=note),
            "Sent back to its owner.",
        ),
        "reject": (
            lambda: lifecycle.reject(integration, by=by, at=at, note=note),
            "Rejected.",
        ),
    }
    return steps.get(request.POST.get("decision", ""), (None, ""))


def _decision_page(
    request: HttpRequest, integration: Integration, form: DecisionForm
) -> dict[str, object]:
    now = timezone.now()
    on = timezone.localdate(now)
    verdict = evaluate_as_approved(integration, on, until=lifecycle.longest_approval(now))
    last = integration.approvals.filter(decision=Approval.Decision.APPROVE).first()
    standing = standing_approval(integration)
    return {
        "integration": integration,
        "form": form,
        "banner": banner(verdict, on),
        "reasons": reason_lines(verdict),
        "papers": paper_lines(verdict, integration, on, without="approval"),
        "terms": term_lines(dict(material_terms(integration)), dict(last.terms) if last else None),
        "last": last,
        "standing": standing,
        "decisions": integration.approvals.select_related("decided_by")[:5],
        "open": integration.state == State.SUBMITTED,
        "renewable": integration.state in Integration.STANDING and standing is not None,
        "own": lifecycle.has_a_hand_in(integration, person(request)),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def suspend(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop the calls of an integration, with a reason."""
    integration = integration_for(request, slug, "suspend_integration")
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        by, at, reason = person(request), timezone.now(), form.cleaned_data["reason"]
        tell(
            request,
            lambda: lifecycle.suspend(integration, reason=reason, by=by, at=at),
            "Suspended: every call is denied from now on.",
        )
        return redirect("policies:integration-detail", slug)
    context = {
        "integration": integration,
        "form": form,
        "heading": f"Suspend {integration.name}?",
        "text": "Every call is denied from now on, until an officer resumes it.",
        "submit": "Suspend",
        "danger": True,
    }
    return render(request, "policies/integration_confirm.html", context)


@require_POST
def resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Let a suspended integration work again."""
    integration = integration_for(request, slug, "suspend_integration")
    by, at = person(request), timezone.now()
    tell(request, lambda: lifecycle.resume(integration, by=by, at=at), "Resumed.")
    return redirect("policies:integration-detail", slug)


@require_http_methods(["GET", "HEAD", "POST"])
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    """End an integration for good; its keys are revoked."""
    integration = integration_for(request, slug, "retire_integration")
    if request.method == "POST":
        by, at = person(request), timezone.now()
        tell(
            request,
            lambda: lifecycle.retire(integration, by=by, at=at),
            "Retired: its keys are revoked.",
        )
        return redirect("policies:integration-detail", slug)
    context = {
        "integration": integration,
        "heading": f"Retire {integration.name}?",
        "text": "Its keys are revoked at once, and it cannot come back. Its records stay.",
        "submit": "Retire for good",
        "danger": True,
    }
    return render(request, "policies/integration_confirm.html", context)
