"""Work of the portal itself that pages do not wait for."""

from __future__ import annotations

from celery import shared_task
from celery.contrib.django.task import DjangoTask

from portal.models import User
from portal.services import invitations


@shared_task(
    base=DjangoTask,
    autoretry_for=(OSError,),
    max_retries=8,
    retry_backoff=30,
    retry_backoff_max=3600,
)
def send_invitation(person_id: int) -> None:
    person = User.objects.get(pk=person_id)
    if person.is_active:
        invitations.send_invitation(person)
