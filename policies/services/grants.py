"""Who may do what with one integration: its owner, and people with a grant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from guardian.models import UserObjectPermission
from guardian.shortcuts import assign_perm, remove_perm

from policies.models import Integration
from policies.roles import OWNER
from policies.services.lifecycle import FINAL
from policies.services.trail import Kind, Refused, locked, note_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.services.trail import Person

# What an officer gives and takes, with the words a person reads.
GRANTS = {
    "send_prompt": "Send prompts",
    "view_output": "View outputs",
    "read_log": "Read the call log",
}


def may(person: Person, permission: str, integration: Integration) -> bool:
    """Whether a person holds a permission such as `manage_keys`, by role or on this object."""
    name = f"policies.{permission}"
    return person.has_perm(name) or person.has_perm(name, integration)


def actions(person: Person, integration: Integration) -> set[str]:
    """Every permission of integrations that the person holds here, without the app's name."""
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
    return {name for name in names if may(person, name, integration)}


@dataclass(frozen=True, slots=True)
class Holder:
    """A person and the names of `GRANTS` that they hold on one integration."""

    user: Person
    names: frozenset[str]


def holders(integration: Integration) -> list[Holder]:
    """Everybody who holds a grant on the integration, by e-mail; one query."""
    rows = (
        UserObjectPermission.objects.filter(
            object_pk=str(integration.pk),
            permission__content_type__app_label="policies",
            permission__content_type__model="integration",
            permission__codename__in=GRANTS,
        )
        .select_related("user", "permission")
        .order_by("user__email")
    )
    found: dict[int, tuple[Person, set[str]]] = {}
    for row in rows:
        found.setdefault(row.user_id, (row.user, set()))[1].add(row.permission.codename)
    return [Holder(user, frozenset(names)) for user, names in found.values()]


def _known(names: Iterable[str]) -> list[str]:
    chosen = sorted(set(names))
    if not chosen or not set(chosen) <= set(GRANTS):
        raise Refused("Choose what is granted from the list.")
    return chosen


@transaction.atomic
def give(
    integration: Integration, *, to: Person, names: Iterable[str], by: Person, at: dt.datetime
) -> list[str]:
    """Let a person do what `names` of `GRANTS` say; those they hold already stay as they are.

    Returns: what was given anew.
    Raises: Refused for a name that is not listed, for oneself, for a person who has left, or on an
    integration that has ended.
    """
    chosen = _known(names)
    if to.pk == by.pk:
        raise Refused("Nobody grants to themselves: ask another officer.")
    if not to.is_active:
        raise Refused("This person has left.")
    integration = locked(integration)
    if integration.state in FINAL:
        raise Refused("It has ended: nothing is granted any more.")
    new = [n for n in chosen if not _holds(to, n, integration)]
    for name in new:
        assign_perm(f"policies.{name}", to, integration)
    if new:
        note_event(integration, Kind.GRANT_GIVEN, by=by, at=at, note=_words(to, new))
    return new


@transaction.atomic
def withdraw(
    integration: Integration, *, of: Person, names: Iterable[str], by: Person, at: dt.datetime
) -> list[str]:
    """Take grants away from a person, in force for the next call.

    Returns: what was taken. The owner's reading of the log stays: it comes with owning it.
    Raises: Refused for a name that is not listed, or for the owner's own permission.
    """
    chosen = _known(names)
    integration = locked(integration)
    if of.pk == integration.owner_id and any(f"policies.{n}" in OWNER for n in chosen):
        raise Refused("The owner reads the log as long as they own it.")
    held = [n for n in chosen if _holds(of, n, integration)]
    for name in held:
        remove_perm(f"policies.{name}", of, integration)
    if held:
        note_event(integration, Kind.GRANT_WITHDRAWN, by=by, at=at, note=_words(of, held))
    return held


def _holds(person: Person, name: str, integration: Integration) -> bool:
    return UserObjectPermission.objects.filter(
        user_id=person.pk,
        object_pk=str(integration.pk),
        permission__codename=name,
        permission__content_type__app_label="policies",
        permission__content_type__model="integration",
    ).exists()


def _words(person: Person, names: Iterable[str]) -> str:
    return f"{person.email}: {', '.join(GRANTS[name].lower() for name in names)}"


@transaction.atomic
def change_owner(
    integration: Integration, *, owner: Person, by: Person, at: dt.datetime
) -> Integration:
    """Make another active person answer for the integration; the old owner's permissions end.

    Raises: Refused if the person has left or owns it already, or if it has ended.
    """
    integration = locked(integration)
    if integration.state in FINAL:
        raise Refused("It has ended, so its owner stays.")
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
    note = f"From {previous or 'nobody'} to {owner}"
    note_event(integration, Kind.OWNER_CHANGED, by=by, at=at, note=note)
    return integration
