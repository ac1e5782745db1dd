"""Background work of audits: closing what nobody closed."""

from __future__ import annotations

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.utils import timezone

from audits.services import sweeping


@shared_task(base=DjangoTask)
def sweep_calls() -> None:
    sweeping.sweep(at=timezone.now())
