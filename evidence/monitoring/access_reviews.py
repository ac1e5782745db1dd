"""Checks of access reviews: begun in time, decided in time, signed off, and what is back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Min
from django.utils import timezone

from evidence.monitoring.sightings import Asked, Sighting, answering, counted
from policies.models import AccessReview, AccessReviewEntry
from policies.roles import OFFICER

# How long a closed review may wait for the person who signs it off.
DAYS_TO_SIGN = 14


def reviews_to_begin(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """That the next campaign is due: ACCESS_REVIEW_DAYS after the newest one began.

    Where there was none, after the first person joined. It is about the officers, who begin it.
    """
    if AccessReview.objects.open().exists():
        return
    newest = AccessReview.objects.order_by("-started_at").first()
    if newest is None:
        since = get_user_model().objects.aggregate(first=Min("date_joined"))["first"]
    else:
        since = newest.started_at
    officers = Group.objects.filter(name=OFFICER).first()
    if since is None or officers is None:
        return
    due_on = timezone.localdate(since) + dt.timedelta(days=settings.ACCESS_REVIEW_DAYS)
    if due_on <= until:
        told = f"The last one began on {newest.started_at:%-d %b %Y}" if newest else "None so far"
        yield Sighting(subject=officers, label="Access review", due_on=due_on, detail=told)


def reviews_to_finish(asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Open campaigns near or past their last day; past it, who they escalate to is told."""
    rows = AccessReview.objects.open().filter(due_on__lte=until)
    for review in rows.select_related("reviewer", "escalate_to"):
        left = review.entries.undecided().count()
        late = review.due_on < asked.on
        yield Sighting(
            subject=review,
            label=review.title,
            due_on=review.due_on,
            detail=f"{counted(left, 'line')} to decide, of {review.population_count}",
            owner_id=answering(review.escalate_to if late else review.reviewer),
        )


def reviews_to_sign(_asked: Asked, until: dt.date) -> Iterator[Sighting]:
    """Closed campaigns that wait for another person's sign-off."""
    for review in AccessReview.objects.to_sign().select_related("reviewer", "escalate_to"):
        assert review.closed_at is not None  # what the filter asks
        due_on = timezone.localdate(review.closed_at) + dt.timedelta(days=DAYS_TO_SIGN)
        if due_on <= until:
            other = review.escalate_to_id != review.closed_by_id
            signer = review.escalate_to if other else review.reviewer
            yield Sighting(
                subject=review,
                label=review.title,
                due_on=due_on,
                detail="Closed; another person signs it off",
                owner_id=answering(signer) if signer.pk != review.closed_by_id else None,
            )


def revocations_not_done(_asked: Asked, _until: dt.date) -> Iterator[Sighting]:
    """Lines whose access was to go and, when looked at last, was there or could not be taken.

    Of the open campaign and of the newest closed one: an older one's are lines of the next.
    """
    closed = AccessReview.objects.filter(closed_at__isnull=False).order_by("-closed_at")
    reviews = [
        *AccessReview.objects.open().values_list("pk", flat=True),
        *closed.values_list("pk", flat=True)[:1],
    ]
    rows = AccessReviewEntry.objects.filter(review__in=reviews).unproven()
    told = rows.exclude(proof="executed")  # type: ignore[misc]  # what unproven adds
    for entry in told.select_related("review__reviewer"):
        proof = entry.proofs.first()
        yield Sighting(
            subject=entry,
            label=str(entry)[:200],
            detail=proof.get_kind_display() if proof else "Not executed",
            owner_id=answering(entry.review.reviewer),
            integration_id=entry.integration_id,
        )
