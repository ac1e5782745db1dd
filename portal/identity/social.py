"""allauth's hooks of single sign-on: where providers come from, and who may come in."""

from __future__ import annotations

import time
from typing import Any, NoReturn

import requests
from allauth.account.adapter import get_adapter as account_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import (
    DefaultSocialAccountAdapter,
    _build_apps_from_settings,
)
from allauth.socialaccount.models import SocialApp, SocialLogin
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.utils import timezone

from portal.identity import people
from portal.identity.claims import note_provider
from portal.identity.noting import Kind, method_of, note
from portal.identity.outbound_session import outbound_session
from portal.identity.providers import Claims, IdentityProvider
from portal.identity.refusals import Refusal, Refused
from portal.identity.refusing import refuse
from portal.models import User

# A provider's clock may differ so much from ours.
SKEW_SECONDS = 60


class SocialAdapter(DefaultSocialAccountAdapter):
    """Providers come from the settings alone, people from the portal."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The providers of the settings: a row in the database makes none."""
        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def get_requests_session(self) -> requests.Session:
        return outbound_session()

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Who may have an account is decided before; allauth's form makes none."""
        return False

    def new_user(self, request: HttpRequest, sociallogin: SocialLogin) -> User:
        return User()

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> User:
        """Nothing: what becomes of the claims is decided in pre_social_login."""
        user: User = sociallogin.user
        return user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the person, let their roles follow, and refuse whom nothing lets in."""
        provider: IdentityProvider = settings.IDENTITY_PROVIDERS[sociallogin.account.provider]
        claims: Claims = sociallogin.claims
        try:
            # Who confirms as somebody else has linked and made nothing.
            with transaction.atomic():
                link = people.open_account(provider, claims, at=timezone.now())
                self._confirm(request, sociallogin.state, claims, link.user)
            people.settle_roles(link.user, provider, claims, at=timezone.now())
        except Refused as refused:
            self._refuse(request, provider, refused.reason, refused.person)
        sociallogin.account, sociallogin.user = link, link.user
        if sociallogin.state.get("confirms"):
            self._confirmed(request, sociallogin, provider, claims)
        if request.user.is_authenticated:
            # Before the second factor is noted, which belongs to the session to come.
            account_adapter(request).logout(request)
        note_provider(request, link.user, provider, claims)

    def _confirm(
        self, request: HttpRequest, state: dict[str, Any], claims: Claims, person: User
    ) -> None:
        """Check that who confirms is who is signed in, and did so just now. Raises: Refused."""
        since = state.get("confirms")
        if since is None:
            return
        if request.user != person:
            raise Refused(Refusal.OTHER_PERSON, person)
        at = claims.authenticated_at
        if at is None or not since - SKEW_SECONDS <= at <= time.time() + SKEW_SECONDS:
            raise Refused(Refusal.NOT_FRESH, person)

    def _confirmed(
        self,
        request: HttpRequest,
        sociallogin: SocialLogin,
        provider: IdentityProvider,
        claims: Claims,
    ) -> NoReturn:
        """End here: the session stays, and its records say that the person signed in again."""
        record_authentication(
            request,
            sociallogin.user,
            method="socialaccount",
            provider=provider.slug,
            reauthenticated=True,
        )
        note_provider(request, sociallogin.user, provider, claims)
        note(request, Kind.STEPPED_UP, user=sociallogin.user, method=method_of(provider))
        raise ImmediateHttpResponse(
            HttpResponseRedirect(sociallogin.get_redirect_url(request) or "/")
        )

    def _refuse(
        self,
        request: HttpRequest,
        provider: IdentityProvider,
        reason: Refusal,
        person: AbstractBaseUser | None = None,
    ) -> NoReturn:
        raise ImmediateHttpResponse(refuse(request, provider, reason, person))

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, **_more: Any
    ) -> None:
        """allauth found something wrong with the answer, before there were any claims."""
        ours: IdentityProvider = settings.IDENTITY_PROVIDERS[provider.sub_id]
        reasons = {"cancelled": Refusal.CANCELLED, "denied": Refusal.PROVIDER_ERROR}
        reason = reasons.get(str(error), Refusal.STATE)
        if _more.get("exception") is not None:
            reason = Refusal.ASSERTION
        self._refuse(request, ours, reason)
