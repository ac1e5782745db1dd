"""Records who looked at what (45 CFR 164.312(b))."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.contrib.auth.models import AbstractBaseUser

from audits.models import ReadEvent


def record_read(
    *,
    action: str,
    subject: str,
    at: dt.datetime,
    row_count: int,
    user: AbstractBaseUser | None = None,
    key_id: int | None = None,
    subject_id: str = "",
    filters: Mapping[str, object] | None = None,
) -> ReadEvent:
    """Store that somebody read `row_count` rows of `subject`, such as "audits.call".

    `action` is one of ReadEvent.Action; `filters` are those that were checked, never what was
    typed. A read is answered only after this returned.
    """
    return ReadEvent.objects.create(
        at=at,
        user=user,
        key_id=key_id,
        action=action,
        subject=subject,
        subject_id=subject_id,
        filters=dict(filters or {}),
        row_count=row_count,
    )
