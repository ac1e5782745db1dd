"""`python -m countersign doctor`: whether calls from this machine would be recorded, and how."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from countersign.client.settings import MODES, Settings, SettingsError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

USAGE_ERROR = 2
EPILOG = """\
What is not given is taken from COUNTERSIGN_URL, COUNTERSIGN_KEY or COUNTERSIGN_KEY_FILE,
COUNTERSIGN_INTEGRATION, COUNTERSIGN_BUNDLE_KEY, COUNTERSIGN_SPOOL_DIR, COUNTERSIGN_MODE. The key
has no argument of its own: other users of a machine can read those.
Exit code: 0 all is well, warnings included; 1 something is not; 2 a setting is missing or wrong."""


def add_to(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    command = commands.add_parser(
        "doctor",
        help="check key, portal, clock, bundle, mode and spool folder of the client",
        description="Check whether calls from here would be recorded. Nothing is recorded by it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(command)
    command.set_defaults(run=run)


def add_settings(command: argparse.ArgumentParser) -> None:
    """Add the arguments that name a portal, an integration and a folder."""
    add = command.add_argument
    add("--url", metavar="URL", help="the portal's address")
    add("--key-file", type=Path, metavar="FILE", help="a file that holds the integration's key")
    add("--integration", metavar="SLUG", help="the integration")
    add("--bundle-key", metavar="HEX", help="the portal's public key for bundles")
    add("--spool-dir", type=Path, metavar="DIR", help="the folder of the journal")
    add("--mode", choices=MODES, help="the mode that the client asks for")
    add("--json", action="store_true", help="print one object of JSON")


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings of a command. Raises: SettingsError."""
    key = None
    if arguments.key_file is not None:
        try:
            key = arguments.key_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SettingsError("The file of the key cannot be read.") from None
    return Settings.read(
        arguments.url,
        key,
        integration=arguments.integration,
        bundle_key=arguments.bundle_key,
        spool_dir=arguments.spool_dir,
        mode=arguments.mode,
    )


def refused(command: str, reason: str) -> int:
    """Say why the command cannot run. Returns the exit code."""
    sys.stderr.write(f"countersign {command}: {reason}\n")
    return USAGE_ERROR


def run(arguments: argparse.Namespace) -> int:
    """Check everything, and print it. Returns the exit code."""
    # Loaded by those who ask for it alone: the other commands need none of the client.
    from countersign.client import checkup  # noqa: PLC0415

    try:
        settings = settings_of(arguments)
        checks = checkup.checked(settings)
    except SettingsError as error:
        return refused("doctor", str(error))
    except OSError:
        return refused("doctor", "The file of certificates (COUNTERSIGN_CA_FILE) cannot be read.")
    ok = all(check.state != "fail" for check in checks)
    if arguments.json:
        told = {"ok": ok, "checks": [dataclasses.asdict(check) for check in checks]}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        for check in checks:
            sys.stdout.write(f"{check.state:<5}{check.name:<9}{check.sentence}\n")
    return 0 if ok else 1
