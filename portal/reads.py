"""Records reads of the register's API, which lies below the trail of reads."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone
from rest_framework.request import Request

from audits.services.reads import Read, record_read
from portal.models import PersonalToken, User


def record_register_read(
    request: Request,
    *,
    action: str,
    subject: str,
    row_count: int,
    subject_id: str = "",
    filters: Mapping[str, object],
) -> None:
    """Store that a person read it, and by which token; a read is answered only after this."""
    assert isinstance(request.user, User)
    by_token = {"token": request.auth.public_id} if isinstance(request.auth, PersonalToken) else {}
    read = Read(action, subject, row_count, subject_id=subject_id, filters={**filters, **by_token})
    record_read(read, by=request.user, at=timezone.now())
