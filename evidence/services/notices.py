"""Mails about open findings: which are due, and sending them once."""

from __future__ import annotations

import datetime as dt
import logging
import smtplib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone

from evidence.models import Finding, Notice
from policies.services.people import officers

# A mail names this many; the rest are a number and a link.
MAIL_ROWS = 40
WEEK = 7
# In the place of a window: that a finding became high. Windows below zero are whole weeks.
BECAME_HIGH = -1

logger = logging.getLogger(__name__)
Key = tuple[int, dt.date, int, str]


class MailNotSent(Exception):
    """Some mails could not be handed over; their notices wait for the next try."""


def window(days_left: int, windows: Sequence[int]) -> int | None:
    """The window that a day falls into: the smallest one that still holds `days_left`.

    After the due day there is one for each full week, as -7, -14 and so on. None: too early.
    """
    if days_left < 0:
        weeks = -days_left // WEEK
        return -WEEK * weeks if weeks else min(windows)
    return min((each for each in windows if days_left <= each), default=None)


def about_on(finding: Finding) -> dt.date:
    """The day its notices count from: the due day, else the day it was opened."""
    return finding.due_on or timezone.localdate(finding.opened_at)


def plan_notices(on: dt.date) -> int:
    """Make the notices that are due on the day `on` and were not made; returns how many.

    Only the window that `on` falls into counts: after a time of silence one notice goes out, not
    each that was missed. What waits unsent for a window that has passed, or for a finding that
    closed, is dropped.
    """
    wanted = _wanted(on)
    known: set[Key] = set()
    obsolete = []
    rows = Notice.objects.values_list(
        "finding_id", "about_on", "window_days", "recipient", "pk", "sent_at"
    )
    for finding_id, about, days, recipient, pk, sent_at in rows.filter(
        finding__closed_at__isnull=True
    ).iterator():
        key = (finding_id, about, days, recipient)
        known.add(key)
        if sent_at is None and key not in wanted and days != BECAME_HIGH:
            obsolete.append(pk)
    Notice.objects.waiting().filter(finding__closed_at__isnull=False).delete()
    Notice.objects.filter(pk__in=obsolete, sent_at__isnull=True).delete()
    fresh = [key for key in wanted if key not in known]
    Notice.objects.bulk_create(
        [
            Notice(finding_id=pk, about_on=about, window_days=days, recipient=recipient)
            for pk, about, days, recipient in fresh
        ],
        batch_size=1000,
    )
    return len(fresh)


def _wanted(on: dt.date) -> dict[Key, None]:
    """Every notice that stands for the day `on`, sent or not, in the order of findings."""
    fallback = [officer.get_username() for officer in officers()]
    wanted: dict[Key, None] = {}
    for finding in Finding.objects.open().select_related("owner"):
        about = about_on(finding)
        days = window((about - on).days, settings.NOTICE_WINDOWS_DAYS)
        if days is None:
            continue
        owner = finding.owner
        mine = [owner.get_username()] if owner and owner.is_active else fallback
        for recipient in mine:
            wanted[finding.pk, about, days, recipient] = None
    return wanted


def tell_at_once(opened: Iterable[Finding], worse: Iterable[Finding], *, on: dt.date) -> int:
    """Make the notices of findings that cannot wait for the daily run; returns how many.

    They go to every officer, and to the owner. Where the daily run would make the same one, it
    finds it made.
    """
    told = [(finding, about_on(finding), 0) for finding in opened]
    told += [(finding, on, BECAME_HIGH) for finding in worse]
    if not told:
        return 0
    answering = {officer.get_username() for officer in officers()}
    notices = [
        Notice(finding=finding, about_on=about, window_days=days, recipient=recipient)
        for finding, about, days in told
        for recipient in sorted(answering | _owner_of(finding))
    ]
    Notice.objects.bulk_create(notices, batch_size=1000, ignore_conflicts=True)
    return len(notices)


def _owner_of(finding: Finding) -> set[str]:
    owner = finding.owner
    return {owner.get_username()} if owner and owner.is_active else set()


def send_notices(*, at: dt.datetime) -> int:
    """Send one mail to each person with notices that wait; returns how many mails went out.

    A mail that cannot be handed over leaves its notices waiting and does not hold up the others.
    A crash between handing over and noting it sends a mail twice rather than never.
    Raises: MailNotSent after everybody was tried, if any mail did not go out.
    """
    recipients = Notice.objects.waiting().order_by("recipient").values_list("recipient", flat=True)
    sent = failed = 0
    for recipient in recipients.distinct():
        try:
            sent += _send_digest(recipient, at)
        except (OSError, smtplib.SMTPException) as error:
            failed += 1
            # The error's text may hold addresses; its class is enough to find the cause.
            logger.warning("a digest could not be sent: %s", type(error).__name__)
            Notice.objects.waiting().filter(recipient=recipient).update(attempts=F("attempts") + 1)
    if failed:
        raise MailNotSent(f"{failed} of {sent + failed} mails")
    return sent


def _send_digest(recipient: str, at: dt.datetime) -> int:
    """One mail with all that waits for a person; 0 if another worker sent it meanwhile."""
    with transaction.atomic():
        # The second of two workers waits here, and then finds nothing left unsent.
        notices = list(
            Notice.objects.waiting()
            .filter(recipient=recipient)
            .select_for_update(of=("self",))
            .select_related("finding")
            .order_by("pk")
        )
        if not notices:
            return 0
        Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(sent_at=at)
        _digest(recipient, notices, timezone.localdate(at)).send()
    return 1


def _digest(recipient: str, notices: Iterable[Notice], on: dt.date) -> EmailMessage:
    groups: dict[str, list[Finding]] = defaultdict(list)
    findings = sorted((n.finding for n in notices), key=lambda f: (f.due_on or on, f.pk))
    for finding in findings[:MAIL_ROWS]:
        groups[_group(finding, on)].append(finding)
    overdue = sum(1 for finding in findings if finding.due_on and finding.due_on < on)
    context = {
        "groups": [(name, groups[name]) for name in GROUPS if groups[name]],
        "on": on,
        "count": len(findings),
        "more": max(0, len(findings) - MAIL_ROWS),
        "organization": settings.ORGANIZATION_NAME,
        "public_url": settings.PUBLIC_URL,
    }
    subject = f"{_counted(len(findings))} to look at"
    if overdue:
        subject += f", {overdue} overdue"
    return EmailMessage(
        subject=f"Countersign: {subject}",
        body=render_to_string("evidence/mail/digest.txt", context),
        to=[recipient],
    )


GROUPS = ("Overdue", "Due in 7 days", "Due later", "Without a due day")


def _group(finding: Finding, on: dt.date) -> str:
    if finding.due_on is None:
        return GROUPS[3]
    days = (finding.due_on - on).days
    return GROUPS[0] if days < 0 else GROUPS[1] if days <= WEEK else GROUPS[2]


def _counted(count: int) -> str:
    return "1 finding" if count == 1 else f"{count} findings"
