"""Runs the checks, and opens, keeps, changes and closes findings by what they see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from evidence.models import CheckRun, Finding, FindingEvent
from evidence.monitoring import CHECKS, Asked, Check, Sighting
from evidence.services.notices import plan_notices, tell_at_once

# Two workers never judge at once: the second waits, then sees what the first did.
RUN_LOCK = 730_700
KEPT_BY_CHECKS = [
    "subject_label",
    "title",
    "detail",
    "severity",
    "due_on",
    "owner_id",
    "vendor_id",
    "integration_id",
]

Key = tuple[str, int, int]


def start_run(*, on: dt.date, at: dt.datetime, by: AbstractBaseUser | None = None) -> CheckRun:
    """A run that waits to be done; `by` is None for the schedule."""
    return CheckRun.objects.create(on=on, started_at=at, requested_by_id=by.pk if by else None)


def overdue(at: dt.datetime) -> bool:
    """Whether no run that finished was asked for in the 24 hours before `at`."""
    since = at - dt.timedelta(hours=24)
    return not CheckRun.objects.finished().filter(started_at__gt=since).exists()


def flag_findings(run: CheckRun, *, at: dt.datetime) -> CheckRun:
    """Run every check for the day `run.on`, and make the open findings agree with what is seen.

    What is seen first is opened, what is still seen stays, what changed is changed, what is no
    longer seen is closed. Safe under several workers, and to repeat: a run that has finished
    stays as it is. The notices that are due are planned in the same transaction; `send_notices`
    sends them.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RUN_LOCK])
        run.refresh_from_db()
        if run.finished_at:
            return run
        asked = Asked(on=run.on, at=at)
        book = _Book(asked)
        for check in CHECKS.values():
            book.enter(check, check.sightings(asked))
        run.opened, run.closed = book.settle()
        run.notices = plan_notices(run.on)
        run.finished_at = at
        run.save()
    return run


def watch(*, at: dt.datetime) -> int:
    """Ask the checks that watch for what is new, and open it at once; the daily run closes it.

    Who answers, and the officers, are told now: of what was opened, and of what became high.
    Returns: how many notices wait to be sent.
    """
    asked = Asked(on=timezone.localdate(at), at=at)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [RUN_LOCK])
            if not cursor.fetchone()[0]:
                return 0  # the daily run is at it, and sees the same
        book = _Book(asked)
        for check in CHECKS.values():
            if check.watch:
                book.enter(check, check.watch(asked, asked.on))
        opened, worse = book.add()
        return tell_at_once(opened, worse, on=asked.on)


@dataclass
class _Book:
    """What one run found, against what was open before it."""

    asked: Asked
    seen: dict[Key, Finding] = field(default_factory=dict)

    def enter(self, check: Check, sightings: Iterable[Sighting]) -> None:
        """Add what a check found; the first sighting of a subject counts."""
        for sighting in sightings:
            finding = self._as_finding(check, sighting)
            self.seen.setdefault(_key(finding), finding)

    def _as_finding(self, check: Check, sighting: Sighting) -> Finding:
        subject_type = ContentType.objects.get_for_model(sighting.subject)
        return Finding(
            check_code=check.code,
            title=check.title,
            subject_type=subject_type,
            subject_id=sighting.subject.pk,
            subject_label=sighting.label[:200],
            detail=sighting.detail,
            severity=check.severity_of(sighting, self.asked.on),
            due_on=sighting.due_on,
            owner_id=sighting.owner_id,
            vendor_id=sighting.vendor_id,
            integration_id=sighting.integration_id,
            opened_at=self.asked.at,
            last_seen_at=self.asked.at,
        )

    def settle(self) -> tuple[int, int]:
        """Write the difference; returns how many were opened and how many closed."""
        before = {_key(finding): finding for finding in Finding.objects.open()}
        opened = [finding for key, finding in self.seen.items() if key not in before]
        gone = [finding for key, finding in before.items() if key not in self.seen]
        kept = [(before[key], new) for key, new in self.seen.items() if key in before]
        Finding.objects.bulk_create(opened, batch_size=1000)
        changed = self._keep(kept)
        self._close(gone)
        self._tell(FindingEvent.Kind.OPENED, [(finding, finding.detail) for finding in opened])
        self._tell(FindingEvent.Kind.CHANGED, changed)
        self._tell(FindingEvent.Kind.CLOSED, [(finding, "") for finding in gone])
        return len(opened), len(gone)

    def add(self) -> tuple[list[Finding], list[Finding]]:
        """Write what is new and what changed; close nothing. Returns: opened, and became high."""
        if not self.seen:
            return [], []
        codes = {finding.check_code for finding in self.seen.values()}
        standing = Finding.objects.open().filter(check_code__in=codes)
        before = {_key(finding): finding for finding in standing}
        opened = [finding for key, finding in self.seen.items() if key not in before]
        kept = [(before[key], new) for key, new in self.seen.items() if key in before]
        high = Finding.Severity.HIGH
        worse = [old for old, new in kept if new.severity == high != old.severity]
        Finding.objects.bulk_create(opened, batch_size=1000)
        self._tell(FindingEvent.Kind.OPENED, [(finding, finding.detail) for finding in opened])
        self._tell(FindingEvent.Kind.CHANGED, self._keep(kept))
        return opened, worse

    def _keep(self, kept: list[tuple[Finding, Finding]]) -> list[tuple[Finding, str]]:
        """Bring findings up to date; returns those whose day or severity changed, with what."""
        Finding.objects.filter(pk__in=[old.pk for old, _ in kept]).update(
            last_seen_at=Greatest(F("last_seen_at"), self.asked.at)
        )
        different, told = [], []
        for old, new in kept:
            note = _difference(old, new)
            if note:
                told.append((old, note))
            if _take_over(old, new):
                different.append(old)
        Finding.objects.bulk_update(different, KEPT_BY_CHECKS, batch_size=500)
        return told

    def _close(self, gone: list[Finding]) -> None:
        """A second worker may have asked earlier than the first opened: an end is never before."""
        Finding.objects.filter(pk__in=[finding.pk for finding in gone]).update(
            closed_at=Greatest(F("opened_at"), self.asked.at)
        )

    def _tell(self, kind: FindingEvent.Kind, told: Iterable[tuple[Finding, str]]) -> None:
        events = [
            FindingEvent(finding=finding, kind=kind, note=note, at=self.asked.at)
            for finding, note in told
        ]
        FindingEvent.objects.bulk_create(events, batch_size=1000)


def _key(finding: Finding) -> Key:
    return finding.check_code, finding.subject_type_id, finding.subject_id


def _difference(old: Finding, new: Finding) -> str:
    """What an officer must know of a change: the due day and the severity."""
    parts = []
    if old.due_on != new.due_on:
        parts.append(f"Due {_day(old.due_on)}, now {_day(new.due_on)}.")
    if old.severity != new.severity:
        parts.append(f"Severity {old.severity}, now {new.severity}.")
    return " ".join(parts)


def _day(day: dt.date | None) -> str:
    return f"{day:%-d %b %Y}" if day else "without a day"


def _take_over(old: Finding, new: Finding) -> bool:
    """Copy what the check says now; an owner that a person chose stays. Whether it differs."""
    differs = False
    for name in KEPT_BY_CHECKS:
        chosen = name == "owner_id" and old.assigned_at
        if not chosen and getattr(old, name) != getattr(new, name):
            setattr(old, name, getattr(new, name))
            differs = True
    return differs


class FindingClosed(Exception):
    """What is closed is history: it takes no owner and no note any more."""


@transaction.atomic
def assign(
    finding: Finding, *, to: AbstractBaseUser | None, by: AbstractBaseUser, at: dt.datetime
) -> Finding:
    """Make `to` the owner; None gives it back to the checks, which take the subject's owner.

    Raises: FindingClosed.
    """
    finding = _open(finding)
    finding.owner_id = to.pk if to else None
    finding.assigned_at = at if to else None
    finding.save(update_fields=["owner", "assigned_at"])
    words = f"To {to}" if to else "To the owner of its subject"
    _record(finding, FindingEvent.Kind.ASSIGNED, words, by, at)
    return finding


@transaction.atomic
def note(finding: Finding, *, text: str, by: AbstractBaseUser, at: dt.datetime) -> FindingEvent:
    """Add an officer's words to the history. Raises: FindingClosed."""
    return _record(_open(finding), FindingEvent.Kind.NOTED, text, by, at)


def _open(finding: Finding) -> Finding:
    locked = Finding.objects.select_for_update(of=("self",)).get(pk=finding.pk)
    if locked.closed_at:
        raise FindingClosed
    return locked


def _record(
    finding: Finding, kind: FindingEvent.Kind, words: str, by: AbstractBaseUser, at: dt.datetime
) -> FindingEvent:
    return FindingEvent.objects.create(
        finding=finding, kind=kind, note=words, actor_id=by.pk, at=at
    )
