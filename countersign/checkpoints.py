"""Checkpoints: what a log says it is, its size and its root, signed (C2SP tlog-checkpoint).

Source: https://c2sp.org/tlog-checkpoint
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import NamedTuple

from countersign import merkle, notes


class Checkpoint(NamedTuple):
    """The head of a log's tree. `extensions` are further lines that a log may add; we add none."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The text that is signed, with its last newline."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions))


def parsed(text: str) -> Checkpoint:
    """The checkpoint of a note's text. Raises: NoteError."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise notes.NoteError(
            "a checkpoint has lines for origin, size and root, none of them empty"
        )
    origin, size, root, *extensions = lines
    try:
        decoded = base64.b64decode(root, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != merkle.HASH_SIZE or base64.b64encode(decoded).decode() != root:
        raise notes.NoteError("the root of a checkpoint is 32 bytes in base64")
    return Checkpoint(origin, parsed_size(size), decoded, tuple(extensions))


def parsed_size(text: str) -> int:
    """A size as checkpoints and witnesses write it: decimal, no leading zero. Raises: NoteError."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or str(int(text)) != text:
        raise notes.NoteError("the size of a tree is a decimal number without leading zeros")
    return int(text)


def signed(checkpoint: Checkpoint, signer: notes.Signer) -> str:
    """The signed note of a checkpoint."""
    return signer.sign(checkpoint.text())


def opened(note: str | bytes, verifiers: Sequence[notes.Verifies]) -> Checkpoint:
    """The checkpoint, if a key of its log signed it.

    `verifiers` may hold keys of witnesses too: each of their signatures must then be good, but the
    log's own is needed, and its key's name is the origin. Raises: NoteError.
    """
    verified = notes.opened(note, verifiers)
    checkpoint = parsed(verified.text)
    signed_by = {(name, key_id) for name, key_id, _ in verified.signatures}
    if not any(
        isinstance(verifier, notes.Verifier)
        and verifier.name == checkpoint.origin
        and (verifier.name, verifier.key_id) in signed_by
        for verifier in verifiers
    ):
        raise notes.NoteError("no signature is of a key of the checkpoint's log")
    return checkpoint
