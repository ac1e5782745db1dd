"""BAAs and DPAs: recorded, amended by a new version, terminated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.lifecycle import last_day
from vendors.models import Agreement, AgreementClause, AgreementRequest, CoveredScope, Document
from vendors.services.requests import close_request
from vendors.services.saving import lock_vendor, save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


@transaction.atomic
def record_agreement(
    agreement: Agreement,
    covers: Sequence[CoveredScope],
    *,
    by: User | None,
    closes: AgreementRequest | None = None,
) -> Agreement:
    """Store a signed agreement with what it covers; both are given unsaved.

    `closes` is the open request that it answers. Raises: ValidationError, for example where it
    overlaps another of its kind and account.
    """
    lock_vendor(agreement.vendor)
    agreement.recorded_by = by
    save_checked(agreement)
    for scope in covers:
        if scope.service.vendor_id != agreement.vendor_id:
            raise ValidationError("An agreement covers services of its own vendor only.")
        scope.agreement = agreement
        save_checked(scope)
    if closes is not None:
        close_request(closes, agreement)
    return agreement


@transaction.atomic
def amend_agreement(
    old: Agreement,
    new: Agreement,
    covers: Sequence[CoveredScope],
    *,
    by: User | None,
    closes: AgreementRequest | None = None,
) -> Agreement:
    """Store the next version of `old`, which holds until the day before `new` starts.

    Vendor, kind, reference and version of `new` are taken from `old`; the rest is its own. What
    was read of the old clauses is carried over as proposals, which count once they are confirmed.
    Raises: ValidationError; then `old` stands as before.
    """
    lock_vendor(old.vendor)
    stored = Agreement.objects.get(pk=old.pk)
    if stored.superseded_on is not None:
        raise ValidationError("A newer version exists. Amend that one.")
    if stored.terminated_on is not None:
        raise ValidationError("It was terminated. Record a new agreement instead.")
    if new.starts_on < stored.starts_on:
        raise ValidationError({"starts_on": "A new version cannot start before the old one."})
    # First the old row ends, then the new one begins: the other order overlaps for a moment.
    stored.superseded_on = new.starts_on
    save_checked(stored)
    new.vendor, new.kind, new.reference = stored.vendor, stored.kind, stored.reference
    new.version, new.amends = stored.version + 1, stored
    record_agreement(new, covers, by=by, closes=closes)
    _carry_clauses(stored, new)
    return new


def _carry_clauses(old: Agreement, new: Agreement) -> None:
    for clause in old.clauses.all():
        said = {name: getattr(clause, name) for name in ("code", "reading", "page", "days", "note")}
        save_checked(AgreementClause(agreement=new, **said))


@transaction.atomic
def terminate_agreement(
    agreement: Agreement, *, on: dt.date, reason: str, return_due_on: dt.date | None = None
) -> Agreement:
    """End an agreement: `on` is the first day on which it no longer holds.

    With `return_due_on` the proof that data came back or was destroyed is due by that day. The
    history names who did it. Raises: ValidationError if it ended already or has not begun.
    """
    lock_vendor(agreement.vendor)
    stored = Agreement.objects.get(pk=agreement.pk)
    last = stored.last_day()
    if last is not None and last < on:
        raise ValidationError({"terminated_on": "It has ended by that day already."})
    if on < stored.starts_on:
        raise ValidationError({"terminated_on": "It cannot be terminated before its first day."})
    stored.terminated_on, stored.termination_reason = on, reason
    if return_due_on is not None:
        _ask(stored, return_due_on)
    save_checked(stored)
    return stored


def _ask(agreement: Agreement, due_on: dt.date) -> None:
    last = last_day(agreement)
    if last is None or due_on <= last:
        raise ValidationError({"return_due_on": "The proof comes after the last day in force."})
    agreement.return_state = Agreement.ReturnState.PENDING
    agreement.return_due_on = due_on


@transaction.atomic
def ask_return(agreement: Agreement, *, due_on: dt.date) -> Agreement:
    """Ask for the proof that data came back or was destroyed, by the day `due_on`.

    Source: 45 CFR 164.504(e)(2)(ii)(J); GDPR Art. 28(3)(g). Raises: ValidationError if nothing
    ends the agreement, or if the proof is there.
    """
    stored = Agreement.objects.select_for_update(no_key=True).get(pk=agreement.pk)
    if stored.return_state not in ("", Agreement.ReturnState.PENDING):
        raise ValidationError("The proof is recorded already.")
    _ask(stored, due_on)
    save_checked(stored)
    return stored


@transaction.atomic
def confirm_return(
    agreement: Agreement,
    outcome: str,
    *,
    by: User,
    on: dt.date,
    document: Document | None = None,
    note: str = "",
) -> Agreement:
    """Record that data was returned or destroyed, or that neither is feasible.

    `outcome` is one of Agreement.ReturnState but pending. Returned and destroyed need the proof
    as a document, infeasible a note that says why: the protections then go on.
    Source: 45 CFR 164.504(e)(2)(ii)(J). Raises: ValidationError.
    """
    stored = Agreement.objects.select_for_update(no_key=True).get(pk=agreement.pk)
    state = Agreement.ReturnState
    if stored.return_state != state.PENDING:
        raise ValidationError("No proof is awaited.")
    if outcome not in (state.RETURNED, state.DESTROYED, state.INFEASIBLE):
        raise ValidationError({"return_state": "Choose what happened to the data."})
    if outcome == state.INFEASIBLE and not note:
        raise ValidationError({"return_note": "Say why neither is feasible."})
    if outcome != state.INFEASIBLE and document is None:
        raise ValidationError({"document": "Attach the proof."})
    stored.return_state, stored.return_document, stored.return_note = outcome, document, note
    stored.return_confirmed_by, stored.return_confirmed_on = by, on
    save_checked(stored)
    return stored
