from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evidence.services.findings import flag_findings, start_run
from evidence.services.notices import MailNotSent, send_notices


class Command(BaseCommand):
    help = "Run the daily checks now, in this process, and send the notices that are due."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--no-mail", action="store_true", help="Leave notices waiting.")

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        run = flag_findings(start_run(on=timezone.localdate(at), at=at), at=at)
        self.stdout.write(f"{run.opened} opened, {run.closed} closed, {run.notices} notices")
        if options["no_mail"]:
            return
        try:
            self.stdout.write(f"{send_notices(at=at)} mails sent")
        except MailNotSent as error:
            raise CommandError(f"{error} could not be sent; they wait for the next try.") from None
