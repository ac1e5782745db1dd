"""Who is behind a change: what the history of changes records of a request."""

from __future__ import annotations

import ipaddress

from auditlog.context import auditlog_value
from auditlog.middleware import AuditlogMiddleware
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest


class HistoryMiddleware(AuditlogMiddleware):
    """Names the person and the network address that a change came from.

    auditlog's own middleware stores what X-Forwarded-For says: any caller writes that header, and
    what gets into the history can never be removed.
    """

    def get_extra_data(self, request: HttpRequest) -> dict[str, object]:
        return {"actor": self._get_actor(request), "remote_addr": address(request)}


def address(request: HttpRequest) -> str | None:
    """The address of the connection; None behind a unix socket, which has none."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def name_actor(person: AbstractBaseUser) -> None:
    """Name who is behind the changes of this request, where a token says it after the session."""
    held = auditlog_value.get(None)
    if held is not None:
        held["actor"] = person


def hide(value: str) -> str:
    """What the history keeps of a secret: whether there was one."""
    return "" if value in ("", "None") else "hidden"
