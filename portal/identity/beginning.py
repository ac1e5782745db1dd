"""The way out to a provider: a page that leads there."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from portal.identity.providers import IdentityProvider
from portal.identity.refusals import Refusal
from portal.identity.refusing import refuse


def provider_named(slug: str, kind: str) -> IdentityProvider:
    """The provider of the settings. Raises: Http404."""
    providers: dict[str, IdentityProvider] = settings.IDENTITY_PROVIDERS
    found = providers.get(slug)
    if found is None or found.kind != kind:
        raise Http404("no such provider")
    return found


def state_of(request: HttpRequest) -> dict[str, Any]:
    """What is kept in the session until the answer comes: where to go on, and what it is for.

    Of the request's words only `next` (checked by allauth) and `confirm` count: `process`, `scope`
    and `auth_params`, which allauth takes too, would let a link choose what the provider is asked.
    """
    state: dict[str, Any] = {"process": "login", "next_url": get_next_redirect_url(request)}
    if request.user.is_authenticated and request.POST.get("confirm"):
        state["confirms"] = int(time.time())
    return state


def leave(request: HttpRequest, provider: IdentityProvider, address: str) -> HttpResponse:
    """A page that goes on to the provider by itself.

    Not a redirect: browsers hold `form-action` against each address that a form's answer leads to,
    the provider's own redirects included.
    """
    if urlsplit(address).scheme not in ("http", "https"):
        return refuse(request, provider, Refusal.UNREACHABLE)
    response = render(
        request,
        "socialaccount/leaving.html",
        {"provider_name": provider.name, "address": address},
    )
    response["Cache-Control"] = "no-store"
    return response


def ask_first(request: HttpRequest, provider: IdentityProvider) -> HttpResponse:
    """A link alone signs nobody in: the page with the button."""
    return render(request, "socialaccount/login.html", {"provider": provider})
