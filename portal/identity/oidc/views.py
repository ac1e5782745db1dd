"""The two addresses of OpenID Connect: the way out, and the way back."""

from __future__ import annotations

from typing import Any

import requests
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from portal.identity.beginning import ask_first, leave, provider_named
from portal.identity.oidc.provider import OpenIDAdapter
from portal.identity.refusals import Refusal
from portal.identity.refusing import refuse


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Begin a sign-in; only a POST does."""
    ours = provider_named(provider_id, "oidc")
    if request.method == "GET":
        return ask_first(request, ours)
    try:
        answer = OpenIDAdapter(request, provider_id).get_provider().redirect_from_request(request)
    except (OAuth2Error, requests.RequestException):
        return refuse(request, ours, Refusal.UNREACHABLE)
    return leave(request, ours, answer.url) if answer.status_code == 302 else answer


class CallbackView(OAuth2CallbackView):
    """allauth's, which tells its adapter what was kept when the sign-in began."""

    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, response = super()._get_state(request, provider)
        self.adapter.state = state
        return state, response


@login_not_required
@never_cache
@require_GET
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the provider's answer, which is good once and in the browser that asked."""
    ours = provider_named(provider_id, "oidc")
    adapter = OpenIDAdapter(request, provider_id)
    if not adapter.answers_us(request.GET.get("iss")):
        return refuse(request, ours, Refusal.STATE)
    answer: HttpResponse = CallbackView.adapter_view(adapter)(request)
    return answer
