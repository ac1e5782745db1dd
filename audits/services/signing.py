"""The key that signs the ledgers' checkpoints: in the settings, never in the database."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings

from audits.ledger.settling import Signed
from countersign.checkpoints import Checkpoint
from countersign.notes import Signer, joined, signature_line


class LedgerRefused(Exception):
    """The ledger cannot be written as it is set up; the text says what to do about it."""


@lru_cache(maxsize=16)
def _signer(origin: str, seed: str) -> Signer:
    return Signer(origin, bytes.fromhex(seed))


def own_keys(origin: str) -> list[Signer]:
    """The key of the settings, and while it takes over from another one that one too."""
    seeds = (settings.LEDGER_SIGNING_KEY, settings.LEDGER_PREVIOUS_SIGNING_KEY)
    return [_signer(origin, seed) for seed in seeds if seed]


def signer(origin: str, public_key: bytes = b"") -> Signer:
    """What signs for the ledger of this origin: of our keys the one that the ledger goes by.

    So whoever has the new and the previous key goes on through a change of keys, without a new
    start. Without `public_key`: what signs for a ledger that begins.
    Raises: LedgerRefused if we have not that key.
    """
    own = own_keys(origin)
    found = next((each for each in own if public_key in (b"", each.public_key)), None)
    if found is None:
        raise LedgerRefused(
            "LEDGER_SIGNING_KEY is not the key that this ledger is signed with. Set the one it "
            "had, or give that as LEDGER_PREVIOUS_SIGNING_KEY and run manage.py rotate_ledger_key."
        )
    return found


def seed_in_use(public_keys: Collection[bytes]) -> bytes:
    """The seed of our key that is among these; else that of the settings' key, which is not."""
    seeds = [settings.LEDGER_SIGNING_KEY, settings.LEDGER_PREVIOUS_SIGNING_KEY]
    ours = [bytes.fromhex(seed) for seed in seeds if seed]
    found = (seed for seed in ours if Signer("seed", seed).public_key in public_keys)
    return next(found, ours[0])


def first_origin(slug: str) -> str:
    """How checkpoints of a ledger that begins now name it."""
    name = settings.LEDGER_ORIGIN or urlsplit(settings.PUBLIC_URL).netloc
    return f"{name}/{slug}"


def signed(signs: Signer, size: int, root: bytes) -> Signed:
    """The checkpoint of this tree, signed."""
    text = Checkpoint(signs.name, size, root).text()
    signature = signs.signature(text)
    note = joined(text, [signature_line(signs.name, signs.key_id, signature)])
    return Signed(signs.name, size, root, signature, note)
