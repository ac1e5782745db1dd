"""What happens to people's sign-in, told to the trail of security events.

allauth tells it in two ways: by methods of its adapter, which `NotingAdapter` overrides, and, where
it asks no adapter, by its signals (`portal.identity.listening`). See docs/decisions/0033.
"""

from __future__ import annotations

from typing import Any, Unpack

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audits.models import SecurityEvent
from audits.services.security import Details, note_security
from portal.identity.providers import IdentityProvider
from vendors.network import network_of, peer_of

Kind, Method = SecurityEvent.Kind, SecurityEvent.Method
# Who is locked out and goes on trying is noted once in so many seconds.
ONCE_SECONDS = 60


def note(
    request: HttpRequest,
    kind: str,
    *,
    user: AbstractBaseUser | None = None,
    by: AbstractBaseUser | None = None,
    **details: Unpack[Details],
) -> SecurityEvent:
    """Store a security event with the network and the kind of client that the request has."""
    details["address"] = peer_of(request.META)
    details["agent"] = request.headers.get("User-Agent", "")
    return note_security(kind, at=timezone.now(), user=user, by=by, **details)


def note_once(
    request: HttpRequest, kind: str, *, user: AbstractBaseUser | None = None, method: str = ""
) -> None:
    """As `note`, once a minute for a person and a network: hammering writes no more."""
    network = network_of(peer_of(request.META))
    who = user.pk if user is not None else ""
    if cache.add(f"noted:{kind}:{who}:{network}", 1, ONCE_SECONDS):
        note(request, kind, user=user, method=method)


class NotingAdapter(DefaultAccountAdapter):
    """The methods of allauth's adapter that are told when somebody signs in, or cannot, or out."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            note_once(request, Kind.LOCKED_OUT, user=_known(credentials), method=Method.PASSWORD)
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        again = request.user.is_authenticated
        kind = Kind.STEP_UP_FAILED if again else Kind.SIGN_IN_FAILED
        note(request, kind, user=_known(credentials), method=Method.PASSWORD)
        super().authentication_failed(request, **credentials)

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        good = bool(super().reauthenticate(user, password))
        if good:
            note(context.request, Kind.STEPPED_UP, user=user, method=Method.PASSWORD)
        return good

    def pre_login(
        self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any
    ) -> HttpResponse | None:
        if not user.is_active:
            note(request, Kind.SIGN_IN_FAILED, user=user, reason="access-ended")
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return response

    def post_login(
        self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any
    ) -> HttpResponse:
        note(request, Kind.SIGN_IN, user=user, method=_signed_in_by(request, user))
        response: HttpResponse = super().post_login(request, user, **kwargs)
        return response

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        if isinstance(user, AbstractBaseUser):
            note(request, Kind.SIGNED_OUT, user=user)
        super().logout(request)


def method_of(provider: IdentityProvider | None) -> str:
    """How who signs in by this provider does."""
    if provider is None:
        return Method.NONE
    return Method.SAML if provider.kind == "saml" else Method.OIDC


def _known(credentials: dict[str, Any]) -> AbstractBaseUser | None:
    """The person whose address was typed; nothing is kept of an address that nobody here has."""
    email = str(credentials.get("email") or "")
    return get_user_model().objects.filter(email__iexact=email).first() if email else None


def _signed_in_by(request: HttpRequest, user: AbstractBaseUser) -> str:
    """How the person began this sign-in."""
    for record in get_authentication_records(request, user):
        if record.get("method") == "password":
            return Method.PASSWORD
        if record.get("method") == "mfa" and record.get("type") in Method.values:
            return str(record["type"])
        if record.get("method") == "socialaccount":
            return method_of(settings.IDENTITY_PROVIDERS.get(record.get("provider")))
    return Method.NONE
