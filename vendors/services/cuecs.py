"""What is left to us after a review: CUECs to assess, conditions to close."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.models import Cuec, Document, ReportCondition
from vendors.services.saving import save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


@dataclass(frozen=True, slots=True)
class Assessment:
    """Whether we do what a report takes for granted: how, who, what shows it."""

    state: str
    our_control: str = ""
    owner: User | None = None
    evidence: str = ""
    document: Document | None = None


@transaction.atomic
def assess_cuec(cuec: Cuec, assessment: Assessment, *, by: User, on: dt.date) -> Cuec:
    """Record how a CUEC is met on the day `on`; a document given before stays if none is given.

    Raises: ValidationError, also where a newer row corrects the report.
    """
    stored = Cuec.objects.select_for_update(of=("self",)).get(pk=cuec.pk)
    if hasattr(stored.report, "replaced_by"):
        raise ValidationError("A newer row corrects this report. Assess the CUEC there.")
    stored.state, stored.our_control = assessment.state, assessment.our_control
    stored.owner, stored.evidence = assessment.owner, assessment.evidence
    stored.evidence_document = assessment.document or stored.evidence_document
    assessed = assessment.state != Cuec.State.OPEN
    stored.assessed_on, stored.assessed_by = (on, by) if assessed else (None, None)
    save_checked(stored)
    return stored


@transaction.atomic
def close_condition(
    condition: ReportCondition, state: str, *, by: User, on: dt.date, note: str = ""
) -> ReportCondition:
    """Say that a condition of a review is met, or waived with a reason.

    Raises: ValidationError, also where somebody closed it before.
    """
    stored = ReportCondition.objects.select_for_update(of=("self",)).get(pk=condition.pk)
    if stored.state != ReportCondition.State.OPEN:
        raise ValidationError(f"{stored.closed_by} has closed this condition already.")
    stored.state, stored.note = state, note
    stored.closed_by, stored.closed_on = by, on
    save_checked(stored)
    return stored
