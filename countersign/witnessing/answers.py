"""What a witness answers when it is shown a checkpoint. Source: https://c2sp.org/tlog-witness"""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from countersign import checkpoints, cosignatures, merkle, notes
from countersign.witnessing.memory import Memory

MAX_BODY_BYTES = 1 << 16
MAX_PROOF_LINES = 63
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """An answer over HTTP."""

    status: int
    text: str
    media_type: str = TEXT_TYPE


class _Refused(Exception):
    """Carries the answer of a refusal out of the steps that check."""

    def __init__(self, status: int, text: str, media_type: str = TEXT_TYPE) -> None:
        super().__init__(text)
        self.answer = Answer(status, text, media_type)


class Shown(NamedTuple):
    """The body of a request: a checkpoint and the proof that it grew from `old_size` leaves."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str


def body(shown: Shown) -> bytes:
    """The body of a request to a witness."""
    proof = "".join(f"{base64.b64encode(step).decode()}\n" for step in shown.proof)
    return f"old {shown.old_size}\n{proof}\n{shown.note}".encode()


def parsed_body(content: bytes) -> Shown:
    """Read the body of a request. Raises: NoteError if it has another form."""
    try:
        head, blank, note = content.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise notes.NoteError("the body is not UTF-8") from None
    first, *lines = head.split("\n")
    if not blank or not first.startswith("old ") or len(lines) > MAX_PROOF_LINES:
        raise notes.NoteError("the body is an old size, a proof, a blank line and a checkpoint")
    return Shown(
        checkpoints.parsed_size(first.removeprefix("old ")), tuple(map(_hash, lines)), note
    )


def _hash(line: str) -> bytes:
    try:
        found = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != merkle.HASH_SIZE:
        raise notes.NoteError("a line of the proof is not 32 bytes in base64")
    return found


def _seconds() -> int:
    return int(time.time())


@dataclass
class Witness:
    """Cosigns checkpoints of known logs, if each grew out of the last that it cosigned.

    `logs` are the keys of the ledgers; one ledger may have several, when its key changes.
    """

    cosigner: cosignatures.Cosigner
    logs: Sequence[notes.Verifier]
    memory: Memory
    now: Callable[[], int] = _seconds  # seconds since 1970
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, init=False)

    def last(self, origin: str) -> checkpoints.Checkpoint | None:
        """The last checkpoint cosigned of this ledger. Raises: MemoryLost."""
        return self.memory.last(origin)

    def add_checkpoint(self, content: bytes) -> Answer:
        """Answer a request to cosign: 200 with the cosignature, or what the protocol asks for.

        Raises: MemoryLost, OSError if it cannot remember: then it does not cosign.
        """
        try:
            shown = parsed_body(content)
            checkpoint = checkpoints.parsed(notes.parsed(shown.note).text)
        except notes.NoteError as error:
            return Answer(400, f"{error}\n")
        try:
            self._check_signature(checkpoint, shown)
            # From the look at the last size to the new one on the disk nothing may come between.
            with self._one_at_a_time:
                self._check_growth(checkpoint, shown)
                self.memory.remember(checkpoint.origin, shown.note)
        except _Refused as refused:
            return refused.answer
        return Answer(200, self.cosigner.line(checkpoint.text(), self.now()))

    def _check_signature(self, checkpoint: checkpoints.Checkpoint, shown: Shown) -> None:
        known = [key for key in self.logs if key.name == checkpoint.origin]
        if not known:
            raise _Refused(404, "this witness does not know the log\n")
        try:
            checkpoints.opened(shown.note, known)
        except notes.NoteError as error:
            raise _Refused(403, f"{error}\n") from None
        if shown.old_size > checkpoint.size:
            raise _Refused(400, "the old size is larger than the new\n")

    def _check_growth(self, checkpoint: checkpoints.Checkpoint, shown: Shown) -> None:
        last = self.memory.last(checkpoint.origin)
        size = 0 if last is None else last.size
        if last is not None and checkpoint.size == size and checkpoint.root != last.root:
            self.memory.keep_refused(shown.note, f"another root was cosigned for size {size}")
            raise _Refused(409, f"{size}\n", SIZE_TYPE)
        if shown.old_size != size:
            raise _Refused(409, f"{size}\n", SIZE_TYPE)
        try:
            _grew(size, merkle.EMPTY_ROOT if last is None else last.root, checkpoint, shown.proof)
        except merkle.ProofError as error:
            self.memory.keep_refused(shown.note, f"no proof that it grew out of size {size}")
            raise _Refused(422, f"{error}\n") from None


def _grew(
    size: int, root: bytes, checkpoint: checkpoints.Checkpoint, proof: Sequence[bytes]
) -> None:
    """Check that the checkpoint grew out of the tree of `size` leaves. Raises: ProofError."""
    if size:
        merkle.verify_consistency(size, checkpoint.size, proof, root, checkpoint.root)
    elif proof:
        raise merkle.ProofError("from an empty tree there is nothing to prove")
    elif checkpoint.size == 0 and checkpoint.root != merkle.EMPTY_ROOT:
        raise merkle.ProofError("an empty tree has another root")
