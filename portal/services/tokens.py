"""Personal access tokens: made, found, revoked (decision 0013).

A token reads `cst_`, 12 characters that name it, 32 random ones (190 bits) and 6 of a CRC-32 over
all before them. Only the SHA-256 of the whole is stored.
"""

from __future__ import annotations

import datetime as dt
import hmac
import ipaddress
import re
import secrets
from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import transaction

from policies.services.keys import (
    ALPHABET,
    CHECKSUM_LENGTH,
    LONGEST,
    PUBLIC_LENGTH,
    RANDOM_LENGTH,
    checksum,
    hash_secret,
)
from portal.models import PersonalToken, User

TOKEN = re.compile(rf"cst_[0-9A-Za-z]{{{PUBLIC_LENGTH + RANDOM_LENGTH + CHECKSUM_LENGTH}}}")
MOST = 20


class TokenRefused(Exception):
    """The token opens nothing; `code` is one of countersign.problems."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def networks(cidrs: Collection[str]) -> list[str]:
    """Networks in their plain form. Raises: ValidationError for what is none."""
    found = []
    for cidr in cidrs:
        try:
            found.append(str(ipaddress.ip_network(cidr.strip())))
        except ValueError:
            message = "A network is written like 10.20.0.0/16, host bits zero."
            raise ValidationError({"cidrs": message}) from None
    return found


@transaction.atomic
def issue_token(
    user: User,
    name: str,
    *,
    scopes: Collection[str],
    cidrs: Collection[str] = (),
    days: int,
    at: dt.datetime,
) -> tuple[PersonalToken, str]:
    """Make a token of a person that ends after `days` (1 to 365).

    Returns: the token, and its secret, which is stored nowhere and never to be had again.
    Raises: ValidationError.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    live = PersonalToken.objects.filter(user=user, revoked_at=None, expires_at__gt=at)
    if live.count() >= MOST:
        raise ValidationError(f"You have {MOST} tokens that work. Revoke one first.")
    if not 1 <= days <= LONGEST.days:
        raise ValidationError({"days": "A token ends after today and within a year."})
    body = f"cst_{_random(PUBLIC_LENGTH)}{_random(RANDOM_LENGTH)}"
    secret = body + checksum(body)
    known = [scope.value for scope in PersonalToken.Scope]
    token = PersonalToken(
        user=user,
        name=name,
        public_id=body[4 : 4 + PUBLIC_LENGTH],
        secret_sha256=hash_secret(secret),
        scopes=[scope for scope in known if scope in scopes],
        cidrs=networks(cidrs),
        created_at=at,
        expires_at=at + dt.timedelta(days=days),
    )
    token.full_clean()
    token.save()
    return token, secret


def find_token(secret: str, peer: str, *, at: dt.datetime) -> PersonalToken:
    """The token of this secret, if it works for a caller at `peer`; its person is loaded too.

    Raises: TokenRefused.
    """
    if not TOKEN.fullmatch(secret) or checksum(secret[:-CHECKSUM_LENGTH]) != secret[-6:]:
        raise TokenRefused("key-invalid")
    digest = hash_secret(secret)
    token = PersonalToken.objects.select_related("user").filter(secret_sha256=digest).first()
    # The digest found the row; comparing once more in constant time costs nothing.
    if token is None or not hmac.compare_digest(token.secret_sha256, digest):
        raise TokenRefused("key-invalid")
    if token.revoked_at is not None or not token.user.is_active:
        raise TokenRefused("key-revoked")
    if token.expires_at <= at:
        raise TokenRefused("key-expired")
    if token.cidrs and not _inside(peer, token.cidrs):
        raise TokenRefused("key-network")
    return token


def _inside(peer: str, cidrs: Collection[str]) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(cidr) for cidr in cidrs)


@transaction.atomic
def revoke_token(token: PersonalToken, *, by: User, at: dt.datetime) -> PersonalToken:
    """End a token, in force for the next request. Raises: ValidationError if it ended before."""
    stored = PersonalToken.objects.select_for_update().get(pk=token.pk)
    if stored.revoked_at is not None:
        raise ValidationError("This token was revoked already.")
    stored.revoked_at, stored.revoked_by = at, by
    stored.save()
    return stored


def note_use(token: PersonalToken, *, at: dt.datetime) -> None:
    """Note that the token was used, once a minute."""
    last = token.last_used_at
    if last is None or at - last >= dt.timedelta(minutes=1):
        PersonalToken.objects.filter(pk=token.pk).update(last_used_at=at)
