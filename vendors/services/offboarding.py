"""Leaving a vendor: begun, done step by step, finished with proof, or called off.

Whether something still lives is known above: `policies.services.offboarding` asks before it calls
`finish_offboarding`.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.models import Document, Offboarding, OffboardingStep, Vendor
from vendors.services.register import change_vendor_state
from vendors.services.saving import lock_vendor, save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

Kind = OffboardingStep.Kind


@transaction.atomic
def start_offboarding(
    vendor: Vendor,
    *,
    reason: str,
    planned_last_day: dt.date,
    by: User,
    at: dt.datetime,
    on: dt.date,
) -> Offboarding:
    """Begin to leave a vendor, with every step still to do. Raises: ValidationError."""
    lock_vendor(vendor)
    change_vendor_state(vendor, Vendor.State.OFFBOARDING, reason=reason, by=by, at=at)
    offboarding = Offboarding(
        vendor=vendor,
        started_on=on,
        started_by=by,
        reason=reason,
        planned_last_day=planned_last_day,
    )
    save_checked(offboarding)
    for kind in Kind:
        save_checked(OffboardingStep(offboarding=offboarding, kind=kind))
    return offboarding


@transaction.atomic
def do_step(
    step: OffboardingStep,
    *,
    by: User,
    on: dt.date,
    note: str = "",
    document: Document | None = None,
    disposal: str = "",
) -> OffboardingStep:
    """Record that a step was done on the day `on`; done again, the new words count.

    The step of our data names its `disposal` and has its proof. Raises: ValidationError.
    """
    offboarding = _open(step.offboarding)
    stored = offboarding.steps.get(pk=step.pk)
    document = document or stored.document
    if stored.kind == Kind.DATA:
        _check_proof(disposal, document)
        offboarding.disposal = disposal
        save_checked(offboarding)
    stored.done_on, stored.done_by, stored.note, stored.document = on, by, note, document
    save_checked(stored)
    return stored


def _check_proof(disposal: str, document: Document | None) -> None:
    if not disposal:
        raise ValidationError({"disposal": "Say what became of our data."})
    if document is None:
        raise ValidationError(
            {"document": "Store the proof: the vendor's certificate or statement."}
        )


@transaction.atomic
def finish_offboarding(
    offboarding: Offboarding, *, by: User, at: dt.datetime, on: dt.date
) -> Offboarding:
    """The vendor is left on the day `on`. Raises: ValidationError while a step is not done."""
    stored = _open(offboarding)
    left = [step for step in stored.steps.all() if step.done_on is None]
    if left:
        words = ", ".join(step.get_kind_display().lower() for step in left)
        raise ValidationError(f"Not done yet: {words}.")
    stored.finished_on, stored.finished_by = on, by
    change_vendor_state(
        stored.vendor,
        Vendor.State.OFFBOARDED,
        reason=f"Every step is done; our data: {stored.get_disposal_display().lower()}.",
        by=by,
        at=at,
    )
    save_checked(stored)
    return stored


@transaction.atomic
def call_off_offboarding(
    offboarding: Offboarding, *, reason: str, by: User, at: dt.datetime, on: dt.date
) -> Offboarding:
    """Stay with the vendor after all: it is in review again. Raises: ValidationError."""
    stored = _open(offboarding)
    change_vendor_state(stored.vendor, Vendor.State.IN_REVIEW, reason=reason, by=by, at=at)
    stored.called_off_on, stored.called_off_by = on, by
    save_checked(stored)
    return stored


def _open(offboarding: Offboarding) -> Offboarding:
    lock_vendor(offboarding.vendor)
    stored = Offboarding.objects.select_related("vendor").get(pk=offboarding.pk)
    if not stored.open:
        raise ValidationError("This offboarding is closed already.")
    return stored
