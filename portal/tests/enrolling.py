"""Makers of people with second factors, and the codes that their devices would show."""

from __future__ import annotations

import time

import pyotp
from allauth.mfa.models import Authenticator
from django.test import Client

from policies.tests import make
from portal.identity import recovery
from portal.identity.factor_secrets import seal
from portal.models import User

PASSWORD = "quiet otters borrow lanterns"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def person(role: str = "", email: str = "") -> User:
    """Somebody who signs in by PASSWORD."""
    made = make.person(role, email)
    made.set_password(PASSWORD)
    made.save()
    return made


def with_app(role: str = "", secret: str = SECRET) -> User:
    """Somebody who has enrolled an app, and has recovery codes."""
    made = person(role)
    Authenticator.objects.create(
        user=made, type=Authenticator.Type.TOTP, data={"secret": seal(secret)}
    )
    recovery.renew(
        Authenticator.objects.create(user=made, type=Authenticator.Type.RECOVERY_CODES, data={})
    )
    return made


def recovery_codes(user: User) -> list[str]:
    """New ones of this person: those that were made before are known to nobody."""
    row = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES)
    return recovery.renew(row)


def code(secret: str = SECRET, *, steps: int = 0) -> str:
    """What the app shows now, or so many steps of 30 seconds away."""
    return pyotp.TOTP(secret).at(int(time.time()), counter_offset=steps)


def give_password(client: Client, user: User, password: str = PASSWORD, **more: str):
    """Post the page of signing in."""
    return client.post("/accounts/login/", {"login": user.email, "password": password, **more})


def give_code(client: Client, value: str):
    """Post the second step."""
    return client.post("/accounts/2fa/authenticate/", {"code": value})


def sign_in(client: Client, user: User) -> None:
    """Both steps, by password and by the app."""
    assert give_password(client, user).url == "/accounts/2fa/authenticate/"
    assert give_code(client, code()).status_code == 302
