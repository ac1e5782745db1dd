"""Runs verifications of a ledger and keeps what they found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from django.db import transaction

from audits.models import Cosignature, Ledger, Verification
from audits.services import checkpoints, kept, sealed_rows, signing, verifying
from audits.services.verifying import Mark, Report
from countersign import notes
from countersign.verifying.walk import Problem

Kind = Verification.Kind
Result = Verification.Result


def run(
    ledger: Ledger,
    kind: Kind,
    *,
    at: dt.datetime,
    given: Sequence[tuple[str, str | bytes]] = (),
    columns: bool = True,
) -> Verification:
    """Verify a ledger and store the result; the stored row says what was found.

    `given` are signed notes of checkpoints that somebody kept, each after what to call it; those
    in DATA_DIR and those that witnesses cosigned are taken anyway. What is new begins with the last
    batch that a verification passed, so that there is always something to verify.
    """
    marks, problems = kept_marks(ledger, given)
    start = 0
    if kind == Kind.INCREMENTAL:
        start, before = _go_on(ledger)
        marks = [mark for mark in marks if mark.size >= start] + before
    in_use = [k.public_key for k in checkpoints.keys(ledger.pk) if k.retired_at_index is None]
    seed = signing.seed_in_use(in_use)
    report = verifying.verify(ledger.pk, start=start, marks=marks, columns=columns, seed=seed)
    report.add(*problems)
    if columns:
        report.add(*sealed_rows.check(ledger.pk, start, report.end))
    return store(ledger, kind, report, at=at)


def store(ledger: Ledger, kind: Kind, report: Report, *, at: dt.datetime) -> Verification:
    """Keep what a verification found."""
    result = Result.PASSED if report.ok else Result.FAILED
    if not report.verified and not report.problem_count:
        result = Result.NOTHING
    with transaction.atomic():
        return Verification.objects.create(
            ledger=ledger,
            kind=kind,
            at=at,
            seconds=round(report.seconds),
            start=report.start,
            end=report.end,
            verified=report.verified,
            expected=report.expected,
            disposed=report.disposed,
            row_count=report.rows,
            checkpoint_count=report.checkpoints,
            kept_count=report.kept,
            checkpoint_root=report.root,
            received_at=dt.datetime.fromisoformat(report.received_at)
            if report.received_at
            else None,
            gaps=[list(gap) for gap in report.gaps[: verifying.TOLD]],
            problem_count=report.problem_count,
            problems=[
                {name: value for name, value in asdict(problem).items() if value != ""}
                for problem in report.problems
            ],
            result=result,
        )


def last_passed(ledger: Ledger) -> Verification | None:
    """The newest verification that found nothing wrong."""
    return Verification.objects.passed().filter(ledger=ledger).first()


def _go_on(ledger: Ledger) -> tuple[int, list[Mark]]:
    """Where a verification of what is new begins, and the root that stands there."""
    last = last_passed(ledger)
    if last is None:
        return 0, []
    mark = Mark(last.end, bytes(last.checkpoint_root), "root-differs", "last verification")
    batch = checkpoints.covering(ledger.pk, last.end - 1)
    return (batch.first_index if batch else last.end), [mark]


def kept_marks(
    ledger: Ledger, given: Iterable[tuple[str, str | bytes]] = ()
) -> tuple[list[Mark], list[Problem]]:
    """What is known of the ledger from elsewhere, and what of it cannot be read."""
    cosigned = Cosignature.objects.filter(ledger=ledger).values_list("size", "root", "witness")
    marks = [Mark(n, bytes(root), "cosigned-differs", name) for n, root, name in cosigned]
    problems: list[Problem] = []
    try:
        found = [*kept.notes_of(ledger.slug), *given]
    except (OSError, kept.NotReadable, UnicodeDecodeError):
        problems.append(Problem("kept-unreadable", 0, what="DATA_DIR"))
        found = list(given)
    for what, note in found:
        try:
            checkpoint = kept.checkpoint_of(note)
        except notes.NoteError:
            problems.append(Problem("kept-unreadable", 0, what=what))
            continue
        if ledger.origin and checkpoint.origin != ledger.origin:
            problems.append(Problem("kept-of-another", checkpoint.size, what=what))
            continue
        text = note.decode() if isinstance(note, bytes) else note
        marks.append(Mark(checkpoint.size, checkpoint.root, "kept-differs", what, text))
    return marks, problems
