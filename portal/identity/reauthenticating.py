"""Confirming that it is you at the provider that you signed in by."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from portal.identity.claims import provider_of_session
from portal.identity.providers import IdentityProvider


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Where to post `confirm=1` and `next`, and the provider's name. False where there is none."""

    address: str = ""
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.address)


def confirmation_at_provider(request: HttpRequest) -> Confirmation:
    """The way to confirm for who signed in by a provider that is still there."""
    providers: dict[str, IdentityProvider] = settings.IDENTITY_PROVIDERS
    found = providers.get(provider_of_session(request))
    if found is None:
        return Confirmation()
    page = "saml_login" if found.kind == "saml" else "openid_connect_login"
    return Confirmation(reverse(page, args=[found.slug]), found.name)
