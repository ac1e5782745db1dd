"""Whether a presented key opens the API, and for whom."""

from __future__ import annotations

import datetime as dt
import hmac
import ipaddress
import re
from dataclasses import dataclass

from policies.models import IntegrationKey
from policies.services.secret_texts import hash_secret
from vendors.network import Network, is_inside

SECRET = re.compile(r"csk_(?:live|test)_[A-Za-z0-9_-]{16,120}")


class KeyRefused(Exception):
    """The key does not open this; `code` is one of countersign.problems."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Caller:
    """What came with a request: SHA-256 of the secret in hex, and the caller's address.

    An empty `peer` stands for the portal's own processes, which no network rule binds.
    """

    secret_sha256: str
    peer: str = ""

    @classmethod
    def of(cls, key: IntegrationKey) -> Caller:
        """The holder of `key`, as seen from inside the portal."""
        return cls(key.secret_sha256)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key as it stands; `expires_at` is the first moment it is closed by itself."""

    key_id: int
    integration_id: int
    integration: str
    secret_sha256: str
    livemode: bool
    scopes: frozenset[str]
    networks: tuple[Network, ...]
    expires_at: dt.datetime
    revoked_at: dt.datetime | None


def presented(header: str | None, peer: str) -> Caller:
    """The caller behind an Authorization header. Raises: KeyRefused, which never quotes it."""
    if not header:
        raise KeyRefused("not-authenticated")
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer":
        raise KeyRefused("not-authenticated")
    if not SECRET.fullmatch(secret):
        raise KeyRefused("key-invalid")
    return Caller(hash_secret(secret), peer)


def find_key(secret_sha256: str) -> KeyFacts | None:
    """The key with this digest, in one query."""
    row = (
        IntegrationKey.objects.select_related("integration")
        .filter(secret_sha256=secret_sha256)
        .first()
    )
    if row is None:
        return None
    return KeyFacts(
        key_id=row.pk,
        integration_id=row.integration_id,
        integration=row.integration.slug,
        secret_sha256=row.secret_sha256,
        livemode=row.livemode,
        scopes=frozenset(row.scopes),
        networks=tuple(ipaddress.ip_network(c, strict=False) for c in row.cidrs),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def check(
    key: KeyFacts | None, caller: Caller, *, at: dt.datetime, scope: str | None = None
) -> KeyFacts:
    """The key, if it opens `scope` (or anything) for `caller` at the moment `at`.

    A key that is known to be revoked opens nothing, not even for a request that was received
    before: its record would come after the revocation. Raises: KeyRefused.
    """
    # The digest found the key; comparing once more in constant time costs nothing.
    if key is None or not hmac.compare_digest(key.secret_sha256, caller.secret_sha256):
        raise KeyRefused("key-invalid")
    if key.revoked_at is not None:
        raise KeyRefused("key-revoked")
    if key.expires_at <= at:
        raise KeyRefused("key-expired")
    if scope is not None and scope not in key.scopes:
        raise KeyRefused("key-scope")
    if key.networks and caller.peer and not is_inside(caller.peer, key.networks):
        raise KeyRefused("key-network")
    return key
