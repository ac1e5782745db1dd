"""People of an integration: grants, and who owns it."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from policies.forms.decisions import GrantForm, OwnerForm
from policies.models import Integration
from policies.services import grants
from policies.services.granting import Wanted, give_grant, withdraw_grant
from policies.services.principals import principal_of
from policies.services.trail import Person
from policies.views.access import address, integration_for, person, tell
from vendors.as_of import end_of
from vendors.numbers import whole


@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest, slug: str) -> HttpResponse:
    """Let a person send prompts, view outputs or read the log, until a day."""
    integration = integration_for(request, slug, "grant_integration")
    now = timezone.now()
    form = GrantForm(request.POST or None, on=timezone.localdate(now))
    if request.method == "POST" and form.is_valid():
        by, to = person(request), form.cleaned_data["person"]
        tell(request, lambda: _give(integration, form, by=by, at=now), f"Granted to {to}.")
        return redirect(f"{address('policies:integration-detail', slug)}?tab=people")
    context = {
        "integration": integration,
        "form": form,
        "heading": f"Grant access to {integration.name}",
        "text": "It ends by itself with its last day, and the trail keeps who gave it.",
        "submit": "Grant",
        "tab": "people",
    }
    return render(request, "policies/integration_confirm.html", context)


@transaction.atomic
def _give(integration: Integration, form: GrantForm, *, by: Person, at: dt.datetime) -> None:
    """All that was chosen, or nothing. Raises: Refused."""
    holder = principal_of(form.cleaned_data["person"], at=at)
    for name in form.cleaned_data["names"]:
        wanted = Wanted(
            permission=name,
            purpose=form.cleaned_data["purpose"],
            ends_at=end_of(form.cleaned_data["last_day"]),
            principal=holder,
        )
        give_grant(integration, wanted, by=by, at=at)


@require_POST
def withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """Take one grant away from its holder."""
    integration = integration_for(request, slug, "grant_integration")
    found = integration.grants.select_related("principal", "group")
    grant = get_object_or_404(found, pk=whole(request.POST.get("grant")))
    by, at = person(request), timezone.now()
    tell(
        request,
        lambda: withdraw_grant(grant, by=by, at=at),
        f"Withdrawn from {grant.holder}.",
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
