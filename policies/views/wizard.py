"""The engineer's form: register an integration, or change one, in five steps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from policies.forms.steps import LABELS, REVIEW, STEPS, Step, as_posted
from policies.models import Integration, IntegrationDraft
from policies.services.deciding import material_terms, preview
from policies.services.drafts import (
    Values,
    answers_of,
    as_integration,
    finish,
    material_changes,
    values_of,
)
from policies.services.grants import may
from policies.services.lifecycle import longest_approval
from policies.services.trail import FINAL, Refused
from policies.views.access import integration_for, person
from policies.views.presenting import banner, paper_lines, reason_lines, term_lines
from vendors.models import Service


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.add_integration", raise_exception=True)
def integration_create(request: HttpRequest) -> HttpResponse:
    """The first step of a new integration; the draft is stored once it checks."""
    return _begin(request, IntegrationDraft(author_id=person(request).pk))


@require_http_methods(["GET", "HEAD", "POST"])
def integration_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """The first step of a change; a change begun earlier is taken up again."""
    integration = integration_for(request, slug, "change_integration")
    if integration.state in FINAL:
        raise PermissionDenied
    author = person(request)
    begun = integration.drafts.filter(author_id=author.pk).first()
    if begun is not None:
        return redirect("policies:draft-step", begun.pk, 1)
    draft = IntegrationDraft(
        integration=integration,
        author_id=author.pk,
        answers=answers_of(integration),
        steps_done=len(STEPS),
    )
    return _begin(request, draft)


def _begin(request: HttpRequest, draft: IntegrationDraft) -> HttpResponse:
    form = _form(request, draft, 1)
    if request.method == "POST" and _keep(form, draft, 1, person(request)):
        return redirect("policies:draft-step", draft.pk, 2)
    return _show(request, draft, 1, form)


def _form(request: HttpRequest, draft: IntegrationDraft, number: int) -> Step:
    """The step's form: with what was posted, else with the answers so far."""
    kind = STEPS[number - 1]
    on = timezone.localdate()
    if request.method == "POST":
        return kind(request.POST, request.FILES, answers=draft.answers, on=on)
    initial = {"environment": "production", "deidentification": "none", "audit_mode": "strict"}
    return kind(initial=initial | as_posted(draft.answers), answers=draft.answers, on=on)


def _keep(form: Step, draft: IntegrationDraft, number: int, by: Any) -> bool:
    """Store the step's answers, if they check."""
    if not form.is_valid():
        return False
    try:
        stored = form.stored(by)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    draft.answers = draft.answers | stored
    draft.steps_done = max(draft.steps_done, number)
    draft.save()
    return True


def _draft_for(request: HttpRequest, pk: int) -> IntegrationDraft:
    """A draft of the person who asks, as long as they may finish it; others find none."""
    author = person(request)
    draft = get_object_or_404(
        IntegrationDraft.objects.select_related(
            "integration__service", "integration__deidentification_document"
        ),
        pk=pk,
        author_id=author.pk,
    )
    if draft.integration is None:
        permitted = author.has_perm("policies.add_integration")
    else:
        permitted = may(author, "change_integration", draft.integration)
    if not permitted:
        raise PermissionDenied
    return draft


@require_http_methods(["GET", "HEAD", "POST"])
def draft_step(request: HttpRequest, pk: int, step: int) -> HttpResponse:
    """One step of a draft: shown, or checked and stored; the last one saves the integration."""
    draft = _draft_for(request, pk)
    if not 1 <= step <= min(draft.steps_done + 1, REVIEW):
        return redirect("policies:draft-step", draft.pk, min(draft.steps_done + 1, REVIEW))
    if step == REVIEW:
        return _review(request, draft)
    form = _form(request, draft, step)
    if request.method != "POST":
        return _show(request, draft, step, form)
    if _keep(form, draft, step, person(request)) and "check" not in request.POST:
        return redirect("policies:draft-step", draft.pk, step + 1)
    return _show(request, draft, step, form)


def _show(request: HttpRequest, draft: IntegrationDraft, step: int, form: Step) -> HttpResponse:
    context: dict[str, object] = {
        "draft": draft,
        "form": form,
        "step": step,
        "title": LABELS[step - 1],
        "steps": _steps(draft, step),
        "back": _back(draft, step),
        "attached": getattr(form, "attached", lambda: None)(),
    }
    if step >= 3 and draft.steps_done >= 3:
        context["outlook"] = _outlook(draft, _complete(draft), timezone.now())
    return render(request, "policies/draft_step.html", context)


def _complete(draft: IntegrationDraft) -> Values | None:
    """The answers as model values; before the last steps were answered, with their defaults."""
    defaults = {"audit_mode": "strict", "known_actors_only": False}
    try:
        return values_of(defaults | draft.answers)
    except (Service.DoesNotExist, KeyError):
        return None


def _steps(draft: IntegrationDraft, current: int) -> list[dict[str, object]]:
    def state(number: int) -> str:
        if number == current:
            return "current"
        return "done" if number <= draft.steps_done else "ahead"

    def url(number: int) -> str:
        reachable = draft.pk and number <= draft.steps_done + 1
        return reverse("policies:draft-step", args=[draft.pk, number]) if reachable else ""

    return [
        {"label": label, "state": state(number), "url": url(number)}
        for number, label in enumerate(LABELS, start=1)
    ]


def _back(draft: IntegrationDraft, step: int) -> str:
    if step > 1:
        return reverse("policies:draft-step", args=[draft.pk, step - 1])
    if draft.integration:
        return reverse("policies:integration-detail", args=[draft.integration.slug])
    return reverse("policies:integration-list")


@dataclass(frozen=True)
class Outlook:
    """What the gate would say of the draft once approved, and what it rests on."""

    banner: object
    reasons: list[Any]
    papers: list[Any]
    allowed: bool


def _outlook(draft: IntegrationDraft, values: Values | None, now: dt.datetime) -> Outlook | None:
    if values is None:
        return None
    on = timezone.localdate(now)
    made = as_integration(draft, values)
    slugs = [c.slug for c in values.data_classes]
    verdict = preview(made, slugs, on, until=longest_approval(now))
    return Outlook(
        banner(verdict, on),
        reason_lines(verdict),
        paper_lines(verdict, made, on, without="approval"),
        verdict.allowed,
    )


def _wrong_steps(draft: IntegrationDraft, on: dt.date) -> list[dict[str, object]]:
    """Steps whose answers no longer check, for another answer or the register has changed."""
    return [
        {"number": number, "label": kind.title}
        for number, kind in enumerate(STEPS, start=1)
        if not kind(as_posted(draft.answers), answers=draft.answers, on=on).is_valid()
    ]


def _review(request: HttpRequest, draft: IntegrationDraft) -> HttpResponse:
    now = timezone.now()
    wrong = _wrong_steps(draft, timezone.localdate(now))
    values = None if wrong else _complete(draft)
    if request.method == "POST" and values is not None:
        saved = _finish(request, draft, values, now)
        if saved is not None:
            return redirect("policies:integration-detail", saved.slug)
    context: dict[str, object] = {
        "draft": draft,
        "step": REVIEW,
        "title": LABELS[REVIEW - 1],
        "steps": _steps(draft, REVIEW),
        "back": _back(draft, REVIEW),
        "wrong": wrong,
    }
    if values is not None:
        changes = material_changes(draft, values)
        state = draft.integration.state if draft.integration else Integration.State.DRAFT
        made = as_integration(draft, values)
        was = material_terms(draft.integration) if draft.integration else None
        context |= {
            "outlook": _outlook(draft, values, now),
            "terms": term_lines(dict(material_terms(made)), dict(was) if was else None),
            "voids": [c.replace("_", " ") for c in changes]
            if state in Integration.STANDING
            else [],
            "can_submit": bool(changes)
            or state in (Integration.State.DRAFT, Integration.State.CHANGES),
        }
    return render(request, "policies/draft_review.html", context)


def _finish(
    request: HttpRequest, draft: IntegrationDraft, values: Values, now: dt.datetime
) -> Integration | None:
    hand_in = request.POST.get("action") == "submit"
    try:
        saved = finish(draft, values, hand_in=hand_in, by=person(request), at=now)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return None
    except ValidationError as error:
        for text in error.messages:
            messages.error(request, text)
        return None
    messages.success(request, "Submitted for approval." if hand_in else "Saved.")
    return saved


@require_safe
def draft_list(request: HttpRequest) -> HttpResponse:
    """What the person has begun and not finished."""
    drafts = IntegrationDraft.objects.filter(author_id=person(request).pk)
    rows = [
        {
            "draft": draft,
            "next": min(draft.steps_done + 1, REVIEW),
            "label": LABELS[min(draft.steps_done, REVIEW - 1)],
        }
        for draft in drafts.select_related("integration")
    ]
    return render(request, "policies/draft_list.html", {"rows": rows})


@require_POST
def draft_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a draft away; what was saved before stays as it is."""
    draft = get_object_or_404(IntegrationDraft, pk=pk, author_id=person(request).pk)
    draft.delete()
    messages.success(request, "Draft discarded.")
    return redirect("policies:integration-list")
