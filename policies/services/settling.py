"""Makes guardian's object permissions follow grants and memberships, and closes what has ended.

What guardian says is never decided there. Each service that changes a grant or a group settles the
integrations it touched in the same transaction; a job does it each minute and each night for those
where the passing of time has changed something. Who asks in that minute asks `rights_now`.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q, QuerySet
from guardian.models import UserObjectPermission

from policies.models import Grant, Integration
from policies.services.trail import FINAL, Kind, locked, note_event

if TYPE_CHECKING:
    from policies.models.people import GrantQuerySet
    from policies.services.trail import Person

# A person by id, and what of `Grant.Permission` they may.
Right: TypeAlias = "tuple[int, str]"
NAMES = tuple(Grant.Permission.values)
LAPSED = "It came to its end."
OVER = "The integration has ended."
STALE_REQUEST = "Nobody decided before its end."


@dataclass(frozen=True, slots=True)
class Settled:
    """How many grants were closed, and object permissions given and taken."""

    ended: int = 0
    given: int = 0
    taken: int = 0

    def __add__(self, other: Settled) -> Settled:
        return Settled(self.ended + other.ended, self.given + other.given, self.taken + other.taken)


def rights(at: dt.datetime, pks: Collection[int] | None = None) -> dict[int, set[Right]]:
    """Who of the portal may do what at the moment `at`, by integration: as grants say.

    The owner reads the log as long as they own it. Three queries for any number.
    """
    grants = Grant.objects.standing(at).exclude(integration__state__in=FINAL)
    owned = Integration.objects.filter(owner__isnull=False)
    if pks is not None:
        grants = grants.filter(integration_id__in=pks)
        owned = owned.filter(pk__in=pks)
    found: dict[int, set[Right]] = defaultdict(set)
    for holder in ("principal", "group__members"):
        theirs = {
            f"{holder}__state": "active",
            f"{holder}__user__is_active": True,
        }
        rows = grants.filter(**theirs).values_list(
            "integration_id", f"{holder}__user_id", "permission"
        )
        for pk, user_id, name in rows:
            found[pk].add((user_id, name))
    for pk, user_id in owned.values_list("pk", "owner_id"):
        found[pk].add((user_id, Grant.Permission.READ_LOG.value))
    return found


def granted(pks: Collection[int] | None = None) -> dict[int, set[Right]]:
    """What guardian says, in the form of `rights`; one query."""
    found: dict[int, set[Right]] = defaultdict(set)
    for pk, user_id, name in _rows(pks).values_list("object_pk", "user_id", "permission__codename"):
        found[int(pk)].add((user_id, name))
    return found


def _rows(pks: Collection[int] | None) -> QuerySet[UserObjectPermission]:
    rows = UserObjectPermission.objects.filter(
        permission__codename__in=NAMES,
        content_type__app_label="policies",
        content_type__model="integration",
    )
    return rows if pks is None else rows.filter(object_pk__in=[str(pk) for pk in pks])


def settle(at: dt.datetime, integrations: Iterable[Integration] | None = None) -> Settled:
    """Close what has ended by `at`, and make guardian say what grants say; safe to repeat.

    Without `integrations` all of them are looked at, and those that differ are settled, each in a
    transaction of its own.
    """
    pks = None if integrations is None else sorted(i.pk for i in integrations)
    done = Settled()
    for pk in _unsettled(at, pks):
        with transaction.atomic():
            done += settle_locked(locked(Integration(pk=pk)), at)
    return done


def _unsettled(at: dt.datetime, pks: Collection[int] | None) -> list[int]:
    wanted, stand = rights(at, pks), granted(pks)
    over = _over(at) if pks is None else _over(at).filter(integration_id__in=pks)
    differ = {pk for pk in {*wanted, *stand} if wanted.get(pk, set()) != stand.get(pk, set())}
    return sorted(differ | set(over.values_list("integration_id", flat=True)))


def _over(at: dt.datetime) -> GrantQuerySet:
    """Grants and requests that should be closed: past their end, or of what has ended itself."""
    return Grant.objects.filter(
        Q(ends_at__lte=at) | Q(integration__state__in=FINAL),
        state__in=[Grant.State.STANDING, Grant.State.REQUESTED],
    )


def settle_locked(integration: Integration, at: dt.datetime) -> Settled:
    """As `settle`, of an integration whose row this transaction has locked."""
    ended = 0
    over = _over(at).filter(integration_id=integration.pk).select_related("principal", "group")
    for grant in over.select_for_update(of=("self",)).order_by("pk"):
        close(grant, at=min(at, max(grant.ends_at, grant.asked_at)), note=_why(grant, at))
        ended += 1
    wanted = rights(at, [integration.pk])[integration.pk]
    stand = granted([integration.pk])[integration.pk]
    taken, given = stand - wanted, wanted - stand
    for row in _rows([integration.pk]).select_related("permission") if taken else ():
        if (row.user_id, row.permission.codename) in taken:
            row.delete()
    _give(integration, given)
    return Settled(ended, len(given), len(taken))


def _why(grant: Grant, at: dt.datetime) -> str:
    if grant.ends_at > at:
        return OVER
    return LAPSED if grant.state == Grant.State.STANDING else STALE_REQUEST


def close(
    grant: Grant,
    *,
    at: dt.datetime,
    note: str,
    by: Person | None = None,
    state: str = Grant.State.ENDED,
) -> None:
    """End a grant or a request whose row is locked, and say so in the integration's trail."""
    withdrawn = state == Grant.State.WITHDRAWN
    grant.state, grant.ended_at, grant.end_note = state, at, note[:300]
    grant.ended_by_id = by.pk if by else None
    grant.save()
    kind = Kind.GRANT_WITHDRAWN if withdrawn else Kind.GRANT_ENDED
    note_event(grant.integration, kind, by=by, at=at, note=in_words(grant))


def in_words(grant: Grant) -> str:
    """Whose grant it is and what for, as the trail says it: ids, never a purpose."""
    holder = grant.principal.actor if grant.principal else f"group {grant.holder}"
    return f"{holder}: {grant.get_permission_display().lower()}"


def _give(integration: Integration, given: Collection[Right]) -> None:
    if not given:
        return
    kind = ContentType.objects.get_for_model(Integration)
    known = {
        p.codename: p for p in Permission.objects.filter(content_type=kind, codename__in=NAMES)
    }
    for user_id, name in sorted(given):
        UserObjectPermission(
            user_id=user_id,
            permission=known[name],
            content_type=kind,
            object_pk=str(integration.pk),
        ).save()
