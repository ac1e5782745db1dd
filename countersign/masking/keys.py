"""Keys of one tenant, one for each purpose and kind, and what they make of a value.

HMAC-SHA-256 (RFC 2104) and HKDF (RFC 5869) need Python alone; AES-SIV (RFC 5297) needs the package
`cryptography`. Both are derived from the value, so neither is a code that 45 CFR 164.514(c) allows
in de-identified data: they serve inside a contract.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from countersign.masking.tokens import label

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

FEWEST_SECRET_BYTES = 32
SIV_KEY_BYTES = 64  # AES-256 for the synthetic IV, and AES-256 for the text
FF1_KEY_BYTES = 32
# 128 bits: no two values of a tenant meet by chance.
HMAC_BYTES = 16


class SchemeRefused(Exception):
    """A scheme cannot be used for this value or here. Its text never holds the value."""


class Keys:
    """The secrets of one tenant, derived from one secret of at least 32 bytes.

    Tenants, kinds and purposes never share a key, so tokens of one say nothing about another's.
    """

    __slots__ = ("_secret", "tenant")

    def __init__(self, secret: bytes, tenant: str) -> None:
        if len(secret) < FEWEST_SECRET_BYTES:
            raise ValueError(f"the secret of a tenant has at least {FEWEST_SECRET_BYTES} bytes")
        self._secret = hkdf(secret, b"countersign-schemes-v1", tenant.encode(), 32)
        self.tenant = tenant

    def __repr__(self) -> str:
        return f"Keys(tenant={self.tenant!r})"

    def derived(self, purpose: str, kind: str, length: int) -> bytes:
        """The key of `length` bytes for one purpose and kind."""
        return hkdf(self._secret, b"", f"{purpose}\n{kind}".encode(), length)


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256, extract and expand (RFC 5869); `length` at most 8,160 bytes."""
    prk = hmac.digest(salt or bytes(32), secret, hashlib.sha256)
    block, out, counter = b"", b"", 0
    while len(out) < length:
        counter += 1
        block = hmac.digest(prk, block + info + bytes([counter]), hashlib.sha256)
        out += block
    return out[:length]


def hmac_token(keys: Keys, kind: str, value: str) -> str:
    """`[[NAME:hmac:...]]`: the same for the same value of a tenant and kind, and no way back."""
    key = keys.derived("hmac", kind, 32)
    digest = hmac.digest(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"[[{label(kind)}:hmac:{_text(digest[:HMAC_BYTES])}]]"


def siv_token(keys: Keys, kind: str, value: str) -> str:
    """`[[NAME:siv:...]]`: the same for the same value, and readable with the keys alone.

    Raises: SchemeRefused without the package `cryptography`.
    """
    sealed = _siv(keys, kind).encrypt(
        value.encode("utf-8", "surrogatepass"), _associated(keys, kind)
    )
    return f"[[{label(kind)}:siv:{_text(sealed)}]]"


def siv_value(keys: Keys, kind: str, token: str) -> str:
    """The value behind a token of `siv_token`, in whatever case it was written.

    Raises: SchemeRefused if it is none of this tenant and kind, or was changed.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - an extra

    siv = _siv(keys, kind)
    head, tail = f"[[{label(kind)}:siv:".lower(), "]]"
    lowered = token.lower()
    if not (lowered.startswith(head) and lowered.endswith(tail)):
        raise SchemeRefused("this is no AES-SIV token of the kind")
    try:
        sealed = _bytes(lowered[len(head) : -len(tail)])
        value = siv.decrypt(sealed, _associated(keys, kind))
    except (InvalidTag, binascii.Error, ValueError):
        raise SchemeRefused("the token is not of this tenant and kind, or was changed") from None
    return value.decode("utf-8", "surrogatepass")


def _siv(keys: Keys, kind: str) -> AESSIV:
    try:
        from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415 - an extra
    except ImportError:
        raise SchemeRefused(
            "AES-SIV needs the package cryptography: pip install 'countersign[signatures]'"
        ) from None
    return aead.AESSIV(keys.derived("aes-siv", kind, SIV_KEY_BYTES))


def _associated(keys: Keys, kind: str) -> list[bytes]:
    return [b"countersign-siv-v1", keys.tenant.encode(), kind.encode()]


def _text(data: bytes) -> str:
    """Base32 in small letters, which survives a change of case."""
    return base64.b32encode(data).decode().rstrip("=").lower()


def _bytes(text: str) -> bytes:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
