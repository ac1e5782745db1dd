"""Who shall hold a grant, as people and programs write it; and who may see and end one."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db.models import Q

from policies.models import Grant, Principal, PrincipalGroup
from policies.services.principals import principal_of
from policies.services.trail import Refused

if TYPE_CHECKING:
    from policies.models.people import GrantQuerySet
    from policies.services.trail import Person

GROUP = "group:"
NOBODY = "Nobody is known by this: write an e-mail address, kind:id, or group:name."


def find_holder(text: str, *, by: Person, at: dt.datetime) -> Principal | PrincipalGroup:
    """The holder that `text` names: empty for `by`, an e-mail address, kind:id, or group:slug.

    A person of the portal becomes a principal by this. Raises: Refused if nobody is known by it.
    """
    text = text.strip()
    if not text or text.lower() == by.email.lower():
        return principal_of(by, at=at)
    if text.startswith(GROUP):
        group = PrincipalGroup.objects.filter(slug=text.removeprefix(GROUP)).first()
        if group is None:
            raise Refused(NOBODY)
        return group
    kind, colon, identifier = text.partition(":")
    if not colon:
        kind, identifier = Principal.Kind.USER.value, text
    if kind == Principal.Kind.USER:
        person = get_user_model().objects.filter(email__iexact=identifier).first()
        if person is not None:
            return principal_of(person, at=at)
    found = Principal.objects.filter(kind=kind, identifier=identifier).first()
    if found is None:
        raise Refused(NOBODY)
    return found


def own_grants(person: Person) -> GrantQuerySet:
    """Grants and requests that a person holds, by a group too, or asked for."""
    mine = (
        Q(principal__user_id=person.pk)
        | Q(group__members__user_id=person.pk)
        | Q(asked_by_id=person.pk)
    )
    return Grant.objects.filter(pk__in=Grant.objects.filter(mine).values("pk"))


def may_see_others(person: Person, grant: Grant) -> bool:
    """Whether a person may look at a grant that is not theirs: by role, or as the owner."""
    return person.has_perm("policies.view_grant") or grant.integration.owner_id == person.pk


def may_decide(person: Person) -> bool:
    """Whether a person may decide on requests, by role; on what `is_own` nobody does."""
    return person.has_perm("policies.grant_integration")


def may_withdraw(person: Person, grant: Grant) -> bool:
    """Whether a person may end a grant or take back a request: by role, or what is their own."""
    holds = grant.principal is not None and grant.principal.user_id == person.pk
    own = holds or grant.asked_by_id == person.pk
    return own or person.has_perm("policies.grant_integration")


def is_own(person: Person, grant: Grant) -> bool:
    """Whether the person asked for it or holds it, by themselves or as a member."""
    return own_grants(person).filter(pk=grant.pk).exists()


def decidable(person: Person) -> GrantQuerySet:
    """Requests that wait for a decision which this person may take; the oldest first."""
    rows = Grant.objects.asked_for().exclude(pk__in=own_grants(person).values("pk"))
    return rows.select_related("integration", "principal", "group", "asked_by").order_by(
        "asked_at", "pk"
    )


def reviewable(person: Person, at: dt.datetime) -> GrantQuerySet:
    """Emergency access that ended, was not reviewed, and is not the person's own."""
    rows = Grant.objects.unreviewed().exclude(asked_by_id=person.pk)
    over = rows.exclude(state=Grant.State.STANDING, ends_at__gt=at)
    return over.select_related("integration", "principal", "asked_by").order_by("ends_at", "pk")
