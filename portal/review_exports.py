"""An access review as a file: CSV, XLSX, or the PDF that an auditor reads."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Prefetch
from django.http import FileResponse, Http404
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from evidence.services.packs_report import render_pdf
from policies.access_flags import FLAGS
from policies.models import (
    AccessReview,
    AccessReviewDecision,
    AccessReviewEntry,
    AccessReviewProof,
)
from portal.review_pages import State, figures, state_of
from portal.services.reviewing import content_digest
from vendors.exports import Cell, table_response

# A report renders about 150 rows a second; the files hold all of them.
MOST_ROWS = 400
HEADERS = (
    "Line",
    "Kind",
    "Holder",
    "What",
    "Integration",
    "Since",
    "Ends",
    "Last used",
    "Flags",
    "Decision",
    "Becomes",
    "Note",
    "Decided by",
    "Decided at",
    "Decided together",
    "Outcome",
    "Verified at",
    "Proof",
)


@dataclass(frozen=True, slots=True)
class Told:
    """A line with its newest decision and proof, and what was found when it was looked at."""

    entry: AccessReviewEntry
    state: State
    decision: AccessReviewDecision | None
    proof: AccessReviewProof | None

    @property
    def flags(self) -> str:
        return ", ".join(FLAGS[flag] for flag in self.entry.flags)

    @property
    def looks(self) -> str:
        """What was asked of the database, with what was found of what was expected."""
        looks = self.proof.looks if self.proof else []
        return "; ".join(f"{look['asked']}: {look['found']} ({look['expected']})" for look in looks)

    @property
    def first(self) -> tuple[bool, bool, int]:
        """Sorts what was taken away first, then what is flagged."""
        kept = self.decision is None or self.decision.decision == "keep"
        return kept, not self.entry.flags, self.entry.number


def told(review: AccessReview) -> Iterator[Told]:
    """Every line of the campaign, in order; four queries."""
    rows = review.entries.select_related("integration").prefetch_related(
        Prefetch("decisions", AccessReviewDecision.objects.select_related("by")),
        Prefetch("proofs", AccessReviewProof.objects.select_related("by")),
    )
    for entry in rows.order_by("number"):
        decision = next(iter(entry.decisions.all()), None)
        proof = next(iter(entry.proofs.all()), None)
        state = state_of(decision.decision if decision else None, proof.kind if proof else None)
        yield Told(entry, state, decision, proof)


def export(review: AccessReview, kind: str) -> tuple[HttpResponseBase, int]:
    """The file, and how many lines it is of. Raises: Http404 for another kind."""
    name = f"access-review-{review.pk}"
    if kind == "pdf":
        return _pdf(review, name), review.population_count
    if kind not in ("csv", "xlsx"):
        raise Http404
    rows = [_cells(each) for each in told(review)]
    return table_response(kind, name, HEADERS, rows), len(rows)


def _cells(each: Told) -> tuple[Cell, ...]:
    entry, decision, proof = each.entry, each.decision, each.proof
    return (
        entry.number,
        entry.get_kind_display(),
        entry.holder,
        entry.what,
        entry.integration.name if entry.integration else None,
        entry.since,
        entry.ends_at,
        entry.last_used_at if entry.use_known else "not recorded",
        each.flags,
        decision.get_decision_display() if decision else None,
        decision.change_to if decision else None,
        decision.note if decision else None,
        decision.by.email if decision else None,
        decision.at if decision else None,
        decision.together if decision else None,
        each.state.words,
        proof.at if proof else None,
        each.looks or (proof.reason if proof else None),
    )


def _pdf(review: AccessReview, name: str) -> FileResponse:
    """Rendered in a process of its own; dated by the campaign, so that it comes out the same."""
    lines = sorted(told(review), key=lambda each: each.first)
    until = review.closed_at or dt.datetime.max.replace(tzinfo=dt.UTC)
    context = {
        "review": review,
        "organization": settings.ORGANIZATION_NAME,
        "figures": figures(review.entries.all()),
        "lines": lines[:MOST_ROWS],
        "gone": [each for each in lines[:MOST_ROWS] if not each.first[0]],
        "more": max(0, len(lines) - MOST_ROWS),
        "intact": review.closed_at and content_digest(review, until=until) == review.closed_digest,
        "dated": review.signed_at or review.closed_at or review.started_at,
    }
    html = render_to_string("portal/accessreview_report.html", context)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    render_pdf(html, f"{name}:{review.population_digest}:{review.closed_digest}", file, _alive)
    file.seek(0)
    answer = FileResponse(
        file, as_attachment=True, filename=f"{name}.pdf", content_type="application/pdf"
    )
    answer["Cache-Control"] = "no-store, private"
    return answer


def _alive() -> None:
    """Nobody waits for signs of life but the reader."""
