"""Records who looked at what (45 CFR 164.312(b))."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from audits.models import ReadEvent
from policies.services.keyring import KeyFacts


@dataclass(frozen=True, slots=True)
class Read:
    """What is looked at. `action` is one of ReadEvent.Action, `subject` such as "audits.call".

    `filters` are those that were checked, never what was typed.
    """

    action: str
    subject: str
    row_count: int
    subject_id: str = ""
    filters: Mapping[str, object] = field(default_factory=dict)


@transaction.atomic(savepoint=False)
def record_read(
    read: Read, *, by: AbstractBaseUser | KeyFacts | None, at: dt.datetime
) -> ReadEvent:
    """Store that a person or a key's holder read it; a read is answered only after this.

    `by` is None for a directory, which has no account: the filters name it and its token.

    In a transaction, so that the ledger has it too when this returns.
    """
    event = ReadEvent(
        at=at,
        action=read.action,
        subject=read.subject,
        subject_id=read.subject_id,
        filters=dict(read.filters),
        row_count=read.row_count,
    )
    if isinstance(by, KeyFacts):
        event.key_id = by.key_id
    elif by is not None:
        event.user_id = by.pk
    event.save(force_insert=True)
    return event
