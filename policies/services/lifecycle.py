"""What happens to an integration from draft to retirement; every step leaves an event.

Each service locks the integration's row first, so of two people who decide at once the second one
reads the state that the first one left, and is told so.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from guardian.shortcuts import assign_perm

from countersign.canonical import digest
from policies.models import Approval, Integration, IntegrationKey
from policies.roles import OWNER
from policies.services.deciding import changed_terms, material_terms, standing_approval
from policies.services.trail import FINAL, Kind, Refused, State, in_state, locked, note_event
from vendors.services.slugs import free_slug

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from policies.models import DataClass
    from policies.services.trail import Person

# What a form may set; `data_classes` comes beside them.
EDITABLE = (
    "name",
    "purpose",
    "description",
    "environment",
    "service",
    "model_patterns",
    "region",
    "account",
    "endpoint",
    "features",
    "settings_made",
    "deidentification",
    "deidentification_document",
    "deidentification_expires_on",
    "audit_mode",
    "known_actors_only",
)
# Addresses beside those of integrations.
RESERVED_SLUGS = frozenset({"new", "drafts"})
# Who did one of these had a hand in what is decided on, and does not decide.
AUTHORSHIP = (Kind.CREATED, Kind.CHANGED, Kind.SUBMITTED)


@transaction.atomic
def create_draft(
    values: Mapping[str, Any], data_classes: Collection[DataClass], *, by: Person, at: dt.datetime
) -> Integration:
    """Register an integration in the state draft, owned by the person who makes it.

    `values` holds fields of `EDITABLE`, and a `slug` if one is wanted.
    Raises: ValidationError if the values do not fit the model.
    """
    integration = Integration(
        **{name: values[name] for name in EDITABLE if name in values},
        slug=values.get("slug")
        or free_slug(Integration, values["name"], taken=RESERVED_SLUGS, otherwise="integration"),
        owner_id=by.pk,
        created_by_id=by.pk,
    )
    _own_document(integration, by, attached=None)
    integration.full_clean(exclude=["owner", "created_by"])
    integration.save()
    integration.data_classes.set(data_classes)
    for permission in OWNER:
        assign_perm(permission, by, integration)
    note_event(integration, Kind.CREATED, by=by, at=at)
    return integration


@transaction.atomic
def change(
    integration: Integration,
    values: Mapping[str, Any],
    data_classes: Collection[DataClass] | None = None,
    *,
    by: Person,
    at: dt.datetime,
) -> Integration:
    """Change an integration; a change of its material terms sends it back to draft.

    Whatever was approved is void from the commit on: calls are denied until it is approved anew.
    Raises: Refused if it is rejected or retired; ValidationError if the values do not fit.
    """
    integration = locked(integration)
    if integration.state in FINAL:
        state = integration.get_state_display().lower()
        raise Refused(f"It is {state}, so it cannot be changed. Register a new integration.")
    before, plain = material_terms(integration), _plain(integration)
    attached = integration.deidentification_document_id
    for name in EDITABLE:
        if name in values:
            setattr(integration, name, values[name])
    _own_document(integration, by, attached=attached)
    integration.full_clean(exclude=["owner", "created_by"])
    if data_classes is not None:
        integration.data_classes.set(data_classes)
    after = material_terms(integration)
    if after == before and _plain(integration) == plain:
        return integration
    changed = changed_terms(before, after)
    if changed and integration.state in (State.SUBMITTED, *Integration.STANDING):
        void = integration.state != State.SUBMITTED
        integration.state = State.DRAFT
        integration.suspended_reason = ""
        if void:
            note = "Changed: " + ", ".join(name.replace("_", " ") for name in changed)
            note_event(integration, Kind.APPROVAL_VOIDED, by=by, at=at, note=note)
    integration.save()
    note = ", ".join(name.replace("_", " ") for name in changed) or "name or description"
    note_event(integration, Kind.CHANGED, by=by, at=at, note=note)
    return integration


def _own_document(integration: Integration, by: Person, *, attached: int | None) -> None:
    """Only a document that the person uploaded, or that is attached already, may be named."""
    document = integration.deidentification_document
    if document and document.pk != attached and document.uploaded_by_id != by.pk:
        raise Refused("Upload the document yourself: one of somebody else cannot be attached.")


def _plain(integration: Integration) -> tuple[str, str]:
    return integration.name, integration.description


@transaction.atomic
def submit(integration: Integration, *, by: Person, at: dt.datetime) -> Integration:
    """Hand a draft to the officers for a decision. Raises: Refused in any other state."""
    integration = locked(integration)
    in_state(integration, (State.DRAFT, State.CHANGES), "submitted")
    if not integration.data_classes.exists():
        raise Refused("Name at least one data class before it is submitted.")
    integration.state = State.SUBMITTED
    integration.save()
    note_event(integration, Kind.SUBMITTED, by=by, at=at)
    return integration


def has_a_hand_in(integration: Integration, person: Person) -> bool:
    """Whether somebody owns, made, changed or submitted it, and so must not decide on it."""
    if person.pk in (integration.owner_id, integration.created_by_id):
        return True
    return integration.events.filter(kind__in=AUTHORSHIP, actor_id=person.pk).exists()


def _as_read(integration: Integration, by: Person, seen_digest: str | None) -> None:
    if has_a_hand_in(integration, by):
        raise Refused(
            "You own, made, changed or submitted this integration: somebody else decides on it."
        )
    if seen_digest is not None and seen_digest != digest(material_terms(integration)):
        raise Refused("Its terms have changed since you read them. Read them again, then decide.")


def _decide(
    integration: Integration,
    decision: str,
    *,
    by: Person,
    at: dt.datetime,
    note: str = "",
    expires_on: dt.date | None = None,
) -> Approval:
    terms = material_terms(integration)
    approval = Approval(
        integration=integration,
        decision=decision,
        terms=terms,
        terms_digest=digest(terms),
        expires_on=expires_on,
        note=note,
        decided_by_id=by.pk,
        decided_at=at,
    )
    approval.full_clean()
    approval.save()
    return approval


def longest_approval(at: dt.datetime) -> dt.date:
    """The last day an approval given at the moment `at` may have."""
    return timezone.localdate(at) + dt.timedelta(days=settings.APPROVAL_DAYS)


def _last_day(expires_on: dt.date | None, at: dt.datetime) -> dt.date:
    longest = longest_approval(at)
    if expires_on is None:
        return longest
    if not timezone.localdate(at) <= expires_on <= longest:
        raise Refused(f"The last day of an approval is today or later, {longest} at the latest.")
    return expires_on


@transaction.atomic
def approve(
    integration: Integration,
    *,
    by: Person,
    at: dt.datetime,
    note: str = "",
    expires_on: dt.date | None = None,
    seen_digest: str | None = None,
) -> Approval:
    """Approve a submitted integration as it stands, until the day `expires_on` and with it.

    The terms and their digest are kept. `expires_on` is at most `settings.APPROVAL_DAYS` away and
    that by default. `seen_digest` is the digest of the terms that the officer was shown. With a
    usable live key it becomes active at once, else with its first one.
    Raises: Refused if it is not submitted, if `by` had a hand in it, or if the terms changed.
    """
    integration = locked(integration)
    in_state(integration, (State.SUBMITTED,), "approved")
    _as_read(integration, by, seen_digest)
    approval = _decide(
        integration,
        Approval.Decision.APPROVE,
        by=by,
        at=at,
        note=note,
        expires_on=_last_day(expires_on, at),
    )
    integration.state = State.APPROVED
    integration.save()
    note_event(integration, Kind.APPROVED, by=by, at=at, note=f"Until {approval.expires_on}")
    if IntegrationKey.objects.usable(at).filter(integration=integration, livemode=True).exists():
        activate(integration, by=by, at=at)
    return approval


@transaction.atomic
def renew(
    integration: Integration,
    *,
    by: Person,
    at: dt.datetime,
    note: str = "",
    expires_on: dt.date | None = None,
    seen_digest: str | None = None,
) -> Approval:
    """Approve again what stands approved, without an interruption: state and terms stay.

    Raises: Refused if nothing was approved, its terms differ, or `by` had a hand in it.
    """
    integration = locked(integration)
    in_state(integration, Integration.STANDING, "renewed")
    _as_read(integration, by, seen_digest)
    standing = standing_approval(integration)
    if standing is None or standing.terms_digest != digest(material_terms(integration)):
        raise Refused("Its terms are not those that were approved: it must be submitted again.")
    approval = _decide(
        integration,
        Approval.Decision.APPROVE,
        by=by,
        at=at,
        note=note,
        expires_on=_last_day(expires_on, at),
    )
    text = f"Renewed until {approval.expires_on}"
    note_event(integration, Kind.APPROVED, by=by, at=at, note=text)
    return approval


def _turn_down(
    integration: Integration, decision: str, *, by: Person, at: dt.datetime, note: str
) -> Approval:
    """Send a submitted integration back or away; a note that says why is required."""
    sent_back = decision == Approval.Decision.CHANGES
    integration = locked(integration)
    in_state(integration, (State.SUBMITTED,), "sent back" if sent_back else "rejected")
    _as_read(integration, by, None)
    if not note.strip():
        raise Refused("Say why: the engineer reads it.")
    approval = _decide(integration, decision, by=by, at=at, note=note)
    integration.state = State.CHANGES if sent_back else State.REJECTED
    integration.save()
    kind = Kind.CHANGES if sent_back else Kind.REJECTED
    note_event(integration, kind, by=by, at=at, note=note)
    return approval


@transaction.atomic
def request_changes(
    integration: Integration, *, by: Person, at: dt.datetime, note: str
) -> Approval:
    """Send a submitted integration back to its owner. Raises: Refused."""
    return _turn_down(integration, Approval.Decision.CHANGES, by=by, at=at, note=note)


@transaction.atomic
def reject(integration: Integration, *, by: Person, at: dt.datetime, note: str) -> Approval:
    """Refuse a submitted integration for good. Raises: Refused."""
    return _turn_down(integration, Approval.Decision.REJECT, by=by, at=at, note=note)


def activate(integration: Integration, *, by: Person | None, at: dt.datetime) -> None:
    """Set an approved integration to work; its row is locked by the caller."""
    integration.state = State.ACTIVE
    integration.save()
    note_event(integration, Kind.ACTIVATED, by=by, at=at)


@transaction.atomic
def suspend(integration: Integration, *, reason: str, by: Person, at: dt.datetime) -> Integration:
    """Stop the calls of an approved or active integration. Raises: Refused."""
    integration = locked(integration)
    in_state(integration, (State.APPROVED, State.ACTIVE), "suspended")
    if not reason.strip():
        raise Refused("Say why it is suspended.")
    integration.state = State.SUSPENDED
    integration.suspended_reason = reason.strip()[:300]
    integration.save()
    note_event(integration, Kind.SUSPENDED, by=by, at=at, note=reason.strip())
    return integration


@transaction.atomic
def resume(integration: Integration, *, by: Person, at: dt.datetime) -> Integration:
    """Let a suspended integration work again, if its approval still stands. Raises: Refused."""
    integration = locked(integration)
    in_state(integration, (State.SUSPENDED,), "resumed")
    standing = standing_approval(integration)
    if standing is None or standing.terms_digest != digest(material_terms(integration)):
        raise Refused("No approval of its terms stands: it must be submitted again.")
    if standing.expires_on is None or standing.expires_on < timezone.localdate(at):
        raise Refused("Its approval has run out: renew it before it is resumed.")
    live = IntegrationKey.objects.usable(at).filter(integration=integration, livemode=True)
    integration.state = State.ACTIVE if live.exists() else State.APPROVED
    integration.suspended_reason = ""
    integration.save()
    note_event(integration, Kind.RESUMED, by=by, at=at)
    return integration


@transaction.atomic
def retire(integration: Integration, *, by: Person, at: dt.datetime) -> Integration:
    """End an integration for good and revoke its keys. Raises: Refused if it has ended already."""
    integration = locked(integration)
    if integration.state in FINAL:
        state = integration.get_state_display().lower()
        raise Refused(f"It is {state} already.")
    integration.state = State.RETIRED
    integration.suspended_reason = ""
    integration.save()
    for key in IntegrationKey.objects.usable(at).filter(integration=integration):
        key.revoked_at, key.revoked_by_id = at, by.pk
        key.save()
    note_event(integration, Kind.RETIRED, by=by, at=at)
    return integration
