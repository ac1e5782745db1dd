"""Access reviews: begun with a frozen population, decided on line by line, proven, closed, signed.

Nobody decides on their own access, and who closes a review does not sign it off. What is revoked
is taken away at once; that it is gone is looked at again, apart from that (`proving_access`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.core import signing
from django.db import transaction
from django.utils import timezone

from countersign.canonical import Json, digest
from policies.models import (
    AccessReview,
    AccessReviewDecision,
    AccessReviewEntry,
    AccessReviewProof,
    GroupMembership,
)
from policies.models.reviews import moment
from portal.models import User
from portal.services import population
from portal.services.ending_access import HANDLING, NotExecuted, execute
from portal.services.proving_access import looks
from vendors.services.saving import save_checked

Decision = AccessReviewDecision.Decision
Proof = AccessReviewProof.Kind
# How many lines one page shows, and so how many can be kept with one note.
MOST_TOGETHER = 20
SEEN_SALT = "portal.access-review.page"
SEEN_SECONDS = 3600
ENDED_ALREADY = "It had ended already."
SO_ALREADY = "It was so already."


class NotReviewed(Exception):
    """A step of a review that cannot be taken; says why, in words for who tried."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign is begun with; `due_on` is the last day to decide."""

    title: str
    due_on: dt.date
    reviewer: User
    escalate_to: User


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody decides on a line; `change_to` for a change alone."""

    decision: str
    note: str
    change_to: str = ""


@transaction.atomic
def start_review(plan: Plan, *, by: User, at: dt.datetime) -> AccessReview:
    """Draw the population as it stands and freeze it in a new campaign.

    Raises: NotReviewed for a day in the past, or people who may not decide; ValidationError where
    a campaign is open already.
    """
    if plan.due_on < timezone.localdate(at):
        raise NotReviewed("The last day to decide lies in the past.")
    for person in (plan.reviewer, plan.escalate_to):
        if not person.has_perm("policies.decide_accessreview"):
            raise NotReviewed(f"{person} may not decide in access reviews.")
    drawn = population.draw(at)
    review = AccessReview(
        title=plan.title,
        due_on=plan.due_on,
        reviewer=plan.reviewer,
        escalate_to=plan.escalate_to,
        started_by=by,
        started_at=at,
        population_count=len(drawn.entries),
        population_query=population.QUERY,
        population_query_sha256=population.QUERY_SHA256,
        population_digest=drawn.digest,
    )
    save_checked(review)
    for entry in drawn.entries:
        entry.review = review
    AccessReviewEntry.objects.bulk_create(drawn.entries, batch_size=1000)
    return review


def offered(entry: AccessReviewEntry) -> list[str]:
    """What may be decided on a line of this kind."""
    handling = HANDLING[AccessReviewEntry.Kind(entry.kind)]
    found = [Decision.KEEP.value]
    if handling.revoke:
        found.append(Decision.REVOKE.value)
    if handling.change:
        found.append(Decision.CHANGE.value)
    return found


@transaction.atomic
def decide(
    entry: AccessReviewEntry, choice: Choice, *, by: User, at: dt.datetime
) -> AccessReviewDecision:
    """Decide on a line; a revocation or change is carried out at once.

    What cannot be carried out is stored with why, and the line stays open for another decision.
    Raises: NotReviewed.
    """
    _open(entry.review_id)
    return _decide(entry, choice, by=by, at=at)


def _open(review_id: int) -> AccessReview:
    """The campaign, locked. Raises: NotReviewed if it is closed."""
    review = AccessReview.objects.select_for_update(of=("self",)).get(pk=review_id)
    if review.closed_at is not None:
        raise NotReviewed("This review is closed: nothing is decided in it any more.")
    return review


def _decide(
    entry: AccessReviewEntry,
    choice: Choice,
    *,
    by: User,
    at: dt.datetime,
    together: int = 1,
) -> AccessReviewDecision:
    if entry.user_id == by.pk or _is_member(entry, by):
        raise NotReviewed("Nobody decides on access that they hold or answer for.")
    if choice.decision not in offered(entry):
        raise NotReviewed("This kind of access has no such decision.")
    if not choice.note.strip():
        raise NotReviewed("Say why.")
    proof = entry.proofs.first()
    if proof and proof.kind in (Proof.EXECUTED, Proof.GONE):
        raise NotReviewed("It was revoked or changed already; give it anew if it is needed.")
    decision = AccessReviewDecision(
        entry=entry,
        decision=choice.decision,
        change_to=choice.change_to if choice.decision == Decision.CHANGE else "",
        note=choice.note.strip(),
        together=together,
        by=by,
        at=at,
    )
    save_checked(decision)
    if decision.decision != Decision.KEEP:
        _carry_out(entry, decision, by=by, at=at)
    return decision


def _is_member(entry: AccessReviewEntry, person: User) -> bool:
    """Whether the person holds a group's grant by being one of it."""
    if entry.kind != AccessReviewEntry.Kind.GRANT or entry.user_id is not None:
        return False
    members = GroupMembership.objects.filter(group__grants=entry.row_id)
    return members.filter(principal__user=person.pk).exists()


def _carry_out(
    entry: AccessReviewEntry, decision: AccessReviewDecision, *, by: User, at: dt.datetime
) -> None:
    """Execute, unless it has ended, or is so, already: then that is what is stored."""
    proof = AccessReviewProof(entry=entry, kind=Proof.EXECUTED, by=by, at=at)
    try:
        if all(look.fits for look in looks(entry, decision.change_to, at)):
            proof.reason = SO_ALREADY if decision.change_to else ENDED_ALREADY
        else:
            execute(entry, decision.change_to, by=by, at=at)
    except NotExecuted as refused:
        proof.kind, proof.reason = Proof.REFUSED, str(refused)[:300]
    proof.save()


def seen_token(review: AccessReview, numbers: Collection[int], *, by: User) -> str:
    """Says, signed, which lines a page showed to whom."""
    told = {"review": review.pk, "by": by.pk, "numbers": sorted(numbers)}
    return signing.dumps(told, salt=SEEN_SALT)


@dataclass(frozen=True, slots=True)
class Together:
    """Lines of one page that somebody ticked, the page's word on what it showed, and why."""

    numbers: Collection[int]
    seen: str
    note: str


@transaction.atomic
def keep_together(
    review: AccessReview, ticked: Together, *, by: User, at: dt.datetime
) -> list[AccessReviewDecision]:
    """Keep a few lines that one page showed with their details; each gets the note.

    All or none. Raises: NotReviewed, also for a line that the page did not show to this person
    within the hour, that is flagged or decided, or for more than a page holds.
    """
    _open(review.pk)
    numbers = set(ticked.numbers)
    if not numbers or len(numbers) > MOST_TOGETHER:
        raise NotReviewed(f"Tick 1 to {MOST_TOGETHER} lines of the page.")
    if not numbers <= _shown(review, ticked.seen, by):
        raise NotReviewed("Only lines that the page showed you are kept together: look again.")
    undecided = review.entries.undecided().filter(number__in=numbers)
    entries = list(undecided.order_by("number"))
    if len(entries) < len(numbers):
        raise NotReviewed("Somebody has decided on one of them meanwhile: look again.")
    if any(entry.flags for entry in entries):
        raise NotReviewed("A line with a flag is decided on its own page.")
    choice = Choice(Decision.KEEP, ticked.note)
    return [_decide(entry, choice, by=by, at=at, together=len(entries)) for entry in entries]


def _shown(review: AccessReview, seen: str, by: User) -> set[int]:
    try:
        told = signing.loads(seen, salt=SEEN_SALT, max_age=SEEN_SECONDS)
    except signing.BadSignature:
        return set()
    mine = told["review"] == review.pk and told["by"] == by.pk
    return set(told["numbers"]) if mine else set()


@transaction.atomic
def verify(entry: AccessReviewEntry, *, at: dt.datetime) -> AccessReviewProof | None:
    """Look again whether what was revoked or changed is so, and store what was found.

    None where nothing was carried out, or, once the campaign is closed, where nothing changed.
    """
    entry = AccessReviewEntry.objects.select_for_update(of=("self",)).get(pk=entry.pk)
    decision, last = entry.decisions.first(), entry.proofs.first()
    if decision is None or decision.decision == Decision.KEEP:
        return None
    if last is None or last.kind == Proof.REFUSED:
        return None
    found = looks(entry, decision.change_to, at)
    kind = Proof.GONE if all(look.fits for look in found) else Proof.REMAINS
    closed = AccessReview.objects.filter(pk=entry.review_id, closed_at__isnull=False).exists()
    if closed and last.kind == kind:
        return None
    told = [look.told() for look in found]
    return AccessReviewProof.objects.create(entry=entry, kind=kind, looks=told, at=at)


def verify_all(*, at: dt.datetime) -> int:
    """Look again at every revocation of the open campaign and of the newest closed one.

    Returns: how many were looked at and stored. An older campaign's are those of the next one.
    """
    newest = AccessReview.objects.filter(closed_at__isnull=False).values_list("pk", flat=True)[:1]
    reviews = [*AccessReview.objects.open().values_list("pk", flat=True), *newest]
    entries = AccessReviewEntry.objects.filter(review__in=reviews).to_prove()
    return sum(verify(entry, at=at) is not None for entry in entries)


@transaction.atomic
def close_review(review: AccessReview, *, by: User, at: dt.datetime) -> AccessReview:
    """Freeze a campaign once every line is decided and every revocation is proven.

    Raises: NotReviewed.
    """
    review = _open(review.pk)
    left = review.entries.undecided().count()
    if left:
        raise NotReviewed(f"Still to decide: {left}.")
    unproven = review.entries.unproven().count()
    if unproven:
        raise NotReviewed(f"Not yet verified as gone: {unproven}.")
    review.closed_by, review.closed_at = by, at
    review.closed_digest = content_digest(review, until=at)
    save_checked(review)
    return review


@transaction.atomic
def sign_review(review: AccessReview, note: str, *, by: User, at: dt.datetime) -> AccessReview:
    """Sign a closed campaign off.

    Raises: NotReviewed if it is open or signed, for who closed it, and for who decided on lines
    other than those of the one who closed it, who could not.
    """
    review = AccessReview.objects.select_for_update(of=("self",)).get(pk=review.pk)
    if review.closed_at is None or review.signed_at is not None:
        raise NotReviewed("Only a closed review that nobody has signed is signed off.")
    if review.closed_by_id == by.pk:
        raise NotReviewed("You closed it: another person signs it off.")
    own = AccessReviewDecision.objects.filter(entry__review=review, by=by)
    if own.exclude(entry__user=review.closed_by_id).exists():
        raise NotReviewed("You decided in it: a person who did not signs it off.")
    review.signed_by, review.signed_at, review.sign_note = by, at, note.strip()
    save_checked(review)
    return review


def content_digest(review: AccessReview, *, until: dt.datetime) -> str:
    """SHA-256 of the canonical JSON of a campaign: lines, decisions, and proofs up to `until`."""
    lines: list[Json] = []
    rows = review.entries.prefetch_related("decisions", "proofs").order_by("number")
    for entry in rows:
        decisions = sorted(entry.decisions.all(), key=lambda each: each.pk)
        proofs = sorted(entry.proofs.all(), key=lambda each: each.pk)
        lines.append(
            {
                **entry.frozen(),
                "decisions": [_decision(each) for each in decisions if each.at <= until],
                "proofs": [_proof(each) for each in proofs if each.at <= until],
            }
        )
    return digest(
        {
            "title": review.title,
            "started_at": moment(review.started_at),
            "due_on": review.due_on.isoformat(),
            "query_sha256": review.population_query_sha256,
            "population_digest": review.population_digest,
            "entries": lines,
        }
    )


def _decision(each: AccessReviewDecision) -> dict[str, Json]:
    return {
        "decision": each.decision,
        "change_to": each.change_to,
        "note": each.note,
        "together": each.together,
        "by": each.by_id,
        "at": moment(each.at),
    }


def _proof(each: AccessReviewProof) -> dict[str, Json]:
    return {
        "kind": each.kind,
        "reason": each.reason,
        "looks": each.looks,
        "by": each.by_id,
        "at": moment(each.at),
    }
