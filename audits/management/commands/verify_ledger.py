from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audits.models import Ledger, Verification
from audits.services import integrity, verifications


class Command(BaseCommand):
    help = "Verifies a ledger: entries, tree, signatures, columns, and checkpoints that were kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--ledger", action="append", help="live or test; every one without it")
        parser.add_argument(
            "--checkpoint",
            action="append",
            default=[],
            metavar="FILE",
            help="a signed checkpoint that somebody kept; may be given more than once",
        )
        kind = parser.add_mutually_exclusive_group()
        kind.add_argument("--full", action="store_true", help="everything; this is what it does")
        kind.add_argument(
            "--incremental", action="store_true", help="what came since the last verification"
        )
        parser.add_argument(
            "--no-columns", action="store_true", help="leave out the comparison of the columns"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object a ledger")

    def handle(self, *args: Any, **options: Any) -> None:
        kind = Verification.Kind.INCREMENTAL if options["incremental"] else Verification.Kind.FULL
        given = [(Path(name).name, _read(name)) for name in options["checkpoint"]]
        wrong = []
        for ledger in _ledgers(options["ledger"]):
            found = verifications.run(
                ledger,
                kind,
                at=timezone.now(),
                given=given,
                columns=not options["no_columns"],
            )
            self.stdout.write(_json(found) if options["json"] else "\n".join(_lines(found)))
            empty = found.result == Verification.Result.NOTHING and not ledger.origin
            if found.result != Verification.Result.PASSED and not empty:
                wrong.append(ledger.slug)
        if wrong:
            raise CommandError(f"Not as it was signed, or not verified: {', '.join(wrong)}.")


def _ledgers(slugs: list[str] | None) -> list[Ledger]:
    ledgers = {ledger.slug: ledger for ledger in Ledger.objects.all()}
    if slugs is None:
        return list(ledgers.values())
    unknown = sorted(set(slugs) - set(ledgers))
    if unknown:
        raise CommandError(f"There is no such ledger. There are: {', '.join(ledgers)}.")
    return [ledgers[slug] for slug in slugs]


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None


def _lines(found: Verification) -> list[str]:
    """The result for people: never only that all is well."""
    ledger = found.ledger
    at = f", received {found.received_at:%Y-%m-%d %H:%M:%S} UTC" if found.received_at else ""
    lines = [
        f"{ledger.slug} ({ledger.origin or 'no entry yet'}): {found.get_result_display().upper()}",
        (
            f"  verified {found.verified:,} of {found.expected:,} entries, "
            f"from {found.start:,} to before {found.end:,}"
        ),
        (
            f"  checkpoints verified {found.checkpoint_count:,}, "
            f"rows compared {found.row_count:,}, "
            f"kept checkpoints compared {found.kept_count:,}"
        ),
        f"  last checkpoint: size {found.end:,}, root {bytes(found.checkpoint_root).hex()}{at}",
        f"  gaps {len(found.gaps)}, problems {found.problem_count:,}, in {found.seconds} s",
    ]
    if found.disposed:
        lines.append(f"  {found.disposed:,} entries were disposed of: their hashes verified")
    return lines + [f"  ! {sentence}" for sentence in integrity.told(found)]


def _json(found: Verification) -> str:
    return json.dumps(
        {
            "ledger": found.ledger.slug,
            "origin": found.ledger.origin,
            "kind": found.kind,
            "result": found.result,
            "start": found.start,
            "end": found.end,
            "verified": found.verified,
            "expected": found.expected,
            "disposed": found.disposed,
            "rows": found.row_count,
            "checkpoints": found.checkpoint_count,
            "kept": found.kept_count,
            "root": bytes(found.checkpoint_root).hex(),
            "gaps": found.gaps,
            "problem_count": found.problem_count,
            "problems": found.problems,
            "seconds": found.seconds,
        }
    )
