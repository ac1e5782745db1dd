"""People and their roles: the only way by which either changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.contrib.auth.models import Group
from django.db import transaction

from audits.models import SecurityEvent
from audits.services.security import note_security, reason_of
from policies.roles import ROLES
from policies.services.duties import refuse_roles
from policies.services.trail import Refused
from portal.models import User
from portal.services.administrators import (
    ADMINISTRATOR,
    LAST_ONE,
    OWN_ROLES,
    NotAllowed,
    administrators,
)
from portal.services.leaving import leave
from portal.services.sessions import end_sessions

__all__ = [
    "ADMINISTRATOR",
    "NotAllowed",
    "add_person",
    "administrators",
    "change_person",
    "set_roles",
]


Kind = SecurityEvent.Kind


def _groups(roles: Collection[str]) -> list[Group]:
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise LookupError("no such role")
    return list(Group.objects.filter(name__in=roles))


def _keep_apart(before: Collection[str], after: Collection[str], person: User | None) -> None:
    """Raises: NotAllowed if the new roles exclude what the person holds beside them."""
    try:
        refuse_roles(before, after, user_id=person.pk if person else None)
    except Refused as refusal:
        raise NotAllowed(str(refusal)) from None


def _locked(person: User) -> tuple[set[str], bool]:
    """The roles a person has, and whether nobody else administers, until the transaction ends.

    Two administrators who take each other's role at once must wait for one another.
    """
    administrating = list(administrators().select_for_update(of=("self",)).order_by("pk"))
    roles = set(person.groups.values_list("name", flat=True))
    return roles, administrating == [person]


@transaction.atomic
def add_person(
    email: str,
    *,
    full_name: str,
    roles: Collection[str],
    at: dt.datetime,
    by: User | None = None,
    password: str | None = None,
) -> User:
    """Make an account. Without a password its owner sets one through the link that is mailed.

    `by` is None where a provider or a command does.
    Raises: LookupError if a role is not in the catalogue; NotAllowed for roles that exclude each
    other; ValidationError if the address is taken.
    """
    groups = _groups(roles)
    _keep_apart((), roles, None)
    user = User(email=User.objects.normalize_email(email).lower(), full_name=full_name)
    user.set_password(password)
    user.full_clean()
    user.save()
    user.groups.set(groups)
    note_security(Kind.PERSON_ADDED, at=at, user=user, by=by, reason=reason_of(by))
    return user


@transaction.atomic
def change_person(
    person: User,
    *,
    full_name: str,
    roles: Collection[str],
    is_active: bool,
    by: User,
    at: dt.datetime,
) -> User:
    """Change a person's name, roles or whether they may sign in.

    For who may not sign in any more everything ends at once, as `leave` says.
    Raises: NotAllowed if `by` changes their own roles or ends their own access, if nobody would be
    left to administer, or for roles that exclude each other; LookupError if a role is not in the
    catalogue.
    """
    had, last_one = _locked(person)
    groups = _groups(roles)
    if person == by and (had != set(roles) or not is_active):
        raise NotAllowed(OWN_ROLES)
    if last_one and not (is_active and ADMINISTRATOR in roles):
        raise NotAllowed(LAST_ONE)
    _keep_apart(had, roles, person)
    comes_back = is_active and not person.is_active
    if person.is_active and not is_active:
        leave(person, by=by, at=at)
    person.full_name = full_name
    person.is_active = is_active
    person.save()
    if comes_back:
        note_security(Kind.PERSON_BACK, at=at, user=person, by=by)
    if had != set(roles):
        person.groups.set(groups)
        note_security(Kind.ROLE_CHANGED, at=at, user=person, by=by)
        end_sessions(person, why="role-changed", by=by, at=at)
    return person


@transaction.atomic
def set_roles(person: User, roles: Collection[str], *, by: User | None, at: dt.datetime) -> bool:
    """Give a person these roles of the catalogue and no others; `by` None: a directory does.

    Returns: whether anything changed.
    Raises: NotAllowed for one's own roles, if nobody would be left to administer, or for roles that
    exclude each other; LookupError if a role is not in the catalogue.
    """
    had, last_one = _locked(person)
    groups = _groups(roles)
    if had == set(roles):
        return False
    if person == by:
        raise NotAllowed(OWN_ROLES)
    if last_one and ADMINISTRATOR not in roles:
        raise NotAllowed(LAST_ONE)
    _keep_apart(had, roles, person)
    person.groups.set(groups)
    note_security(Kind.ROLE_CHANGED, at=at, user=person, by=by, reason=reason_of(by))
    end_sessions(person, why="role-changed", by=by, at=at)
    return True
