"""Mails to a person about their own account: what changed, and links to set a password."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

from portal.models import User
from portal.services.invitations import password_link

# What happened, by allauth's names and our own, in the words of the mail.
NOTICES = {
    "totp_activated": "An app that shows codes was enrolled as a second factor.",
    "totp_deactivated": "The app that shows codes was removed from the second factors.",
    "webauthn_added": "A passkey was added.",
    "webauthn_removed": "A passkey was removed.",
    "recovery_codes_generated": "New recovery codes were made; the earlier ones no longer work.",
    "factors_reset": (
        "An administrator removed every second factor of your account and signed you out. "
        "You enrol a new one at the next sign-in."
    ),
    "password_changed": "The password was changed.",
    "password_set": "A password was set.",
    "password_reset": "The password was set anew through a link that was mailed to you.",
}


def send_account_notice(person: User, what: str, *, at: dt.datetime) -> None:
    """Mail what changed. Raises: OSError if no mail server takes it; KeyError if not in NOTICES."""
    text = render_to_string(
        "portal/mail/account_notice.txt",
        {"person": person, "what": NOTICES[what], "at": at, "url": settings.PUBLIC_URL},
    )
    _send("Something changed about your account at Countersign", text, person)


def send_password_link(person: User) -> None:
    """Mail the link by which a password is set anew. Raises: OSError, as above."""
    days = settings.PASSWORD_RESET_TIMEOUT // 86_400
    text = render_to_string(
        "portal/mail/password_link.txt",
        {"person": person, "link": password_link(person), "days": days},
    )
    _send("A link to set your password at Countersign", text, person)


def _send(subject: str, text: str, person: User) -> None:
    send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [person.email])
