"""Grows a ledger by rows of its own making, so that readers are held against another writer."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Sequence

from django.db import connection

from audits.ledger import moments
from audits.ledger.entries import event_entry
from countersign import merkle, notes
from countersign.verifying.walk import Walk

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
ORIGIN = "portal.example/live"


def seed() -> bytes:
    return bytes.fromhex(os.environ["LEDGER_SIGNING_KEY"])


def signer(origin: str = ORIGIN, key: bytes = b"") -> notes.Signer:
    return notes.Signer(origin, key or seed())


class Ledger:
    """A ledger whose entries are events, `{"n": 0}`, `{"n": 1}` and so on."""

    def __init__(self, ledger_id: int = 1, *, origin: str = ORIGIN, key: bytes = b"") -> None:
        self.ledger_id = ledger_id
        self.signer = signer(origin, key)
        self.walk = Walk()
        self.at = NOON
        self.notes: dict[int, str] = {}
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE audits_ledger SET origin = %s WHERE id = %s", [origin, ledger_id]
            )
            cursor.execute(
                "INSERT INTO audits_ledgerkey (ledger_id, public_key, first_index) "
                "VALUES (%s, %s, 0) RETURNING id",
                [ledger_id, self.signer.public_key],
            )
            (self.key_id,) = cursor.fetchone()

    @property
    def size(self) -> int:
        return self.walk.size

    def grow(self, *counts: int, word: str = "") -> Ledger:
        """One batch of so many entries for each number, a second apart."""
        for count in counts:
            self.at += dt.timedelta(seconds=1)
            numbers = range(self.size, self.size + count)
            self.append([{"n": n, **({"word": word} if word else {})} for n in numbers])
        return self

    def append(self, payloads: Sequence[dict], kind: str = "read") -> None:
        first, at = self.size, moments.text(moments.milliseconds(self.at))
        kinds = [kind] * len(payloads)
        if first == 0:
            # As every ledger begins: with its name and key.
            key = self.signer.public_key.hex()
            payloads = [{"origin": self.signer.name, "public_key": key}, *payloads[1:]]
            kinds[0] = "ledger-start"
        lines = [
            event_entry(kind, "test", payload, at)
            for kind, payload in zip(kinds, payloads, strict=True)
        ]
        self.walk.append([merkle.leaf_hash(line) for line in lines])
        size, root = self.size, self.walk.root()
        text = f"{self.signer.name}\n{size}\n{_base64(root)}\n"
        self.notes[size] = self.signer.sign(text)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO audits_batch (ledger_id, first_index, size, received_at, root, "
                "ledger_key_id, signature, entries) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    self.ledger_id,
                    first,
                    size,
                    self.at,
                    root,
                    self.key_id,
                    self.signer.signature(text),
                    b"\n".join(lines),
                ],
            )
            self._events(cursor, first, kinds, payloads)
            cursor.executemany(
                "INSERT INTO audits_tile (ledger_id, level, number, hashes, root) "
                "VALUES (%s, %s, %s, %s, %s)",
                [(self.ledger_id, *tile) for tile in self.walk.tiles()],
            )
            cursor.execute(
                "UPDATE audits_ledgerhead SET size = %s, frontier = %s, root = %s, "
                "last_received_at = %s WHERE ledger_id = %s",
                [size, self.walk.frontier().packed(), root, self.at, self.ledger_id],
            )

    def _events(self, cursor, first: int, kinds: list[str], payloads: Iterable[dict]) -> None:
        rows = (
            (self.ledger_id, first + offset, kind, self.at, "test", json.dumps(payload))
            for offset, (kind, payload) in enumerate(zip(kinds, payloads, strict=True))
        )
        columns = 'ledger_id, "index", type, received_at, subject, payload'
        with cursor.copy(f"COPY audits_event ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _base64(root: bytes) -> str:
    return notes.base64.b64encode(root).decode()
