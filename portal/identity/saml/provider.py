"""allauth's SAML provider, with settings by our own address and requests that can be asked anew."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.saml.provider import SAMLProvider as AllauthProvider
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Saml

from portal.identity.beginning import state_of
from portal.identity.providers import Claims, IdentityProvider
from portal.identity.saml.checking import arrived_at


def address_of(name: str, slug: str) -> str:
    """The address of one of our pages as the provider knows it: by PUBLIC_URL."""
    return str(settings.PUBLIC_URL) + reverse(name, args=[slug])


def service_settings(provider: IdentityProvider) -> dict[str, Any]:
    """python3-saml's settings: we are told by our metadata's address, and assertions are signed."""
    return {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": address_of("saml_metadata", provider.slug),
            "assertionConsumerService": {
                "url": address_of("saml_acs", provider.slug),
                "binding": Saml.BINDING_HTTP_POST,
            },
            "NameIDFormat": Saml.NAMEID_UNSPECIFIED,
        },
        "idp": {
            "entityId": provider.entity_id,
            "singleSignOnService": {"url": provider.sso_url},
            "x509certMulti": {"signing": list(provider.certificates)},
        },
        "security": {
            "wantAssertionsSigned": True,
            "wantNameId": True,
            "wantAttributeStatement": False,
            "requestedAuthnContext": False,
            "rejectDeprecatedAlgorithm": True,  # no SHA-1
            "allowRepeatAttributeName": True,
            "allowSingleLabelDomains": True,  # hosts of an intranet
        },
    }


class SAMLProvider(AllauthProvider):
    """What is asked of the provider, and what of its answer allauth sees."""

    package = "portal.identity.saml"

    @property
    def ours(self) -> IdentityProvider:
        found: IdentityProvider = settings.IDENTITY_PROVIDERS[self.app.client_id]
        return found

    def redirect_from_request(self, request: HttpRequest) -> HttpResponse:
        state = state_of(request)
        acs = address_of("saml_acs", self.ours.slug)
        auth = OneLogin_Saml2_Auth(arrived_at(acs), old_settings=service_settings(self.ours))
        # Without an address to return to: it would be RelayState, and the session knows it.
        address = auth.login(return_to="", force_authn="confirms" in state)
        self.stash_redirect_state(request, state_id=auth.get_last_request_id(), **state)
        return HttpResponseRedirect(address)

    def sociallogin_from_response(self, request: HttpRequest, response: Claims) -> SocialLogin:
        login: SocialLogin = super().sociallogin_from_response(request, response)
        login.claims = response
        return login

    def extract_uid(self, data: Claims) -> str:
        return data.uid(self.ours.authority)

    def extract_extra_data(self, data: Claims) -> dict[str, Any]:
        """Nothing is kept of what the provider says of a person."""
        return {}

    def extract_common_fields(self, data: Claims) -> dict[str, Any]:
        return {}
