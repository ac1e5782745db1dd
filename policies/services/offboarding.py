"""What of ours still rests on a vendor, and leaving it once nothing does."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from policies.models import Integration, IntegrationKey
from vendors.models import Offboarding, Vendor
from vendors.services.offboarding import finish_offboarding
from vendors.services.saving import lock_vendor

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


@dataclass(frozen=True, slots=True)
class Remaining:
    """Integrations that may still be used, and keys that still open the API."""

    integrations: tuple[Integration, ...]
    keys: tuple[IntegrationKey, ...]

    def __bool__(self) -> bool:
        return bool(self.integrations or self.keys)


def remaining(vendor: Vendor, at: dt.datetime) -> Remaining:
    """What still lives with a vendor at the moment `at` (UTC); two queries."""
    integrations = Integration.objects.in_use().filter(service__vendor=vendor)
    keys = IntegrationKey.objects.usable(at).filter(integration__service__vendor=vendor)
    return Remaining(
        tuple(integrations.select_related("owner", "service").order_by("name")),
        tuple(keys.select_related("integration").order_by("integration__name", "name")),
    )


@transaction.atomic
def leave_vendor(
    offboarding: Offboarding, *, by: User, at: dt.datetime, on: dt.date
) -> Offboarding:
    """Finish an offboarding at the moment `at`, which is on the day `on`.

    Raises: ValidationError while an integration or a key lives, or a step is not done.
    """
    lock_vendor(offboarding.vendor)
    left = remaining(offboarding.vendor, at)
    if left:
        raise ValidationError(
            f"Still alive: {len(left.integrations)} integrations and {len(left.keys)} keys. "
            "Retire and revoke them first."
        )
    return finish_offboarding(offboarding, by=by, at=at, on=on)
