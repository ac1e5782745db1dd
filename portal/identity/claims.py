"""How this session signed in, as allauth's records say it."""

from __future__ import annotations

from allauth.account.internal.flows.login import get_authentication_records
from django.http import HttpRequest

from portal.identity.providers import Claims, IdentityProvider
from portal.identity.second_factor import note_provider_factor
from portal.models import User

# When the person last proved to the provider who they are, in seconds since 1970.
PROVED_AT = "portal-provider-proved-at"


def note_provider(
    request: HttpRequest, person: User, provider: IdentityProvider, claims: Claims
) -> None:
    """Record when the provider asked the person, and for a second factor if it may say so.

    Somebody whom it lets in without asking has proved nothing just now (`stepping_up.is_fresh`),
    and where it does not say when it asked, nobody knows that it did.
    """
    request.session[PROVED_AT] = claims.authenticated_at or 0.0
    if provider.trusts_mfa.intersection(claims.methods):
        note_provider_factor(request, person, provider=provider.slug)


def provider_of_session(request: HttpRequest) -> str:
    """The slug of the provider that this session last signed in by; empty for none."""
    if not request.user.is_authenticated:
        return ""
    records = get_authentication_records(request, request.user)
    slugs = [each.get("provider") for each in records if each.get("method") == "socialaccount"]
    return str(slugs[-1]) if slugs else ""
