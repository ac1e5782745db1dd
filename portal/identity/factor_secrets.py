"""How the secrets of second factors are sealed before they reach the database or a session."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from portal.identity.envelope import Envelope, LocalKey

PLACE = "mfa_authenticator.data"
PURPOSE = "countersign second factor"


@cache
def envelope(keys: tuple[str, ...]) -> Envelope:
    """What seals the secrets of second factors; the first key is the one in use."""
    return Envelope([LocalKey(bytes.fromhex(key), PURPOSE) for key in keys])


def envelope_in_use() -> Envelope:
    """The envelope of the keys that the settings name now."""
    return envelope(tuple(settings.MFA_ENCRYPTION_KEYS))


def seal(text: str) -> str:
    return envelope_in_use().seal(text, place=PLACE)


def unseal(sealed: str) -> str:
    """Raises: CannotOpen, if none of the keys of the settings sealed it."""
    return envelope_in_use().open(sealed, place=PLACE)
