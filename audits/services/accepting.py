"""Accepts that a backup lost entries, in the ledger itself, so that it is never hidden."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from django.db import transaction

from audits.models import Ledger
from audits.services import appending, checkpoints, kept, proofs, startup
from countersign import checkpoints as signed
from countersign import notes
from countersign.checkpoints import Checkpoint


class NothingLost(Exception):
    """The ledger is not behind the checkpoint that is kept."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was accepted: a ledger of `size` entries in the place of one of `lost_size`."""

    size: int
    lost_size: int
    index: int


def accept(ledger: Ledger, *, at: dt.datetime) -> Restored:
    """Write into the ledger that the kept checkpoint of a longer one is lost, and go on.

    The lost checkpoints stay in DATA_DIR, in a folder of their own. Raises: NothingLost,
    LedgerRefused if the kept checkpoint cannot be read, OSError.
    """
    size, root, _ = checkpoints.head(ledger.pk)
    note = startup.lost_checkpoint(ledger, size)
    if not note:
        raise NothingLost
    lost = kept.checkpoint_of(note)
    event = appending.NewEvent(
        startup.RESTORED,
        ledger.slug,
        {
            "size": size,
            "root": root.hex(),
            "lost_size": lost.size,
            "lost_root": lost.root.hex(),
            "signed": _is_signed(ledger, note),
        },
    )
    with transaction.atomic():
        appended = appending.append_events([event], at=at, ledger_id=ledger.pk)
    # The entry comes first: were it not written, the kept checkpoint would still refuse a start.
    _set_aside(ledger, size, at)
    return Restored(size, lost.size, appended.first_index)


def _is_signed(ledger: Ledger, note: str) -> bool:
    try:
        signed.opened(note, checkpoints.verifiers(ledger.pk))
    except notes.NoteError:
        return False
    return True


def _set_aside(ledger: Ledger, size: int, at: dt.datetime) -> None:
    """Move the kept checkpoints away, and keep again those that the restored ledger still has."""
    place = kept.folder(ledger.slug)
    lost = place / f"lost-{at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"
    lost.mkdir()
    for path in [*place.glob("*.jsonl"), place / kept.LATEST]:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        path.replace(lost / path.name)
        if path.name == kept.LATEST:
            continue
        good = [line for line in text.splitlines() if _holds(ledger, line, size)]
        if good:
            path.write_text("".join(f"{line}\n" for line in good), encoding="utf-8")


def _holds(ledger: Ledger, line: str, size: int) -> bool:
    """Whether a line of a day's file is a checkpoint of the ledger as it was restored."""
    try:
        checkpoint: Checkpoint = kept.checkpoint_of(json.loads(line))
        if not 0 < checkpoint.size <= size:
            return False
        return proofs.root_at(ledger.pk, checkpoint.size) == checkpoint.root
    except (ValueError, TypeError, notes.NoteError, proofs.NotKept):
        return False
