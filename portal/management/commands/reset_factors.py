"""Removes somebody's second factors from the server, for when no administrator can sign in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from audits.models import SecurityEvent
from audits.services.security import note_security
from portal.models import User
from portal.services import factors


class Command(BaseCommand):
    help = "Remove every second factor of one person, who enrols anew at the next sign-in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        person = User.objects.filter(email__iexact=options["email"]).first()
        if person is None:
            raise CommandError("Nobody here signs in with this address.")
        at = timezone.now()
        count = factors.remove_factors(person, by=None, at=at)
        note_security(SecurityEvent.Kind.FACTOR_RESET, at=at, user=person, reason="by-the-operator")
        self.stdout.write(f"{count} removed.")
