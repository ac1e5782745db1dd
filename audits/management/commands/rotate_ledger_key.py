"""`manage.py rotate_ledger_key`: the ledgers go by a new key, which the old one vouches for."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audits.models import Ledger
from audits.services.rotating import rotate
from audits.services.signing import LedgerRefused


class Command(BaseCommand):
    help = (
        "Let the ledgers go by LEDGER_SIGNING_KEY from now on. The key they went by until now is "
        "needed as LEDGER_PREVIOUS_SIGNING_KEY: it signs the entry that says so. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for ledger in Ledger.objects.order_by("pk"):
            try:
                done = rotate(ledger, at=timezone.now())
            except LedgerRefused as refused:
                raise CommandError(f"{ledger.slug}: {refused}") from refused
            if done is None:
                self.stdout.write(f"{ledger.slug}: nothing to change")
            else:
                self.stdout.write(f"{done.slug}: goes by the new key from {done.first_index} on")
        self.stdout.write("Publish the keys that manage.py ledger_keys prints.")
