"""Looks again, at the tables and not at what was said, whether access is gone.

Apart from what takes it away: the one does not take the other's word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass

from guardian.models import UserObjectPermission

from policies.models import AccessReviewEntry, Grant, Integration, IntegrationKey
from policies.roles import OWNER, ROLES
from policies.services.settling import granted, rights
from portal.models import DirectoryToken, PersonalToken, User
from portal.services.ending_access import after, holder_id

Kind = AccessReviewEntry.Kind


@dataclass(frozen=True, slots=True)
class Look:
    """One question to the database: how many were expected, and how many found."""

    asked: str
    expected: int
    found: int

    @property
    def fits(self) -> bool:
        return self.expected == self.found

    def told(self) -> dict[str, object]:
        return asdict(self)


def looks(entry: AccessReviewEntry, change_to: str, at: dt.datetime) -> list[Look]:
    """What the database says of a line that was to be revoked, or to become `change_to`."""
    return LOOKS[Kind(entry.kind)](entry, change_to, at)


def _role(entry: AccessReviewEntry, change_to: str, _at: dt.datetime) -> list[Look]:
    person = User.objects.get(pk=holder_id(entry))
    held = set(person.groups.values_list("name", flat=True))
    left = {name for role in held for name in ROLES.get(role, ())}
    only_here = set(ROLES.get(entry.what, ())) - left
    may = sum(person.has_perm(name) for name in only_here)
    found = [
        Look(f"Memberships of the role {entry.what}", 0, int(entry.what in held)),
        Look("Permissions that this role alone gave and the person still has", 0, may),
    ]
    if change_to:
        found.append(Look(f"Memberships of the role {change_to}", 1, int(change_to in held)))
    return found


def _superuser(entry: AccessReviewEntry, _change_to: str, _at: dt.datetime) -> list[Look]:
    rows = User.objects.filter(pk=holder_id(entry), is_superuser=True)
    return [Look("Accounts of the person with the superuser flag", 0, rows.count())]


def _staff(entry: AccessReviewEntry, _change_to: str, _at: dt.datetime) -> list[Look]:
    rows = User.objects.filter(pk=holder_id(entry), is_staff=True)
    return [Look("Accounts of the person with the staff flag", 0, rows.count())]


def _permission(entry: AccessReviewEntry, _change_to: str, _at: dt.datetime) -> list[Look]:
    app, _, code = entry.what.partition(".")
    person = User.objects.filter(
        pk=holder_id(entry),
        user_permissions__codename=code,
        user_permissions__content_type__app_label=app,
    )
    return [Look("Direct permissions of the person of this name", 0, person.count())]


def _object_rows(entry: AccessReviewEntry, user_id: int, code: str) -> int:
    return UserObjectPermission.objects.filter(
        user_id=user_id,
        object_pk=str(entry.integration_id),
        permission__codename=code,
        content_type__app_label="policies",
        content_type__model="integration",
    ).count()


def _object(entry: AccessReviewEntry, _change_to: str, _at: dt.datetime) -> list[Look]:
    found = _object_rows(entry, holder_id(entry), entry.what)
    return [Look("Permissions of the person of this name on the integration", 0, found)]


def _ownership(entry: AccessReviewEntry, change_to: str, _at: dt.datetime) -> list[Look]:
    owned = Integration.objects.filter(pk=entry.row_id)
    codes = [name.partition(".")[2] for name in OWNER]
    kept = sum(_object_rows(entry, holder_id(entry), code) for code in codes)
    return [
        Look("Ownership by the former owner", 0, owned.filter(owner=entry.user_id).count()),
        Look("Permissions of an owner that the former owner still has", 0, kept),
        Look("Ownership by the new owner", 1, owned.filter(owner__email=change_to).count()),
    ]


def _token(entry: AccessReviewEntry, change_to: str, at: dt.datetime) -> list[Look]:
    rows = PersonalToken.objects.filter(pk=entry.row_id, revoked_at__isnull=True)
    if change_to:
        late = rows.filter(expires_at__gt=after(change_to))
        return [Look(f"Tokens of this id that work after {change_to}", 0, late.count())]
    usable = rows.filter(expires_at__gt=at)
    return [Look("Tokens of this id that still work", 0, usable.count())]


def _key(entry: AccessReviewEntry, change_to: str, at: dt.datetime) -> list[Look]:
    if change_to:
        late = IntegrationKey.objects.usable(after(change_to)).filter(pk=entry.row_id)
        return [Look(f"Keys of this id that work after {change_to}", 0, late.count())]
    usable = IntegrationKey.objects.usable(at).filter(pk=entry.row_id)
    return [Look("Keys of this id that still work", 0, usable.count())]


def _directory(entry: AccessReviewEntry, _change_to: str, at: dt.datetime) -> list[Look]:
    rows = DirectoryToken.objects.filter(
        pk=entry.row_id, revoked_at__isnull=True, expires_at__gt=at, directory__ended_at=None
    )
    return [Look("Directory tokens of this id that still work", 0, rows.count())]


def _grant(entry: AccessReviewEntry, change_to: str, at: dt.datetime) -> list[Look]:
    """That the row no longer stands, and that no page lets anybody in whom no grant names."""
    of_review = Grant.objects.filter(pk=entry.row_id)
    pks = [pk for pk in (entry.integration_id,) if pk is not None]
    allowed, shown = rights(at, pks), granted(pks)
    extra = sum(len(shown.get(pk, set()) - allowed.get(pk, set())) for pk in pks)
    found = [
        Look("Grants of this id that stand", 0, of_review.standing(at).count()),
        Look("Permissions of people on the integration that no grant gives", 0, extra),
    ]
    grant = of_review.get()
    alike = Grant.objects.filter(
        integration=grant.integration_id,
        permission=grant.permission,
        principal=grant.principal_id,
        group=grant.group_id,
        kind=grant.kind,
    )
    when = after(change_to) if change_to else at
    asked = f"after {change_to}" if change_to else "now"
    found.append(
        Look(f"Grants of the same to the same holder {asked}", 0, alike.standing(when).count())
    )
    return found


LOOKS: dict[Kind, Callable[[AccessReviewEntry, str, dt.datetime], list[Look]]] = {
    Kind.ROLE: _role,
    Kind.SUPERUSER: _superuser,
    Kind.STAFF: _staff,
    Kind.PERMISSION: _permission,
    Kind.OBJECT: _object,
    Kind.GRANT: _grant,
    Kind.OWNERSHIP: _ownership,
    Kind.TOKEN: _token,
    Kind.KEY: _key,
    Kind.DIRECTORY: _directory,
}
