"""`manage.py setup`: what every portal needs before its first page; safe to repeat."""

from __future__ import annotations

import os

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from audits.services.adopting import adopt
from audits.services.partitions import keep_ahead
from audits.services.sealing import seal_pending
from policies.services.duties import load_pairs
from policies.services.people import sync_roles
from policies.services.starter import load_data_classes
from portal.demo import story
from portal.demo.people import PEOPLE
from portal.models import User
from portal.services.people import ADMINISTRATOR, add_person
from vendors.services.catalogue import load_catalogue
from vendors.services.questionnaires import load_own_sets

NOT_TOLD = (
    "There is no demonstration: the ledger has entries already, and the story begins before them. "
    "Make it in an empty database."
)


class Command(BaseCommand):
    help = (
        "Write the roles and the starting register; with ADMIN_EMAIL and ADMIN_PASSWORD make an "
        "administrator; with --people and DEMO_PASSWORD one person per role; with --demo also "
        "the demonstration data."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--people", action="store_true", help="also one person per role")
        parser.add_argument("--demo", action="store_true", help="also demonstration data")

    def handle(self, *, people: bool, demo: bool, **_options: object) -> None:
        keep_ahead()
        today, now = timezone.localdate(), timezone.now()
        adopt(at=now)
        # One transaction: the ledger takes the people in after the story, which is older.
        with transaction.atomic():
            sync_roles()
            if email := os.environ.get("ADMIN_EMAIL"):
                keep_person(email, "", ADMINISTRATOR, "ADMIN_PASSWORD")
            if people or demo:
                for address, (name, role) in PEOPLE.items():
                    keep_person(address, name, role, "DEMO_PASSWORD")
            if demo and not story.tell(on=today, at=now) and not story.was_told():
                self.stderr.write(NOT_TOLD)
            load_pairs(at=now)
        load_data_classes()
        load_catalogue(on=today)
        load_own_sets(on=today)
        if demo and story.was_told():
            story.make_pack(on=today, at=timezone.now())
        seal_pending(at=timezone.now())


def keep_person(email: str, full_name: str, role: str, variable: str) -> User:
    """The person with this address; made with the password in `variable` unless there already.

    Who is there keeps name, roles and password. Raises: CommandError if the password is not set.
    """
    person = User.objects.filter(email__iexact=email).first()
    if person:
        return person
    password = os.environ.get(variable)
    if not password:
        raise CommandError(f"Set {variable} to the password of {email}.")
    return add_person(
        email, full_name=full_name, roles=[role], password=password, at=timezone.now()
    )
