"""Inquiries: a questionnaire put to a vendor by a link that is a secret and expires."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from vendors.models import Inquiry, InquiryView, Questionnaire
from vendors.network import network_of
from vendors.services.saving import save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

TOKEN_BYTES = 32  # 256 random bits
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
# How long a link can stand, and stands unless somebody says otherwise.
LINK_DAYS, LINK_DAYS_MAX = 21, 90
State = Inquiry.State


@transaction.atomic
def send_inquiry(inquiry: Inquiry, *, by: User, at: dt.datetime) -> Inquiry:
    """Store an inquiry, given unsaved; its link is issued apart, by mail or to be copied.

    Raises: ValidationError.
    """
    if inquiry.questionnaire.state != Questionnaire.State.PUBLISHED:
        raise ValidationError({"questionnaire": "Only a published questionnaire can be sent."})
    _check_expiry(inquiry.expires_at, at)
    inquiry.state, inquiry.sent_by, inquiry.sent_at = State.SENT, by, at
    save_checked(inquiry)
    return inquiry


def _check_expiry(expires_at: dt.datetime, at: dt.datetime) -> None:
    if not at < expires_at <= at + dt.timedelta(days=LINK_DAYS_MAX + 1):
        raise ValidationError(
            {"expires_on": f"The link ends in the future, within {LINK_DAYS_MAX} days."}
        )


def token_digest(token: str) -> str:
    """What is kept of a link's secret: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def link_of(token: str) -> str:
    """The address that a vendor opens."""
    return f"{settings.PUBLIC_URL}{reverse('vendors:answer-form', args=[token])}"


@transaction.atomic
def issue_link(inquiry: Inquiry, *, at: dt.datetime, expires_at: dt.datetime | None = None) -> str:
    """A new secret for the link, told this once; the one before opens nothing from now on.

    `expires_at`: a new end, too. Raises: ValidationError if the inquiry waits for no vendor.
    """
    stored = locked(inquiry)
    if expires_at is not None:
        _check_expiry(expires_at, at)
        stored.expires_at = expires_at
    if stored.state not in (State.SENT, State.OPENED):
        raise ValidationError("The vendor has nothing to answer: there is no link.")
    if stored.expires_at <= at:
        raise ValidationError({"expires_on": "Set a day in the future."})
    token = secrets.token_urlsafe(TOKEN_BYTES)
    stored.token_sha256 = token_digest(token)
    save_checked(stored)
    return token


@transaction.atomic
def mail_link(inquiry_pk: int, *, at: dt.datetime) -> bool:
    """Mail the contact a new link. Returns: whether there was anything to answer.

    The secret is made here, so it waits in no queue; it stands only if the mail was handed over.
    Raises: OSError, as SMTPException is, if no mail server takes it.
    """
    stored = locked(Inquiry.objects.get(pk=inquiry_pk))
    if not stored.open_to_vendor(at):
        return False
    stored.mailed_at = at
    save_checked(stored)
    token = issue_link(stored, at=at)
    again = stored.submissions.exists()
    text = render_to_string(
        "vendors/mail/inquiry.txt",
        {
            "inquiry": stored,
            "organization": settings.ORGANIZATION_NAME,
            "link": link_of(token),
            "again": again,
        },
    )
    send_mail(
        f"Security questionnaire from {settings.ORGANIZATION_NAME}",
        text,
        settings.DEFAULT_FROM_EMAIL,
        [stored.contact],
    )
    return True


def find_inquiry(token: str) -> Inquiry | None:
    """The inquiry of a link. The work is the same whether the secret is known or not."""
    wanted = token_digest(token if TOKEN.fullmatch(token) else "")
    return (
        Inquiry.objects.select_related("questionnaire", "vendor", "service", "sent_by")
        .filter(token_sha256=wanted)
        .first()
    )


@transaction.atomic
def note_opening(inquiry: Inquiry, *, peer: str, at: dt.datetime) -> None:
    """Note that somebody opened the link, from which network."""
    InquiryView.objects.create(inquiry=inquiry, at=at, network=network_of(peer))
    if inquiry.state == State.SENT:
        stored = locked(inquiry)
        if stored.state == State.SENT:
            stored.state = State.OPENED
            save_checked(stored)
            inquiry.state = stored.state


@transaction.atomic
def withdraw_inquiry(inquiry: Inquiry) -> Inquiry:
    """Take an inquiry back: its link opens nothing any more. Raises: ValidationError."""
    stored = locked(inquiry)
    if stored.state not in (State.SENT, State.OPENED):
        raise ValidationError("Only an inquiry that waits for the vendor can be withdrawn.")
    stored.state = State.WITHDRAWN
    save_checked(stored)
    return stored


def locked(inquiry: Inquiry) -> Inquiry:
    """The inquiry as it stands, and nobody else changes it until the transaction ends."""
    rows = Inquiry.objects.select_related("questionnaire", "vendor", "service")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=inquiry.pk)
