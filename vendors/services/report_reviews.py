"""The workbench: a review of a report is written section by section, then recorded as a whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from vendors.models import (
    AssuranceReport,
    BridgeLetter,
    Cuec,
    Document,
    ReportCondition,
    ReportDraft,
    ReportException,
    ReportScope,
    Subservice,
    Vendor,
)
from vendors.services.report_answers import answers_of
from vendors.services.reports import add_bridge, record_report, replace_report, review_report
from vendors.services.saving import lock_vendor, save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


class Stale(Exception):
    """Somebody else stored the section after this person had opened it."""

    def __init__(self, by: str, at: str) -> None:
        super().__init__("The section was stored by somebody else.")
        self.by, self.at = by, at


class Finished(Exception):
    """Somebody else finished the review; `report` is what it became."""

    def __init__(self, report: AssuranceReport) -> None:
        super().__init__("The review is finished.")
        self.report = report


@dataclass(frozen=True, slots=True)
class Parts:
    """The lines of a report, unsaved and without their report."""

    scopes: Sequence[ReportScope] = ()
    exceptions: Sequence[ReportException] = ()
    subservices: Sequence[Subservice] = ()
    cuecs: Sequence[Cuec] = ()
    bridges: Sequence[BridgeLetter] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether we rely on a report, and on which conditions; these are unsaved."""

    review: str
    note: str = ""
    type2_due_on: dt.date | None = None
    conditions: Sequence[ReportCondition] = field(default_factory=tuple)


@transaction.atomic
def begin_draft(vendor: Vendor, *, by: User, document: Document | None = None) -> ReportDraft:
    """Begin the review of a new report of a vendor."""
    draft = ReportDraft(vendor=vendor, document=document, author=by, changed_by=by)
    save_checked(draft)
    return draft


@transaction.atomic
def open_draft(report: AssuranceReport, *, by: User) -> ReportDraft:
    """The review of a recorded report: the one that is open, or a new one with all it says.

    Raises: ValidationError if a newer row corrects the report.
    """
    lock_vendor(report.vendor)
    if AssuranceReport.objects.filter(replaces=report).exists():
        raise ValidationError("A newer row corrects this report. Review that one.")
    begun = ReportDraft.objects.open().filter(replaces=report).first()
    if begun is not None:
        return begun
    draft = ReportDraft(
        vendor=report.vendor,
        document=report.document,
        replaces=report,
        answers=answers_of(report),
        author=by,
        changed_by=by,
    )
    save_checked(draft)
    return draft


def _locked(draft: ReportDraft) -> ReportDraft:
    """The draft as it stands, for nobody else to change. Raises: Finished; DoesNotExist."""
    stored = ReportDraft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
    if stored.finished_as is not None:
        raise Finished(stored.finished_as)
    return stored


def revision_of(draft: ReportDraft, section: str) -> int:
    """How often the section was stored; a form carries it, to notice another person's."""
    return int(draft.answers.get(section, {}).get("revision", 0))


@transaction.atomic
def keep_section(
    draft: ReportDraft,
    section: str,
    answers: Mapping[str, Any],
    *,
    revision: int,
    by: User,
    at: dt.datetime,
) -> ReportDraft:
    """Store the answers of a section, `values` and `rows` as JSON holds them.

    Raises: Stale if somebody else stored the section since `revision`; Finished.
    """
    stored = _locked(draft)
    known = stored.answers.get(section, {})
    if int(known.get("revision", 0)) != revision and known.get("by") not in (None, by.pk):
        raise Stale(known["name"], known["at"])
    stored.answers[section] = {
        **answers,
        "revision": int(known.get("revision", 0)) + 1,
        "by": by.pk,
        "name": str(by),
        "at": at.isoformat(),
    }
    stored.sections_done = sorted({*stored.sections_done, section})
    stored.revision += 1
    stored.changed_by = by
    stored.save()
    return stored


@transaction.atomic
def attach_document(draft: ReportDraft, document: Document, *, by: User) -> ReportDraft:
    """Put another paper beside the form. Raises: Finished."""
    stored = _locked(draft)
    stored.document, stored.changed_by = document, by
    stored.save()
    return stored


@transaction.atomic
def note_attachment(draft: ReportDraft, document: Document) -> ReportDraft:
    """Remember a letter that came with a row: rows can name no other document. Raises: Finished."""
    stored = _locked(draft)
    stored.answers["attached"] = sorted({*stored.answers.get("attached", ()), document.pk})
    stored.save(update_fields=["answers"])
    return stored


@transaction.atomic
def set_aside(draft: ReportDraft, key: str, *, aside: bool) -> ReportDraft:
    """Note that a person looked at a proposal and does not take it, or take that back.

    Raises: Finished.
    """
    stored = _locked(draft)
    kept = set(stored.answers.get("aside", ()))
    kept = kept | {key} if aside else kept - {key}
    stored.answers["aside"] = sorted(kept)
    stored.save(update_fields=["answers"])
    return stored


@transaction.atomic
def discard_draft(draft: ReportDraft) -> None:
    """Throw a review away; what was recorded before stays. Raises: Finished."""
    _locked(draft).delete()


@transaction.atomic
def finish_review(
    draft: ReportDraft,
    report: AssuranceReport,
    parts: Parts,
    verdict: Verdict,
    *,
    by: User,
    on: dt.date,
) -> AssuranceReport:
    """Record the report with all its lines and our verdict; it stands from then on.

    `report` and `parts` are given unsaved. Where the draft reviews a recorded report, the new row
    takes its place. `draft.revision` is the state that the person saw.

    Raises: Finished; Stale if somebody stored a section since; ValidationError, and then nothing
    is recorded.
    """
    stored = _locked(draft)
    if stored.revision != draft.revision:
        raise Stale(str(stored.changed_by), stored.updated_at.isoformat())
    report.vendor, report.document = stored.vendor, stored.document
    report.exception_count = len(parts.exceptions)
    if stored.replaces is None:
        record_report(report, parts.scopes, by=by)
    else:
        replace_report(stored.replaces, report, parts.scopes, by=by)
    _record_lines(report, parts, by=by, on=on)
    finished = review_report(
        report,
        verdict.review,
        by=by,
        on=on,
        note=verdict.note or _said_by(verdict.conditions),
        type2_due_on=verdict.type2_due_on,
    )
    for condition in verdict.conditions:
        condition.report = finished
        save_checked(condition)
    stored.finished_as, stored.answers, stored.changed_by = finished, {}, by
    stored.save()
    return finished


def _said_by(conditions: Sequence[ReportCondition]) -> str:
    """The note where the person left it to the conditions."""
    return "\n".join(each.text for each in conditions)[:2000]


def _record_lines(report: AssuranceReport, parts: Parts, *, by: User, on: dt.date) -> None:
    for exception in parts.exceptions:
        exception.report = report
        save_checked(exception)
    for subservice in parts.subservices:
        subservice.report = report
        save_checked(subservice)
    for cuec in parts.cuecs:
        cuec.report = report
        if cuec.state != Cuec.State.OPEN:
            cuec.assessed_on, cuec.assessed_by = on, by
        save_checked(cuec)
    for letter in parts.bridges:
        letter.report = report
        add_bridge(letter, by=by)
