"""What a client in observe mode tells of calls that it made without a record."""

from __future__ import annotations

import datetime as dt

from audits.bodies import GapBody
from audits.ledger.settling import Refused
from audits.models import Gap
from audits.services.recording import Admitted


def record_gap(body: GapBody, admitted: Admitted) -> tuple[Gap, bool]:
    """Store how many calls went without a record. Returns: the row, and whether this stored it.

    A repeat gets the first one back. Raises: Refused if the id is that of another one.
    """
    key = admitted.key
    told = {
        "integration_id": key.integration_id,
        "livemode": key.livemode,
        "calls": body.calls,
        # An offset may be larger than the database takes.
        "first_at": body.first_at.astimezone(dt.UTC),
        "last_at": body.last_at.astimezone(dt.UTC),
    }
    gap, created = Gap.objects.get_or_create(
        event_id=body.event_id,
        defaults={**told, "key_id": key.key_id, "received_at": admitted.at},
    )
    if any(getattr(gap, name) != value for name, value in told.items()):
        raise Refused("call-id-reused")
    return gap, created
