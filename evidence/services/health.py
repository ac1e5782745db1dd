"""Signs of life of what works in the background."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from audits.models import Ledger
from audits.services import integrity
from audits.services.integrity import Integrity
from evidence.models import CheckRun, EvidencePack, Heartbeat, Notice

HEARTBEAT_TASK = "evidence.tasks.heartbeat"
WORKER = "worker"
# Beat sends a heartbeat each minute and writes down every three minutes that it did.
WORKER_SILENT = dt.timedelta(minutes=3)
SCHEDULER_SILENT = dt.timedelta(minutes=6)
CHECKS_LATE = dt.timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Health:
    """How the background stood at a moment. `problems` are sentences for people.

    `worker_alive` is None while the scheduler is silent: nobody asked the worker then. `ledger` is
    that of live keys.
    """

    worker_alive: bool | None
    scheduler_alive: bool
    checked_at: dt.datetime | None
    mail_waiting: int
    last_pack: EvidencePack | None
    ledger: Integrity
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def beat(*, at: dt.datetime) -> None:
    """Note that a worker did the scheduler's heartbeat at the moment `at`."""
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"seen_at": at})


def health(at: dt.datetime) -> Health:
    """How worker, scheduler, checks, mail and ledger stand at the moment `at`; seven queries."""
    worker_seen = Heartbeat.objects.filter(name=WORKER).values_list("seen_at", flat=True).first()
    asked, scheduled = (
        PeriodicTask.objects.filter(task=HEARTBEAT_TASK, enabled=True)
        .values_list("last_run_at", "date_changed")
        .first()
    ) or (None, None)
    # A heartbeat that was done was sent, and a schedule was written by somebody: each tells that
    # the scheduler was alive. Before it has asked, nothing can be said of the worker.
    scheduler_seen = max((each for each in (worker_seen, asked, scheduled) if each), default=None)
    unasked = worker_seen is None and asked is None
    worker_alive = None if unasked else _within(worker_seen, at, WORKER_SILENT)
    scheduler_alive = _within(scheduler_seen, at, SCHEDULER_SILENT)
    if not scheduler_alive:
        worker_alive = None
    checked_at = (
        CheckRun.objects.finished()
        .order_by("-started_at")
        .values_list("started_at", flat=True)
        .first()
    )
    waiting = Notice.objects.failed().count()
    ledger = integrity.state(Ledger.LIVE, at)
    pack = EvidencePack.objects.filter(state=EvidencePack.State.READY).first()
    return Health(
        worker_alive=worker_alive,
        scheduler_alive=scheduler_alive,
        checked_at=checked_at,
        mail_waiting=waiting,
        last_pack=pack,
        ledger=ledger,
        problems=(
            *_scheduler(scheduler_seen, at),
            *([_worker(worker_seen)] if worker_alive is False else []),
            *_late(checked_at, at),
            *_unsent(waiting),
            *([ledger.sentence, *ledger.problems] if ledger.kind == "bad" else []),
        ),
    )


def _within(seen: dt.datetime | None, at: dt.datetime, limit: dt.timedelta) -> bool:
    return seen is not None and at - seen <= limit


def _since(seen: dt.datetime | None) -> str:
    if seen is None:
        return "since the portal was started"
    return f"since {timezone.localtime(seen):%-d %b %Y, %H:%M}"


def _scheduler(seen: dt.datetime | None, at: dt.datetime) -> Iterator[str]:
    if not _within(seen, at, SCHEDULER_SILENT):
        yield (
            f"The scheduler has been silent {_since(seen)}: "
            "daily checks, mails and the closing of lost calls wait."
        )


def _worker(seen: dt.datetime | None) -> str:
    return f"The worker has been silent {_since(seen)}: checks, mails and packs wait."


def _late(checked_at: dt.datetime | None, at: dt.datetime) -> Iterator[str]:
    if checked_at is None:
        yield "The daily checks have not run yet."
    elif not _within(checked_at, at, CHECKS_LATE):
        yield f"The daily checks have not run {_since(checked_at)}."


def _unsent(waiting: int) -> Iterator[str]:
    if waiting:
        some = "1 notice waits" if waiting == 1 else f"{waiting} notices wait"
        yield f"{some} because mail cannot be sent. Check the mail settings."
