"""What a reviewer should look at in a line of access: pure, from facts about that line alone.

The days are our choice and stand in docs/decisions/0032; what the rules ask for is that access is
reviewed and changed by what a person needs: 45 CFR 164.308(a)(4)(ii)(C); AICPA TSC CC6.2, CC6.3.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

UNUSED_AFTER = dt.timedelta(days=90)


class Flag(StrEnum):
    UNUSED = "unused"
    ORPHANED = "orphaned"
    EXPIRED_OWNER = "expired-owner"
    EXCESSIVE = "excessive"
    CONFLICTING = "conflicting"
    PRIVILEGED = "privileged"


FLAGS = {
    Flag.UNUSED.value: "Unused for 90 days",
    Flag.ORPHANED.value: "Orphaned",
    Flag.EXPIRED_OWNER.value: "Nobody answers for it",
    Flag.EXCESSIVE.value: "More than needed",
    Flag.CONFLICTING.value: "Conflicts with another",
    Flag.PRIVILEGED.value: "Privileged",
}
MEANINGS = {
    Flag.UNUSED.value: "It was not used in the 90 days before the review began.",
    Flag.ORPHANED.value: "Its holder has left or is not known, or what it opens has ended.",
    Flag.EXPIRED_OWNER.value: "The integration has no owner, or its owner has left.",
    Flag.EXCESSIVE.value: (
        "It stands outside roles and grants, or gives only what its holder has anyway."
    ),
    Flag.CONFLICTING.value: "It is one of two that one person may not hold.",
    Flag.PRIVILEGED.value: "It changes what others may do, or decides for all.",
}
# What changes access, rules or decisions for others, or bypasses them.
PRIVILEGED = frozenset(
    {
        "portal.add_user",
        "portal.change_user",
        "policies.approve_integration",
        "policies.approve_policyversion",
        "policies.grant_integration",
        "policies.break_glass",
    }
)


@dataclass(frozen=True, slots=True)
class Access:
    """One line of access as a review finds it.

    `since` and `last_used_at` are UTC, None where not known; `use_known` says whether anything
    records its use. `gives` are permission strings, with `@` and the integration's id where they
    are of one; `otherwise` is what the holder has by other lines. `name` is what pairs of duties
    speak of (`role:X`, `grant:Y`), `names` all that the holder has.
    """

    use_known: bool = False
    since: dt.datetime | None = None
    last_used_at: dt.datetime | None = None
    holder_known: bool = True
    holder_active: bool = True
    object_ended: bool = False
    owner_gone: bool = False
    irregular: bool = False
    always_privileged: bool = False
    gives: frozenset[str] = frozenset()
    otherwise: frozenset[str] = frozenset()
    name: str = ""
    names: frozenset[str] = field(default=frozenset())


def flags(
    access: Access, at: dt.datetime, pairs: Collection[frozenset[str]] = ()
) -> tuple[str, ...]:
    """The flags of a line at the moment `at`, in the order of FLAGS."""
    found = {
        Flag.UNUSED: _unused(access, at),
        Flag.ORPHANED: not access.holder_known or not access.holder_active or access.object_ended,
        Flag.EXPIRED_OWNER: access.owner_gone,
        Flag.EXCESSIVE: access.irregular or _given_twice(access),
        Flag.CONFLICTING: any(access.name in pair and pair <= access.names for pair in pairs),
        Flag.PRIVILEGED: access.always_privileged or bool(access.gives & PRIVILEGED),
    }
    return tuple(flag.value for flag in Flag if found[flag])


def _unused(access: Access, at: dt.datetime) -> bool:
    """Never used counts from when it was given; given at a time nobody knows, it is old."""
    if not access.use_known:
        return False
    last = access.last_used_at or access.since
    return last is None or at - last > UNUSED_AFTER


def _given_twice(access: Access) -> bool:
    return bool(access.gives) and access.gives <= access.otherwise
