"""People of an integration: grants, and who owns it."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from policies.forms.decisions import GrantForm, OwnerForm
from policies.services import grants
from policies.views.access import address, integration_for, person, tell


@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest, slug: str) -> HttpResponse:
    """Let a person send prompts, view outputs or read the log."""
    integration = integration_for(request, slug, "grant_integration")
    form = GrantForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        to, names = form.cleaned_data["person"], form.cleaned_data["names"]
        by, at = person(request), timezone.now()
        tell(
            request,
            lambda: grants.give(integration, to=to, names=names, by=by, at=at),
            f"Granted to {to}.",
        )
        return redirect(f"{address('policies:integration-detail', slug)}?tab=people")
    context = {
        "integration": integration,
        "form": form,
        "heading": f"Grant access to {integration.name}",
        "text": "It holds until it is withdrawn, and the trail keeps who gave it.",
        "submit": "Grant",
        "tab": "people",
    }
    return render(request, "policies/integration_confirm.html", context)


@require_POST
def withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """Take one grant away from a person."""
    integration = integration_for(request, slug, "grant_integration")
    user = request.POST.get("user", "")
    of = get_object_or_404(get_user_model(), pk=int(user) if user.isdecimal() else 0)
    names, by, at = [request.POST.get("name", "")], person(request), timezone.now()
    tell(
        request,
        lambda: grants.withdraw(integration, of=of, names=names, by=by, at=at),
        f"Withdrawn from {of}.",
    )
    return redirect(f"{address('policies:integration-detail', slug)}?tab=people")


@require_http_methods(["GET", "HEAD", "POST"])
def owner(request: HttpRequest, slug: str) -> HttpResponse:
    """Make another person answer for the integration."""
    integration = integration_for(request, slug, "grant_integration")
    form = OwnerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        successor, by, at = form.cleaned_data["owner"], person(request), timezone.now()
        tell(
            request,
            lambda: grants.change_owner(integration, owner=successor, by=by, at=at),
            f"{successor} owns it now.",
        )
        return redirect(f"{address('policies:integration-detail', slug)}?tab=people")
    context = {
        "integration": integration,
        "form": form,
        "heading": f"Change the owner of {integration.name}",
        "text": "The owner edits and submits it, and makes its keys. What the old one may do ends.",
        "submit": "Change the owner",
        "tab": "people",
    }
    return render(request, "policies/integration_confirm.html", context)
