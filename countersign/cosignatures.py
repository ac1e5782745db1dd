"""Cosignatures: a witness says that it saw a checkpoint grow out of all that it saw before.

Source: https://c2sp.org/tlog-cosignature (the form for Ed25519).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from countersign import checkpoints, ed25519, notes

_TIME_BYTES = 8
MAX_TIME = 2**63 - 1


class Cosignature(NamedTuple):
    """A witness's name, and when it says to have seen the checkpoint (seconds since 1970, UTC)."""

    name: str
    timestamp: int


def message(text: str, timestamp: int) -> bytes:
    """What a witness signs: the text of the checkpoint below two lines of its own."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


class Cosigner:
    """A witness's key. It must sign nothing else: neither notes nor for another witness."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Raises: NoteError for a bad name, ValueError for a bad seed, SigningNeedsCryptography."""
        if not notes.is_name(name):
            raise notes.NoteError("the name of a key is not empty and holds no space and no plus")
        self._private = ed25519.private_key(seed)
        self.witness = Witness(name, self._private.public_key().public_bytes_raw())

    def line(self, text: str, timestamp: int) -> str:
        """The cosignature as a line for the note of a checkpoint with this text."""
        signature = self._private.sign(message(text, timestamp))
        return notes.signature_line(
            self.witness.name,
            self.witness.key_id,
            timestamp.to_bytes(_TIME_BYTES, "big") + signature,
        )


@dataclass(frozen=True)
class Witness:
    """The name and the Ed25519 public key (32 bytes) of a witness."""

    name: str
    public_key: bytes

    @classmethod
    def from_vkey(cls, text: str) -> Witness:
        """The key of a text form. Raises: NoteError, also for a key that signs notes."""
        name, algorithm, public_key = notes.parsed_vkey(text)
        if algorithm != notes.COSIGNATURE:
            raise notes.NoteError("the key is not a witness's")
        return cls(name, public_key)

    @property
    def key_id(self) -> bytes:
        """Four bytes."""
        return notes.key_id(self.name, self.public_key, notes.COSIGNATURE)

    @property
    def vkey(self) -> str:
        """The text form of the key."""
        return notes.vkey(self.name, self.public_key, notes.COSIGNATURE)

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether this is the witness's cosignature of the checkpoint with this text."""
        if len(signature) != _TIME_BYTES + ed25519.SIGNATURE_SIZE:
            return False
        timestamp = int.from_bytes(signature[:_TIME_BYTES], "big")
        if timestamp > MAX_TIME:
            return False
        signed = message(text, timestamp)
        return ed25519.verify(self.public_key, signature[_TIME_BYTES:], signed)


def opened(note: str | bytes, witnesses: Sequence[Witness]) -> list[Cosignature]:
    """The good cosignatures of known witnesses on a checkpoint, by name; often none.

    The log's own signature is not looked at here: `checkpoints.opened` does. Raises: NoteError if
    the form is wrong or a known witness's cosignature is not good.
    """
    known = {(witness.name, witness.key_id) for witness in witnesses}
    form = notes.parsed(note)
    checkpoints.parsed(form.text)
    if not any((name, key_id) in known for name, key_id, _ in form.signatures):
        return []
    verified = notes.opened(note, witnesses)
    return sorted(
        Cosignature(name, int.from_bytes(signature[:_TIME_BYTES], "big"))
        for name, _, signature in verified.signatures
    )
