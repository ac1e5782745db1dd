"""Keys of an integration: a secret is on one page, once, and nowhere else."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from policies.forms.decisions import KeyForm, RotationForm
from policies.models import Integration, IntegrationKey
from policies.services.bundle_keys import public_key
from policies.services.keys import issue_key, revoke_key, rotate_key
from policies.services.snippets import curl_snippet, guard_snippet, python_snippet
from policies.services.trail import Refused
from policies.views.access import address, integration_for, person, tell


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_variables("secret")
def key_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a key; the answer to the POST shows its secret."""
    integration = integration_for(request, slug, "manage_keys")
    live = integration.state in (Integration.State.APPROVED, Integration.State.ACTIVE)
    form = KeyForm(request.POST or None, on=timezone.localdate(), live=live)
    if request.method == "POST" and form.is_valid():
        ends = dt.datetime.combine(form.cleaned_data["expires_on"], dt.time())
        midnight = timezone.make_aware(ends)
        try:
            key, secret = issue_key(
                integration, form.terms(midnight), by=person(request), at=timezone.now()
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return _shown_once(request, integration, key, secret)
    return render(
        request,
        "policies/key_form.html",
        {"integration": integration, "form": form, "live": live},
    )


@sensitive_variables("secret")
def _shown_once(
    request: HttpRequest, integration: Integration, key: IntegrationKey, secret: str
) -> HttpResponse:
    """The page with the secret; it is kept by nobody: not by a browser's cache, nor a session."""
    integration.refresh_from_db()
    url = f"{settings.INGEST_URL}/api/v1"
    context = {
        "integration": integration,
        "key": key,
        "secret": secret,
        "guard": guard_snippet(
            url=settings.PUBLIC_URL,
            slug=integration.slug,
            bundle_key=public_key(),
            provider=integration.service.provider,
            purpose=integration.purpose,
        ),
        "python": python_snippet(integration, url=url, secret=secret),
        "curl": curl_snippet(integration, url=url, secret=secret),
        "writes": IntegrationKey.Scope.CALLS_WRITE in key.scopes,
    }
    response = render(request, "policies/key_shown.html", context)
    response["Cache-Control"] = "no-store, private"
    return response


def _key_of(integration: Integration, pk: int) -> IntegrationKey:
    """A key of this integration; one of another is not found."""
    return get_object_or_404(IntegrationKey.objects.filter(integration=integration), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_variables("secret")
def key_rotate(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Replace a key; both work for the hours of grace, and the new secret is shown once."""
    integration = integration_for(request, slug, "manage_keys")
    key = _key_of(integration, pk)
    form = RotationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        hours = form.cleaned_data["grace_hours"]
        try:
            made, secret = rotate_key(key, by=person(request), at=timezone.now(), grace_hours=hours)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect(f"{address('policies:integration-detail', slug)}?tab=keys")
        return _shown_once(request, integration, made, secret)
    context = {
        "integration": integration,
        "form": form,
        "heading": f"Replace the key {key.name}?",
        "text": "A new key is made and shown once. The old one goes on for as long as you say.",
        "submit": "Make the new key",
        "tab": "keys",
    }
    return render(request, "policies/integration_confirm.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def key_revoke(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """End a key at once."""
    integration = integration_for(request, slug, "manage_keys")
    key = _key_of(integration, pk)
    if request.method == "POST":
        by, at = person(request), timezone.now()
        tell(request, lambda: revoke_key(key, by=by, at=at), "Revoked, from this moment on.")
        return redirect(f"{address('policies:integration-detail', slug)}?tab=keys")
    context = {
        "integration": integration,
        "heading": f"Revoke the key {key.name}?",
        "text": f"Whatever calls with {key.public_id} is refused from this moment on.",
        "submit": "Revoke",
        "danger": True,
        "tab": "keys",
    }
    return render(request, "policies/integration_confirm.html", context)
