"""The account of this portal behind a person of a directory.

A directory makes accounts, names them, ends them and gives back what it ended. It reaches no
password, no permission and no superuser; roles come from what an administrator chose for its
groups (decision 0030).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower

from audits.models import SecurityEvent
from audits.services.security import note_security
from policies.roles import ROLES
from portal.models import Directory, DirectoryGroup, DirectoryMember, DirectoryPerson, User
from portal.scim.callers import Caller
from portal.scim.errors import Refusal, invalid, taken
from portal.scim.filters import same
from portal.services.leaving import leave
from portal.services.people import NotAllowed, set_roles

Kind = SecurityEvent.Kind
People = Collection[DirectoryPerson]

KEPT_HERE = "This account is kept in the portal: no directory changes it."
ENDED_HERE = "This access was ended in the portal: an administrator of the portal gives it back."


def is_address(text: str) -> bool:
    """Whether this is an e-mail address."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def full_name(entry: DirectoryPerson) -> str:
    """What the directory calls the person, at most 120 characters."""
    parts = " ".join(part for part in (entry.given_name, entry.family_name) if part)
    return (entry.display_name or entry.formatted_name or parts)[:120].strip()


def address_of(entry: DirectoryPerson) -> str:
    """The address by which a person is known here: the user name, else the first e-mail.

    Raises: Refusal if neither is one.
    """
    name = entry.user_name.strip().lower()
    if is_address(name):
        return name
    primary = [each["value"] for each in entry.emails if each.get("primary")]
    known = primary or [each["value"] for each in entry.emails]
    if not known:
        raise invalid("A person has a user name or an e-mail that is an address.")
    return str(known[0])


def link(entry: DirectoryPerson, caller: Caller) -> None:
    """Give a new entry its account: the one that has the address, or a new one.

    Raises: Refusal for an account that another directory keeps, that is a superuser's, or whose
    access was ended in the portal.
    """
    address = address_of(entry)
    user = None
    if address not in caller.absent:
        user = User.objects.select_for_update(no_key=True).filter(same("email", address)).first()
    if user is None:
        entry.user = _made(entry, address)
        caller.absent.discard(address)
        note_security(Kind.PERSON_ADDED, at=caller.at, user=entry.user, reason="by-directory")
        return
    _mine(user)
    earlier = DirectoryPerson.objects.filter(user=user).order_by("-pk").first()
    if earlier is not None and earlier.deleted_at is None:
        raise taken("Another person of a directory has this address.")
    entry.user = user
    if user.is_active and not entry.active:
        follow_active(entry, caller)
    elif not user.is_active:
        if earlier is None or not earlier.ended_by_directory:
            raise Refusal(409, ENDED_HERE)
        entry.ended_by_directory = True
        if entry.active:
            follow_active(entry, caller)
    follow_name(entry, caller)


def absent(addresses: Collection[str]) -> set[str]:
    """Those of these addresses, in small letters, that nobody has now; one query."""
    asked = {address for address in addresses if address.isascii()}
    held = User.objects.annotate(small=Lower("email")).filter(small__in=asked)
    return asked - set(held.values_list("small", flat=True))


def _made(entry: DirectoryPerson, address: str) -> User:
    """The new account of a new entry. Raises: Refusal if somebody else was faster."""
    user = User(email=address, full_name=full_name(entry), is_active=entry.active)
    user.set_unusable_password()
    try:
        user.save()
    except IntegrityError:
        raise taken("Somebody got this address at the same moment: send it again.") from None
    entry.ended_by_directory = not entry.active
    return user


def _mine(user: User) -> None:
    if user.is_superuser or user.is_staff:
        raise Refusal(403, KEPT_HERE)


def _account(entry: DirectoryPerson) -> User:
    assert entry.user is not None  # an entry of people has an account
    _mine(entry.user)
    return entry.user


def follow_active(entry: DirectoryPerson, caller: Caller) -> None:
    """End the person's access, or give back what the directory ended, as `entry.active` says.

    Who comes back has the roles of their groups and no other.
    Raises: Refusal for the last administrator, a superuser, or an access that was ended here.
    """
    user = _account(entry)
    if not entry.active:
        if user.is_active:
            try:
                leave(user, by=None, at=caller.at)
            except NotAllowed as refused:
                raise Refusal(409, str(refused)) from None
            entry.ended_by_directory = True
        return
    if user.is_active:
        return
    if not entry.ended_by_directory:
        raise Refusal(409, ENDED_HERE)
    user.is_active = True
    user.save(update_fields=["is_active"])
    note_security(Kind.PERSON_BACK, at=caller.at, user=user, reason="by-directory")
    entry.ended_by_directory = False
    give_roles(user, wanted(entry) if entry.pk else set(), at=caller.at)


def follow_name(entry: DirectoryPerson, _caller: Caller) -> None:
    """Call the account what the directory calls the person. Raises: Refusal for a superuser."""
    user = _account(entry)
    name = full_name(entry)
    if name and name != user.full_name:
        user.full_name = name
        user.save(update_fields=["full_name"])


def wanted(entry: DirectoryPerson) -> set[str]:
    """The roles that the person's groups give."""
    return _given([entry])[entry.pk]


def give_roles(user: User, roles: Collection[str], *, at: dt.datetime) -> None:
    """Make these the person's roles.

    Raises: Refusal if that leaves no administrator, or for roles that exclude each other.
    """
    try:
        set_roles(user, roles, by=None, at=at)
    except NotAllowed as refused:
        raise Refusal(409, str(refused)) from None


@transaction.atomic
def settle(
    directory: Directory,
    people: Iterable[DirectoryPerson],
    *,
    at: dt.datetime,
    also: Collection[str] = (),
) -> None:
    """Give and take the roles that this directory's groups stand for, and leave all others.

    `also` are roles that a group stood for until now.
    Raises: Refusal as `give_roles` does.
    """
    groups = DirectoryGroup.objects.filter(directory=directory, deleted_at=None)
    ours = {role for roles in groups.values_list("roles", flat=True) for role in roles}
    ours |= set(also)
    if not ours:
        return
    here = [e for e in people if e.user and e.user.is_active and not e.user.is_superuser]
    had, given = _held(here), _given(here)
    for entry in here:
        assert entry.user is not None  # those alone are here
        roles = (had[entry.user.pk] - ours) | given[entry.pk]
        if roles != had[entry.user.pk]:
            give_roles(entry.user, roles, at=at)


def _held(people: People) -> dict[int, set[str]]:
    """The roles that each of these has, by account; one query."""
    held: dict[int, set[str]] = defaultdict(set)
    rows = User.groups.through.objects.filter(user__in=[each.user_id for each in people])
    for user_id, role in rows.values_list("user_id", "group__name"):
        held[user_id].add(role)
    return held


def _given(people: People) -> dict[int, set[str]]:
    """The roles that their groups give to each of these, by entry; one query."""
    given: dict[int, set[str]] = defaultdict(set)
    rows = DirectoryMember.objects.filter(person__in=people, group__deleted_at=None)
    for person_id, roles in rows.values_list("person_id", "group__roles"):
        given[person_id] |= set(roles) & ROLES.keys()
    return given


def group_made(_group: DirectoryGroup, _joined: People, _caller: Caller) -> None:
    """A new group gives no role before an administrator says so."""


def group_changed(group: DirectoryGroup, joined: People, left: People, caller: Caller) -> None:
    """Give and take the roles that the group stands for. Raises: Refusal as `give_roles` does."""
    if group.roles:
        settle(group.directory, [*joined, *left], at=caller.at)


def group_gone(group: DirectoryGroup, gone: People, caller: Caller) -> None:
    """Take the roles that the group gave. Raises: Refusal as `give_roles` does."""
    settle(group.directory, gone, at=caller.at, also=group.roles)
