from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Func, Q, Value

from policies.models import Integration
from vendors.models import Vendor


class FindingQuerySet(models.QuerySet["Finding"]):
    def open(self) -> FindingQuerySet:
        return self.filter(closed_at__isnull=True)

    def due_within(self, on: dt.date, *, days: int) -> FindingQuerySet:
        """Open findings due on or before the day `days` after `on`."""
        return self.open().filter(due_on__lte=on + dt.timedelta(days=days))

    def with_days_left(self, on: dt.date) -> FindingQuerySet:
        """Adds `days_left`, from the day `on` to the due day; negative when overdue."""
        difference = Func(
            models.F("due_on"),
            Value(on),
            template="(%(expressions)s)",
            arg_joiner=" - ",
            output_field=models.IntegerField(null=True),
        )
        return self.annotate(days_left=difference)

    def figures(self, on: dt.date) -> dict[str, int]:
        """How many are open: `high`, `medium`, `low`, and `overdue` on the day `on`."""
        count = {
            severity.value: models.Count("pk", filter=Q(severity=severity))
            for severity in Finding.Severity
        }
        return self.open().aggregate(**count, overdue=models.Count("pk", filter=Q(due_on__lt=on)))

    def touching(self, start: dt.datetime, end: dt.datetime) -> FindingQuerySet:
        """Findings that were open at some moment from `start` on and before `end`."""
        return self.filter(Q(closed_at__isnull=True) | Q(closed_at__gte=start), opened_at__lt=end)


class Finding(models.Model):
    """Something a daily check found; it closes by itself when the check no longer finds it.

    Seen again later, the same subject gets a new finding: each row is one stretch of time.
    """

    class Severity(models.TextChoices):
        HIGH = "high", "High"
        MEDIUM = "medium", "Medium"
        LOW = "low", "Low"

    check_code = models.CharField(max_length=40, db_index=True)
    subject_type = models.ForeignKey(ContentType, on_delete=models.PROTECT, related_name="+")
    subject_id = models.BigIntegerField()
    subject = GenericForeignKey("subject_type", "subject_id")
    subject_label = models.CharField(max_length=200, help_text="The subject's name when found.")
    title = models.CharField(max_length=120, help_text="The check's title when found.")
    detail = models.CharField(max_length=300, blank=True, help_text="What exactly was seen last.")
    # Where it is shown and which scope of a pack it belongs to; the subject itself may be a
    # paper of theirs.
    vendor = models.ForeignKey(
        Vendor, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    severity = models.CharField(max_length=6, choices=Severity)
    due_on = models.DateField(null=True, blank=True, help_text="The day it is about, if any.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: the compliance officers.",
    )
    assigned_at = models.DateTimeField(
        null=True, blank=True, help_text="When a person chose the owner; the checks then keep it."
    )
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = [models.F("due_on").asc(nulls_last=True), "-opened_at"]
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(
                fields=["check_code", "subject_type", "subject_id"],
                condition=Q(closed_at__isnull=True),
                name="finding_open_once_a_subject",
            ),
            models.CheckConstraint(
                name="finding_closed_after_it_opened",
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=models.F("opened_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.check_code}: {self.subject_label}"


class FindingEvent(models.Model):
    """What happened to a finding; append-only."""

    class Kind(models.TextChoices):
        OPENED = "opened", "Opened"
        CHANGED = "changed", "Due day or severity changed"
        ASSIGNED = "assigned", "Assigned"
        NOTED = "noted", "Note"
        CLOSED = "closed", "Closed"

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=8, choices=Kind)
    note = models.CharField(max_length=500, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%-d %b %Y}"


class CheckRunQuerySet(models.QuerySet["CheckRun"]):
    def finished(self) -> CheckRunQuerySet:
        return self.filter(finished_at__isnull=False)


class CheckRun(models.Model):
    """One run of all daily checks; without an end it is waiting, running or broken.

    Its end is the moment its worker judged at: what it found is stored with it or not at all.
    """

    on = models.DateField()
    started_at = models.DateTimeField(help_text="When it was asked for.")
    finished_at = models.DateTimeField(null=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Empty: the schedule.",
    )
    opened = models.PositiveIntegerField(default=0)
    closed = models.PositiveIntegerField(default=0)
    notices = models.PositiveIntegerField(default=0)

    objects = CheckRunQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        default_permissions = ("view",)
        permissions = [("run_checks", "Can run the daily checks now")]

    def __str__(self) -> str:
        return f"Checks of {self.on:%-d %b %Y}"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def waiting(self) -> NoticeQuerySet:
        return self.filter(sent_at__isnull=True)

    def failed(self) -> NoticeQuerySet:
        """Notices that were tried and did not go out yet."""
        return self.waiting().filter(attempts__gt=0)


class Notice(models.Model):
    """That a mail about a finding goes or went out for one window of days before its due day.

    A window stands for the time until the next one, so a worker that was down catches up, and
    nobody gets the same notice twice. Negative windows are days since the due day, in weeks.
    """

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="notices")
    about_on = models.DateField(help_text="The due day; the day it was opened, if it has none.")
    window_days = models.IntegerField()
    recipient = models.EmailField()
    attempts = models.PositiveIntegerField(default=0, help_text="How often sending failed.")
    sent_at = models.DateTimeField(null=True, help_text="Empty while it waits to be sent.")

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["finding", "about_on", "window_days", "recipient"],
                name="notice_once_a_window",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.finding_id} {self.window_days} {self.recipient}"


class Heartbeat(models.Model):
    """When a part that works in the background was last seen at work."""

    name = models.CharField(max_length=20, primary_key=True)
    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} {self.seen_at:%Y-%m-%d %H:%M}"
