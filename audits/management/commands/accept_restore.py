from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audits.models import Ledger
from audits.services import accepting
from audits.services.startup import LedgerRefused


class Command(BaseCommand):
    help = (
        "Accepts that a restored backup lost entries: writes an entry into the ledger that names "
        "the kept checkpoint which is lost, so that the portal starts again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--ledger", default="live", help="live (the default) or test")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        ledger = Ledger.objects.filter(slug=options["ledger"]).first()
        if ledger is None:
            raise CommandError("There is no such ledger.")
        if (
            not options["yes"]
            and input(
                "Entries are lost for good if you go on. Is there no newer backup? Type yes: "
            ).strip()
            != "yes"
        ):
            raise CommandError("Nothing was done.")
        try:
            done = accepting.accept(ledger, at=timezone.now())
        except accepting.NothingLost:
            raise CommandError("Nothing is lost: the ledger holds its kept checkpoint.") from None
        except (LedgerRefused, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"Entry {done.index:,} says that {done.lost_size - done.size:,} entries, those from "
            f"{done.size:,} to before {done.lost_size:,}, are lost."
        )
