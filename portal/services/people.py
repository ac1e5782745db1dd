"""People and their roles: the only way by which either changes."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet

from policies.roles import ROLES
from portal.models import User

ADMINISTRATOR = "Administrator"


class NotAllowed(Exception):
    """A change that would lock people out or let somebody raise themselves; the text says which."""


def administrators() -> QuerySet[User]:
    """People who can sign in and hold the administrator's role."""
    return User.objects.filter(is_active=True, groups__name=ADMINISTRATOR)


def _groups(roles: Collection[str]) -> list[Group]:
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise LookupError("no such role")
    return list(Group.objects.filter(name__in=roles))


@transaction.atomic
def add_person(
    email: str, *, full_name: str, roles: Collection[str], password: str | None = None
) -> User:
    """Make an account. Without a password its owner sets one through the link that is mailed.

    Raises: LookupError if a role is not in the catalogue; ValidationError if the address is taken.
    """
    groups = _groups(roles)
    user = User(email=User.objects.normalize_email(email).lower(), full_name=full_name)
    user.set_password(password)
    user.full_clean()
    user.save()
    user.groups.set(groups)
    return user


@transaction.atomic
def change_person(
    person: User, *, full_name: str, roles: Collection[str], is_active: bool, by: User
) -> User:
    """Change a person's name, roles or whether they may sign in.

    Who may not sign in any more loses the password too: every session rests on it and ends at
    once, for good. If they come back, they set a new one through the link that is mailed.
    Raises: NotAllowed if `by` changes their own roles or ends their own access, or if nobody
    would be left to administer; LookupError if a role is not in the catalogue.
    """
    # Two administrators who take each other's role at once must wait for one another.
    last_ones = list(administrators().select_for_update(of=("self",)).order_by("pk"))
    groups = _groups(roles)
    had = set(person.groups.values_list("name", flat=True))
    if person == by and (had != set(roles) or not is_active):
        raise NotAllowed("Nobody changes their own roles or ends their own access.")
    stays = is_active and ADMINISTRATOR in roles
    if last_ones == [person] and not stays:
        raise NotAllowed("This is the last administrator: give somebody else the role first.")
    ends = person.is_active and not is_active
    person.full_name = full_name
    person.is_active = is_active
    if ends:
        person.set_unusable_password()
    person.save()
    if had != set(roles):
        person.groups.set(groups)
    return person
