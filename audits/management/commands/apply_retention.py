from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audits.services.retention import apply_retention


class Command(BaseCommand):
    help = "Archive full partitions of the ledger, and drop those whose time is up."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would be done, and do nothing."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        steps = apply_retention(timezone.now(), dry_run=options["dry_run"])
        for step in steps:
            self.stdout.write(f"{step.kind} {step.partition}: {step.failure or 'yes'}")
        if not steps:
            self.stdout.write("No partition is due.")
        failed = sum(bool(step.failure) for step in steps)
        if failed and not options["dry_run"]:
            raise CommandError(f"{failed} of {len(steps)} partitions stay as they are.")
