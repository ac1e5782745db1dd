"""`python -m countersign keygen`: a new signing key, for a witness or for a ledger."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from countersign import ed25519, notes

if TYPE_CHECKING:
    from argparse import _SubParsersAction

USAGE_ERROR = 2


def add_to(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    command = commands.add_parser(
        "keygen",
        help="make a signing key",
        description="Write a new private key to a file that is not there yet, readable by its "
        "owner alone, and print the public key.",
    )
    command.add_argument(
        "--name",
        required=True,
        help="the key's name: a witness's own, or the origin of the ledger, as portal.example/live",
    )
    command.add_argument(
        "--for",
        dest="purpose",
        choices=["witness", "ledger"],
        default="witness",
        help="a ledger's file holds 64 hex digits, for LEDGER_SIGNING_KEY_FILE",
    )
    command.add_argument("--out", required=True, type=Path, metavar="FILE")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the key. Returns the exit code."""
    name, seed = arguments.name, secrets.token_bytes(ed25519.KEY_SIZE)
    algorithm = notes.COSIGNATURE if arguments.purpose == "witness" else notes.ED25519
    if not notes.is_name(name):
        sys.stderr.write("countersign keygen: a name is not empty and holds no space and no plus\n")
        return USAGE_ERROR
    try:
        public_key = ed25519.private_key(seed).public_key().public_bytes_raw()
        text = seed.hex() if arguments.purpose == "ledger" else notes.skey(name, seed, algorithm)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(arguments.out, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except (OSError, ed25519.SigningNeedsCryptography) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        sys.stderr.write(f"countersign keygen: {reason}\n")
        return USAGE_ERROR
    sys.stdout.write(notes.vkey(name, public_key, algorithm) + "\n")
    return 0
