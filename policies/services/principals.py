"""Who is behind calls: the principal that a person is, and who may hold a grant."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction

from policies.models import Principal, PrincipalGroup
from policies.services.trail import Refused

if TYPE_CHECKING:
    from policies.services.trail import Person


def principal_of(person: Person, *, at: dt.datetime) -> Principal:
    """The principal that a person of the portal is, made if they were none; safe to repeat.

    One that calls named already, by the person's e-mail address, is theirs from now on.
    """
    found = Principal.objects.filter(user_id=person.pk).first()
    if found is not None:
        return found
    with transaction.atomic():
        seen = Principal.objects.select_for_update().filter(
            kind=Principal.Kind.USER, identifier__iexact=person.email, user__isnull=True
        )
        principal = seen.order_by("pk").first()
        if principal is None:
            return Principal.objects.create(
                kind=Principal.Kind.USER,
                identifier=person.email[:120],
                name=str(person)[:120],
                email=person.email,
                source=Principal.Source.PORTAL,
                user_id=person.pk,
                created_at=at,
            )
        principal.user_id = person.pk
        principal.name = principal.name or str(person)[:120]
        principal.email = person.email
        if principal.state == Principal.State.UNKNOWN:
            principal.state = Principal.State.ACTIVE
        principal.save()
        return principal


def is_person(principal: Principal, person: Person) -> bool:
    """Whether the principal is this person of the portal: by account, id or e-mail address."""
    address = person.email.lower()
    named = principal.kind == Principal.Kind.USER and principal.identifier.lower() == address
    return principal.user_id == person.pk or named or principal.email.lower() == address


def users_of(holder: Principal | PrincipalGroup) -> set[int]:
    """The ids of the people of the portal who hold what the holder holds."""
    if isinstance(holder, Principal):
        return set() if holder.user_id is None else {holder.user_id}
    return {member.user_id for member in holder.members.all() if member.user_id is not None}


def lock_holder(holder: Principal | PrincipalGroup) -> Principal | PrincipalGroup:
    """Lock the row of who holds or shall hold a grant, and read it as it stands."""
    if isinstance(holder, PrincipalGroup):
        return PrincipalGroup.objects.select_for_update().get(pk=holder.pk)
    return (
        Principal.objects.select_for_update(of=("self",)).select_related("user").get(pk=holder.pk)
    )


def check_holder(holder: Principal | PrincipalGroup) -> None:
    """Raises: Refused if the holder may be granted nothing: unknown, left or given up."""
    if isinstance(holder, PrincipalGroup):
        if holder.ended_at is not None:
            raise Refused("This group is given up.")
        return
    if holder.state == Principal.State.UNKNOWN:
        raise Refused("Nobody has said yet who this is.")
    gone = holder.user is not None and not holder.user.is_active
    if holder.state == Principal.State.LEFT or gone:
        raise Refused("This person has left.")
