"""`manage.py ledger_keys`: the public keys of the ledgers, to be published and kept elsewhere."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from audits.models import Ledger
from audits.services import checkpoints
from countersign.notes import vkey


class Command(BaseCommand):
    help = (
        "Print every key of the ledgers in the form that verifiers take, one a line, the first one "
        "first. Hand them to auditors and witnesses by another way than this portal."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for ledger in Ledger.objects.order_by("pk"):
            origin = checkpoints.origin_of(ledger.pk)
            if not origin:
                self.stderr.write(f"{ledger.slug}: no entry yet, so no key")
                continue
            for key in checkpoints.keys(ledger.pk):
                self.stdout.write(vkey(origin, key.public_key))
