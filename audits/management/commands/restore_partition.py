from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audits.models import Ledger
from audits.services.archiving import NotArchived
from audits.services.archiving_disk import NotKept
from audits.services.archiving_rows import NoPartition
from audits.services.restoring import restore_partition


class Command(BaseCommand):
    help = "Bring a disposed partition back from the archive, checked entry by entry."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("number", type=int, help="The partition's number.")
        parser.add_argument("--ledger", default="live", help="live or test; live by default.")

    def handle(self, *args: Any, **options: Any) -> None:
        ledger = Ledger.objects.filter(slug=options["ledger"]).first()
        if ledger is None:
            raise CommandError("There is no such ledger.")
        try:
            event = restore_partition(ledger.pk, options["number"], at=timezone.now())
        except (NoPartition, NotArchived, NotKept) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"The storage does not answer: {type(error).__name__}.") from None
        self.stdout.write(
            f"Partition {ledger}/{event.number:06} is back until {event.until:%Y-%m-%d}."
        )
