"""Groups as a directory pushes them; their members are rows, never loaded to change one."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from policies.roles import ROLES
from portal.models import (
    Directory,
    DirectoryEvent,
    DirectoryGroup,
    DirectoryMember,
    DirectoryPerson,
    User,
)
from portal.scim import accounts
from portal.scim.callers import Caller
from portal.scim.errors import Refusal, invalid, taken
from portal.scim.filters import read_id, same
from portal.scim.keepers import keeper
from portal.scim.patching import Membership
from portal.scim.people import begin, people_of
from portal.scim.resources import Group

Kind = DirectoryEvent.Kind


def groups_of(directory: Directory) -> QuerySet[DirectoryGroup]:
    """The groups that this directory keeps now."""
    return DirectoryGroup.objects.filter(directory=directory, deleted_at=None)


def found(caller: Caller, uid: uuid.UUID | None, *, lock: bool = False) -> DirectoryGroup:
    """The group with this id in this directory. Raises: Refusal with 404."""
    groups = groups_of(caller.directory).select_related("directory", "principal_group")
    if lock:
        groups = groups.select_for_update(of=("self",))
    group = groups.filter(uid=uid).first() if uid else None
    if group is None:
        raise Refusal(404, "No such group in this directory.")
    return group


def _fill(group: DirectoryGroup, resource: Group) -> bool:
    said = {
        "display_name": (resource.display_name or "").strip(),
        "external_id": resource.external_id or "",
    }
    if not said["display_name"] or any("\x00" in text for text in said.values()):
        raise invalid("A group has a name of text.")
    changed = any(getattr(group, name) != value for name, value in said.items())
    for name, value in said.items():
        setattr(group, name, value)
    return changed


def _store(group: DirectoryGroup) -> None:
    try:
        group.save()
    except IntegrityError:
        raise taken("Another group of this directory has this name.") from None


def _known(caller: Caller, ids: Collection[str]) -> dict[int, DirectoryPerson]:
    """The people of these ids by key; every one has to be a person of this directory."""
    read = {read_id(each) for each in ids}
    uids = {each for each in read if each is not None}
    people = people_of(caller.directory).filter(uid__in=uids)
    known = {each.pk: each for each in people}
    if len(known) != len(read):
        raise invalid("A member is no person of this directory.")
    return known


@transaction.atomic(savepoint=False)
def create(caller: Caller, resource: Group, ids: Collection[str]) -> DirectoryGroup:
    """Make a group with the members of these ids; it gives no role yet. Raises: Refusal."""
    begin(caller)
    group = DirectoryGroup(directory=caller.directory, created_at=caller.at, changed_at=caller.at)
    _fill(group, resource)
    if groups_of(caller.directory).filter(same("display_name", group.display_name)).exists():
        raise taken("Another group of this directory has this name.")
    known = _known(caller, ids)
    _store(group)
    joined = _join(group, known)
    keeper(caller).group_made(group, joined.values(), caller)
    caller.note(Kind.GROUP_ADDED, group=group, joined=len(joined))
    return group


@transaction.atomic(savepoint=False)
def change(
    caller: Caller, group: DirectoryGroup, resource: Group, members: Iterable[Membership]
) -> DirectoryGroup:
    """Make the group what the resource says and its members what `members` say, in their order.

    Who comes in or goes out gets or loses the roles that the group gives.
    Raises: Refusal, and then nothing has changed.
    """
    renamed = _fill(group, resource)
    before: dict[int, DirectoryPerson] = {}
    joined: set[int] = set()
    left: set[int] = set()
    for each in members:
        came, went = _apply(caller, group, each)
        before |= came | went
        joined = (joined - set(went)) | (set(came) - left)
        left = (left - set(came)) | (set(went) - joined)
    if not (renamed or before):
        return group
    group.version += 1
    group.changed_at = caller.at
    _store(group)
    keeper(caller).group_changed(
        group, [before[key] for key in joined], [before[key] for key in left], caller
    )
    caller.note(Kind.GROUP_CHANGED, group=group, joined=len(joined), left=len(left))
    return group


def _apply(
    caller: Caller, group: DirectoryGroup, each: Membership
) -> tuple[dict[int, DirectoryPerson], dict[int, DirectoryPerson]]:
    """Who came in and who went out by one operation."""
    if each.op == "clear":
        return {}, _part(group, _inside(group))
    if each.op == "remove":
        # Whom we do not know is no member either: a removal asks for what is so already.
        uids = [uid for one in each.ids if (uid := read_id(one))]
        return {}, _part(group, _inside(group).filter(uid__in=uids))
    known = _known(caller, each.ids)
    went = {}
    if each.op == "replace":
        went = _part(group, _inside(group).exclude(pk__in=known))
    return _join(group, known), went


def _inside(group: DirectoryGroup) -> QuerySet[DirectoryPerson]:
    return DirectoryPerson.objects.filter(groups=group).select_related("user", "principal")


def _join(group: DirectoryGroup, known: dict[int, DirectoryPerson]) -> dict[int, DirectoryPerson]:
    there = set(_inside(group).filter(pk__in=known).values_list("pk", flat=True))
    new = {key: person for key, person in known.items() if key not in there}
    DirectoryMember.objects.bulk_create(DirectoryMember(group=group, person_id=key) for key in new)
    return new


def _part(group: DirectoryGroup, leaving: QuerySet[DirectoryPerson]) -> dict[int, DirectoryPerson]:
    gone = {each.pk: each for each in leaving}
    DirectoryMember.objects.filter(group=group, person_id__in=gone).delete()
    return gone


@transaction.atomic(savepoint=False)
def delete(caller: Caller, group: DirectoryGroup) -> None:
    """Let go of a group; who was in it loses the roles that it gave. Raises: Refusal."""
    gone = _part(group, _inside(group))
    group.deleted_at = group.changed_at = caller.at
    group.version += 1
    group.save()
    keeper(caller).group_gone(group, gone.values(), caller)
    caller.note(Kind.GROUP_DELETED, group=group, left=len(gone))


@transaction.atomic
def map_roles(
    group: DirectoryGroup, roles: Collection[str], *, by: User, at: dt.datetime
) -> DirectoryGroup:
    """Say which roles a group of people gives; its members have them from now on.

    Raises: Refusal if `by` is a member and would change their own roles, or if nobody would be
    left to administer; LookupError for a role that is not in the catalogue.
    """
    if unknown := set(roles) - set(ROLES):
        raise LookupError(f"{len(unknown)} roles are not in the catalogue")
    stored = DirectoryGroup.objects.select_for_update(of=("self",)).get(pk=group.pk)
    had = set(stored.roles)
    if had == set(roles):
        return stored
    if _inside(stored).filter(user=by).exists():
        raise Refusal(403, "You are in this group, and nobody changes their own roles.")
    stored.roles = [role for role in ROLES if role in roles]
    stored.save()
    accounts.settle(stored.directory, _inside(stored), at=at, also=had)
    return stored
