"""The kinds of identifiers that are looked for, each with its Safe Harbor letter.

Source: 45 CFR 164.514(b)(2)(i)(A) to (R). Kinds without a letter are secrets, which are no one's
identity and still must not leave.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SAFE_HARBOR = "45 CFR 164.514(b)(2)(i)"
OWN_PREFIX = "own."
OWN_NAME = re.compile(r"own\.[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: `letter` is that of the Safe Harbor list, empty for secrets and own kinds.

    `reported` is the name under which `countersign scan` prints it: cards and IBANs are told
    apart here, and are account numbers to the rule. `strictness` settles which of two kinds keeps
    a stretch of text that both claim with the same length; higher wins.
    """

    name: str
    letter: str
    title: str
    source: str
    reported: str
    strictness: int


def _kind(name: str, letter: str, title: str, strictness: int, reported: str = "") -> Kind:
    source = f"{SAFE_HARBOR}({letter})" if letter else ""
    return Kind(name, letter, title, source, reported or name, strictness)


_ALL = (
    _kind("NAME", "A", "Name", 40),
    _kind("GEO_PLACE", "B", "Place smaller than a state, or facility", 30),
    _kind("GEO_STREET", "B", "Street address", 35),
    _kind("GEO_ZIP", "B", "ZIP or postal code", 32),
    _kind("DATE", "C", "Date more exact than a year", 45),
    _kind("AGE90", "C", "Age over 89", 44),
    _kind("PHONE", "D", "Telephone number", 50),
    _kind("FAX", "E", "Fax number", 51),
    _kind("EMAIL", "F", "E-mail address", 70),
    _kind("SSN", "G", "Social Security number", 80),
    _kind("MRN", "H", "Medical record number", 60),
    _kind("HEALTH_PLAN", "I", "Health plan beneficiary number", 61),
    _kind("ACCOUNT", "J", "Account number", 59),
    _kind("CARD", "J", "Payment card number", 75, "ACCOUNT"),
    _kind("IBAN", "J", "International bank account number", 76, "ACCOUNT"),
    _kind("LICENSE", "K", "Certificate or license number", 58),
    _kind("VEHICLE", "L", "Vehicle identifier or plate", 57),
    _kind("DEVICE", "M", "Device identifier or serial number", 56),
    _kind("URL", "N", "Web address", 65),
    _kind("IP", "O", "IP address", 66),
    _kind("BIOMETRIC", "P", "Biometric identifier", 55),
    _kind("PHOTO", "Q", "Full-face photograph or comparable image", 20),
    _kind("UNIQUE_ID", "R", "Any other unique identifying number or code", 54),
    _kind("API_KEY", "", "API key of a provider", 90),
    _kind("PRIVATE_KEY", "", "Private key", 95),
    _kind("TOKEN", "", "Access token or password", 88),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})
SECRETS = frozenset({"API_KEY", "PRIVATE_KEY", "TOKEN"})
PLACES = frozenset({"GEO_PLACE", "GEO_STREET", "GEO_ZIP"})
# Letters of 164.514(b)(2)(i); PHOTO is found by media type and not in text.
LETTERS = "ABCDEFGHIJKLMNOPQR"
OWN_STRICTNESS = 85


def is_kind(name: str) -> bool:
    """Whether `name` is a kind of ours, or an officer's own: `own.` and a slug."""
    return name in KINDS or OWN_NAME.fullmatch(name) is not None


def letter(name: str) -> str:
    """The Safe Harbor letter of a kind, empty for secrets and own kinds."""
    kind = KINDS.get(name)
    return kind.letter if kind else ""


def reported(name: str) -> str:
    """The name under which `countersign scan` prints a kind."""
    kind = KINDS.get(name)
    return kind.reported if kind else name


def strictness(name: str) -> int:
    """Which kind keeps a text that two claim: the higher number."""
    kind = KINDS.get(name)
    return kind.strictness if kind else OWN_STRICTNESS
