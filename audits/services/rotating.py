"""Changes the key that signs a ledger: by an entry that the key in use signs itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction

from audits.models import Ledger, LedgerKey
from audits.services.appending import NewEvent, append_events_on, lock_head
from audits.services.signing import LedgerRefused, own_keys, signer


@dataclass(frozen=True, slots=True)
class Rotated:
    """A ledger that goes by another key: from the entry `first_index` on."""

    slug: str
    first_index: int
    public_key: bytes


@transaction.atomic
def rotate(ledger: Ledger, *, at: dt.datetime) -> Rotated | None:
    """Let the ledger go by LEDGER_SIGNING_KEY from now on; the previous key signs that it does.

    The entry is a batch of its own. Processes that have both keys go on without a new start; one
    that has the old key alone refuses to write until it has the new one.
    Returns: what changed, or None if the ledger goes by that key already or has no entry yet.
    Raises: LedgerRefused if LEDGER_PREVIOUS_SIGNING_KEY is not the key in use.
    """
    raw = connection.connection
    head = lock_head(raw, ledger.pk)
    if head.origin is None:
        return None
    new = own_keys(head.origin)[0]
    if new.public_key == head.public_key:
        return None
    if LedgerKey.objects.filter(ledger=ledger, public_key=new.public_key).exists():
        raise LedgerRefused("LEDGER_SIGNING_KEY was retired before: make a new one.")
    old = signer(head.origin, head.public_key)
    payload = {
        "public_key": new.public_key.hex(),
        "previous_public_key": old.public_key.hex(),
    }
    event = NewEvent("key-change", head.slug, payload)
    done = append_events_on(raw, [event], at=at, ledger_id=ledger.pk, signs=old)
    in_use = LedgerKey.objects.get(ledger=ledger, retired_at_index=None)
    in_use.retired_at_index = done.first_index
    in_use.save()
    LedgerKey.objects.create(ledger=ledger, public_key=new.public_key, first_index=done.size)
    return Rotated(head.slug, done.size, new.public_key)
