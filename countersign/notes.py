"""Signed notes: a text and lines of signatures, readable by people and programs.

Source: https://c2sp.org/signed-note
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from countersign import ed25519

# Types of keys: the byte before the public key in its id and its text form.
ED25519 = 0x01
COSIGNATURE = 0x04

MAX_BYTES = 1 << 20
MAX_SIGNATURES = 100
_PRIVATE = "PRIVATE+KEY+"
_DASH = "\u2014 "  # begins each line of a signature


class NoteError(Exception):
    """A note or key has not the right form, or no good signature. Quotes none of its content."""


class Signature(NamedTuple):
    """One line of a signature, not yet checked; `signature` is what follows the key's id."""

    name: str
    key_id: bytes
    signature: bytes


class Verifies(Protocol):
    """A key that signatures are checked against."""

    @property
    def name(self) -> str:
        """The key's name."""

    @property
    def key_id(self) -> bytes:
        """Four bytes."""

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether this is the key's signature over the note's text."""


class Note(NamedTuple):
    """A note's parts, not yet checked. The text ends with a newline."""

    text: str
    signatures: tuple[Signature, ...]


class Verified(NamedTuple):
    """What of a note may be believed: its text, and by which of the known keys."""

    text: str
    signatures: tuple[Signature, ...]


def key_id(name: str, public_key: bytes, algorithm: int = ED25519) -> bytes:
    """The four bytes that tell a key from others of its name."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public_key).digest()[:4]


def vkey(name: str, public_key: bytes, algorithm: int = ED25519) -> str:
    """The text form of a public key: name+id in hex+type and key in base64."""
    identity = key_id(name, public_key, algorithm).hex()
    return f"{name}+{identity}+{_base64(bytes([algorithm]) + public_key)}"


def parsed_vkey(text: str) -> tuple[str, int, bytes]:
    """Name, type and public key of a key's text form.

    Raises: NoteError if it has another form, or an id that is not the key's.
    """
    name, _, rest = text.strip().partition("+")
    identity, _, encoded = rest.partition("+")
    key = _from_base64(encoded)
    if key is None or len(key) != 1 + ed25519.KEY_SIZE or not is_name(name):
        raise NoteError("a key is written as name+id+base64 of its type and 32 bytes")
    if key_id(name, key[1:], key[0]).hex() != identity:
        raise NoteError("the id in the key's text is not that of its name and bytes")
    if not ed25519.is_public_key(key[1:]):
        raise NoteError("the key's bytes are no Ed25519 public key")
    return name, key[0], key[1:]


def skey(name: str, seed: bytes, algorithm: int = ED25519) -> str:
    """The text form of a private key: PRIVATE+KEY+name+id in hex+type and seed in base64.

    Raises: ValueError for a bad seed, SigningNeedsCryptography.
    """
    public_key = ed25519.private_key(seed).public_key().public_bytes_raw()
    identity = key_id(name, public_key, algorithm).hex()
    return f"{_PRIVATE}{name}+{identity}+{_base64(bytes([algorithm]) + seed)}"


def parsed_skey(text: str) -> tuple[str, int, bytes]:
    """Name, type and seed of a private key's text form.

    Raises: NoteError if it has another form, or an id that is not the key's;
    SigningNeedsCryptography.
    """
    text = text.strip()
    name, _, rest = text.removeprefix(_PRIVATE).partition("+")
    seed = _from_base64(rest.partition("+")[2])
    if seed is None or len(seed) != 1 + ed25519.KEY_SIZE or not is_name(name):
        raise NoteError("a private key is written as PRIVATE+KEY+name+id+base64")
    if skey(name, seed[1:], seed[0]) != text:
        raise NoteError("the id in the private key's text is not that of its name and bytes")
    return name, seed[0], seed[1:]


def is_name(name: str) -> bool:
    """Whether a key may be called so: not empty, no space, no plus, no control character."""
    return bool(name) and not any(
        character.isspace() or character < " " or character == "+" for character in name
    )


def signature_line(name: str, identity: bytes, signature: bytes) -> str:
    """One line of a note, with its newline."""
    return f"{_DASH}{name} {_base64(identity + signature)}\n"


def joined(text: str, lines: Iterable[str]) -> str:
    """The note of a text (ending with a newline) and its lines of signatures."""
    return f"{text}\n{''.join(lines)}"


class Signer:
    """A key that signs notes. Its 32-byte seed is kept in memory only."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Raises: NoteError for a bad name, ValueError for a bad seed, SigningNeedsCryptography."""
        if not is_name(name):
            raise NoteError("the name of a key is not empty and holds no space and no plus")
        self._private = ed25519.private_key(seed)
        self.name = name
        self.public_key = self._private.public_key().public_bytes_raw()
        self.key_id = key_id(name, self.public_key)

    @property
    def vkey(self) -> str:
        """The text form of the public key."""
        return vkey(self.name, self.public_key)

    @property
    def verifier(self) -> Verifier:
        """What checks this key's signatures."""
        return Verifier(self.name, self.public_key)

    def signature(self, text: str) -> bytes:
        """The 64 bytes of the signature over a note's text."""
        return self._private.sign(text.encode())

    def signature_line(self, text: str) -> str:
        """The signature as a line of the note."""
        return signature_line(self.name, self.key_id, self.signature(text))

    def sign(self, text: str) -> str:
        """The whole note. Raises: NoteError for a text that cannot be one."""
        _check_text(text)
        return joined(text, [self.signature_line(text)])


@dataclass(frozen=True)
class Verifier:
    """An Ed25519 public key of 32 bytes with its name."""

    name: str
    public_key: bytes

    @classmethod
    def from_vkey(cls, text: str) -> Verifier:
        """The key of a text form. Raises: NoteError, also for a witness's key."""
        name, algorithm, public_key = parsed_vkey(text)
        if algorithm != ED25519:
            raise NoteError("the key is not one that signs notes")
        return cls(name, public_key)

    @property
    def key_id(self) -> bytes:
        """Four bytes."""
        return key_id(self.name, self.public_key)

    @property
    def vkey(self) -> str:
        """The text form of the key."""
        return vkey(self.name, self.public_key)

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether this is the key's signature over the note's text."""
        return ed25519.verify(self.public_key, signature, text.encode())


def parsed(note: str | bytes) -> Note:
    """The parts of a note. Nothing is checked but its form. Raises: NoteError."""
    note = _as_text(note)
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise NoteError("a note is a text, a blank line and lines of signatures")
    found = lines.removesuffix("\n").split("\n")
    if len(found) > MAX_SIGNATURES:
        raise NoteError(f"the note has more than {MAX_SIGNATURES} signatures")
    return Note(text + "\n", tuple(map(parsed_line, found)))


def parsed_line(line: str) -> Signature:
    """One line of a signature, without its newline. Raises: NoteError."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    decoded = _from_base64(encoded)
    if not line.startswith(_DASH) or not is_name(name) or decoded is None or len(decoded) <= 4:
        raise NoteError("a line of a signature has not the form it must have")
    return Signature(name, decoded[:4], decoded[4:])


def opened(note: str | bytes, verifiers: Sequence[Verifies]) -> Verified:
    """The note's text, and the signatures by known keys; those of unknown keys are ignored.

    Raises: NoteError if the form is wrong, if a signature of a known key is not good, or if none
    of a known key is there.
    """
    text, signatures = parsed(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    good = {}
    for signature in signatures:
        key = signature.name, signature.key_id
        if key not in known or key in good:
            continue
        if not known[key].verify(text, signature.signature):
            raise NoteError("a signature of a known key is not good")
        good[key] = signature
    if not good:
        raise NoteError("no signature is of a known key")
    return Verified(text, tuple(good.values()))


def _as_text(note: str | bytes) -> str:
    if len(note) > MAX_BYTES:
        raise NoteError("the note is too long")
    if isinstance(note, bytes):
        try:
            note = note.decode()
        except UnicodeDecodeError:
            raise NoteError("the note is not UTF-8") from None
    if any(character < " " and character != "\n" for character in note):
        raise NoteError("the note has a control character")
    return note


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError("the text of a note ends with a newline")
    _as_text(text)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _from_base64(text: str) -> bytes | None:
    """The bytes; None unless the text is their one canonical form."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if _base64(content) == text else None
