"""Background work of evidence: the daily checks, their mails, and packs."""

from __future__ import annotations

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from evidence.models import CheckRun
from evidence.services import findings, health, notices, packs_building


@shared_task(base=DjangoTask)
def run_checks(run_id: int | None = None) -> None:
    """Do the run that was asked for; without one, a new run for today."""
    at = timezone.now()
    today = timezone.localdate(at)
    run = CheckRun.objects.get(pk=run_id) if run_id else findings.start_run(on=today, at=at)
    findings.flag_findings(run, at=at)
    send_notices.delay_on_commit()


@shared_task(base=DjangoTask)
def catch_up() -> None:
    """Run the checks if a day went by without: the worker or the scheduler was down."""
    if findings.overdue(timezone.now()):
        run_checks.delay_on_commit()


@shared_task(base=DjangoTask)
def watch() -> None:
    """Look for bursts and the like, which cannot wait for the daily checks."""
    if findings.watch(at=timezone.now()):
        send_notices.delay_on_commit()


@shared_task(
    base=DjangoTask,
    autoretry_for=(notices.MailNotSent,),
    retry_backoff=30,
    retry_backoff_max=1800,
    max_retries=6,
)
def send_notices() -> None:
    notices.send_notices(at=timezone.now())


@shared_task(base=DjangoTask)
def heartbeat() -> None:
    health.beat(at=timezone.now())


@shared_task(base=DjangoTask)
def build_pack(number: int) -> None:
    packs_building.build_pack(number, at=timezone.now(), time_up=SoftTimeLimitExceeded)
