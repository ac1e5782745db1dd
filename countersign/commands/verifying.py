"""`python -m countersign verify`: hold what a ledger gave you against what it signed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from countersign import checkpoints, cosignatures, ed25519, notes
from countersign.verifying import exports, packs, partitions, records, report, sources
from countersign.verifying.chain import Options

if TYPE_CHECKING:
    # argparse gives no public name to what add_subparsers returns.
    from argparse import _SubParsersAction

USAGE_ERROR = 2
EPILOG = """\
PATH is an export (folder or zip), an archived partition, a pack, or the proof of one record.
Without --key the ledger's own key is taken: that proves consistency, not whose ledger it is.
Exit code: 0 every record was verified and everything given was met; 1 something does not hold,
or nothing was verified; 2 the call or a file of keys is wrong."""


def add_to(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    command = commands.add_parser(
        "verify",
        help="verify an export, an archive, a pack or the proof of one record, offline",
        description="Verify a ledger's records offline.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("path", type=Path, metavar="PATH")
    command.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="VKEY",
        help="a ledger's key that you were told by another way: name+id+base64",
    )
    command.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a checkpoint (signed note) that you kept; the records must contain it",
    )
    command.add_argument(
        "--witness",
        action="append",
        default=[],
        metavar="VKEY",
        help="a witness whose cosignature must be there",
    )
    command.add_argument("--json", action="store_true", help="print the report as JSON")
    command.add_argument(
        "--every-signature",
        action="store_true",
        help="without the package cryptography: look at each signature, however long it takes",
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Verify, and print the report."""
    try:
        options = Options(
            keys=tuple(map(notes.Verifier.from_vkey, arguments.key)),
            witnesses=tuple(map(cosignatures.Witness.from_vkey, arguments.witness)),
            kept=tuple(path.read_text(encoding="utf-8") for path in arguments.checkpoint),
            every_signature=arguments.every_signature,
        )
        reports = verified(arguments.path, options)
    except (notes.NoteError, sources.SourceError, OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        sys.stderr.write(f"countersign verify: {reason}\n")
        return USAGE_ERROR
    if not ed25519.HAS_CRYPTOGRAPHY:
        for found in reports:
            found.remark("Signatures were verified in Python alone: cryptography is not installed.")
    text = report.as_json(reports) if arguments.json else report.as_text(reports)
    sys.stdout.write(text)
    return 0 if report.all_hold(reports) else 1


def verified(path: Path, options: Options) -> list[report.Report]:
    """The reports on what lies at `path`. Raises: SourceError if it is nothing that is known."""
    if records.is_record(path):
        return [records.verify(path.read_bytes(), options)]
    source = sources.opened(path)
    if packs.is_pack(source):
        return packs.verify(source, options)
    if exports.is_export(source):
        reports = exports.verify(source, options)
    else:
        reports = partitions.verify(source, options)
    if not reports:
        raise sources.SourceError("this is no export, archive, pack or proof of a ledger")
    _check_given(reports, options)
    return reports


def _check_given(reports: list[report.Report], options: Options) -> None:
    """Whoever gave a checkpoint or a witness wants to know if nothing of what is here met it."""
    for note in options.kept:
        try:
            checkpoint = checkpoints.parsed(notes.parsed(note).text)
        except notes.NoteError:
            continue  # each report says so already
        same = [found for found in reports if found.origin == checkpoint.origin]
        if not same:
            reports[0].problem("A kept checkpoint is of a ledger that is not here.")
        elif not any(checkpoint.size in found.kept for found in same):
            _tell(same, f"The kept checkpoint of size {checkpoint.size:,}", "was not met.")
    for origin in sorted({found.origin for found in reports}):
        same = [found for found in reports if found.origin == origin]
        seen = {cosignature.name for found in same for _, cosignature in found.cosignatures}
        for name in sorted({witness.name for witness in options.witnesses} - seen):
            _tell(same, "There is no cosignature of", f"the witness {name}.")


def _tell(reports: list[report.Report], about: str, what: str) -> None:
    """Add a problem to the last of these reports, unless one of them speaks of it already."""
    if not any(problem.startswith(about) for found in reports for problem in found.problems):
        reports[-1].problem(f"{about} {what}")
