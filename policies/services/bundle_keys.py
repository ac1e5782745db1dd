"""The key that signs versions of data policies and the bundles of clients."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from countersign import ed25519


def seed() -> bytes:
    """The seed of the key: 32 bytes of the setting BUNDLE_SIGNING_KEY."""
    return bytes.fromhex(settings.BUNDLE_SIGNING_KEY)


def public_key() -> str:
    """The public key in hex, as clients pin it (COUNTERSIGN_BUNDLE_KEY)."""
    return _public(settings.BUNDLE_SIGNING_KEY)


@lru_cache(maxsize=4)
def _public(hex_seed: str) -> str:
    key = ed25519.private_key(bytes.fromhex(hex_seed))
    return key.public_key().public_bytes_raw().hex()


def signed(message: bytes) -> str:
    """The signature over the message, in hex."""
    return ed25519.private_key(seed()).sign(message).hex()
