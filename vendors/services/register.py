"""Vendors and their services: states, reviews, what a service offers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.models import Service, ServiceModel, ServiceRegion, Vendor
from vendors.services.saving import save_checked

State = Vendor.State
# Which state may follow which.
TRANSITIONS: dict[str, tuple[Vendor.State, ...]] = {
    State.PROSPECT: (State.IN_REVIEW, State.REJECTED),
    State.IN_REVIEW: (State.APPROVED, State.CONDITIONS, State.REJECTED),
    State.APPROVED: (State.IN_REVIEW, State.CONDITIONS, State.SUSPENDED, State.OFFBOARDING),
    State.CONDITIONS: (State.IN_REVIEW, State.APPROVED, State.SUSPENDED, State.OFFBOARDING),
    State.REJECTED: (State.IN_REVIEW,),
    State.SUSPENDED: (State.IN_REVIEW, State.APPROVED, State.CONDITIONS, State.OFFBOARDING),
    State.OFFBOARDING: (State.OFFBOARDED, State.IN_REVIEW),
    State.OFFBOARDED: (State.IN_REVIEW,),
}


@transaction.atomic
def change_vendor_state(vendor: Vendor, to: str) -> Vendor:
    """Take the vendor to the state `to`; the history names who did it.

    Raises: ValidationError if `to` cannot follow the present state, or if it would be approved
    without a review.
    """
    stored = Vendor.objects.select_for_update(no_key=True).get(pk=vendor.pk)
    if to not in TRANSITIONS[stored.state]:
        raise ValidationError({"state": "This state cannot follow the present one."})
    if to in (State.APPROVED, State.CONDITIONS) and stored.last_reviewed_on is None:
        raise ValidationError({"state": "Record a review first: nobody has reviewed this vendor."})
    stored.state = to
    save_checked(stored)
    return stored


@transaction.atomic
def review_vendor(vendor: Vendor, *, on: dt.date, next_on: dt.date | None = None) -> Vendor:
    """Record that the vendor was reviewed on the day `on`; the history names who did it.

    The next review is due on `next_on`; without it, one interval later. Raises: ValidationError.
    """
    stored = Vendor.objects.select_for_update(no_key=True).get(pk=vendor.pk)
    next_on = next_on or on + dt.timedelta(days=stored.review_interval_days)
    if next_on <= on:
        raise ValidationError({"next_review_on": "The next review comes after this one."})
    if stored.last_reviewed_on is not None and on < stored.last_reviewed_on:
        raise ValidationError({"last_reviewed_on": "A later review is recorded already."})
    stored.last_reviewed_on, stored.next_review_on = on, next_on
    save_checked(stored)
    return stored


@transaction.atomic
def save_service(
    service: Service, models: Sequence[ServiceModel], regions: Sequence[ServiceRegion]
) -> Service:
    """Store a service with exactly these model patterns and regions, new or changed.

    Rows that are the same stay as they are. Raises: ValidationError.
    """
    save_checked(service)
    kept = {model.pattern for model in models}
    places = {(region.region, region.purpose) for region in regions}
    for old_model in service.offered_models.all():
        if old_model.pattern not in kept:
            old_model.delete()
    for old_region in service.regions.all():
        if (old_region.region, old_region.purpose) not in places:
            old_region.delete()
    stored = {model.pattern: model for model in service.offered_models.all()}
    for model in models:
        row = stored.get(model.pattern, model)
        row.service, row.lifecycle = service, model.lifecycle
        save_checked(row)
    stored_regions = {(r.region, r.purpose): r for r in service.regions.all()}
    for region in regions:
        place = stored_regions.get((region.region, region.purpose), region)
        place.service, place.guarantee = service, region.guarantee
        save_checked(place)
    return service


@transaction.atomic
def retire_service(service: Service, *, on: dt.date) -> Service:
    """From the day `on` the service is not offered for new uses. Raises: ValidationError."""
    stored = Service.objects.select_for_update(no_key=True).get(pk=service.pk)
    if stored.retired_on is not None:
        raise ValidationError({"retired_on": "It is retired already."})
    stored.retired_on = on
    save_checked(stored)
    return stored
