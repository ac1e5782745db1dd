"""When the services that record began and ended: a gap between the two is one in the records too.

An entry says that a service began, with the key in use, the version and what the gate decides by
that stands in no table. One that ended in order says so; one that broke or was killed does not.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction

from audits.models import Ledger
from audits.services import checkpoints, signing
from audits.services.appending import NewEvent, append_events
from countersign import __version__
from countersign.canonical import Json

# The settings of the gate that come from the environment, in days.
GATE = (
    "APPROVAL_DAYS",
    "BRIDGE_MAX_DAYS",
    "FACT_FRESH_DAYS",
    "REPORT_RED_DAYS",
    "REPORT_STALE_DAYS",
)


def began(service: str, *, at: dt.datetime) -> int:
    """Append to the live ledger that `service` (such as ingest) began. Returns: the entry's index.

    Raises: LedgerRefused, DatabaseError or psycopg.Error if nothing can be recorded; then it must
    not begin.
    """
    with transaction.atomic():
        ledger = Ledger.objects.get(pk=Ledger.LIVE)
        origin = ledger.origin or signing.first_origin(ledger.slug)
        keys = [k for k in checkpoints.keys(ledger.pk) if k.retired_at_index is None]
        signs = signing.signer(origin, keys[0].public_key if keys else b"")
        gate: dict[str, Json] = {name.lower(): getattr(settings, name) for name in GATE}
        payload: dict[str, Json] = {
            "origin": origin,
            "public_key": signs.public_key.hex(),
            "service": service,
            "settings": gate,
            "version": __version__,
        }
        done = append_events([NewEvent("ledger-start", ledger.slug, payload)], at=at)
    # A ledger that begins with this has one of its own before it.
    return done.size - 1


def ended(service: str, *, start: int, at: dt.datetime) -> int:
    """Append that `service`, which began with the entry `start`, ended in order.

    Returns: the entry's index. Raises: as `began`.
    """
    event = NewEvent("ledger-stop", "live", {"service": service, "start": start})
    return append_events([event], at=at).size - 1
