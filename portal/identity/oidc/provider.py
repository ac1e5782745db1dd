"""allauth's OpenID Connect provider, stricter: discovery, tokens and parameters are checked."""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from portal.identity.beginning import state_of
from portal.identity.oidc.tokens import TokenRefused, claims_of, verified
from portal.identity.providers import Claims, IdentityProvider

DISCOVERY_SECONDS = 600
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OpenIDAdapter(OpenIDConnectOAuth2Adapter):
    """Talks to the provider. `state` is what was kept when the sign-in began."""

    state: dict[str, Any]

    @property
    def ours(self) -> IdentityProvider:
        found: IdentityProvider = settings.IDENTITY_PROVIDERS[self.provider_id]
        return found

    @property
    def openid_config(self) -> dict[str, Any]:
        """The discovery document, kept for ten minutes.

        Raises: OAuth2Error if it is not that of the issuer who is configured (OpenID Connect
        Discovery 1.0, section 4.3), requests.RequestException.
        """
        place = f"sso:discovery:{self.ours.issuer}"
        found = cache.get(place)
        if found is None:
            found = self._fetch(self.get_provider().server_url)
            if not isinstance(found, dict) or found.get("issuer") != self.ours.issuer:
                raise OAuth2Error("the discovery document is of another issuer")
            if not all(isinstance(found.get(name), str) for name in ENDPOINTS):
                raise OAuth2Error("the discovery document lacks endpoints")
            cache.set(place, found, DISCOVERY_SECONDS)
        return dict(found)

    def _fetch(self, address: str, **headers: str) -> Any:
        with get_adapter().get_requests_session() as session:
            answer = session.get(address, headers=headers)
            answer.raise_for_status()
            return answer.json()

    def complete_login(
        self, request: HttpRequest, app: Any, token: Any, **kwargs: Any
    ) -> SocialLogin:
        """The login of whom the tokens name. Raises: OAuth2Error, requests.RequestException."""
        answer = kwargs["response"]
        config = self.openid_config
        if not isinstance(answer.get("id_token"), str):
            raise TokenRefused("there is no ID token")
        named = verified(
            answer["id_token"],
            self._fetch(config["jwks_uri"]),
            provider=self.ours,
            nonce=str(self.state.get("nonce", "")),
        )
        userinfo: Any = {}
        if address := config.get("userinfo_endpoint"):
            userinfo = self._fetch(address, Authorization=f"Bearer {token.token}")
        if not isinstance(userinfo, dict):
            raise TokenRefused("userinfo is no object")
        claims = claims_of(named, userinfo, self.ours)
        login: SocialLogin = self.get_provider().sociallogin_from_response(request, claims)
        login.claims = claims
        return login

    def answers_us(self, issuer: str | None) -> bool:
        """Whether the answer names the right issuer, if it names one (RFC 9207)."""
        return issuer is None or hmac.compare_digest(issuer.encode(), self.ours.issuer.encode())


class OpenIDProvider(OpenIDConnectProvider):
    """What is asked of the provider, and what of its answer allauth sees."""

    package = "portal.identity.oidc"
    oauth2_adapter_class = OpenIDAdapter
    pkce_enabled_default = True

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Scope, nonce and freshness are ours to say, and no link's."""
        state = state_of(request)
        nonce = secrets.token_urlsafe(24)
        asked = {"nonce": nonce}
        if "confirms" in state:
            asked |= {"prompt": "login", "max_age": "0"}
        return {**state, "nonce": nonce, "auth_params": asked, "scope": self.get_scope()}

    def extract_uid(self, data: Claims) -> str:
        return data.uid(settings.IDENTITY_PROVIDERS[self.sub_id].authority)

    def extract_extra_data(self, data: Claims) -> dict[str, Any]:
        """Nothing is kept of what the provider says of a person."""
        return {}

    def extract_common_fields(self, data: Claims) -> dict[str, Any]:
        return {}

    def extract_email_addresses(self, data: Claims) -> list[Any]:
        return []
