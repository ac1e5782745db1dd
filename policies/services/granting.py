"""Grants: asked for, decided on by another person, taken away, ended; and emergency access.

Each service locks whose grant it is, then the integration, then the grant, so of two people who
decide at once the second one reads what the first one left. What a grant gives is there from the
commit on, for the gate and for every page, and is gone in the same way.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from policies.models import (
    EMERGENCY_AT_MOST,
    Grant,
    GroupMembership,
    Integration,
    Principal,
    PrincipalGroup,
)
from policies.services.duties import refuse_conflict
from policies.services.principals import (
    check_holder,
    is_person,
    lock_holder,
    principal_of,
    users_of,
)
from policies.services.settling import close, in_words, settle, settle_locked
from policies.services.trail import FINAL, Kind, Refused, locked, note_event

if TYPE_CHECKING:
    from policies.models.people import GrantQuerySet
    from policies.services.trail import Person

__all__ = [
    "approve_grant",
    "break_in",
    "end_grants_of",
    "give_grant",
    "refuse_grant",
    "request_grant",
    "review_emergency",
    "settle",
    "withdraw_grant",
]

EMERGENCY_HOURS = int(EMERGENCY_AT_MOST / dt.timedelta(hours=1))
SHORTEST_REASON = 10
OPEN = (Grant.State.REQUESTED, Grant.State.STANDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for or given: to one principal, or to each member of one group.

    `permission` is one of `Grant.Permission`; it holds from `starts_at`, or from now, until just
    before `ends_at`.
    """

    permission: str
    purpose: str
    ends_at: dt.datetime
    principal: Principal | None = None
    group: PrincipalGroup | None = None
    starts_at: dt.datetime | None = None

    def since(self, at: dt.datetime) -> dt.datetime:
        """When it begins if it stands from the moment `at` on."""
        return max(self.starts_at or at, at)


def longest(at: dt.datetime) -> dt.datetime:
    """The last moment at which a grant that is asked for or given at `at` may end."""
    return at + dt.timedelta(days=settings.GRANT_DAYS)


@transaction.atomic
def request_grant(
    integration: Integration, wanted: Wanted, *, by: Person, at: dt.datetime
) -> Grant:
    """Ask that a principal, or each member of a group, may do something until `ends_at`.

    Raises: Refused if it has no purpose or an end that is past or beyond `longest`, if the holder
    is unknown or has left, if such a grant stands or is asked for, or on an integration that ended.
    """
    integration = _open_to(integration, wanted, at)
    waiting = _of_holder(wanted, integration).filter(state=Grant.State.REQUESTED)
    if waiting.exists():
        raise Refused("This is asked for already, and waits for a decision.")
    grant = _new(integration, wanted, asked_by_id=by.pk, asked_at=at)
    note_event(integration, Kind.GRANT_ASKED, by=by, at=at, note=in_words(grant))
    return grant


@transaction.atomic
def give_grant(integration: Integration, wanted: Wanted, *, by: Person, at: dt.datetime) -> Grant:
    """Give a grant to another unasked: who gives is the second person.

    Raises: Refused as `request_grant`, and to whoever would hold it themselves.
    """
    integration = _open_to(integration, wanted, at)
    if _would_hold(by, wanted.principal, wanted.group):
        raise Refused("Nobody grants to themselves: ask another officer.")
    grant = _new(
        integration,
        wanted,
        state=Grant.State.STANDING,
        asked_at=at,
        decided_by_id=by.pk,
        decided_at=at,
    )
    note_event(integration, Kind.GRANT_GIVEN, by=by, at=at, note=in_words(grant))
    settle_locked(integration, at)
    return grant


@transaction.atomic
def approve_grant(
    grant: Grant, *, by: Person, at: dt.datetime, note: str = "", ends_at: dt.datetime | None = None
) -> Grant:
    """Let a request stand from now, or from when it was asked to begin; perhaps for less long.

    Raises: Refused to whoever asked or would hold it, if it is decided on, if its end has passed
    or `ends_at` is later than what was asked for, or if such a grant stands meanwhile.
    """
    grant = _locked_request(grant, by)
    if ends_at is not None and ends_at > grant.ends_at:
        raise Refused("Nobody decides on more than was asked for.")
    wanted = Wanted(
        permission=grant.permission,
        purpose=grant.purpose,
        ends_at=ends_at or grant.ends_at,
        principal=grant.principal,
        group=grant.group,
        starts_at=grant.starts_at,
    )
    integration = _open_to(grant.integration, wanted, at)
    grant.state, grant.starts_at = Grant.State.STANDING, wanted.since(at)
    grant.ends_at = wanted.ends_at
    grant.decided_by_id, grant.decided_at, grant.note = by.pk, at, note[:300]
    grant.save()
    note_event(integration, Kind.GRANT_GIVEN, by=by, at=at, note=in_words(grant))
    settle_locked(integration, at)
    return grant


@transaction.atomic
def refuse_grant(grant: Grant, *, by: Person, at: dt.datetime, note: str) -> Grant:
    """Say no to a request, and why.

    Raises: Refused to whoever asked or would hold it, without a reason, or if it is decided on.
    """
    grant = _locked_request(grant, by)
    if not note.strip():
        raise Refused("Say why, so that the person who asked knows.")
    grant.state, grant.note = Grant.State.REFUSED, note[:300]
    grant.decided_by_id, grant.decided_at = by.pk, at
    grant.save()
    note_event(grant.integration, Kind.GRANT_REFUSED, by=by, at=at, note=in_words(grant))
    return grant


@transaction.atomic
def withdraw_grant(grant: Grant, *, by: Person, at: dt.datetime, note: str = "") -> Grant:
    """Take a grant away, in force for the next call; or take back a request.

    Raises: Refused if it has ended or was refused.
    """
    integration = locked(grant.integration)
    grant = _locked(grant)
    if grant.state not in OPEN or grant.ends_at <= at:
        raise Refused("It has ended already.")
    close(grant, at=at, note=note, by=by, state=Grant.State.WITHDRAWN)
    settle_locked(integration, at)
    return grant


@transaction.atomic
def break_in(
    integration: Integration,
    *,
    permission: str,
    by: Person,
    at: dt.datetime,
    reason: str,
    hours: int = EMERGENCY_HOURS,
) -> Grant:
    """Take access in an emergency, without waiting for anybody; it ends by itself.

    Raises: Refused for no reason worth reading, for more than 4 hours, for what the person may do
    already, while an earlier one here waits for its review, or on an integration that ended.
    Source: 45 CFR 164.312(a)(2)(ii), emergency access procedure.
    """
    if not 1 <= hours <= EMERGENCY_HOURS:
        raise Refused(f"Emergency access lasts {EMERGENCY_HOURS} hours at most.")
    if len(reason.strip()) < SHORTEST_REASON:
        raise Refused("Say what the emergency is: officers read it.")
    wanted = Wanted(
        permission=permission,
        purpose=reason,
        ends_at=at + dt.timedelta(hours=hours),
        principal=principal_of(by, at=at),
    )
    integration = _open_to(integration, wanted, at, kind=Grant.Kind.EMERGENCY)
    mine = _of_holder(wanted, integration)
    if mine.standing(at).exists():
        raise Refused("You may do this already.")
    waiting = Grant.objects.unreviewed().filter(principal=wanted.principal, integration=integration)
    if waiting.exclude(state=Grant.State.STANDING, ends_at__gt=at).exists():
        raise Refused("Your last emergency access here waits for its review: ask an officer.")
    grant = _new(
        integration,
        wanted,
        kind=Grant.Kind.EMERGENCY,
        state=Grant.State.STANDING,
        asked_by_id=by.pk,
        asked_at=at,
    )
    note_event(integration, Kind.BROKEN_IN, by=by, at=at, note=in_words(grant))
    settle_locked(integration, at)
    return grant


@transaction.atomic
def review_emergency(grant: Grant, *, by: Person, at: dt.datetime, note: str) -> Grant:
    """Say what an emergency access was, after it ended.

    Raises: Refused to whoever took it, while it lasts, without a note, or if it is reviewed.
    """
    grant = _locked(grant)
    if grant.kind != Grant.Kind.EMERGENCY or grant.reviewed_at is not None:
        raise Refused("There is nothing to review here.")
    if grant.asked_by_id == by.pk or _would_hold(by, grant.principal, None):
        raise Refused("Somebody else reviews an emergency access.")
    if grant.stands_at(at):
        raise Refused("It has not ended yet: withdraw it, or wait.")
    if not note.strip():
        raise Refused("Say what you found.")
    grant.reviewed_by_id, grant.reviewed_at, grant.review_note = by.pk, at, note[:300]
    grant.save()
    note_event(grant.integration, Kind.EMERGENCY_REVIEWED, by=by, at=at, note=in_words(grant))
    return grant


@transaction.atomic
def end_grants_of(
    holder: Person | Principal | PrincipalGroup, *, by: Person | None, at: dt.datetime, reason: str
) -> int:
    """End every grant and request of a holder at once, and a principal's memberships of groups.

    A person's are those of the principal that they are. Call it before the person's own row is
    changed: it locks integrations, and such a change makes all records wait.
    Returns: how many grants and requests ended.
    """
    whose: Principal | PrincipalGroup | None
    if isinstance(holder, Principal | PrincipalGroup):
        whose = holder
    else:
        whose = Principal.objects.filter(user_id=holder.pk).first()
    if whose is None:
        return 0
    lock_holder(whose)
    found = whose.grants.filter(state__in=OPEN)
    groups: QuerySet[GroupMembership] = GroupMembership.objects.none()
    touched = set(found.values_list("integration_id", flat=True))
    if isinstance(whose, Principal):
        groups = whose.memberships.all()
        touched |= set(_through(groups).values_list("integration_id", flat=True))
    integrations = [locked(Integration(pk=pk)) for pk in sorted(touched)]
    ended = 0
    for grant in found.select_for_update(of=("self",)).select_related("principal", "group"):
        close(grant, at=at, note=reason, by=by)
        ended += 1
    for membership in groups:
        membership.delete()
    for integration in integrations:
        settle_locked(integration, at)
    return ended


def _through(memberships: QuerySet[GroupMembership]) -> QuerySet[Grant]:
    return Grant.objects.filter(
        state=Grant.State.STANDING, group__in=memberships.values("group_id")
    )


def _open_to(
    integration: Integration, wanted: Wanted, at: dt.datetime, kind: str = Grant.Kind.STANDING
) -> Integration:
    """The integration, locked after the holder. Raises: Refused if such a grant may not stand."""
    if wanted.permission not in Grant.Permission.values:
        raise Refused("Choose what is granted from the list.")
    whose = wanted.principal or wanted.group
    if whose is None or (wanted.principal and wanted.group):
        raise Refused("Choose one principal or one group.")
    if not wanted.purpose.strip():
        raise Refused("Say what it is needed for.")
    starts_at = wanted.since(at)
    if not starts_at < wanted.ends_at <= longest(at):
        raise Refused(f"It ends after it begins, and within {settings.GRANT_DAYS} days.")
    check_holder(lock_holder(whose))
    integration = locked(integration)
    if integration.state in FINAL:
        raise Refused("It has ended: nothing is granted any more.")
    stands = _of_holder(wanted, integration).filter(
        kind=kind,
        state=Grant.State.STANDING,
        starts_at__lt=wanted.ends_at,
        ends_at__gt=starts_at,
    )
    if stands.exists():
        raise Refused("Such a grant stands at that time already.")
    # In an emergency nobody is stopped: the daily checks tell it (45 CFR 164.312(a)(2)(ii)).
    if kind == Grant.Kind.STANDING:
        users = users_of(whose)
        refuse_conflict(users=users, permission=wanted.permission, integration=integration)
    return integration


def _of_holder(wanted: Wanted, integration: Integration) -> GrantQuerySet:
    whose = Q(principal=wanted.principal) if wanted.principal else Q(group=wanted.group)
    return Grant.objects.filter(whose, integration=integration, permission=wanted.permission)


def _would_hold(person: Person, principal: Principal | None, group: PrincipalGroup | None) -> bool:
    if principal is not None:
        return is_person(principal, person)
    assert group is not None
    return any(is_person(member, person) for member in group.members.select_related("user"))


def _locked(grant: Grant) -> Grant:
    return (
        Grant.objects.select_for_update(of=("self",))
        .select_related("integration", "principal__user", "group")
        .get(pk=grant.pk)
    )


def _locked_request(grant: Grant, by: Person) -> Grant:
    """The request as it stands, locked after holder and integration; `by` may decide on it."""
    lock_holder(grant.holder)
    locked(grant.integration)
    grant = _locked(grant)
    if grant.state != Grant.State.REQUESTED:
        raise Refused(f"It is {grant.get_state_display().lower()} already.")
    if grant.asked_by_id == by.pk or _would_hold(by, grant.principal, grant.group):
        raise Refused("Nobody decides on what they asked for or would hold: ask another officer.")
    return grant


def _new(
    integration: Integration, wanted: Wanted, *, asked_at: dt.datetime, **fields: Any
) -> Grant:
    return Grant.objects.create(
        integration=integration,
        permission=wanted.permission,
        principal=wanted.principal,
        group=wanted.group,
        purpose=wanted.purpose.strip()[:300],
        starts_at=wanted.since(asked_at),
        ends_at=wanted.ends_at,
        asked_at=asked_at,
        **fields,
    )
