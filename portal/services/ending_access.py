"""Carries out what a review decided: takes access away or narrows it, by the service that may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from guardian.models import UserObjectPermission

from audits.models import SecurityEvent
from audits.services.security import note_security
from policies.models import AccessReviewEntry, Grant, IntegrationKey
from policies.roles import ROLES
from policies.services import granting, grants
from policies.services.keys import revoke_key
from policies.services.trail import Refused
from portal.models import DirectoryToken, PersonalToken, User
from portal.services import people
from portal.services.directory_tokens import end_token
from portal.services.sessions import end_sessions
from portal.services.tokens import revoke_token
from vendors.as_of import end_of

ONLY_EARLIER = "It can only end earlier than it does, and not in the past."
Kind = AccessReviewEntry.Kind
Revoke = Callable[[AccessReviewEntry, User, dt.datetime], None]
Change = Callable[[AccessReviewEntry, str, User, dt.datetime], None]


class NotExecuted(Exception):
    """A decision could not be carried out; the message says why, in words for a person."""


@dataclass(frozen=True, slots=True)
class Handling:
    """How a kind of access ends and changes; None where that is not offered.

    `becomes` says what a change names: a role, a person, or a day.
    """

    revoke: Revoke | None
    change: Change | None = None
    becomes: str = ""


def execute(entry: AccessReviewEntry, change_to: str, *, by: User, at: dt.datetime) -> None:
    """Revoke the access of a line, or make it what `change_to` names.

    All of it or nothing. Raises: NotExecuted.
    """
    handling = HANDLING[Kind(entry.kind)]
    try:
        with transaction.atomic():
            if change_to and handling.change:
                handling.change(entry, change_to, by, at)
            elif not change_to and handling.revoke:
                handling.revoke(entry, by, at)
            else:
                raise NotExecuted("This kind of access has no such decision.")
    except (people.NotAllowed, Refused) as refused:
        raise NotExecuted(str(refused)) from None
    except ValidationError as refused:
        raise NotExecuted(" ".join(refused.messages)) from None


def narrower_roles(role: str) -> list[str]:
    """The roles that give a part of what `role` gives, and nothing beside it."""
    given = set(ROLES.get(role, ()))
    return [name for name, names in ROLES.items() if set(names) < given]


def after(day: str) -> dt.datetime:
    """The first moment after a day as a decision names it. Raises: NotExecuted."""
    try:
        return end_of(dt.date.fromisoformat(day))
    except ValueError:
        raise NotExecuted("Choose a day.") from None


def _earlier(row: PersonalToken | IntegrationKey, day: str, at: dt.datetime) -> None:
    ends_at = after(day)
    if not at < ends_at < row.expires_at:
        raise NotExecuted(ONLY_EARLIER)
    row.expires_at = ends_at
    row.save()


def holder_id(entry: AccessReviewEntry) -> int:
    """The person of a line that has one. Raises: NotExecuted."""
    if entry.user_id is None:
        raise NotExecuted("No person of the portal holds it.")
    return entry.user_id


def _person(entry: AccessReviewEntry) -> User:
    return User.objects.select_for_update().get(pk=holder_id(entry))


def _has_less(person: User, by: User, at: dt.datetime) -> None:
    """What follows where `people.set_roles` is not what takes it away: told, and sessions end."""
    note_security(SecurityEvent.Kind.ROLE_CHANGED, at=at, user=person, by=by)
    end_sessions(person, why="role-changed", by=by, at=at)


def _set_role(entry: AccessReviewEntry, by: User, at: dt.datetime, instead: str = "") -> None:
    person = User.objects.get(pk=holder_id(entry))
    held = set(person.groups.values_list("name", flat=True))
    if entry.what not in ROLES:
        person.groups.remove(Group.objects.get(name=entry.what))
        _has_less(person, by, at)
        return
    wanted = (held & set(ROLES)) - {entry.what}
    people.set_roles(person, wanted | ({instead} if instead else set()), by=by, at=at)


def _revoke_role(entry: AccessReviewEntry, by: User, at: dt.datetime) -> None:
    _set_role(entry, by, at)


def _change_role(entry: AccessReviewEntry, role: str, by: User, at: dt.datetime) -> None:
    """Only to less: nobody is raised by a review."""
    if role not in narrower_roles(entry.what):
        raise NotExecuted("A role changes only to one that gives less.")
    _set_role(entry, by, at, role)


def _revoke_superuser(entry: AccessReviewEntry, by: User, at: dt.datetime) -> None:
    person = _person(entry)
    person.is_superuser = False
    person.save()
    _has_less(person, by, at)


def _revoke_staff(entry: AccessReviewEntry, by: User, at: dt.datetime) -> None:
    person = _person(entry)
    person.is_staff = False
    person.save()
    _has_less(person, by, at)


def _revoke_permission(entry: AccessReviewEntry, by: User, at: dt.datetime) -> None:
    person = _person(entry)
    through = User.user_permissions.through.objects.filter(pk=entry.row_id, user_id=person.pk)
    person.user_permissions.remove(*through.values_list("permission_id", flat=True))
    _has_less(person, by, at)


def _revoke_object(entry: AccessReviewEntry, _by: User, _at: dt.datetime) -> None:
    for row in UserObjectPermission.objects.filter(pk=entry.row_id, user_id=holder_id(entry)):
        row.delete()


def _change_owner(entry: AccessReviewEntry, email: str, by: User, at: dt.datetime) -> None:
    owner = User.objects.filter(email=email, is_active=True).first()
    if owner is None or entry.integration is None:
        raise NotExecuted("Choose somebody who is active.")
    grants.change_owner(entry.integration, owner=owner, by=by, at=at)


def _revoke_token(entry: AccessReviewEntry, by: User, at: dt.datetime) -> None:
    revoke_token(PersonalToken.objects.get(pk=entry.row_id), by=by, at=at)


def _end_token(entry: AccessReviewEntry, day: str, _by: User, at: dt.datetime) -> None:
    _earlier(PersonalToken.objects.select_for_update().get(pk=entry.row_id), day, at)


def _revoke_key(entry: AccessReviewEntry, by: User, at: dt.datetime) -> None:
    revoke_key(IntegrationKey.objects.get(pk=entry.row_id), by=by, at=at)


def _end_key(entry: AccessReviewEntry, day: str, _by: User, at: dt.datetime) -> None:
    _earlier(IntegrationKey.objects.select_for_update().get(pk=entry.row_id), day, at)


def _end_directory_token(entry: AccessReviewEntry, by: User, at: dt.datetime) -> None:
    end_token(DirectoryToken.objects.get(pk=entry.row_id), by=by, at=at)


def _grant(entry: AccessReviewEntry) -> Grant:
    rows = Grant.objects.select_related("integration", "principal", "group")
    return rows.get(pk=entry.row_id)


def _revoke_grant(entry: AccessReviewEntry, by: User, at: dt.datetime) -> None:
    granting.withdraw_grant(_grant(entry), by=by, at=at, note=f"Access review: {entry.review}")


def _shorten_grant(entry: AccessReviewEntry, day: str, by: User, at: dt.datetime) -> None:
    """A grant keeps what it says: it ends, and one that ends earlier takes its place."""
    grant, ends_at = _grant(entry), after(day)
    if not at < ends_at < grant.ends_at:
        raise NotExecuted(ONLY_EARLIER)
    if grant.kind == Grant.Kind.EMERGENCY:
        raise NotExecuted("Emergency access is revoked, or ends by itself within hours.")
    _revoke_grant(entry, by, at)
    wanted = granting.Wanted(
        permission=grant.permission,
        purpose=grant.purpose,
        ends_at=ends_at,
        principal=grant.principal,
        group=grant.group,
        starts_at=grant.starts_at,
    )
    granting.give_grant(grant.integration, wanted, by=by, at=at)


HANDLING: dict[Kind, Handling] = {
    Kind.ROLE: Handling(_revoke_role, _change_role, "role"),
    Kind.SUPERUSER: Handling(_revoke_superuser),
    Kind.STAFF: Handling(_revoke_staff),
    Kind.PERMISSION: Handling(_revoke_permission),
    Kind.OBJECT: Handling(_revoke_object),
    Kind.GRANT: Handling(_revoke_grant, _shorten_grant, "day"),
    # Somebody has to answer for an integration: it changes hands, or is retired on its own page.
    Kind.OWNERSHIP: Handling(None, _change_owner, "person"),
    Kind.TOKEN: Handling(_revoke_token, _end_token, "day"),
    Kind.KEY: Handling(_revoke_key, _end_key, "day"),
    Kind.DIRECTORY: Handling(_end_directory_token),
}
