"""Work of policies that pages do not wait for."""

from __future__ import annotations

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.utils import timezone

from policies.models import Grant
from policies.services import granting, telling


@shared_task(
    base=DjangoTask,
    autoretry_for=(OSError,),
    max_retries=8,
    retry_backoff=30,
    retry_backoff_max=3600,
)
def tell_emergency(grant_id: int) -> None:
    """Mail every officer that somebody took emergency access."""
    telling.tell_emergency(Grant.objects.select_related("integration", "asked_by").get(pk=grant_id))


@shared_task(base=DjangoTask)
def settle_grants() -> None:
    """Each minute and each night: close grants that ended, let those begin whose time has come.

    The gate does not wait for it; guardian's object permissions follow by it.
    """
    granting.settle(timezone.now())
