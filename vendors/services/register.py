"""Vendors and their services: states, reviews, what a service offers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.models import Service, ServiceModel, ServiceRegion, Vendor, VendorTransition
from vendors.services.saving import save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

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


# States that are reached by work of their own: the steps of offboarding.
BY_OFFBOARDING = (State.OFFBOARDING, State.OFFBOARDED)


@transaction.atomic
def assign_owner(vendors: Sequence[Vendor], owner: User) -> int:
    """Give each vendor this owner, one save each, so that the history has each change.

    Returns: how many had another owner before. Raises: ValidationError; then none is changed.
    """
    locked = Vendor.objects.select_for_update(no_key=True).filter(pk__in=[v.pk for v in vendors])
    changed = [vendor for vendor in locked if vendor.owner_id != owner.pk]
    for vendor in changed:
        vendor.owner = owner
        save_checked(vendor)
    return len(changed)


@transaction.atomic
def change_vendor_state(
    vendor: Vendor, to: str, *, reason: str, by: User | None, at: dt.datetime
) -> Vendor:
    """Take the vendor to the state `to` at the moment `at` (UTC), and keep why.

    Raises: ValidationError if `to` cannot follow the present state, if no reason is given, if it
    would be approved without a review, or if its conditions and `to` do not fit.
    """
    stored = Vendor.objects.select_for_update(no_key=True).get(pk=vendor.pk)
    if to not in TRANSITIONS[stored.state]:
        raise ValidationError({"state": "This state cannot follow the present one."})
    if not reason.strip():
        raise ValidationError({"reason": "Say why, in a sentence."})
    if to in (State.APPROVED, State.CONDITIONS) and stored.last_reviewed_on is None:
        raise ValidationError({"state": "Record a review first: nobody has reviewed this vendor."})
    _check_conditions(stored, to)
    step = VendorTransition(
        vendor=stored, from_state=stored.state, to_state=to, reason=reason.strip(), by=by, at=at
    )
    stored.state = to
    stored.conditional_until = conditional_until(stored)
    save_checked(stored)
    save_checked(step)
    return stored


def conditional_until(vendor: Vendor) -> dt.date | None:
    """The last day an approval with conditions stands; None if nothing is open, or in other states.

    It is the earliest day on which an open condition is due.
    """
    if vendor.state != State.CONDITIONS:
        return None
    return vendor.conditions.open().values_list("due_on", flat=True).first()


def _check_conditions(vendor: Vendor, to: str) -> None:
    are_open = vendor.conditions.open().exists()
    if to == State.APPROVED and are_open:
        raise ValidationError(
            {"state": "Conditions are open: meet them, waive them, or approve with conditions."}
        )
    if to == State.CONDITIONS and not are_open:
        raise ValidationError({"state": "Say at least one condition, with its day."})


@transaction.atomic
def review_vendor(vendor: Vendor, *, on: dt.date, next_on: dt.date | None = None) -> Vendor:
    """Record that the vendor was reviewed on the day `on`; the history names who did it.

    The next review is due on `next_on`; without it, when the vendor's cadence says. Raises:
    ValidationError.
    """
    stored = Vendor.objects.select_for_update(no_key=True).get(pk=vendor.pk)
    next_on = next_on or next_review(stored, on)
    if next_on <= on:
        raise ValidationError({"next_review_on": "The next review comes after this one."})
    if stored.last_reviewed_on is not None and on < stored.last_reviewed_on:
        raise ValidationError({"last_reviewed_on": "A later review is recorded already."})
    stored.last_reviewed_on, stored.next_review_on = on, next_on
    save_checked(stored)
    return stored


def next_review(vendor: Vendor, on: dt.date) -> dt.date:
    """When the next review is due if one is done on the day `on`.

    On a fixed cadence intervals count from the day that was planned, so that a late review does
    not move those after it, and one done early counts for the planned one; else from `on`.
    """
    interval = dt.timedelta(days=vendor.review_interval_days)
    planned = vendor.next_review_on
    if vendor.review_cadence != Vendor.Cadence.FIXED or planned is None:
        return on + interval
    late = max(0, (on - planned).days)
    return planned + interval * (late // vendor.review_interval_days + 1)


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
        place.source, place.page = region.source, region.page
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
