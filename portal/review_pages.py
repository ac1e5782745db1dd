"""What the pages of access reviews show of a campaign and of its lines."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from policies.access_flags import FLAGS, MEANINGS
from policies.models import (
    AccessReview,
    AccessReviewDecision,
    AccessReviewEntry,
    AccessReviewProof,
    GroupMembership,
)
from policies.models.reviews import AccessReviewEntryQuerySet

Decision = AccessReviewDecision.Decision
Proof = AccessReviewProof.Kind
MEMBERS_SHOWN = 50

# Of a line that is to go, by its newest proof: colour and words of its pill.
_GOING = {
    None: ("soon", "Not executed"),
    Proof.REFUSED.value: ("bad", "Could not be executed"),
    Proof.EXECUTED.value: ("soon", "Executed, not verified"),
    Proof.REMAINS.value: ("bad", "Still there"),
}


@dataclass(frozen=True, slots=True)
class State:
    """How a line stands: the kind of its pill, and its words."""

    kind: str
    words: str


def state_of(decision: str | None, proof: str | None) -> State:
    """Of the newest decision and the newest proof, as their words; None without one."""
    if decision is None:
        return State("info", "To decide")
    if decision == Decision.KEEP:
        return State("ok", "Kept")
    if proof == Proof.GONE:
        return State("ok", "Revoked" if decision == Decision.REVOKE else "Changed")
    return State(*_GOING[proof])


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the population with how it stands; `tickable` if it may be kept with others."""

    entry: AccessReviewEntry
    state: State
    flags: tuple[tuple[str, str], ...]
    tickable: bool


def lines(entries: Iterable[AccessReviewEntry], viewer_id: int, *, may: bool) -> list[Line]:
    """Of entries with their state; `may`: whether the viewer may decide in it now."""
    found = []
    for entry in entries:
        decision, proof = entry.decision, entry.proof  # type: ignore[attr-defined]
        own = entry.user_id == viewer_id
        found.append(
            Line(
                entry,
                state_of(decision, proof),
                tuple((FLAGS[flag], MEANINGS[flag]) for flag in entry.flags),
                may and decision is None and not entry.flags and not own,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of a campaign; `kinds` and `flags` by their words, in the order of their tables."""

    total: int
    decided: int
    kept: int
    revoked: int
    changed: int
    open_proofs: int
    kinds: tuple[tuple[str, int], ...]
    flags: tuple[tuple[str, str, int], ...]

    @property
    def undecided(self) -> int:
        return self.total - self.decided


def figures(entries: AccessReviewEntryQuerySet) -> Figures:
    """One query."""
    stated = entries.with_state()
    names = ("kind", "flags", "decision", "proof")
    rows = list(stated.values_list(*names))
    decisions = Counter(decision for _, _, decision, _ in rows)
    going = (Decision.REVOKE, Decision.CHANGE)
    return Figures(
        total=len(rows),
        decided=len(rows) - decisions[None],
        kept=decisions[Decision.KEEP],
        revoked=decisions[Decision.REVOKE],
        changed=decisions[Decision.CHANGE],
        open_proofs=sum(d in going and p != Proof.GONE for _, _, d, p in rows),
        kinds=_kinds(kind for kind, *_ in rows),
        flags=_flags(flag for _, flags, *_ in rows for flag in flags),
    )


def drawn_figures(entries: Iterable[AccessReviewEntry]) -> Figures:
    """Of lines that are drawn and not stored."""
    rows = list(entries)
    kinds = _kinds(row.kind for row in rows)
    flags = _flags(flag for row in rows for flag in row.flags)
    return Figures(len(rows), 0, 0, 0, 0, 0, kinds, flags)


def _kinds(found: Iterable[str]) -> tuple[tuple[str, int], ...]:
    counts = Counter(found)
    return tuple((k.label, counts[k.value]) for k in AccessReviewEntry.Kind if counts[k.value])


def _flags(found: Iterable[str]) -> tuple[tuple[str, str, int], ...]:
    counts = Counter(found)
    return tuple((FLAGS[flag], MEANINGS[flag], counts[flag]) for flag in FLAGS if counts[flag])


def members(entry: AccessReviewEntry) -> list[GroupMembership]:
    """The members of the group whose grant a line is, at most MEMBERS_SHOWN; else none."""
    if entry.kind != AccessReviewEntry.Kind.GRANT or not entry.holder.startswith("Group "):
        return []
    rows = GroupMembership.objects.filter(group__grants=entry.row_id).select_related("principal")
    return list(rows.order_by("principal__identifier")[:MEMBERS_SHOWN])


def next_due(first_day: dt.date | None) -> dt.date | None:
    """The last day on which the next campaign begins in time.

    That is ACCESS_REVIEW_DAYS after the newest began, or after `first_day` where there was none.
    """
    newest = AccessReview.objects.order_by("-started_at").values_list("started_at", flat=True)
    began = newest.first()
    since = timezone.localdate(began) if began else first_day
    return since + dt.timedelta(days=settings.ACCESS_REVIEW_DAYS) if since else None
