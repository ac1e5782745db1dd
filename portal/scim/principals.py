"""The principals behind people of a directory that keeps who calls through integrations.

The user name is the id that calls carry. A directory says who somebody is, ends them with their
grants, and says who is in which group; what a group may do, officers grant (decision 0030).
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from policies.models import Principal, PrincipalGroup
from policies.services.directory import (
    add_group,
    add_principal,
    change_members,
    change_principal,
    give_up_group,
)
from policies.services.trail import Refused
from portal.models import DirectoryGroup, DirectoryPerson
from portal.scim.accounts import ENDED_HERE, KEPT_HERE, full_name
from portal.scim.callers import Caller
from portal.scim.errors import Refusal, invalid, taken

if TYPE_CHECKING:
    from collections.abc import Iterator

SCIM = Principal.Source.SCIM


@contextmanager
def _said() -> Iterator[None]:
    """Turns a refusal of the services into one of SCIM. A ValidationError may quote; ours not."""
    try:
        yield
    except Refused as refused:
        raise Refusal(409, str(refused)) from None
    except ValidationError:
        raise invalid("A user name holds letters, digits and @._:+- alone, 120 at most.") from None


def _fields(entry: DirectoryPerson) -> dict[str, str]:
    primary = [each["value"] for each in entry.emails if each.get("primary")]
    addresses = primary or [each["value"] for each in entry.emails]
    return {
        "name": full_name(entry),
        "email": addresses[0] if addresses else "",
        "external_id": entry.external_id[:200],
    }


def link(entry: DirectoryPerson, caller: Caller) -> None:
    """Give a new entry its principal: the one that calls named so already, or a new one.

    Raises: Refusal for one that another directory keeps, that has an account of the portal, or
    that was ended in the portal.
    """
    name = entry.user_name.strip()
    entry.user_name = name
    principal = Principal.objects.filter(kind=Principal.Kind.USER, identifier=name).first()
    if principal is None:
        with _said():
            entry.principal = add_principal(
                Principal.Kind.USER, name, source=SCIM, at=caller.at, **_fields(entry)
            )
        if not entry.active:
            _change(entry, caller, state=Principal.State.LEFT)
            entry.ended_by_directory = True
        return
    earlier = DirectoryPerson.objects.filter(principal=principal).order_by("-pk").first()
    if earlier is not None and earlier.deleted_at is None:
        raise taken("Another person of a directory has this user name.")
    if principal.state == Principal.State.LEFT and not (earlier and earlier.ended_by_directory):
        raise Refusal(409, ENDED_HERE)
    entry.principal = principal
    entry.ended_by_directory = not entry.active or principal.state == Principal.State.LEFT
    state = Principal.State.ACTIVE if entry.active else Principal.State.LEFT
    _change(entry, caller, state=state, **_fields(entry))
    entry.ended_by_directory = not entry.active


def _change(entry: DirectoryPerson, caller: Caller, **values: str) -> Principal:
    principal = entry.principal
    assert principal is not None  # an entry of principals has one
    if principal.user_id is not None:
        raise Refusal(403, KEPT_HERE)
    with _said():
        entry.principal = change_principal(principal, values, by=None, at=caller.at)
    return entry.principal


def follow_active(entry: DirectoryPerson, caller: Caller) -> None:
    """End the principal with its grants, or give back what the directory ended.

    Who comes back is in the groups that the directory says, and holds what is granted to those.
    Raises: Refusal for what was ended in the portal.
    """
    assert entry.principal is not None  # an entry of principals has one
    left = entry.principal.state == Principal.State.LEFT
    if not entry.active:
        if not left:
            _change(entry, caller, state=Principal.State.LEFT)
            entry.ended_by_directory = True
        return
    if not left:
        return
    if not entry.ended_by_directory:
        raise Refusal(409, ENDED_HERE)
    principal = _change(entry, caller, state=Principal.State.ACTIVE)
    entry.ended_by_directory = False
    for group in entry.groups.filter(deleted_at=None).select_related("principal_group"):
        _move(group, caller, add=[principal])


def follow_name(entry: DirectoryPerson, caller: Caller) -> None:
    """Call the principal what the directory calls the person; its identifier stays."""
    assert entry.principal is not None  # an entry of principals has one
    said = _fields(entry)
    if any(getattr(entry.principal, name) != value for name, value in said.items()):
        _change(entry, caller, **said)


def group_made(group: DirectoryGroup, joined: Collection[DirectoryPerson], caller: Caller) -> None:
    """Make the group of principals that a pushed group stands for; it holds no grant yet."""
    with _said():
        group.principal_group = add_group(
            group.display_name[:120],
            source=SCIM,
            at=caller.at,
            external_id=group.external_id[:200],
        )
    group.save()
    group_changed(group, joined, (), caller)


def group_changed(
    group: DirectoryGroup,
    joined: Collection[DirectoryPerson],
    left: Collection[DirectoryPerson],
    caller: Caller,
) -> None:
    """Let the principals in and out; a renamed group keeps what is granted to it."""
    held = group.principal_group
    assert held is not None  # made with the group
    if (held.name, held.external_id) != (group.display_name[:120], group.external_id[:200]):
        stored = PrincipalGroup.objects.select_for_update().get(pk=held.pk)
        stored.name, stored.external_id = group.display_name[:120], group.external_id[:200]
        stored.save()
    _move(group, caller, add=_active(joined), remove=[p for p in map(_of, left) if p])


def group_gone(group: DirectoryGroup, gone: Collection[DirectoryPerson], caller: Caller) -> None:
    """End the group with everything that is granted to it."""
    if group.principal_group is not None:
        give_up_group(group.principal_group, by=None, at=caller.at)


def _of(entry: DirectoryPerson) -> Principal | None:
    return entry.principal


def _active(people: Collection[DirectoryPerson]) -> list[Principal]:
    return [
        each.principal
        for each in people
        if each.principal is not None and each.principal.state == Principal.State.ACTIVE
    ]


def _move(
    group: DirectoryGroup,
    caller: Caller,
    *,
    add: Collection[Principal] = (),
    remove: Collection[Principal] = (),
) -> None:
    assert group.principal_group is not None  # made with the group
    with _said():
        change_members(group.principal_group, add=add, remove=remove, by=None, at=caller.at)
