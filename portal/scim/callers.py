"""Who asks at /scim/v2: a directory, by a token in the header Authorization: Bearer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.conf import settings
from django.http import HttpRequest

from audits.api.limits import BUCKETS
from audits.models import SecurityEvent
from audits.services.reads import Read, record_read
from portal.identity.noting import note_once
from portal.models import Directory, DirectoryEvent, DirectoryGroup, DirectoryPerson, DirectoryToken
from portal.scim.errors import Refusal
from portal.services.bearers import TokenRefused, note_use
from portal.services.directory_tokens import find_token
from vendors.network import peer_of

# Buckets of keys have positive numbers, those of personal tokens negative ones above this.
BELOW_TOKENS = -(10**12)
REFUSALS = {
    "key-invalid": (401, "The token is not known here."),
    "key-revoked": (401, "The token was ended."),
    "key-expired": (401, "The token has ended: make the next one in the portal."),
    "key-network": (403, "The token does not work from this network."),
}


class TooFast(Refusal):
    """429: `seconds` until the next request may come."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, "More requests than a token may make in a minute.")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Caller:
    """A directory, the token that it came with, and the moment it asked.

    In the transaction of a bulk `events` gathers what is noted, to be stored at its end, and
    `absent` are addresses that nobody has.
    """

    directory: Directory
    token: DirectoryToken
    at: dt.datetime
    events: list[DirectoryEvent] | None = None
    absent: set[str] = field(default_factory=set)

    @property
    def holds_directory(self) -> bool:
        """Whether the transaction that is open, that of a bulk, holds the directory already."""
        return self.events is not None

    def note(
        self,
        kind: str,
        *,
        person: DirectoryPerson | None = None,
        group: DirectoryGroup | None = None,
        joined: int = 0,
        left: int = 0,
    ) -> None:
        """Append to the trail of the directory what it did."""
        event = DirectoryEvent(
            directory=self.directory,
            token=self.token,
            at=self.at,
            kind=kind,
            person=person,
            group=group,
            joined=joined,
            left=left,
        )
        if self.events is None:
            event.save(force_insert=True)
        else:
            self.events.append(event)

    def note_read(self, action: str, subject: str, row_count: int, subject_id: str = "") -> None:
        """Store what it read; a read is answered only after this."""
        who = {"directory": str(self.directory.pk), "token": self.token.public_id}
        read = Read(action, subject, row_count, subject_id=subject_id, filters=who)
        record_read(read, by=None, at=self.at)


def caller_of(request: HttpRequest, *, at: dt.datetime) -> Caller:
    """The directory that asks. Raises: Refusal with 401, 403 or 429."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise Refusal(401, "Send the directory's token in the header Authorization: Bearer.")
    try:
        token = find_token(secret.strip(), peer_of(request.META), at=at)
    except TokenRefused as refused:
        note_once(request, SecurityEvent.Kind.DIRECTORY_REFUSED, method="scim")
        raise Refusal(*REFUSALS[refused.code]) from None
    allowance = BUCKETS.take(BELOW_TOKENS - token.pk, settings.SCIM_REQUESTS_PER_MINUTE)
    if allowance.wait_seconds:
        raise TooFast(allowance.wait_seconds)
    note_use(token, at=at)
    return Caller(token.directory, token, at)
