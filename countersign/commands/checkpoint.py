"""`python -m countersign checkpoint`: keep a ledger's checkpoint, and see that it only grew."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from countersign import checkpoints, merkle, notes
from countersign.witnessing import following
from countersign.witnessing.memory import written

if TYPE_CHECKING:
    from argparse import _SubParsersAction

USAGE_ERROR = 2
EPILOG = """\
If FILE is there, the checkpoint in it must be a prefix of the present one; then it is replaced.
Give FILE to `verify --checkpoint` later. Unlike a witness this signs nothing and needs no key.
Exit code: 0 kept; 1 the ledger shows another history than the one that was kept; 2 the call or a
file is wrong, or the ledger cannot be reached."""


def add_to(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    command = commands.add_parser(
        "checkpoint",
        help="fetch a ledger's checkpoint and keep it",
        description="Fetch a ledger's present checkpoint, hold the one kept before against it, "
        "and keep it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("url", metavar="URL", help="the log, as https://portal.example/log")
    command.add_argument("--key", required=True, action="append", metavar="VKEY")
    command.add_argument("--keep", required=True, type=Path, metavar="FILE")
    command.add_argument("--token", type=Path, metavar="FILE", help="a bearer token")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fetch, compare, keep. Returns the exit code."""
    try:
        keys = tuple(map(notes.Verifier.from_vkey, arguments.key))
        token = arguments.token.read_text(encoding="utf-8").strip() if arguments.token else ""
        log = following.Log(arguments.url, token)
        before = (
            checkpoints.opened(arguments.keep.read_bytes(), keys) if _is_there(arguments) else None
        )
        note = log.checkpoint()
        now = checkpoints.opened(note, keys)
        _check(log, before, now)
        written(arguments.keep, note)
    except merkle.ProofError as error:
        sys.stderr.write(f"countersign checkpoint: NOT the ledger that was kept: {error}\n")
        return 1
    except OSError as error:
        reason = error.strerror or "a file cannot be used"
        sys.stderr.write(f"countersign checkpoint: {reason}\n")
        return USAGE_ERROR
    except (notes.NoteError, following.LogUnreachable) as error:
        sys.stderr.write(f"countersign checkpoint: {error}\n")
        return USAGE_ERROR
    grew = "kept for the first time" if before is None else f"grew out of size {before.size:,}"
    sys.stdout.write(f"{now.origin}: size {now.size:,}, root {now.root.hex()}, {grew}\n")
    return 0


def _is_there(arguments: argparse.Namespace) -> bool:
    found: bool = arguments.keep.exists()
    return found


def _check(
    log: following.Log, before: checkpoints.Checkpoint | None, now: checkpoints.Checkpoint
) -> None:
    """See that the present checkpoint grew out of the one before. Raises: ProofError."""
    if before is None or before.size == 0:
        return
    if before.origin != now.origin:
        raise merkle.ProofError("it has another name")
    if now.size < before.size:
        raise merkle.ProofError(f"it went back from size {before.size:,} to {now.size:,}")
    proof = following.consistency(log, before.size, now.size)
    merkle.verify_consistency(before.size, now.size, proof, before.root, now.root)
