"""Reviews of vendors by the checklist: begun, answered, finished or thrown away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from countersign.canonical import digest
from vendors.checklist import ITEMS, Asked, unanswered
from vendors.models import ReviewItem, Vendor, VendorReview
from vendors.services.register import review_vendor
from vendors.services.saving import lock_vendor, save_checked
from vendors.services.snapshots import snapshot

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


@transaction.atomic
def start_review(vendor: Vendor, *, by: User, on: dt.date) -> VendorReview:
    """The review of this vendor that has begun, or a new draft. Raises: ValidationError."""
    lock_vendor(vendor)
    begun = vendor.reviews.drafts().first()
    if begun is not None:
        return begun
    review = VendorReview(vendor=vendor, started_by=by, started_on=on)
    save_checked(review)
    return review


@transaction.atomic
def answer_items(review: VendorReview, items: Sequence[ReviewItem]) -> None:
    """Keep these answers, given unsaved, in a draft; each takes the place of the one before.

    Raises: ValidationError if the review is finished, an item is not of the checklist, or its
    service or evidence is of another vendor.
    """
    _draft(review)
    kept = {(item.code, item.service_id): item for item in review.items.all()}
    for item in items:
        if item.code not in ITEMS:
            raise ValidationError("The checklist has no such item.")
        section, asked = ITEMS[item.code]
        stored = kept.get((item.code, item.service_id), item)
        for name in ("answer", "note", *ReviewItem.EVIDENCE):
            setattr(stored, name, getattr(item, name))
        stored.review, stored.section, stored.question = review, section.code, asked.question
        _check_belongs(stored, review.vendor)
        save_checked(stored)


def _check_belongs(item: ReviewItem, vendor: Vendor) -> None:
    fact = item.fact
    owners = [
        item.service and item.service.vendor_id,
        item.agreement and item.agreement.vendor_id,
        item.report and item.report.vendor_id,
        fact and fact.service.vendor_id,
    ]
    if any(owner is not None and owner != vendor.pk for owner in owners):
        raise ValidationError("Services and evidence are of the vendor under review.")


def open_items(review: VendorReview, on: dt.date, section: str = "") -> list[Asked]:
    """What is left to answer for the services offered on the day `on`."""
    services = review.vendor.services.offered(on).order_by("name").values_list("pk", flat=True)
    answered = set(review.items.values_list("code", "service_id"))
    return unanswered(services, answered, section)


@dataclass(frozen=True, slots=True)
class SignOff:
    """What a person signs: `seen_digest` is of the snapshot that they saw.

    The next review is due on `next_on`, else when the vendor's cadence says.
    """

    outcome: str
    seen_digest: str
    next_on: dt.date | None = None
    note: str = ""


@transaction.atomic
def finish_review(review: VendorReview, signed: SignOff, *, by: User, on: dt.date) -> VendorReview:
    """Sign a review off on the day `on`; it never changes afterwards.

    Raises: ValidationError, also while items are left to answer, and where the register changed
    since the person saw it: that was not reviewed.
    """
    stored = _draft(review)
    left = open_items(stored, on)
    if left:
        raise ValidationError(f"Still to answer: {len(left)}.")
    if signed.outcome not in VendorReview.Outcome.values:
        raise ValidationError({"outcome": "Choose an outcome."})
    content = snapshot(stored.vendor, on)
    found = digest(content)
    if found != signed.seen_digest:
        raise ValidationError(
            "The register changed while you reviewed. Look at it again, then sign off."
        )
    vendor = review_vendor(stored.vendor, on=on, next_on=signed.next_on)
    stored.state = VendorReview.State.FINISHED
    stored.outcome, stored.note = signed.outcome, signed.note
    stored.reviewed_by, stored.reviewed_on, stored.next_on = by, on, vendor.next_review_on
    stored.digest, stored.snapshot = found, content
    save_checked(stored)
    return stored


@transaction.atomic
def discard_review(review: VendorReview) -> None:
    """Throw a draft away with its answers. Raises: ValidationError if it is finished."""
    stored = _draft(review)
    if stored.conditions.exists():
        raise ValidationError("Conditions name this review: it cannot be thrown away.")
    for item in stored.items.all():
        item.delete()
    stored.delete()


def _draft(review: VendorReview) -> VendorReview:
    stored = (
        VendorReview.objects.select_for_update(of=("self",))
        .select_related("vendor")
        .get(pk=review.pk)
    )
    if stored.state != VendorReview.State.DRAFT:
        raise ValidationError("This review is finished and stays as it is.")
    return stored
