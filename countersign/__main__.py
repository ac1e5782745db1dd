"""`python -m countersign`: verify, checkpoint, witness, keygen, doctor, drain, scan."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from countersign import __version__
from countersign.commands import checkpoint, doctor, drain, keys, scan, verifying, witness


def parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    top = argparse.ArgumentParser(
        prog="python -m countersign",
        description="Verify what a Countersign ledger gave you, watch one, check the client, "
        "find identifiers in texts.",
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for module in (verifying, checkpoint, witness, keys, doctor, drain, scan):
        module.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0 done and it holds, 1 it does not, 2 a wrong call."""
    found = parser().parse_args(arguments)
    code: int = found.run(found)
    return code


if __name__ == "__main__":
    sys.exit(main())
