"""Checks of questionnaires: links that end unanswered, answers that wait for review."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.utils import timezone

from evidence.monitoring.sightings import Asked, Sighting, answering
from vendors.models import Inquiry

# How many days after the vendor submitted a review should be closed.
REVIEW_DAYS = 14
INSTANT = dt.timedelta(microseconds=1)


def _of(inquiry: Inquiry, due_on: dt.date, detail: str) -> Sighting:
    vendor = inquiry.vendor
    return Sighting(
        subject=inquiry,
        label=f"{vendor.name}: {inquiry.questionnaire.title}",
        due_on=due_on,
        detail=detail,
        owner_id=answering(inquiry.sent_by) or answering(vendor.owner),
        vendor_id=vendor.pk,
    )


def unanswered(_asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Questionnaires whose link ends, or ended, before the vendor submitted."""
    ends = dt.datetime.combine(until + dt.timedelta(days=1), dt.time())
    rows = Inquiry.objects.expiring(timezone.make_aware(ends))
    for row in rows.select_related("vendor__owner", "questionnaire", "sent_by"):
        last = timezone.localdate(row.expires_at - INSTANT)
        opened = "opened" if row.state == Inquiry.State.OPENED else "never opened"
        yield _of(row, last, f"Not submitted, link {opened}")


def to_review(_asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Answers whose review is due on or before the day `until`."""
    rows = Inquiry.objects.to_review().select_related("vendor__owner", "questionnaire", "sent_by")
    for row in rows:
        assert row.submitted_at is not None  # what the states say
        submitted = timezone.localdate(row.submitted_at)
        due_on = submitted + dt.timedelta(days=REVIEW_DAYS)
        if due_on <= until:
            yield _of(row, due_on, f"Submitted on {submitted:%-d %b %Y}")
