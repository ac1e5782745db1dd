from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audits.forms.archive import ArchiveSearchForm
from audits.services.archive_search import LIMIT, SearchFailed, find
from audits.services.archiving import NotArchived
from audits.services.archiving_disk import NotKept
from audits.services.reads import Read, record_read

FIELDS = (
    "ledger",
    "start",
    "end",
    "call_id",
    "integration",
    "provider",
    "model",
    "decision",
    "reason",
    "outcome",
)


class Command(BaseCommand):
    help = "Find calls in the archive. Whoever asks is named, and the search is a read event."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--by", required=True, help="E-mail address of the person who asks.")
        parser.add_argument("--limit", type=int, default=LIMIT)
        for name in FIELDS:
            parser.add_argument(f"--{name.replace('_', '-')}")

    def handle(self, *args: Any, **options: Any) -> None:
        person = get_user_model().objects.filter(email=options["by"], is_active=True).first()
        if person is None or not person.has_perm("audits.view_archiveevent"):
            raise CommandError("This person may not search the archive.")
        form = ArchiveSearchForm({name: options[name] for name in FIELDS if options[name]})
        if not form.is_valid():
            raise CommandError(f"Not understood: {', '.join(form.errors)}.")
        try:
            found = find(form.asked(), limit=options["limit"])
        except (NotArchived, NotKept) as error:
            raise CommandError(str(error)) from None
        except (OSError, SearchFailed):
            raise CommandError("The search was given up; narrow the days.") from None
        read = Read("search", "audits.archive", len(found.calls), filters=form.applied())
        record_read(read, by=person, at=timezone.now())
        for call in found.calls:
            self.stdout.write(json.dumps(asdict(call), default=str))
