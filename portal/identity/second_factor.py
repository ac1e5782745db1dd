"""The second factor: who needs one, whether a session has shown one, and how its secret is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from countersign.problems import MEDIA_TYPE, PROBLEMS
from portal.identity import recovery
from portal.identity.factor_secrets import seal, unseal
from portal.models import User

PROVIDER = "provider"
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
VIEWER = "Viewer"

# What a session without a second factor may still open: ways to show one, and out.
TO_SHOW_ONE = frozenset({"mfa_reauthenticate", "mfa_reauthenticate_webauthn"})
TO_ENROL = frozenset(
    {"mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate"}
)
ALWAYS = frozenset({"account_logout", "portal:theme", "portal:healthz", "portal:readyz"})


class FactorAdapter(DefaultMFAAdapter):
    """allauth's ways, with secrets that the database alone does not tell."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def get_totp_issuer(self) -> str:
        return f"Countersign, {settings.ORGANIZATION_NAME}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": self.get_totp_issuer()}

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002 - allauth's name
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return f"Passkey {number}"

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """The last factor stays where one is required: it is replaced, or reset by another."""
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=FACTORS)
        has_others: bool = others.exclude(pk=authenticator.pk).exists()
        return has_others or not is_required(authenticator.user)


def is_required(user: AbstractBaseUser) -> bool:
    """Whether this person signs in by two factors; their roles count under except-viewers."""
    if settings.MFA_REQUIRED == "off":
        return False
    if settings.MFA_REQUIRED == "all" or not isinstance(user, User) or user.is_superuser:
        return True
    return bool(set(user.groups.values_list("name", flat=True)) - {VIEWER})


def has_factor(user: AbstractBaseUser) -> bool:
    """Whether this person has enrolled an app or a passkey."""
    found: bool = Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()
    return found


def kinds_of(user: AbstractBaseUser) -> list[str]:
    """What this person has enrolled, in words; recovery codes are no factor of their own."""
    words = {
        Authenticator.Type.TOTP: "app that shows codes",
        Authenticator.Type.WEBAUTHN: "passkey",
    }
    held = Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).order_by("pk")
    return [words[Authenticator.Type(kind)] for kind in held.values_list("type", flat=True)]


def satisfied(request: HttpRequest) -> bool:
    """Whether a second factor was shown in this session. Asks nothing of the database."""
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)


def note_enrolled(request: HttpRequest, authenticator: Authenticator) -> None:
    """Who has just enrolled a factor has shown it."""
    record_authentication(
        request, authenticator.user, "mfa", id=authenticator.pk, type=authenticator.type
    )


def note_provider_factor(request: HttpRequest, user: AbstractBaseUser, *, provider: str) -> None:
    """An identity provider that is trusted with it says that it asked for a second factor.

    Call it before the sign-in is performed: the stage below then asks for no other.
    """
    record_authentication(request, user, "mfa", type=PROVIDER, provider=provider)


class SecondFactorStage(AuthenticateStage):
    """Asks for the factor of who has one, unless a trusted provider has asked already."""

    def _should_handle(self, request: HttpRequest) -> bool:
        records = get_authentication_records(request, self.login.user)
        if any((r.get("method"), r.get("type")) == ("mfa", PROVIDER) for r in records):
            return False
        return bool(super()._should_handle(request))


def accept_code(authenticator: Authenticator, code: str) -> bool:
    """Whether `code` opens, once: a code of an app also uses up every earlier one.

    RFC 6238, 5.2: a verifier takes no code twice. The step is kept with the secret under the lock
    of its row, so that neither two requests at once nor an emptied cache let a code in again.
    """
    if authenticator.type != Authenticator.Type.TOTP:
        return recovery.use_code(authenticator, code)
    secret = unseal(authenticator.data["secret"])
    step = step_of(secret, code)
    return step is not None and use_step(authenticator, step)


def step_of(secret: str, code: str) -> int | None:
    """The step of 30 seconds, around now, that `code` belongs to; None if to none."""
    now = int(time.time()) // mfa_settings.TOTP_PERIOD
    for step in range(now - mfa_settings.TOTP_TOLERANCE, now + mfa_settings.TOTP_TOLERANCE + 1):
        expected = totp.format_hotp_value(totp.hotp_value(secret, step))
        if totp.compare_user_code(actual=code, expected=expected):
            return step
    return None


@transaction.atomic
def use_step(authenticator: Authenticator, step: int) -> bool:
    """Use up `step` and all before it; False if it was used already."""
    row = Authenticator.objects.select_for_update().filter(pk=authenticator.pk).first()
    if row is None or step <= row.data.get("step", -1):  # taken away meanwhile, or used
        return False
    row.data["step"] = step
    row.save(update_fields=["data"])
    authenticator.data = row.data
    return True


class SecondFactorMiddleware:
    """Lets a session that has shown no second factor reach nothing but the way to one.

    After AccountMiddleware. A page costs no query: what was shown stands in the session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        if not request.user.is_authenticated or satisfied(request):
            return None
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in ALWAYS or not is_required(request.user):
            return None
        enrolled = has_factor(request.user)
        if name in (TO_SHOW_ONE if enrolled else TO_ENROL):
            return None
        return _instead(request, enrolled=enrolled)


def _instead(request: HttpRequest, *, enrolled: bool) -> HttpResponse:
    """Where who has shown no second factor goes: to show one, or to enrol."""
    if request.path.startswith("/api/"):
        problem = PROBLEMS["permission-denied"]
        body = problem.body("permission-denied")
        return JsonResponse(body, status=problem.status, content_type=MEDIA_TYPE)
    if not enrolled:
        return redirect("mfa_index")
    kinds = set(
        Authenticator.objects.filter(user_id=request.user.pk).values_list("type", flat=True)
    )
    by_code = kinds & {Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES}
    url = reverse("mfa_reauthenticate" if by_code else "mfa_reauthenticate_webauthn")
    wanted = request.get_full_path() if request.method == "GET" else "/"
    return redirect(f"{url}?{urlencode({'next': wanted})}")
