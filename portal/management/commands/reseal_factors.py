"""Seals the secrets of second factors anew after MFA_ENCRYPTION_KEY changed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.identity.envelope import CannotOpen
from portal.services import factors


class Command(BaseCommand):
    help = (
        "Seal the secrets of second factors with MFA_ENCRYPTION_KEY that an earlier key sealed, "
        "which MFA_PREVIOUS_ENCRYPTION_KEYS still has to hold."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            changed = factors.reseal_all()
        except CannotOpen as trouble:
            raise CommandError(f"{trouble} Nothing was changed.") from None
        self.stdout.write(f"The secrets of {changed} factors sealed anew.")
