"""An integration's data policy: chosen, enforced, tried in shadow; and glass that is broken."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from policies.forms.policy_uses import PolicyUseForm
from policies.forms.versions import BreakGlassForm
from policies.models import Integration, PolicyUse
from policies.services import policy_uses, versions
from policies.services.bundle_keys import public_key
from policies.services.grants import may
from policies.services.snippets import guard_snippet
from policies.services.trail import FINAL
from policies.views.access import address, integration_for, person, tell

MOST_GLASS = 10


def may_assign(request: HttpRequest, integration: Integration) -> bool:
    """Officers, and as long as nothing is decided who changes the integration."""
    by = person(request)
    if by.has_perm("policies.assign_datapolicy"):
        return True
    early = integration.state in (Integration.State.DRAFT, Integration.State.CHANGES)
    return early and may(by, "change_integration", integration)


@require_http_methods(["GET", "HEAD", "POST"])
def integration_policy(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose the data policy of an integration, and how it is applied."""
    integration = integration_for(request, slug, "view_integration")
    if not may_assign(request, integration) or integration.state in FINAL:
        raise PermissionDenied
    use = policy_uses.use_of(integration)
    initial = (
        {"policy": use.policy.slug, "enforcement": use.enforcement, "shadow": use.shadow_id}
        if use
        else None
    )
    form = PolicyUseForm(request.POST or None, use=use, initial=initial)
    if (
        request.method == "POST"
        and form.is_valid()
        and tell(request, lambda: _apply(request, integration, use, form), "Data policy set.")
    ):
        return redirect(f"{integration_url(integration)}?tab=rules")
    context = {"integration": integration, "use": use, "form": form}
    return render(request, "policies/rules_use.html", context)


def _apply(
    request: HttpRequest, integration: Integration, use: PolicyUse | None, form: PolicyUseForm
) -> None:
    """Take the steps from what stands to what was chosen. Raises: Refused, and none is taken."""
    by, at, given = person(request), timezone.now(), form.cleaned_data
    policy = given["policy"]
    with transaction.atomic():
        if policy is None:
            if use is not None:
                policy_uses.take(integration, by=by, at=at)
            return
        policy_uses.assign(integration, policy, by=by, at=at)
        policy_uses.set_enforcement(integration, given["enforcement"], by=by, at=at)
        if use is not None and use.policy_id == policy.pk:
            policy_uses.set_shadow(integration, given["shadow"], by=by, at=at)


def policy_tab(request: HttpRequest, integration: Integration) -> dict[str, object]:
    """What the integration's page shows of its data rules."""
    now = timezone.now()
    use = policy_uses.use_of(integration)
    return {
        "use": use,
        "in_force": versions.version_at(use.policy, now) if use else None,
        "glass": policy_uses.open_glass(integration, now),
        "broken": integration.broken_glass.select_related("opened_by")[:MOST_GLASS],
        "shadow_url": address("audits:integration-shadow", integration.slug),
        "may_assign": may_assign(request, integration) and integration.state not in FINAL,
        "may_break": request.user.has_perm("policies.break_glass")
        and integration.audit_mode == Integration.AuditMode.STRICT,
        "guard": guard_snippet(
            url=settings.PUBLIC_URL,
            slug=integration.slug,
            bundle_key=public_key(),
            provider=integration.service.provider,
            purpose=integration.purpose,
        ),
    }


def integration_url(integration: Integration) -> str:
    """The page of an integration."""
    return redirect("policies:integration-detail", integration.slug).url


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("policies.break_glass", raise_exception=True)
def break_glass(request: HttpRequest, slug: str) -> HttpResponse:
    """An officer lets an integration go on without the portal for some hours."""
    integration = integration_for(request, slug, "view_integration")
    form = BreakGlassForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        by, at, given = person(request), timezone.now(), form.cleaned_data
        tell(
            request,
            lambda: policy_uses.break_glass(
                integration, hours=given["hours"], reason=given["reason"], by=by, at=at
            ),
            "Glass broken: clients learn of it with their next bundle.",
        )
        return redirect(f"{integration_url(integration)}?tab=rules")
    context = {
        "integration": integration,
        "form": form,
        "heading": f"Break the glass of {integration.name}?",
        "text": "Its calls go on where the portal cannot be reached: each is written into the "
        "client's journal first and told later. Rules are applied all the same. It ends by itself.",
        "submit": "Break the glass",
        "danger": True,
    }
    return render(request, "policies/integration_confirm.html", context)


@require_POST
@permission_required("policies.break_glass", raise_exception=True)
def mend_glass(request: HttpRequest, slug: str) -> HttpResponse:
    """Record strictly again, before the hours are over."""
    integration = integration_for(request, slug, "view_integration")
    by, at = person(request), timezone.now()
    glass = policy_uses.open_glass(integration, at)
    if glass is None:
        messages.error(request, "Its glass is not broken.")
    else:
        tell(
            request,
            lambda: policy_uses.mend_glass(glass, by=by, at=at),
            "Mended: recorded strictly again.",
        )
    return redirect(f"{integration_url(integration)}?tab=rules")
