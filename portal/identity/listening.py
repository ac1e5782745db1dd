"""Receivers of allauth's signals, for what it tells in no other way: factors and passwords.

The house has no signals of its own; these are the only ones that it listens to, connected in one
place. See docs/decisions/0033.
"""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone

from audits.models import SecurityEvent
from portal.identity.noting import note
from portal.models import User
from portal.services.sessions import end_sessions

Kind, Method = SecurityEvent.Kind, SecurityEvent.Method


def listen() -> None:
    """Connect what allauth tells by signals alone; when the apps are ready."""
    told = {
        mfa_signals.authenticator_used: factor_used,
        mfa_signals.authentication_failed: factor_failed,
        mfa_signals.authenticator_added: factor_added,
        mfa_signals.authenticator_removed: factor_removed,
        mfa_signals.authenticator_reset: factor_renewed,
        account_signals.password_changed: password_changed,
        account_signals.password_set: password_changed,
        account_signals.password_reset: password_reset,
    }
    for signal, receiver in told.items():
        signal.connect(receiver, dispatch_uid=f"noting.{receiver.__name__}")


def factor_used(
    request: HttpRequest, user: AbstractBaseUser, authenticator: Any, **told: object
) -> None:
    """A second factor was right, at the sign-in or at signing in again."""
    kind = Kind.STEPPED_UP if told.get("reauthenticated") else Kind.SECOND_FACTOR
    if authenticator.type == Method.RECOVERY_CODES:
        kind = Kind.RECOVERY_CODE
    note(request, kind, user=user, method=authenticator.type)


def factor_failed(
    request: HttpRequest, user: AbstractBaseUser, authenticator: Any, **told: object
) -> None:
    kind = Kind.STEP_UP_FAILED if told.get("reauthentication") else Kind.SECOND_FACTOR_FAILED
    note(request, kind, user=user, method=authenticator.type)


def factor_added(
    request: HttpRequest, user: AbstractBaseUser, authenticator: Any, **_rest: object
) -> None:
    note(request, Kind.FACTOR_ADDED, user=user, method=authenticator.type)
    _end_others(request, user, "factor-changed")


def factor_removed(
    request: HttpRequest, user: AbstractBaseUser, authenticator: Any, **_rest: object
) -> None:
    # allauth names who asks; whose factor it was, the factor says.
    note(request, Kind.FACTOR_REMOVED, user=authenticator.user, by=user, method=authenticator.type)
    _end_others(request, authenticator.user, "factor-changed")


def factor_renewed(
    request: HttpRequest, user: AbstractBaseUser, authenticator: Any, **_rest: object
) -> None:
    """New recovery codes took the place of the old."""
    note(
        request,
        Kind.FACTOR_RESET,
        user=user,
        method=authenticator.type,
        reason="renewed-by-oneself",
    )
    _end_others(request, user, "factor-changed")


def password_changed(request: HttpRequest, user: AbstractBaseUser, **_rest: object) -> None:
    note(request, Kind.PASSWORD_CHANGED, user=user)
    _end_others(request, user, "password-changed")


def password_reset(request: HttpRequest, user: AbstractBaseUser, **_rest: object) -> None:
    note(request, Kind.PASSWORD_RESET, user=user)
    _end_others(request, user, "password-changed")


def _end_others(request: HttpRequest, user: AbstractBaseUser, why: str) -> None:
    """End the sessions that rest on what it was before; the person's own in hand stays."""
    assert isinstance(user, User)
    keep = request.session.session_key if request.user == user else None
    end_sessions(user, why=why, keep=keep, at=timezone.now())
