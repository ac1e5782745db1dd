"""What keys and tokens have in common: how a secret is written, and what is stored of it.

A prefix that says what it opens, 12 characters that name it, 32 random ones (190 bits) and 6 of a
CRC-32 over all before them. Only the SHA-256 of the whole is stored: a slow hash is for passwords,
which people choose.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets

from countersign.keytext import (
    ALPHABET,
    CHECKSUM_LENGTH,
    PUBLIC_LENGTH,
    RANDOM_LENGTH,
    checksum,
)

LONGEST = dt.timedelta(days=365)
LENGTH = PUBLIC_LENGTH + RANDOM_LENGTH + CHECKSUM_LENGTH


def hash_secret(text: str) -> str:
    """SHA-256 of a secret, in hex: what is stored of it."""
    return hashlib.sha256(text.encode()).hexdigest()


def new_public_id() -> str:
    """A new name for a key or a token, which is no secret."""
    return _random(PUBLIC_LENGTH)


def new_secret(prefix: str, public_id: str) -> str:
    """A new secret of this prefix, such as `cst_`, and this public id."""
    body = f"{prefix}{public_id}{_random(RANDOM_LENGTH)}"
    return body + checksum(body)


def pattern_of(prefix: str) -> re.Pattern[str]:
    """How secrets of this prefix are written."""
    return re.compile(rf"{prefix}[0-9A-Za-z]{{{LENGTH}}}")


def well_formed(text: str, pattern: re.Pattern[str]) -> bool:
    """Whether it is written like one, checksum included; asks nobody."""
    whole = pattern.fullmatch(text) is not None
    return whole and checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
