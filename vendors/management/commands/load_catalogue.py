"""Loads the catalogue of AI offerings into the register; safe to repeat."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from vendors.services.catalogue import load_catalogue


class Command(BaseCommand):
    help = "Load the catalogue of AI offerings: vendors as prospects, services, dated facts."

    def handle(self, *_args: object, **_options: object) -> None:
        loaded = load_catalogue(on=timezone.localdate())
        self.stdout.write(
            f"Added {loaded.vendors} vendors, {loaded.services} services, "
            f"{loaded.facts} facts, {loaded.costs} costs."
        )
