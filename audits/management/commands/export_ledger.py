from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audits.models import Ledger
from audits.services import ledger_exports


class Command(BaseCommand):
    help = "Writes a ledger to a folder that anybody can verify: python -m countersign verify."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--ledger", default="live", help="live or test; live without it")
        parser.add_argument(
            "--from", dest="first", type=int, default=0, help="leave out batches before this entry"
        )
        parser.add_argument("--gzip", action="store_true", help="compress entries and checkpoints")
        parser.add_argument(
            "--tiles",
            action="store_true",
            help="add every tile: verification then names the very entry that differs",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ledger = Ledger.objects.get(slug=options["ledger"])
            done = ledger_exports.export(
                ledger,
                options["folder"],
                first=options["first"],
                compressed=options["gzip"],
                every_tile=options["tiles"],
            )
        except (Ledger.DoesNotExist, ledger_exports.NotExported) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(error.strerror or "The folder cannot be written.") from None
        self.stdout.write(
            f"{done.count:,} entries from index {done.first_index:,}; the ledger has {done.size:,}."
        )
