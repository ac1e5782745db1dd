"""The mail by which officers learn that somebody took emergency access."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from policies.models import Grant
from policies.services.people import officers


def tell_emergency(grant: Grant) -> int:
    """Mail each officer who, where, what and until when; what the emergency is stays in the portal.

    Returns: how many mails went out. Raises: OSError, as SMTPException is, if no server takes them.
    """
    addresses = [officer.get_username() for officer in officers()]
    link = f"{settings.PUBLIC_URL}{reverse('policies:grant-detail', args=[grant.pk])}"
    text = render_to_string("policies/mail/emergency.txt", {"grant": grant, "link": link})
    # The name of an integration stands on one line already; a subject must.
    subject = f"Emergency access to {grant.integration.name}".replace("\n", " ")
    for address in addresses:
        send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [address])
    return len(addresses)
