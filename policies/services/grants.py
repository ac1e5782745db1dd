"""Who may do what with one integration: its owner, and whoever holds a grant."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction
from guardian.shortcuts import assign_perm, remove_perm

from policies.models import Grant, Integration
from policies.roles import OWNER
from policies.services.rights_now import held_on
from policies.services.settling import settle_locked
from policies.services.trail import FINAL, Kind, Refused, locked, note_event

if TYPE_CHECKING:
    from policies.models.people import GrantQuerySet
    from policies.services.trail import Person

# What an officer gives and takes, with the words a person reads.
GRANTS = {str(name): str(words) for name, words in Grant.Permission.choices}


def may(person: Person, permission: str, integration: Integration) -> bool:
    """Whether a person holds a permission such as `manage_keys` now, by role or on this object.

    At most one query beside those of the roles, which Django keeps with the person.
    """
    return person.has_perm(f"policies.{permission}") or permission in held_on(person, integration)


def actions(person: Person, integration: Integration) -> set[str]:
    """What of integrations the person may do here now, without the app's name; as `may`."""
    names = {
        "change_integration",
        "submit_integration",
        "approve_integration",
        "suspend_integration",
        "retire_integration",
        "manage_keys",
        "grant_integration",
        "read_log",
    }
    by_role = {name for name in names if person.has_perm(f"policies.{name}")}
    return by_role if by_role == names else by_role | (names & held_on(person, integration))


def holders(integration: Integration, at: dt.datetime) -> GrantQuerySet:
    """The grants that stand on the integration, by their end; with whose they are, one query."""
    return (
        integration.grants.standing(at)
        .select_related("principal", "group", "decided_by")
        .order_by("ends_at", "pk")
    )


@transaction.atomic
def change_owner(
    integration: Integration, *, owner: Person, by: Person, at: dt.datetime
) -> Integration:
    """Make another active person answer for the integration; the old owner's permissions end.

    The owner reads the log, so nobody makes themselves one.
    Raises: Refused to do that, if the person has left or owns it already, or if it has ended.
    """
    integration = locked(integration)
    if integration.state in FINAL:
        raise Refused("It has ended, so its owner stays.")
    if owner.pk == by.pk:
        raise Refused("Nobody makes themselves the owner: ask another officer.")
    if not owner.is_active:
        raise Refused("This person has left: choose somebody who is active.")
    if integration.owner_id == owner.pk:
        raise Refused("This person owns it already.")
    previous = integration.owner
    for permission in OWNER:
        if previous is not None:
            remove_perm(permission, previous, integration)
        assign_perm(permission, owner, integration)
    integration.owner_id = owner.pk
    integration.save()
    settle_locked(integration, at)
    note = f"From {previous or 'nobody'} to {owner}"
    note_event(integration, Kind.OWNER_CHANGED, by=by, at=at, note=note)
    return integration
