"""Who does what, and when, in the demonstration: its days, and the history that names them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from auditlog.context import set_extra_data

from policies.models import DataClass, Integration
from portal.demo.knowing import known_at
from portal.demo.people import PEOPLE
from portal.models import User
from vendors.models import AssuranceReport, Service, Vendor


@dataclass
class Company:
    """Alder Grove Health on the day `on`: its people, and what was recorded so far, by slug."""

    on: dt.date
    people: dict[str, User]
    vendors: dict[str, Vendor] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    reports: dict[str, AssuranceReport] = field(default_factory=dict)
    classes: dict[str, DataClass] = field(default_factory=dict)
    integrations: dict[str, Integration] = field(default_factory=dict)

    @property
    def officer(self) -> User:
        return self.people["officer"]

    @property
    def second_officer(self) -> User:
        return self.people["officer2"]

    def day(self, offset: int) -> dt.date:
        """The day `offset` days after `on`; negative before."""
        return self.on + dt.timedelta(days=offset)

    def moment(self, offset: int, hour: int, minute: int = 0) -> dt.datetime:
        """A moment in UTC of the day `offset` days after `on`."""
        return dt.datetime.combine(self.day(offset), dt.time(hour, minute), dt.UTC)


def company(on: dt.date) -> Company:
    """The company with the people that `setup` made. Raises: KeyError if they are not there."""
    found = {user.email: user for user in User.objects.filter(email__in=PEOPLE)}
    people = {email.partition("@")[0]: found[email] for email in PEOPLE}
    return Company(on=on, people=people)


@contextmanager
def acting(person: User | None, at: dt.datetime) -> Iterator[None]:
    """Changes inside are told in the history as `person`'s, or the portal's, at the moment `at`.

    Read as of a day, they are known from that moment on.
    """
    with set_extra_data(context_data={"actor": person, "timestamp": at}), known_at(at):
        yield
