"""How an integration's key is written, and what it says of itself without asking anybody.

A key reads `csk_live_` or `csk_test_`, 12 characters that name it, 32 random ones (190 bits) and 6
of a CRC-32 over all before them, all of 0-9 A-Z a-z. The checksum lets a scanner or a typing error
be told without asking the portal; it protects nothing.
"""

from __future__ import annotations

import re
import string
import zlib
from dataclasses import dataclass

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
PUBLIC_LENGTH, RANDOM_LENGTH, CHECKSUM_LENGTH = 12, 32, 6
KEY = re.compile(
    rf"csk_(?P<mode>live|test)_(?P<public>[0-9A-Za-z]{{{PUBLIC_LENGTH}}})"
    rf"[0-9A-Za-z]{{{RANDOM_LENGTH}}}[0-9A-Za-z]{{{CHECKSUM_LENGTH}}}"
)


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """What a well-formed key says of itself; whether it is a portal's, its database knows."""

    public_id: str
    livemode: bool


def checksum(text: str) -> str:
    """CRC-32 of the text in base 62, six characters."""
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return digits


def parse_key(text: str) -> ParsedKey | None:
    """What the key says of itself, or None if it is not well formed; asks nobody."""
    match = KEY.fullmatch(text)
    if match is None or checksum(text[:-CHECKSUM_LENGTH]) != text[-CHECKSUM_LENGTH:]:
        return None
    return ParsedKey(match["public"], match["mode"] == "live")
