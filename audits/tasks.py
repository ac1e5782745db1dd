"""Background work of audits: open calls, partitions, looking over the ledger, providers' counts."""

from __future__ import annotations

import datetime as dt
import logging

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.conf import settings
from django.utils import timezone

from audits.models import Ledger, UsageSource, Verification
from audits.services import (
    actors,
    delivery,
    partitions,
    retention,
    sealing,
    sweeping,
    usage_imports,
    verifications,
    witnesses,
)

logger = logging.getLogger(__name__)


@shared_task(base=DjangoTask)
def sweep_calls() -> None:
    """Each minute: what ended lately. What was missed while this did not run, the night finds."""
    now = timezone.now()
    sweeping.sweep(at=now, since=now - dt.timedelta(hours=1))


@shared_task(base=DjangoTask)
def note_actors() -> None:
    """Each minute: who called for the first time."""
    actors.note_actors(at=timezone.now())


@shared_task(base=DjangoTask)
def sweep_calls_of_days() -> None:
    now = timezone.now()
    sweeping.sweep(at=now, since=now - dt.timedelta(days=31))


@shared_task(base=DjangoTask)
def make_partitions() -> None:
    partitions.keep_ahead()


# A ledger of some hundred million entries takes longer than other tasks may.
@shared_task(base=DjangoTask, time_limit=12 * 3600, soft_time_limit=12 * 3600 - 60)
def verify_ledgers(kind: str) -> None:
    """Verify every ledger that has an entry; `kind` is full or incremental."""
    for ledger in Ledger.objects.filter(origin__isnull=False):
        verifications.run(ledger, Verification.Kind(kind), at=timezone.now())


@shared_task(base=DjangoTask)
def fetch_usage() -> None:
    """Ask every usage API that is configured, each in a task of its own."""
    asked = UsageSource.objects.filter(is_active=True, kind=UsageSource.Kind.OPENAI)
    for source in asked:
        fetch_source.delay_on_commit(source.pk)


@shared_task(base=DjangoTask, bind=True, max_retries=5)
def fetch_source(self: DjangoTask, pk: int) -> None:
    """Fetch one source; what failed for the moment is tried again, at most five times."""
    source, at = UsageSource.objects.get(pk=pk), timezone.now()
    key = settings.USAGE_API_KEYS.get(source.key_name, "")
    try:
        if not key:
            raise usage_imports.FetchFailed(usage_imports.NO_KEY, again=False)
        usage_imports.fetch(source, key=key, on=at.astimezone(dt.UTC).date(), at=at)
    except usage_imports.FetchFailed as failed:
        usage_imports.note_try(source, trouble=failed.message, at=at)
        if failed.again:
            wait = failed.wait_seconds or 60 * 2**self.request.retries
            raise self.retry(countdown=wait, exc=failed) from None
    else:
        usage_imports.note_try(source, trouble="", at=at)


@shared_task(base=DjangoTask)
def seal_pending() -> None:
    """Seal what was noted by statements that commit by themselves."""
    sealing.seal_pending(at=timezone.now())


@shared_task(base=DjangoTask, time_limit=12 * 3600, soft_time_limit=12 * 3600 - 60)
def apply_retention() -> None:
    for step in retention.apply_retention(at=timezone.now()):
        if step.failure:
            logger.warning("%s of partition %s: %s", step.kind, step.partition, step.failure)


@shared_task(base=DjangoTask)
def keep_checkpoints() -> None:
    delivery.keep_newest(at=timezone.now())


@shared_task(base=DjangoTask)
def deliver_checkpoints() -> None:
    delivery.deliver(at=timezone.now())


@shared_task(base=DjangoTask)
def ask_witnesses() -> None:
    at = timezone.now()
    for ledger in Ledger.objects.filter(origin__isnull=False):
        witnesses.ask_all(ledger, at=at)
