"""Whether the checkpoints of a ledger are signed by its keys, and its keys are its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from audits.services import checkpoints
from countersign import ed25519, notes
from countersign.verifying.walk import Batch, Problem

# Canonical JSON escapes quotes within strings, so only a member reads like this.
START, CHANGE = b'"type":"ledger-start"', b'"type":"key-change"'


class Signatures:
    """Checks the signature of each checkpoint of a ledger.

    With the seed of the key in use, that key's signatures are made again and compared: Ed25519
    gives one signature for one text (RFC 8032), and signing takes a third of the time.
    """

    def __init__(self, ledger_id: int, seed: bytes) -> None:
        self.origin = checkpoints.origin_of(ledger_id)
        self.keys = {key.key_id: key for key in checkpoints.keys(ledger_id)}
        self._named: dict[int, str] = {}
        self._signer = notes.Signer(self.origin, seed) if seed and self.origin else None
        self.problems = self._ours()

    def _ours(self) -> list[Problem]:
        """What is wrong with the keys themselves."""
        in_use = [key for key in self.keys.values() if key.retired_at_index is None]
        if self._signer is None or not in_use:
            return []
        return [
            Problem("key-not-ours", key.first_index, what=str(key.key_id))
            for key in in_use
            if key.public_key != self._signer.public_key
        ]

    def read(self, first: int, entries: bytes) -> None:
        """Take note of the keys that entries name, from index `first` on."""
        if not any(kind in entries for kind in (START, CHANGE)):
            return
        for index, line in enumerate(entries.split(b"\n"), start=first):
            if START in line or CHANGE in line:
                self._named[index] = _public_key(line)

    def unnamed(self, start: int, end: int, is_gone: Callable[[int], object]) -> list[Problem]:
        """Keys whose beginning lies among the entries from `start` to before `end`, unsaid there.

        The first is named by the ledger's first entry, each later one by the entry before its
        first, which the key before it signed: nobody adds one who only writes to the database.
        An entry that `is_gone`, disposed of, cannot be asked any more.
        """
        return [
            Problem("key-unnamed", key.first_index, what=str(key.key_id))
            for key in self.keys.values()
            if start <= max(0, key.first_index - 1) < end
            and not is_gone(max(0, key.first_index - 1))
            and self._named.get(max(0, key.first_index - 1)) != key.public_key.hex()
        ]

    def wrong(self, batch: Batch, key_id: int, signature: bytes) -> str:
        """What is wrong with a batch's signature; empty if nothing."""
        key = self.keys.get(key_id)
        if key is None:
            return "key-unknown"
        end = key.retired_at_index
        if batch.first_index < key.first_index or (end is not None and batch.first_index > end):
            return "key-out-of-time"
        root = base64.b64encode(batch.root).decode()
        text = f"{self.origin}\n{batch.size}\n{root}\n"
        own = self._signer
        if own is not None and key.public_key == own.public_key:
            if own.signature(text) == signature:
                return ""
        elif ed25519.verify(key.public_key, bytes(signature), text.encode()):
            return ""
        return "signature-bad"


def _public_key(line: bytes) -> str:
    """The key that an entry names, in hex; empty if it names none."""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    payload = entry.get("payload") if isinstance(entry, dict) else None
    return str(payload.get("public_key", "")) if isinstance(payload, dict) else ""
