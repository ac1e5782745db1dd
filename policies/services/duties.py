"""Separation of duties: pairs of roles and grants that one person may not hold at once.

They are data that officers keep (AICPA TSC CC5.1, CC6.3; 45 CFR 164.308(a)(3)(i)). Asked at each
change of roles and of grants; what came about another way is a finding of the daily checks.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from guardian.models import UserObjectPermission

from policies.models import ExclusiveRoles, Grant, Integration, PrincipalGroup
from policies.models.duties import GRANT, ROLE
from policies.roles import OFFICER, ROLES
from policies.services.trail import Person, Refused

GRANTS = dict(Grant.Permission.choices)
# What the portal begins with, until officers say otherwise.
STARTING = [
    ("role:Administrator", f"role:{OFFICER}", "Who hands out roles does not decide on uses too."),
    ("role:Administrator", "role:Auditor", "Who hands out access does not examine it."),
    ("role:Auditor", f"role:{OFFICER}", "Who decides does not examine the decisions."),
    ("grant:send_prompt", "role:Auditor", "An auditor examines calls and makes none."),
]


@dataclass(frozen=True, slots=True)
class Held:
    """What one person holds: roles by name, and granted permissions by the integration's id."""

    roles: frozenset[str] = frozenset()
    grants: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def has(self, duty: str) -> bool:
        """Whether the person holds it: the role, or the permission on any integration."""
        if duty.startswith(ROLE):
            return duty.removeprefix(ROLE) in self.roles
        return any(duty.removeprefix(GRANT) in names for names in self.grants.values())


def clashes(held: Held, pair: ExclusiveRoles) -> bool:
    """Whether a person who holds this holds both of the pair; two grants: on one integration."""
    if pair.first.startswith(GRANT) and pair.second.startswith(GRANT):
        both = {pair.first.removeprefix(GRANT), pair.second.removeprefix(GRANT)}
        return any(both <= names for names in held.grants.values())
    return held.has(pair.first) and held.has(pair.second)


def in_words(duty: str) -> str:
    """A duty as people read it: Administrator; Send prompts (granted)."""
    if duty.startswith(ROLE):
        return duty.removeprefix(ROLE)
    name = duty.removeprefix(GRANT)
    return f"{GRANTS.get(name, name)} (granted)"


def choices() -> list[tuple[str, str]]:
    """Every duty that a pair may name, with its words."""
    duties = [f"{ROLE}{role}" for role in ROLES] + [f"{GRANT}{name}" for name in GRANTS]
    return [(duty, in_words(duty)) for duty in duties]


def held_by(user_ids: Collection[int] | None = None) -> dict[int, Held]:
    """What active people hold, by id; of everybody if None. Two queries."""
    people = get_user_model().objects.filter(is_active=True, groups__name__in=ROLES)
    rights = UserObjectPermission.objects.filter(
        user__is_active=True,
        permission__content_type__app_label="policies",
        permission__content_type__model="integration",
        permission__codename__in=GRANTS,
    )
    if user_ids is not None:
        people, rights = people.filter(pk__in=user_ids), rights.filter(user__in=user_ids)
    roles: dict[int, set[str]] = defaultdict(set)
    for pk, role in people.values_list("pk", "groups__name"):
        roles[pk].add(role)
    grants: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for pk, integration, name in rights.values_list("user_id", "object_pk", "permission__codename"):
        grants[pk][int(integration)].add(name)
    return {
        pk: Held(
            frozenset(roles.get(pk, ())),
            {i: frozenset(names) for i, names in grants.get(pk, {}).items()},
        )
        for pk in {*roles, *grants}
    }


def refuse_roles(before: Collection[str], after: Collection[str], *, user_id: int | None) -> None:
    """Raises: Refused if a role that comes new excludes another, or a grant the person holds."""
    new = {f"{ROLE}{role}" for role in set(after) - set(before)}
    pairs = [p for p in ExclusiveRoles.objects.live() if p.first in new or p.second in new]
    if not pairs:
        return
    known = held_by([user_id]).get(user_id, Held()) if user_id is not None else Held()
    _refuse(Held(frozenset(after), known.grants), pairs)


def refuse_conflict(*, users: Iterable[int], permission: str, integration: Integration) -> None:
    """Raises: Refused if one of the users, by id, would hold both of a pair with this grant."""
    duty = f"{GRANT}{permission}"
    pairs = [p for p in ExclusiveRoles.objects.live() if duty in (p.first, p.second)]
    ids = set(users)
    if not pairs or not ids:
        return
    found = held_by(ids)
    for pk in ids:
        held = found.get(pk, Held())
        here = held.grants.get(integration.pk, frozenset()) | {permission}
        _refuse(Held(held.roles, {**held.grants, integration.pk: here}), pairs)


def refuse_member(users: Collection[int], group: PrincipalGroup) -> None:
    """Raises: Refused if one of the users, by id, would hold both of a pair in this group."""
    held = Grant.objects.filter(group=group, state=Grant.State.STANDING)
    for grant in held.select_related("integration") if users else ():
        refuse_conflict(users=users, permission=grant.permission, integration=grant.integration)


def _refuse(held: Held, pairs: Iterable[ExclusiveRoles]) -> None:
    for pair in pairs:
        if clashes(held, pair):
            both = f"{in_words(pair.first)} and {in_words(pair.second)}"
            raise Refused(f"One person may not hold both: {both}. {pair.reason}")


def conflicts(user_ids: Collection[int] | None = None) -> Iterator[tuple[int, ExclusiveRoles]]:
    """Who holds both of a pair, by the person's id, pair by pair; three queries."""
    pairs = list(ExclusiveRoles.objects.live())
    if not pairs:
        return
    for pk, held in sorted(held_by(user_ids).items()):
        for pair in pairs:
            if clashes(held, pair):
                yield pk, pair


@transaction.atomic
def keep_pair(
    first: str, second: str, *, reason: str, by: Person | None, at: dt.datetime
) -> ExclusiveRoles:
    """Keep a pair from now on; who holds both already becomes a finding of the next checks.

    Raises: Refused for what is no duty, the same twice, a pair that is kept, or no reason.
    """
    known = dict(choices())
    if first not in known or second not in known:
        raise Refused("Choose both from the list.")
    if len(reason.strip()) < 10:
        raise Refused("Say why in a sentence: it is shown to whom it stops.")
    one, other = sorted((first, second))
    pair = ExclusiveRoles(
        first=one,
        second=other,
        reason=reason.strip(),
        made_by_id=by.pk if by else None,
        made_at=at,
    )
    try:
        pair.full_clean(exclude=["made_by", "ended_by"])
    except ValidationError as error:
        raise Refused(error.messages[0]) from None
    pair.save()
    return pair


@transaction.atomic
def end_pair(pair: ExclusiveRoles, *, by: Person, at: dt.datetime) -> ExclusiveRoles:
    """Let one person hold both again. Raises: Refused if it ended before."""
    stored = ExclusiveRoles.objects.select_for_update(of=("self",)).get(pk=pair.pk)
    if stored.ended_at is not None:
        raise Refused("This pair ended already.")
    stored.ended_at, stored.ended_by_id = at, by.pk
    stored.save()
    return stored


def load_pairs(*, at: dt.datetime) -> None:
    """Keep the starting pairs, once: not again where officers ended them."""
    if ExclusiveRoles.objects.exists():
        return
    for first, second, reason in STARTING:
        keep_pair(first, second, reason=reason, by=None, at=at)
