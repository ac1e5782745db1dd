"""Background work of vendors: imports that were confirmed, their old files, papers, links."""

from __future__ import annotations

from auditlog.context import set_actor
from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from vendors.models import RegisterImport
from vendors.services import inquiries, readings, replays
from vendors.services.importing import imports

KEPT_SECONDS = 3600


def progress_key(pk: int) -> str:
    """Where the cache has how many lines of an import are stored."""
    return f"register-import-{pk}"


@shared_task(base=DjangoTask)
def apply_import(pk: int) -> None:
    author = RegisterImport.objects.select_related("created_by").get(pk=pk).created_by

    def told(lines: int) -> None:
        cache.set(progress_key(pk), lines, KEPT_SECONDS)

    with set_actor(author):
        imports.apply(pk, at=timezone.now(), on=timezone.localdate(), told=told)


@shared_task(base=DjangoTask)
def drop_import_files() -> None:
    imports.drop_files(at=timezone.now(), days=settings.IMPORT_FILE_DAYS)


@shared_task(base=DjangoTask)
def drop_replays() -> None:
    replays.drop_replays(at=timezone.now())


@shared_task(base=DjangoTask)
def read_document(pk: int) -> None:
    readings.read_document(pk, at=timezone.now())


@shared_task(
    base=DjangoTask,
    autoretry_for=(OSError,),
    max_retries=8,
    retry_backoff=30,
    retry_backoff_max=3600,
)
def mail_link(inquiry_id: int) -> None:
    inquiries.mail_link(inquiry_id, at=timezone.now())
