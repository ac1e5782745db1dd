"""Data policies from a draft to the rules in force; every step leaves an event.

What a version says never changes. It counts once somebody who had no hand in it has approved it:
from `starts_at` on, until the next version of its policy begins.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

import countersign.rules
from countersign import ed25519
from countersign.canonical import Json, canonical
from countersign.rules import Policy
from countersign.rules.checking import Checked, check
from policies.models import DataPolicy, PolicyDraft, PolicyEvent, PolicyVersion
from policies.services.bundle_keys import public_key, signed
from policies.services.trail import Refused
from vendors.services.slugs import free_slug

if TYPE_CHECKING:
    from policies.services.trail import Person

Kind = PolicyEvent.Kind
State = PolicyVersion.State
CONTEXT = b"countersign-policy-version-v1\n"
STARTER = Path(countersign.rules.__file__).parent / "starter.json"
MAX_DOCUMENT = 1024 * 1024
# How long ahead a version may be approved for.
LONGEST_AHEAD = dt.timedelta(days=365)


class NotReady(Refused):
    """The draft is not to be submitted yet; `checked` says all that stands against it."""

    def __init__(self, checked: Checked) -> None:
        super().__init__("The draft is not ready: see what stands against it.")
        self.checked = checked


def starter_document() -> dict[str, Any]:
    """The policy that a new portal begins with, as a document."""
    found: dict[str, Any] = json.loads(STARTER.read_text(encoding="utf-8"))
    return found


def note(
    policy: DataPolicy,
    kind: str,
    *,
    by: Person | None,
    at: dt.datetime,
    version: PolicyVersion | None = None,
    **members: Any,
) -> PolicyEvent:
    """Append to the policy's trail; `members` are the event's integration and note."""
    members["note"] = members.get("note", "")[:300]
    return PolicyEvent.objects.create(
        policy=policy, version=version, kind=kind, actor_id=by.pk if by else None, at=at, **members
    )


def locked(policy: DataPolicy) -> DataPolicy:
    """The policy, its row locked until the transaction ends."""
    return DataPolicy.objects.select_for_update().get(pk=policy.pk)


@transaction.atomic
def create_policy(
    *,
    name: str,
    description: str = "",
    slug: str = "",
    by: Person,
    at: dt.datetime,
) -> DataPolicy:
    """Make a policy whose first draft, of this person, is the starter.

    Raises: ValidationError if the values do not fit the model.
    """
    policy = DataPolicy(
        slug=slug or free_slug(DataPolicy, name, taken={"new"}, otherwise="policy", longest=50),
        name=name,
        description=description,
        created_by_id=by.pk,
        created_at=at,
    )
    policy.full_clean(exclude=["created_by"])
    policy.save()
    note(policy, Kind.CREATED, by=by, at=at)
    save_draft(policy, starter_document(), by=by, at=at)
    return policy


def draft_of(policy: DataPolicy, person: Person) -> PolicyDraft | None:
    """What this person writes of the next version, if anything."""
    return PolicyDraft.objects.filter(policy=policy, author_id=person.pk).first()


@transaction.atomic
def save_draft(
    policy: DataPolicy,
    document: Mapping[str, Any],
    *,
    change: str | None = None,
    by: Person,
    at: dt.datetime,
) -> PolicyDraft:
    """Keep what a person has written so far, whole or not; `change` says what changes and why.

    Raises: Refused for what is larger than a policy may be.
    """
    if len(json.dumps(document)) > MAX_DOCUMENT:
        raise Refused("A policy has at most a megabyte.")
    draft = draft_of(policy, by) or PolicyDraft(policy=policy, author_id=by.pk)
    draft.document, draft.updated_at = dict(document), at
    draft.note = draft.note if change is None else change[:300]
    draft.save()
    return draft


def start_draft(
    policy: DataPolicy, *, version: PolicyVersion | None = None, by: Person, at: dt.datetime
) -> PolicyDraft:
    """Begin a draft with what a version says, or the newest one, in the place of a held draft."""
    base = version or policy.versions.order_by("-number").first()
    document = base.document if base else starter_document()
    return save_draft(policy, document, change="", by=by, at=at)


def discard_draft(policy: DataPolicy, *, by: Person) -> None:
    """Throw away what this person has written."""
    PolicyDraft.objects.filter(policy=policy, author_id=by.pk).delete()


def checked(document: Mapping[str, Any]) -> Checked:
    """All that stands against a document: form, tests, rules without tests or without effect."""
    return check(document)


@transaction.atomic
def submit(draft: PolicyDraft, *, by: Person, at: dt.datetime) -> PolicyVersion:
    """Make the next version of a draft, for a second person to decide on; the draft is gone.

    Raises: NotReady; Refused for a draft of somebody else, without a word on what changes, or
    where the newest version says the same.
    """
    policy = locked(draft.policy)
    if draft.author_id != by.pk:
        raise Refused("Only who wrote a draft submits it.")
    if not draft.note.strip():
        raise Refused("Say what changes, and why.")
    found = checked(draft.document)
    if found.policy is None or found.claim is None or not found.ready:
        raise NotReady(found)
    newest = policy.versions.order_by("-number").first()
    stands = newest is not None and newest.state in (State.SUBMITTED, State.APPROVED)
    if newest and stands and newest.digest == found.policy.digest:
        raise Refused("The newest version says the same.")
    number = policy.versions.aggregate(last=Max("number"))["last"] or 0
    version = PolicyVersion(
        policy=policy,
        number=number + 1,
        document=draft.document,
        digest=found.policy.digest,
        claim=found.claim.kind,
        note=draft.note,
        made_by_id=by.pk,
        made_at=at,
    )
    version.full_clean(exclude=["policy", "made_by"])
    version.save()
    draft.delete()
    note(policy, Kind.SUBMITTED, by=by, at=at, version=version, note=version.note)
    return version


def has_a_hand_in(version: PolicyVersion, person: Person) -> bool:
    """Whether somebody wrote the version, and so must not decide on it."""
    return version.made_by_id == person.pk


def _waiting(version: PolicyVersion, by: Person) -> PolicyVersion:
    """The version as it stands now, locked. Raises: Refused unless this person may decide."""
    locked(version.policy)
    version = PolicyVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    if version.state != State.SUBMITTED:
        raise Refused(f"It is {version.get_state_display().lower()} already.")
    if has_a_hand_in(version, by):
        raise Refused("You wrote this version: somebody else decides on it.")
    return version


@transaction.atomic
def approve(
    version: PolicyVersion,
    *,
    by: Person,
    at: dt.datetime,
    starts_at: dt.datetime | None = None,
    decision: str = "",
) -> PolicyVersion:
    """Put a submitted version in force from `starts_at` on, by default at once, and sign it.

    The version in force until then ends at that moment; one that is approved for later follows it.
    Raises: Refused if it does not wait for a decision, if `by` wrote it, or if it would begin in
    the past, more than a year ahead, or in the same moment as another.
    """
    version = _waiting(version, by)
    starts_at = starts_at or at
    if not at <= starts_at <= at + LONGEST_AHEAD:
        raise Refused("A version begins now or within a year.")
    approved = version.policy.versions.filter(state=State.APPROVED)
    follower = approved.filter(starts_at__gte=starts_at).order_by("starts_at").first()
    if follower and follower.starts_at == starts_at:
        raise Refused("Another approved version begins at that moment.")
    for before in approved.in_force(starts_at):
        before.ends_at = starts_at
        before.save()
    version.ends_at = follower.starts_at if follower else None
    version.state, version.starts_at = State.APPROVED, starts_at
    version.decided_by_id, version.decided_at, version.decision_note = by.pk, at, decision[:300]
    version.public_key = public_key()
    version.signature = signed(statement(version))
    version.save()
    note(version.policy, Kind.APPROVED, by=by, at=at, version=version, note=decision)
    return version


@transaction.atomic
def reject(version: PolicyVersion, *, by: Person, at: dt.datetime, decision: str) -> PolicyVersion:
    """Turn a submitted version down; a word that says why is needed. Raises: Refused."""
    version = _waiting(version, by)
    if not decision.strip():
        raise Refused("Say why: its author reads it.")
    version.state, version.decided_by_id, version.decided_at = State.REJECTED, by.pk, at
    version.decision_note = decision.strip()[:300]
    version.save()
    note(version.policy, Kind.REJECTED, by=by, at=at, version=version, note=decision)
    return version


@transaction.atomic
def withdraw(version: PolicyVersion, *, by: Person, at: dt.datetime) -> PolicyVersion:
    """Take back a submitted version. Raises: Refused unless `by` made it and it still waits."""
    locked(version.policy)
    version = PolicyVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    if version.state != State.SUBMITTED or version.made_by_id != by.pk:
        raise Refused("Only who submitted a version takes it back, before it is decided on.")
    version.state, version.decided_by_id, version.decided_at = State.WITHDRAWN, by.pk, at
    version.save()
    note(version.policy, Kind.WITHDRAWN, by=by, at=at, version=version)
    return version


def statement(version: PolicyVersion) -> bytes:
    """What the signature of an approved version covers."""
    assert version.starts_at is not None
    assert version.decided_at is not None
    return CONTEXT + canonical(
        {
            "approved_by": version.decided_by_id,
            "approved_at": version.decided_at.astimezone(dt.UTC).isoformat(),
            "digest": version.digest,
            "made_by": version.made_by_id,
            "number": version.number,
            "policy": version.policy.slug,
            "starts_at": version.starts_at.astimezone(dt.UTC).isoformat(),
        }
    )


def is_genuine(version: PolicyVersion) -> bool:
    """Whether an approved version says what was signed, by the key that stands beside it."""
    if version.state != State.APPROVED or _digest(version.document) != version.digest:
        return False
    key, signature = bytes.fromhex(version.public_key), bytes.fromhex(version.signature)
    return ed25519.verify(key, signature, statement(version))


def _digest(document: Mapping[str, Json]) -> str:
    return Policy.parse(document).digest


def version_at(policy: DataPolicy, at: dt.datetime) -> PolicyVersion | None:
    """The version whose rules count at the moment `at`."""
    return PolicyVersion.objects.in_force(at).filter(policy=policy).first()


def parsed(version: PolicyVersion) -> Policy:
    """The version's rules, ready to decide."""
    return _parsed(version.digest, canonical(version.document))


@lru_cache(maxsize=64)
def _parsed(digest: str, document: bytes) -> Policy:
    return Policy.parse(json.loads(document))
