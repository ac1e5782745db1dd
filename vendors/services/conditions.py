"""Conditions of an approval: set, met, waived. The approval's last day follows them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.models import Document, Vendor, VendorCondition
from vendors.services.register import change_vendor_state, conditional_until
from vendors.services.saving import lock_vendor, save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


@transaction.atomic
def approve_with_conditions(
    vendor: Vendor,
    conditions: Sequence[VendorCondition],
    *,
    reason: str,
    by: User,
    at: dt.datetime,
    on: dt.date,
) -> Vendor:
    """Approve the vendor until the first of its conditions is due; they are given unsaved.

    Conditions that are open from before stay. Raises: ValidationError; nothing is stored then.
    """
    set_conditions(vendor, conditions, by=by, on=on)
    return change_vendor_state(vendor, Vendor.State.CONDITIONS, reason=reason, by=by, at=at)


@transaction.atomic
def set_conditions(
    vendor: Vendor, conditions: Sequence[VendorCondition], *, by: User, on: dt.date
) -> Vendor:
    """Store conditions, given unsaved, as set on the day `on`. Raises: ValidationError."""
    lock_vendor(vendor)
    for condition in conditions:
        condition.vendor, condition.set_by, condition.set_on = vendor, by, on
        save_checked(condition)
    return _follow(vendor)


@transaction.atomic
def meet_condition(
    condition: VendorCondition,
    *,
    by: User,
    on: dt.date,
    note: str = "",
    evidence: Document | None = None,
) -> VendorCondition:
    """Record that a condition was met on the day `on`. Raises: ValidationError if it is closed."""
    stored = _open(condition)
    stored.met_on, stored.met_by, stored.met_note, stored.evidence = on, by, note, evidence
    save_checked(stored)
    _follow(stored.vendor)
    return stored


@transaction.atomic
def waive_condition(
    condition: VendorCondition, *, by: User, on: dt.date, reason: str
) -> VendorCondition:
    """Let a condition go on the day `on`, for a reason. Raises: ValidationError."""
    stored = _open(condition)
    if not reason.strip():
        raise ValidationError({"reason": "Say why, in a sentence."})
    stored.waived_on, stored.waived_by, stored.waive_reason = on, by, reason.strip()
    save_checked(stored)
    _follow(stored.vendor)
    return stored


def _open(condition: VendorCondition) -> VendorCondition:
    lock_vendor(condition.vendor)
    stored = VendorCondition.objects.select_related("vendor").get(pk=condition.pk)
    if not stored.open:
        raise ValidationError("This condition is closed already.")
    return stored


def _follow(vendor: Vendor) -> Vendor:
    """Let the day that the gate reads follow the open conditions."""
    stored = Vendor.objects.get(pk=vendor.pk)
    until = conditional_until(stored)
    if stored.conditional_until != until:
        stored.conditional_until = until
        save_checked(stored)
    return stored
