"""Requests for agreements: opened, moved on, dropped, closed by the signed agreement."""

from __future__ import annotations

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.lifecycle import REQUEST_STEPS
from vendors.models import Agreement, AgreementRequest, Service
from vendors.services.saving import save_checked

State = AgreementRequest.State


@transaction.atomic
def save_request(request: AgreementRequest, services: Collection[Service]) -> AgreementRequest:
    """Store a new or changed request with the services it is wanted for.

    Raises: ValidationError, for example where a renewal of the same agreement is under way.
    """
    if any(service.vendor_id != request.vendor_id for service in services):
        raise ValidationError({"services": "An agreement covers services of its own vendor only."})
    renewed = request.renews
    if renewed and (renewed.vendor_id, renewed.kind) != (request.vendor_id, request.kind):
        raise ValidationError({"renews": "It renews an agreement of its own vendor and kind."})
    save_checked(request)
    request.services.set(services)
    return request


@transaction.atomic
def move_request(request: AgreementRequest, to: str) -> AgreementRequest:
    """Take a request to the state `to`; the history names who did it.

    Raises: ValidationError if `to` cannot follow the present state. Nothing but the recording of
    the agreement makes it signed.
    """
    stored = AgreementRequest.objects.select_for_update(no_key=True).get(pk=request.pk)
    if to not in REQUEST_STEPS[stored.state]:
        raise ValidationError("This state cannot follow the present one.")
    stored.state = to
    save_checked(stored)
    return stored


def close_request(request: AgreementRequest, agreement: Agreement) -> None:
    """Close a request with the agreement it led to. Raises: ValidationError if they do not fit."""
    stored = AgreementRequest.objects.select_for_update(no_key=True).get(pk=request.pk)
    if not stored.is_open:
        raise ValidationError({"closes": "This request is closed already."})
    if (stored.vendor_id, stored.kind) != (agreement.vendor_id, agreement.kind):
        raise ValidationError({"closes": "This request is for another kind of agreement."})
    stored.state, stored.agreement = State.SIGNED, agreement
    save_checked(stored)
