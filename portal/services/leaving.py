"""What ends when a person leaves: everything, at once (45 CFR 164.308(a)(3)(ii)(C))."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from guardian.models import UserObjectPermission

from audits.models import SecurityEvent
from audits.services.security import note_security, reason_of
from policies.models import Grant, Integration
from policies.services.granting import end_grants_of
from portal.models import DirectoryPerson, PersonalToken, User
from portal.services.administrators import OWN_ROLES, NotAllowed, keep_one
from portal.services.factors import remove_factors
from portal.services.sessions import end_sessions
from portal.services.tokens import revoke_token


@dataclass(frozen=True, slots=True)
class Left:
    """What ended with the access of a person, in numbers."""

    tokens: int
    grants: int


@transaction.atomic
def leave(user: User, *, by: User | None, at: dt.datetime) -> Left:
    """End the access of a person: sessions, access tokens, grants, second factors, all at once.

    `by` is None where a directory says so. The password goes too, as every session rests on it: if
    they come back, they set a new one through the link that is mailed. One transaction, safe to
    repeat. What they own stays theirs by name: the daily checks make findings of it.
    Raises: NotAllowed for oneself, for a superuser where a directory says so, and if nobody would
    be left to administer.
    """
    if by is not None and by.pk == user.pk:
        raise NotAllowed(OWN_ROLES)
    if by is None and user.is_superuser:
        raise NotAllowed("This account is kept in the portal: no directory changes it.")
    keep_one(user)
    # Before the row of the person: a change of that makes all records wait.
    grants = end_grants_of(user, by=by, at=at, reason="Left")
    stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    was_active, stored.is_active = stored.is_active, False
    stored.set_unusable_password()
    stored.save(update_fields=["is_active", "password"])
    user.is_active, user.password = stored.is_active, stored.password
    if by is not None:
        # What a person of this portal ended no directory gives back.
        DirectoryPerson.objects.filter(user=stored).update(ended_by_directory=False)
    _take_back(stored)
    end_sessions(stored, why="left", by=by, at=at)
    remove_factors(stored, by=by, at=at)
    if was_active:
        left, reason = SecurityEvent.Kind.PERSON_LEFT, reason_of(by)
        note_security(left, at=at, user=stored, by=by, reason=reason)
    return Left(tokens=_end_tokens(stored, by=by, at=at), grants=grants)


def _end_tokens(user: User, *, by: User | None, at: dt.datetime) -> int:
    live = PersonalToken.objects.select_for_update().filter(
        user=user, revoked_at=None, expires_at__gt=at
    )
    return len([revoke_token(token, by=by, at=at) for token in live])


def _take_back(user: User) -> None:
    """Take what guardian still says beside the grants; owning an integration stays."""
    owned = [str(pk) for pk in Integration.objects.filter(owner=user).values_list("pk", flat=True)]
    for row in UserObjectPermission.objects.filter(
        user=user,
        permission__content_type__app_label="policies",
        permission__content_type__model="integration",
        permission__codename__in=Grant.Permission.values,
    ).exclude(object_pk__in=owned, permission__codename=Grant.Permission.READ_LOG):
        row.delete()
