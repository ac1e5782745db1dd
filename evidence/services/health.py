"""Signs of life of what works in the background."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone
from django_celery_beat.models import PeriodicTask

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

    `worker_alive` is None while the scheduler is silent: nobody asked the worker then.
    """

    worker_alive: bool | None
    scheduler_alive: bool
    checked_at: dt.datetime | None
    checks_late: bool
    mail_waiting: int
    last_pack: EvidencePack | None
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def beat(*, at: dt.datetime) -> None:
    """Note that a worker did the scheduler's heartbeat at the moment `at`."""
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"seen_at": at})


def health(at: dt.datetime) -> Health:
    """How worker, scheduler, checks and mail stand at the moment `at`; five queries."""
    worker_seen = Heartbeat.objects.filter(name=WORKER).values_list("seen_at", flat=True).first()
    asked = (
        PeriodicTask.objects.filter(task=HEARTBEAT_TASK, enabled=True)
        .values_list("last_run_at", flat=True)
        .first()
    )
    # A heartbeat that was done was sent: either tells that the scheduler was alive.
    scheduler_seen = max((each for each in (worker_seen, asked) if each), default=None)
    worker_alive = _within(worker_seen, at, WORKER_SILENT)
    scheduler_alive = _within(scheduler_seen, at, SCHEDULER_SILENT)
    checked_at = (
        CheckRun.objects.finished()
        .order_by("-started_at")
        .values_list("started_at", flat=True)
        .first()
    )
    late = not _within(checked_at, at, CHECKS_LATE)
    waiting = Notice.objects.failed().count()
    pack = EvidencePack.objects.filter(state=EvidencePack.State.READY).first()
    return Health(
        worker_alive=worker_alive if scheduler_alive else None,
        scheduler_alive=scheduler_alive,
        checked_at=checked_at,
        checks_late=late,
        mail_waiting=waiting,
        last_pack=pack,
        problems=tuple(_problems(worker_seen, scheduler_seen, checked_at, waiting, at)),
    )


def _within(seen: dt.datetime | None, at: dt.datetime, limit: dt.timedelta) -> bool:
    return seen is not None and at - seen <= limit


def _since(seen: dt.datetime | None) -> str:
    if seen is None:
        return "since the portal was started"
    return f"since {timezone.localtime(seen):%-d %b %Y, %H:%M}"


def _problems(
    worker_seen: dt.datetime | None,
    scheduler_seen: dt.datetime | None,
    checked_at: dt.datetime | None,
    waiting: int,
    at: dt.datetime,
) -> list[str]:
    found = []
    if not _within(scheduler_seen, at, SCHEDULER_SILENT):
        found.append(
            f"The scheduler has been silent {_since(scheduler_seen)}: "
            "daily checks, mails and the closing of lost calls wait."
        )
    elif not _within(worker_seen, at, WORKER_SILENT):
        found.append(
            f"The worker has been silent {_since(worker_seen)}: checks, mails and packs wait."
        )
    if checked_at is None:
        found.append("The daily checks have not run yet.")
    elif not _within(checked_at, at, CHECKS_LATE):
        found.append(f"The daily checks have not run {_since(checked_at)}.")
    if waiting:
        some = "1 notice waits" if waiting == 1 else f"{waiting} notices wait"
        found.append(f"{some} because mail cannot be sent. Check the mail settings.")
    return found
