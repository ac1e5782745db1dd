"""Work of the portal itself that pages do not wait for."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.utils import timezone

from policies.models import AccessReviewEntry
from portal.models import User
from portal.services import account_mail, invitations, reviewing, sessions

MAILS: dict[str, Any] = {
    "base": DjangoTask,
    "autoretry_for": (OSError,),
    "max_retries": 8,
    "retry_backoff": 30,
    "retry_backoff_max": 3600,
}


@shared_task(**MAILS)  # type: ignore[untyped-decorator]  # by the options' types
def send_invitation(person_id: int) -> None:
    person = User.objects.get(pk=person_id)
    if person.is_active:
        invitations.send_invitation(person)


@shared_task(**MAILS)  # type: ignore[untyped-decorator]  # by the options' types
def send_account_notice(person_id: int, what: str) -> None:
    account_mail.send_account_notice(User.objects.get(pk=person_id), what, at=timezone.now())


@shared_task(**MAILS)  # type: ignore[untyped-decorator]  # by the options' types
def send_password_link(person_id: int) -> None:
    person = User.objects.get(pk=person_id)
    if person.is_active:
        account_mail.send_password_link(person)


@shared_task(base=DjangoTask, ignore_result=True)
def verify_access(entry_id: int) -> None:
    reviewing.verify(AccessReviewEntry.objects.get(pk=entry_id), at=timezone.now())


@shared_task(ignore_result=True)
def verify_all_access() -> None:
    reviewing.verify_all(at=timezone.now())


@shared_task
def end_sessions() -> None:
    sessions.end_what_is_over(at=timezone.now())
