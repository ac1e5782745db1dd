"""What every step of an integration shares: its locked row, its trail, its refusals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Protocol

from django.db import models

from policies.models import Integration, IntegrationEvent


class Person(Protocol):
    """A user of the portal, whatever model stands behind `settings.AUTH_USER_MODEL`."""

    @property
    def pk(self) -> int: ...
    @property
    def email(self) -> str: ...
    @property
    def is_active(self) -> bool: ...
    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool: ...


State = Integration.State
# What has ended for good.
FINAL = (State.REJECTED, State.RETIRED)
Kind = IntegrationEvent.Kind


class Refused(Exception):
    """The step cannot be taken; the message says why, in words for the person who tried."""


def note_event(
    integration: Integration, kind: str, *, by: Person | None, at: dt.datetime, note: str = ""
) -> IntegrationEvent:
    """Append to the integration's trail; of a longer note the first 300 characters stay."""
    return IntegrationEvent.objects.create(
        integration=integration, kind=kind, note=note[:300], actor_id=by.pk if by else None, at=at
    )


def locked(integration: Integration) -> Integration:
    """The integration as it stands now, its row locked until the transaction ends."""
    return (
        Integration.objects.select_for_update(of=("self",))
        .select_related("service", "deidentification_document")
        .get(pk=integration.pk)
    )


def in_state(integration: Integration, allowed: Collection[str], step: str) -> None:
    """Raises: Refused with the state it is in, if that is not one of `allowed`."""
    if integration.state not in allowed:
        state = integration.get_state_display().lower()
        raise Refused(f"It is {state} now, so it cannot be {step}.")
