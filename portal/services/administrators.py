"""Who administers, and the refusal to leave nobody who does."""

from __future__ import annotations

from django.db.models import QuerySet

from portal.models import User

ADMINISTRATOR = "Administrator"
LAST_ONE = "This is the last administrator: give somebody else the role first."
OWN_ROLES = "Nobody changes their own roles or ends their own access."


class NotAllowed(Exception):
    """A change that would lock people out or let somebody raise themselves; the text says which."""


def administrators() -> QuerySet[User]:
    """People who can sign in and hold the administrator's role."""
    return User.objects.filter(is_active=True, groups__name=ADMINISTRATOR)


def keep_one(person: User) -> None:
    """Lock the administrators, and refuse to take this one away if there is no other.

    Two administrators who take each other's role at once must wait for one another.
    Raises: NotAllowed.
    """
    last_ones = list(administrators().select_for_update(of=("self",)).order_by("pk"))
    if last_ones == [person]:
        raise NotAllowed(LAST_ONE)
