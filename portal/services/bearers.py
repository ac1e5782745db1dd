"""Tokens, whoever bears them: how one is made, found by its secret, noted as used, and ended.

`portal.services.tokens` are a person's, `portal.services.directory_tokens` a directory's.
"""

from __future__ import annotations

import datetime as dt
import hmac
import ipaddress
import re
from collections.abc import Collection
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from policies.services.secret_texts import (
    LONGEST,
    hash_secret,
    new_public_id,
    new_secret,
    well_formed,
)
from portal.models import User
from portal.models.bearers import BearerToken
from vendors.network import NOT_A_NETWORK, is_inside, plain_networks

T = TypeVar("T", bound=BearerToken)


class TokenRefused(Exception):
    """The token opens nothing; `code` is one of countersign.problems."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def store_new(
    token: T, prefix: str, *, cidrs: Collection[str], days: int, at: dt.datetime
) -> tuple[T, str]:
    """Store a token that says whose it is, so that it works from `at` on for `days` (1 to 365).

    Returns: the token, and its secret, which is stored nowhere and never to be had again.
    Raises: ValidationError.
    """
    if not 1 <= days <= LONGEST.days:
        raise ValidationError({"days": "A token ends after today and within a year."})
    try:
        token.cidrs = plain_networks(cidrs)
    except ValueError:
        raise ValidationError({"cidrs": NOT_A_NETWORK}) from None
    token.public_id = new_public_id()
    secret = new_secret(prefix, token.public_id)
    token.secret_sha256 = hash_secret(secret)
    token.created_at, token.expires_at = at, at + dt.timedelta(days=days)
    token.full_clean()
    token.save()
    return token, secret


def find(rows: QuerySet[T], pattern: re.Pattern[str], secret: str) -> T:
    """The token of this secret among `rows`, in one query. Raises: TokenRefused."""
    if not well_formed(secret, pattern):
        raise TokenRefused("key-invalid")
    digest = hash_secret(secret)
    token = rows.filter(secret_sha256=digest).first()
    # The digest found the row; comparing once more in constant time costs nothing.
    if token is None or not hmac.compare_digest(token.secret_sha256, digest):
        raise TokenRefused("key-invalid")
    return token


def check(token: BearerToken, peer: str, *, bearer_works: bool, at: dt.datetime) -> None:
    """Go on only if the token works for a caller at `peer`. Raises: TokenRefused."""
    if token.revoked_at is not None or not bearer_works:
        raise TokenRefused("key-revoked")
    if token.expires_at <= at:
        raise TokenRefused("key-expired")
    if token.cidrs and not is_inside(peer, map(ipaddress.ip_network, token.cidrs)):
        raise TokenRefused("key-network")


def note_use(token: BearerToken, *, at: dt.datetime) -> None:
    """Note that the token was used, once a minute."""
    last = token.last_used_at
    if last is None or at - last >= dt.timedelta(minutes=1):
        type(token).objects.filter(pk=token.pk).update(last_used_at=at)


@transaction.atomic
def end(token: T, *, by: User | None, at: dt.datetime) -> T:
    """End a token, in force for the next request; `by` is None where no person of the portal does.

    Raises: ValidationError if it ended before.
    """
    stored = type(token).objects.select_for_update().get(pk=token.pk)
    if stored.revoked_at is not None:
        raise ValidationError("This token was ended already.")
    stored.revoked_at, stored.revoked_by = at, by
    stored.save(update_fields=["revoked_at", "revoked_by"])
    return stored
