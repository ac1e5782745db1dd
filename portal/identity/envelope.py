"""Secrets at rest: each under a random key of its own, which a key outside the database wraps.

AES-256-GCM both times (NIST SP 800-38D). What a sealed text is for is authenticated with it, so
that it opens in its own place alone. A key is known by the first digits of its own digest: while
keys change, the older ones still open what they sealed.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
FORM = "v1"


class CannotOpen(Exception):
    """A sealed text that no key opens: another key, another place, or changed."""


class KeyEncryptionKey(Protocol):
    """Wraps data keys: a key of the settings, or a service that never gives its key away."""

    name: str

    def wrap(self, data_key: bytes, context: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The data key. Raises: CannotOpen."""
        ...


class LocalKey:
    """A key-encryption key made of 32 secret bytes, for one purpose (RFC 5869)."""

    def __init__(self, seed: bytes, purpose: str) -> None:
        derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(seed)
        self.name = hashlib.sha256(b"name of a key\0" + derived).hexdigest()[:12]
        self._cipher = AESGCM(derived)

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        return _encrypt(self._cipher, data_key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        return _decrypt(self._cipher, wrapped, context)


class Envelope:
    """Seals with the first of `keys`, opens with whichever sealed."""

    def __init__(self, keys: Sequence[KeyEncryptionKey]) -> None:
        self._current = keys[0]
        self._keys = {key.name: key for key in keys}

    def seal(self, text: str, *, place: str) -> str:
        """`text` sealed for `place`, such as a table's column: ASCII, about 150 characters more."""
        key = self._current
        context = _context(key.name, place)
        data_key = secrets.token_bytes(KEY_BYTES)
        sealed = _encrypt(AESGCM(data_key), text.encode(), context)
        return ".".join((FORM, key.name, _text(key.wrap(data_key, context)), _text(sealed)))

    def open(self, sealed: str, *, place: str) -> str:
        """What was sealed for `place`. Raises: CannotOpen."""
        form, _, rest = sealed.partition(".")
        parts = rest.split(".")
        if form != FORM or len(parts) != 3 or parts[0] not in self._keys:
            raise CannotOpen("The key that sealed this is not among the settings.")
        name, wrapped, body = parts
        context = _context(name, place)
        data_key = self._keys[name].unwrap(_bytes(wrapped), context)
        return _decrypt(AESGCM(data_key), _bytes(body), context).decode()

    def is_current(self, sealed: str) -> bool:
        """Whether the first key sealed it, so that the older ones are not needed for it."""
        return sealed.startswith(f"{FORM}.{self._current.name}.")


def _context(name: str, place: str) -> bytes:
    return f"{FORM}\0{name}\0{place}".encode()


def _encrypt(cipher: AESGCM, plain: bytes, context: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, context)


def _decrypt(cipher: AESGCM, sealed: bytes, context: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        raise CannotOpen("It was sealed elsewhere, or changed.") from None


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(value: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        raise CannotOpen("It is no sealed text.") from None
