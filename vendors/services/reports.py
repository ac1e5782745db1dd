"""Assurance reports: recorded, reviewed, corrected by a new row, bridged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.models import AssuranceReport, BridgeLetter, ReportScope
from vendors.services.saving import copy_of, lock_vendor, save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


@transaction.atomic
def record_report(
    report: AssuranceReport, scopes: Sequence[ReportScope], *, by: User | None
) -> AssuranceReport:
    """Store a report with the services it speaks of; both are given unsaved.

    It counts once it is reviewed. Raises: ValidationError.
    """
    lock_vendor(report.vendor)
    report.recorded_by = by
    save_checked(report)
    for scope in scopes:
        if scope.service.vendor_id != report.vendor_id:
            raise ValidationError("A report speaks of services of its own vendor only.")
        scope.report = report
        save_checked(scope)
    return report


@transaction.atomic
def correct_report(
    old: AssuranceReport, new: AssuranceReport, scopes: Sequence[ReportScope], *, by: User | None
) -> AssuranceReport:
    """Store a row that replaces `old`, which no longer counts; the review starts again.

    Its bridge letters, subservices, exceptions and CUECs are attached to the new row too; its
    conditions belong to the review and are not. Raises: ValidationError.
    """
    replace_report(old, new, scopes, by=by)
    parts = (old.bridges, old.subservices, old.exceptions, old.cuecs)
    for rows in parts:
        for row in rows.all():
            save_checked(copy_of(row, report_id=new.pk))
    return new


def replace_report(
    old: AssuranceReport, new: AssuranceReport, scopes: Sequence[ReportScope], *, by: User | None
) -> AssuranceReport:
    """As `correct_report`, without the lines of the old one. Raises: ValidationError.

    Carve-outs that the old row stood in for are linked to the new one.
    """
    lock_vendor(old.vendor)
    if AssuranceReport.objects.filter(replaces=old).exists():
        raise ValidationError("A newer row corrects this report. Correct that one.")
    new.vendor, new.replaces = old.vendor, old
    record_report(new, scopes, by=by)
    for carved in old.stands_in_for.all():
        carved.own_report = new
        save_checked(carved)
    return new


@transaction.atomic
def review_report(
    report: AssuranceReport,
    review: str,
    *,
    by: User,
    on: dt.date,
    note: str = "",
    type2_due_on: dt.date | None = None,
) -> AssuranceReport:
    """Say whether we rely on a report: one of AssuranceReport.Review.

    `type2_due_on` is the day by which a type II must have arrived, for a type I that is accepted.
    Raises: ValidationError.
    """
    stored = AssuranceReport.objects.select_for_update(no_key=True).get(pk=report.pk)
    if AssuranceReport.objects.filter(replaces=stored).exists():
        raise ValidationError("A newer row corrects this report. Review that one.")
    accepted = review in (AssuranceReport.Review.ACCEPT, AssuranceReport.Review.CONDITIONS)
    type1 = stored.kind == AssuranceReport.Kind.SOC2_TYPE1
    if type1 and accepted and type2_due_on is None:
        raise ValidationError({"type2_due_on": "Say by when the type II must have arrived."})
    if review == AssuranceReport.Review.CONDITIONS and not note.strip():
        raise ValidationError({"review_note": "Name the conditions."})
    stored.review, stored.review_note = review, note
    stored.reviewed_by, stored.reviewed_on = by, on
    stored.type2_due_on = type2_due_on if type1 else None
    save_checked(stored)
    return stored


@transaction.atomic
def add_bridge(letter: BridgeLetter, *, by: User | None) -> BridgeLetter:
    """Attach a bridge letter, given unsaved, to its type II report. Raises: ValidationError."""
    report = AssuranceReport.objects.select_for_update(no_key=True).get(pk=letter.report_id)
    if report.kind != AssuranceReport.Kind.SOC2_TYPE2 or report.period_end is None:
        raise ValidationError("A bridge letter follows the period of a type II report.")
    if letter.covers_to <= report.period_end:
        raise ValidationError({"covers_to": "The report itself covers these days already."})
    letter.recorded_by = by
    save_checked(letter)
    return letter
