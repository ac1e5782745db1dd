"""Principals and their groups as people, files and directories keep them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from django.db import transaction

from policies.models import Grant, GroupMembership, Integration, Principal, PrincipalGroup
from policies.services.duties import refuse_member
from policies.services.granting import end_grants_of
from policies.services.principals import check_holder, is_person, lock_holder, users_of
from policies.services.settling import settle_locked
from policies.services.trail import Refused, locked
from vendors.services.slugs import free_slug

if TYPE_CHECKING:
    from policies.services.trail import Person

EDITABLE = ("name", "email", "external_id")


@transaction.atomic
def add_principal(
    kind: str, identifier: str, *, source: str, at: dt.datetime, **fields: str
) -> Principal:
    """Say who is behind an actor that no call has named yet; `fields` are of `EDITABLE`.

    Raises: ValidationError if there is one, or if a value does not fit.
    """
    principal = Principal(
        kind=kind,
        identifier=identifier,
        source=source,
        created_at=at,
        **{name: fields[name] for name in EDITABLE if name in fields},
    )
    principal.full_clean()
    principal.save()
    return principal


@transaction.atomic
def change_principal(
    principal: Principal, values: Mapping[str, str], *, by: Person | None, at: dt.datetime
) -> Principal:
    """Change what is known of a principal: fields of `EDITABLE`, and its `state`.

    An unknown one that is given a state is known from now on. One that leaves loses its grants and
    memberships at once; one that comes back begins without any.
    Raises: ValidationError if a value does not fit; Refused to make one unknown again.
    """
    locked_one = lock_holder(principal)
    assert isinstance(locked_one, Principal)
    principal, state = locked_one, values.get("state", locked_one.state)
    before = principal.state
    if state == Principal.State.UNKNOWN != before:
        raise Refused("What is known of somebody stays known.")
    if state == Principal.State.LEFT != before:
        end_grants_of(principal, by=by, at=at, reason="Left")
    for name in EDITABLE:
        if name in values:
            setattr(principal, name, values[name])
    principal.state = state
    principal.left_at = (principal.left_at or at) if state == Principal.State.LEFT else None
    # The id stays, and an account's is its address, whatever that holds.
    principal.full_clean(exclude=["kind", "identifier"])
    principal.save()
    return principal


@transaction.atomic
def add_group(
    name: str, *, source: str, at: dt.datetime, external_id: str = "", slug: str = ""
) -> PrincipalGroup:
    """A new group without members. Raises: ValidationError if a value does not fit."""
    group = PrincipalGroup(
        slug=slug or free_slug(PrincipalGroup, name, otherwise="group"),
        name=name,
        source=source,
        external_id=external_id,
        created_at=at,
    )
    group.full_clean(exclude=["members"])
    group.save()
    return group


@transaction.atomic
def change_members(
    group: PrincipalGroup,
    *,
    add: Iterable[Principal] = (),
    remove: Iterable[Principal] = (),
    by: Person | None,
    at: dt.datetime,
) -> tuple[int, int]:
    """Take principals into a group and out of it; they hold its grants from now on, or no longer.

    `by` is nobody where a directory says so. Who is a member already, or is none, stays so.
    Returns: how many were taken in, and out.
    Raises: Refused to add oneself, one who has left or is unknown, or to a group given up.
    """
    locked_group = lock_holder(group)
    check_holder(locked_group)
    granted = group.grants.filter(state=Grant.State.STANDING)
    pks = set(granted.values_list("integration_id", flat=True))
    integrations = [locked(Integration(pk=pk)) for pk in sorted(pks)]
    members = {m.principal_id: m for m in group.memberships.all()}
    entering = [p for p in add if p.pk not in members]
    for principal in entering:
        check_holder(principal)
        if by is not None and is_person(principal, by):
            raise Refused("Nobody adds themselves to a group: ask another officer.")
        # What a directory says stands: what must be apart is found by the daily checks.
        if by is not None:
            refuse_member(users_of(principal), group)
        GroupMembership.objects.create(
            group=group, principal=principal, added_by_id=by.pk if by else None, added_at=at
        )
    leaving = [members[p.pk] for p in remove if p.pk in members]
    for membership in leaving:
        membership.delete()
    for integration in integrations if entering or leaving else ():
        settle_locked(integration, at)
    return len(entering), len(leaving)


@transaction.atomic
def give_up_group(group: PrincipalGroup, *, by: Person | None, at: dt.datetime) -> PrincipalGroup:
    """End a group with its grants and memberships; safe to repeat."""
    locked_group = lock_holder(group)
    assert isinstance(locked_group, PrincipalGroup)
    if locked_group.ended_at is not None:
        return locked_group
    end_grants_of(locked_group, by=by, at=at, reason="The group was given up")
    for membership in locked_group.memberships.all():
        membership.delete()
    locked_group.ended_at = at
    locked_group.save()
    return locked_group
