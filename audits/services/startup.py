"""Whether a process may serve: head, last checkpoint, rows and key of each ledger agree.

Asked when a web server, the ingest server or a worker starts. What does not agree was changed past
the portal, or is an older backup: records written upon it would bury that.
"""

from __future__ import annotations

import time

from django.db import DatabaseError, connection, transaction

from audits.models import Event, Ledger
from audits.services import checkpoints, kept, signing, witnesses
from audits.services.signing import LedgerRefused
from countersign import notes
from countersign.merkle import Frontier

# How long /readyz believes what it was told before: it is asked each few seconds.
SECONDS = 10.0
RESTORED = "ledger-restored"

_VERIFY = "Run manage.py verify_ledger to see what is wrong."


def check() -> None:
    """Look over every ledger. Raises: LedgerRefused with what to do, DatabaseError."""
    try:
        witnesses.configured()
    except ValueError as error:
        raise LedgerRefused(str(error)) from None
    for ledger in Ledger.objects.all():
        check_ledger(ledger)


def check_ledger(ledger: Ledger) -> None:
    """Look over one ledger as it is at one moment. Raises: LedgerRefused, DatabaseError."""
    # Others may be recording: without one snapshot head and batch would be of different moments.
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        _check_ledger(ledger)


def _check_ledger(ledger: Ledger) -> None:
    size, root, frontier = checkpoints.head(ledger.pk)
    newest = checkpoints.latest(ledger.pk)
    if size == 0 and newest is None and not ledger.origin:
        _check_kept(ledger, 0)
        return
    if newest is None or newest.size != size or newest.root != root or not newest.public_key:
        raise LedgerRefused(
            f"The ledger {ledger.slug} does not end where its last checkpoint says: entries were "
            f"added or removed past the portal. {_VERIFY}"
        )
    _check_tree(ledger, size, root, frontier)
    _check_rows(ledger, newest)
    _check_key(ledger, newest)
    _check_kept(ledger, size)


def _check_tree(ledger: Ledger, size: int, root: bytes, frontier: bytes) -> None:
    try:
        good = Frontier.unpacked(size, frontier).root() == root
    except ValueError:
        good = False
    if not good:
        raise LedgerRefused(
            f"The head of the ledger {ledger.slug} does not hold the tree that it names. {_VERIFY}"
        )


_LAST_ROWS = """
SELECT count(*), count(DISTINCT "index"), max("index") FROM (
    SELECT "index" FROM audits_call WHERE ledger_id = %s AND "index" >= %s
    UNION ALL SELECT "index" FROM audits_completion WHERE ledger_id = %s AND "index" >= %s
    UNION ALL SELECT "index" FROM audits_lease WHERE ledger_id = %s AND "index" >= %s
    UNION ALL SELECT "index" FROM audits_event WHERE ledger_id = %s AND "index" >= %s
) AS rows
"""


def _check_rows(ledger: Ledger, newest: checkpoints.Stored) -> None:
    """The last batch has a row for each of its entries, and nothing lies behind it."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_ROWS, [ledger.pk, newest.first_index] * 4)
        rows, indexes, last = cursor.fetchone()
    if not rows == indexes == newest.size - newest.first_index or last != newest.size - 1:
        raise LedgerRefused(
            f"The last records of the ledger {ledger.slug} are not those of its last entries. "
            f"{_VERIFY}"
        )


def _check_key(ledger: Ledger, newest: checkpoints.Stored) -> None:
    in_use = [key for key in checkpoints.keys(ledger.pk) if key.retired_at_index is None]
    own = {signer.public_key for signer in signing.own_keys(newest.origin)}
    if len(in_use) != 1 or in_use[0].public_key not in own:
        raise LedgerRefused(
            f"LEDGER_SIGNING_KEY is not the key of the ledger {ledger.slug}. Set the key that it "
            "was signed with; or, to change keys, set that one as LEDGER_PREVIOUS_SIGNING_KEY and "
            "run manage.py rotate_ledger_key."
        )
    signed_by = notes.Verifier(newest.origin, newest.public_key)
    if not signed_by.verify(newest.checkpoint.text(), newest.signature):
        raise LedgerRefused(
            f"The last checkpoint of the ledger {ledger.slug} is not signed by its key. {_VERIFY}"
        )


def _check_kept(ledger: Ledger, size: int) -> None:
    """The checkpoint kept in DATA_DIR is not of a longer ledger, unless that loss was accepted."""
    note = lost_checkpoint(ledger, size)
    if note:
        raise LedgerRefused(
            f"The ledger {ledger.slug} is shorter than the checkpoint kept in "
            f"{kept.folder(ledger.slug) / kept.LATEST}: an older backup was restored, or entries "
            "were cut off. Restore the newest backup; or, if there is none, run manage.py "
            "accept_restore, which writes into the ledger what was lost."
        )


def lost_checkpoint(ledger: Ledger, size: int) -> str:
    """The kept note of a longer ledger than `size`, unless its loss was accepted; else empty.

    Raises: LedgerRefused if it cannot be read.
    """
    try:
        note = kept.latest_note(ledger.slug)
        if not note:
            return ""
        checkpoint = kept.checkpoint_of(note)
    except (OSError, notes.NoteError, UnicodeDecodeError):
        raise LedgerRefused(
            f"The checkpoint kept in {kept.folder(ledger.slug)} cannot be read. Look at the file "
            f"{kept.LATEST} there; move it aside only if you know why."
        ) from None
    if checkpoint.size <= size:
        return ""
    accepted = Event.objects.filter(
        ledger=ledger, type=RESTORED, payload__lost_root=checkpoint.root.hex()
    )
    return "" if accepted.exists() else note


class _Standing:
    """The last answer of `check`, and until when it serves."""

    def __init__(self) -> None:
        self.until = 0.0
        self.refusal = ""

    def ask(self) -> str:
        """Why nothing may be served; empty if all is well. Raises: DatabaseError."""
        now = time.monotonic()
        if now >= self.until:
            try:
                check()
                self.refusal = ""
            except LedgerRefused as refused:
                self.refusal = str(refused)
            self.until = now + SECONDS
        return self.refusal

    def forget(self) -> None:
        self.until = 0.0


STANDING = _Standing()


def standing() -> str:
    """Why the portal must not serve, in a sentence; empty if all is well. Kept for SECONDS.

    Raises: DatabaseError.
    """
    return STANDING.ask()


__all__ = ["STANDING", "DatabaseError", "LedgerRefused", "check", "check_ledger", "standing"]
