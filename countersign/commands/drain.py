"""`python -m countersign drain`: bring to the portal what processes that ended left in a spool."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from countersign.client.settings import SettingsError
from countersign.commands.doctor import add_settings, refused, settings_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

EPILOG = """\
A process that uses the client does this by itself when it starts. Runs of processes that live are
theirs and are left alone. Settings as for doctor.
Exit code: 0 nothing is left; 1 something is; 2 a setting is missing or wrong."""


def add_to(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    command = commands.add_parser(
        "drain",
        help="deliver what is left in a spool folder",
        description="Deliver what processes that have ended left in the spool folder.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(command)
    command.add_argument(
        "--seconds", type=_seconds, default=60, metavar="N", help="at most so long; default 60"
    )
    command.set_defaults(run=run)


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 86_400:
        raise argparse.ArgumentTypeError("give a number of seconds from 1 to 86400")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Drain, and print what came of it. Returns the exit code."""
    # Loaded by those who ask for it alone: the other commands need none of the client.
    from countersign.client.recording import Recorder  # noqa: PLC0415

    try:
        recorder = Recorder(settings_of(arguments))
    except SettingsError as error:
        return refused("drain", str(error))
    except OSError:
        return refused("drain", "The file of certificates (COUNTERSIGN_CA_FILE) cannot be read.")
    done = recorder.drain(arguments.seconds)
    counts = {
        "delivered": recorder.delivery.delivered_lines,
        "refused": recorder.delivery.refused_lines,
        "left": recorder.delivery.left_lines,
    }
    trouble = recorder.delivery.trouble
    recorder.close(0)
    if arguments.json:
        sys.stdout.write(json.dumps({"ok": done, **counts, "code": trouble}) + "\n")
    else:
        said = "{delivered} delivered, {refused} refused and set aside, {left} left".format(
            **counts
        )
        sys.stdout.write(said + (f" ({trouble})\n" if trouble else "\n"))
    return 0 if done else 1
