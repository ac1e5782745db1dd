"""Records reads of what lies below the trail of reads: the register, its papers, principals."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request

from audits.services.reads import Read, record_read
from portal.models import PersonalToken, User
from vendors import as_of


def record_register_read(
    request: HttpRequest | Request,
    *,
    action: str,
    subject: str,
    row_count: int,
    subject_id: str = "",
    filters: Mapping[str, object],
) -> None:
    """Store that a person read it, by which token, as of which day, if by one or of another."""
    assert isinstance(request.user, User)
    token, day = getattr(request, "auth", None), as_of.day_read()
    told = dict(filters)
    if isinstance(token, PersonalToken):
        told["token"] = token.public_id
    if day:
        told["as_of"] = day.isoformat()
    read = Read(action, subject, row_count, subject_id=subject_id, filters=told)
    record_read(read, by=request.user, at=timezone.now())
