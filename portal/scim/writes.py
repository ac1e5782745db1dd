"""What a directory changes: by a request of its own, or as an operation of a bulk.

Each is one transaction, or a savepoint of the one that is open. `known` are the entity tags that
the caller knows the resource by; none for whoever does not care. Each raises SCIMException or
ValidationError, and then nothing has changed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from django.db import transaction
from scim2_models import Context, Resource

from portal import tasks
from portal.models import Directory, DirectoryGroup, DirectoryPerson
from portal.scim import answers, groups, people
from portal.scim.callers import Caller
from portal.scim.errors import Refusal
from portal.scim.filters import read_id
from portal.scim.patching import Membership, Operation, memberships, operations, patched
from portal.scim.resources import POLICY, Group, PrincipalUser, User

R = TypeVar("R", bound="Resource[Any]")


def user_model(caller: Caller) -> type[User]:
    """The resource of this directory's people: those who sign in here have an address."""
    principals = caller.directory.kind == Directory.Kind.PRINCIPALS
    return PrincipalUser if principals else User


def _read(model: type[R], body: object, context: Context) -> R:
    return model.model_validate(body, scim_ctx=context, scim_policy=POLICY)


def _as_known(row: DirectoryPerson | DirectoryGroup, known: Collection[str]) -> None:
    """Go on only if the resource is as the caller knows it. Raises: Refusal with 412."""
    if known and "*" not in known and answers.etag(row) not in known:
        raise Refusal(412, "The resource has changed: read it again.")


@transaction.atomic
def create_user(caller: Caller, body: object) -> DirectoryPerson:
    """Make a person; who is invited is mailed once that is stored."""
    body = people.completed(body)
    resource = _read(user_model(caller), body, Context.RESOURCE_CREATION_REQUEST)
    entry = people.create(caller, resource)
    if caller.directory.invites and entry.user is not None and entry.active:
        tasks.send_invitation.delay_on_commit(entry.user.pk)
    return entry


def replace_user(
    caller: Caller, uid: str, body: object, *, known: Collection[str] = ()
) -> DirectoryPerson:
    """Make the person what the body says."""
    body = people.completed(body)
    resource = _read(user_model(caller), body, Context.RESOURCE_REPLACEMENT_REQUEST)
    return _change_user(caller, uid, resource, known)


def patch_user(
    caller: Caller, uid: str, body: object, *, known: Collection[str] = ()
) -> DirectoryPerson:
    """Do the operations of the body, all or none."""
    return _change_user(caller, uid, body, known)


def _asked_of(caller: Caller, entry: DirectoryPerson, asked: object) -> User:
    """What the person is to be: what was sent, or what operations make of what they are."""
    if isinstance(asked, User):
        return asked
    model = user_model(caller)
    now = answers.user_of(entry, active=entry.active, model=model)
    return patched(model, now, operations(asked))


def _change_user(
    caller: Caller, uid: str, asked: object, known: Collection[str]
) -> DirectoryPerson:
    """A sync says again what is so already: nobody waits for that, and nothing is written."""
    entry = people.found(caller, read_id(uid))
    _as_known(entry, known)
    if not people.differs(entry, _asked_of(caller, entry, asked)):
        return entry
    with transaction.atomic():
        people.begin(caller)
        entry = people.found(caller, read_id(uid), lock=True)
        _as_known(entry, known)
        return people.change(caller, entry, _asked_of(caller, entry, asked))


@transaction.atomic
def delete_user(caller: Caller, uid: str, *, known: Collection[str] = ()) -> None:
    """End the person and let go of them."""
    people.begin(caller)
    entry = people.found(caller, read_id(uid), lock=True)
    _as_known(entry, known)
    people.delete(caller, entry)


def _ids(resource: Group) -> tuple[str, ...]:
    return tuple(each.value or "" for each in resource.members or ())


@transaction.atomic
def create_group(caller: Caller, body: object) -> DirectoryGroup:
    """Make a group with its members."""
    resource = _read(Group, body, Context.RESOURCE_CREATION_REQUEST)
    return groups.create(caller, resource, _ids(resource))


def replace_group(
    caller: Caller, uid: str, body: object, *, known: Collection[str] = ()
) -> DirectoryGroup:
    """Make the group and its members what the body says."""
    resource = _read(Group, body, Context.RESOURCE_REPLACEMENT_REQUEST)
    return _change_group(caller, uid, known, resource)


def patch_group(
    caller: Caller, uid: str, body: object, *, known: Collection[str] = ()
) -> DirectoryGroup:
    """Do the operations of the body, all or none."""
    return _change_group(caller, uid, known, operations(body))


@transaction.atomic
def _change_group(
    caller: Caller, uid: str, known: Collection[str], asked: Group | list[Operation]
) -> DirectoryGroup:
    people.begin(caller)
    group = groups.found(caller, read_id(uid), lock=True)
    _as_known(group, known)
    if isinstance(asked, Group):
        resource, members = asked, [Membership("replace", _ids(asked))]
    else:
        members, others = memberships(asked)
        resource = patched(Group, answers.group_of(group), others)
    return groups.change(caller, group, resource, members)


@transaction.atomic
def delete_group(caller: Caller, uid: str, *, known: Collection[str] = ()) -> None:
    """Let go of a group."""
    people.begin(caller)
    group = groups.found(caller, read_id(uid), lock=True)
    _as_known(group, known)
    groups.delete(caller, group)
