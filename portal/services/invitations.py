"""The mail that tells somebody of their account, and lets them set their first password."""

from __future__ import annotations

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from portal.models import User


def password_link(person: User) -> str:
    """The address where this person sets a password: once, and for PASSWORD_RESET_TIMEOUT seconds.

    It stops working as soon as a password is set or the person signs in.
    """
    path = reverse(
        "account_reset_password_from_key",
        kwargs={
            "uidb36": user_pk_to_url_str(person),
            "key": default_token_generator.make_token(person),
        },
    )
    return f"{settings.PUBLIC_URL}{path}"


def send_invitation(person: User) -> None:
    """Mail the link. Raises: OSError, as SMTPException is, if no mail server takes it."""
    days = settings.PASSWORD_RESET_TIMEOUT // 86_400
    text = render_to_string(
        "portal/mail/invitation.txt",
        {
            "person": person,
            "link": password_link(person),
            "days": days,
            "by_password": settings.PASSWORD_SIGN_IN,
            "sign_in": settings.PUBLIC_URL,
        },
    )
    send_mail(
        f"Your account at {settings.ORGANIZATION_NAME}'s Countersign",
        text,
        settings.DEFAULT_FROM_EMAIL,
        [person.email],
    )
