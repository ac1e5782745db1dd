"""The addresses of SAML: the way out, the way back in two steps, and what we are.

The provider's page posts to us from elsewhere, so that the browser sends no session with it. What
it posted is checked, kept for a moment under a name that cannot be guessed, and taken up by a GET
that brings the session.
"""

from __future__ import annotations

import secrets

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.providers.base import Provider
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from portal.identity.beginning import ask_first, leave, provider_named
from portal.identity.refusals import Refusal, Refused
from portal.identity.refusing import refuse
from portal.identity.saml.checking import Response, check
from portal.identity.saml.provider import address_of, service_settings

KEPT_SECONDS = 60


def _allauths(request: HttpRequest, slug: str) -> Provider:
    return get_adapter().get_provider(request, "saml", client_id=slug)


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Begin a sign-in; only a POST does."""
    ours = provider_named(organization_slug, "saml")
    if request.method == "GET":
        return ask_first(request, ours)
    answer = _allauths(request, ours.slug).redirect_from_request(request)
    return leave(request, ours, answer.url)


@csrf_exempt  # Its proof is the provider's signature, and the request that it must answer.
@login_not_required
@never_cache
@require_POST
def acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Check what the provider posted; nothing of it is kept unless the provider signed it."""
    ours = provider_named(organization_slug, "saml")
    try:
        response = check(
            request.POST.get("SAMLResponse", ""),
            provider=ours,
            service=service_settings(ours),
            acs=address_of("saml_acs", ours.slug),
        )
    except Refused as refused:
        return refuse(request, ours, refused.reason)
    name = secrets.token_urlsafe(32)
    cache.set(_place(ours.slug, name), response.stored(), KEPT_SECONDS)
    address = reverse("saml_finish_acs", args=[ours.slug])
    return HttpResponseRedirect(f"{address}?{urlencode({'response': name})}")


def _place(slug: str, name: str) -> str:
    return f"sso:saml:response:{slug}:{name}"


@login_not_required
@never_cache
@require_GET
def finish(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Sign in whom the response names, if this browser asked for it."""
    ours = provider_named(organization_slug, "saml")
    place = _place(ours.slug, request.GET.get("response", ""))
    stored = cache.get(place)
    if stored is None or not cache.delete(place):
        return refuse(request, ours, Refusal.STATE)
    response, provider = Response.restored(stored), _allauths(request, ours.slug)
    try:
        state = provider.unstash_redirect_state(request, response.in_response_to)
    except PermissionDenied:
        return refuse(request, ours, Refusal.STATE)
    login = provider.sociallogin_from_response(request, response.claims)
    login.state = state
    answer: HttpResponse = complete_social_login(request, login)
    return answer


@login_not_required
@require_GET
def metadata(_request: HttpRequest, organization_slug: str) -> HttpResponse:
    """What the provider has to know of us. Public, and holds nothing that is not."""
    ours = provider_named(organization_slug, "saml")
    known = OneLogin_Saml2_Settings(service_settings(ours), sp_validation_only=True)
    return HttpResponse(known.get_sp_metadata(), content_type="application/samlmetadata+xml")
