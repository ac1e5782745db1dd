"""BAAs and DPAs: recorded, amended by a new version, terminated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.models import Agreement, CoveredScope
from vendors.services.saving import lock_vendor, save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


@transaction.atomic
def record_agreement(
    agreement: Agreement, covers: Sequence[CoveredScope], *, by: User | None
) -> Agreement:
    """Store a signed agreement with what it covers; both are given unsaved.

    Raises: ValidationError, for example where it overlaps another of its kind and account.
    """
    lock_vendor(agreement.vendor)
    agreement.recorded_by = by
    save_checked(agreement)
    for scope in covers:
        if scope.service.vendor_id != agreement.vendor_id:
            raise ValidationError("An agreement covers services of its own vendor only.")
        scope.agreement = agreement
        save_checked(scope)
    return agreement


@transaction.atomic
def amend_agreement(
    old: Agreement, new: Agreement, covers: Sequence[CoveredScope], *, by: User | None
) -> Agreement:
    """Store the next version of `old`, which holds until the day before `new` starts.

    Vendor, kind, reference and version of `new` are taken from `old`; the rest is its own.
    Raises: ValidationError; then `old` stands as before.
    """
    lock_vendor(old.vendor)
    stored = Agreement.objects.get(pk=old.pk)
    if stored.superseded_on is not None:
        raise ValidationError("A newer version exists. Amend that one.")
    if stored.terminated_on is not None:
        raise ValidationError("It was terminated. Record a new agreement instead.")
    if new.starts_on < stored.starts_on:
        raise ValidationError({"starts_on": "A new version cannot start before the old one."})
    # First the old row ends, then the new one begins: the other order overlaps for a moment.
    stored.superseded_on = new.starts_on
    save_checked(stored)
    new.vendor, new.kind, new.reference = stored.vendor, stored.kind, stored.reference
    new.version, new.amends = stored.version + 1, stored
    return record_agreement(new, covers, by=by)


@transaction.atomic
def terminate_agreement(agreement: Agreement, *, on: dt.date, reason: str) -> Agreement:
    """End an agreement: `on` is the first day on which it no longer holds.

    The history names who did it. Raises: ValidationError if it ended already or has not begun.
    """
    lock_vendor(agreement.vendor)
    stored = Agreement.objects.get(pk=agreement.pk)
    last = stored.last_day()
    if last is not None and last < on:
        raise ValidationError({"terminated_on": "It has ended by that day already."})
    if on < stored.starts_on:
        raise ValidationError({"terminated_on": "It cannot be terminated before its first day."})
    stored.terminated_on, stored.termination_reason = on, reason
    save_checked(stored)
    return stored
