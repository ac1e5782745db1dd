"""What the sections of a finished review come to: the report and its lines, not saved yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from vendors.forms.sections import (
    SECTIONS,
    RowsBase,
    ScopeSection,
    Section,
    VerdictSection,
    as_posted,
    conditions_named,
    page_text,
    rows_class,
)
from vendors.models import (
    AssuranceReport,
    BridgeLetter,
    Cuec,
    Document,
    ReportCondition,
    ReportDraft,
    ReportException,
    Subservice,
)
from vendors.services.report_reviews import Parts, Verdict

# The fields of a report whose page is kept, by the name of the page's field without `_page`.
PAGED = ("kind", "period", "as_of", "issued_on", "auditor", "opinion", "categories")


@dataclass(frozen=True, slots=True)
class Filled:
    """A section with its rows, checked or not."""

    section: Section
    rows: RowsBase | None

    def is_valid(self) -> bool:
        """Check the section and all of its rows, whatever the first says."""
        checked = self.section.is_valid()
        if self.rows is not None:
            checked = self.rows.is_valid() and checked
        if checked and isinstance(self.section, VerdictSection) and self.rows is not None:
            try:
                conditions_named(self.section, self.rows)
            except ValidationError as refused:
                self.section.add_error("review", refused)
                return False
        return checked

    def hush(self) -> None:
        self.section.hush()
        if self.rows is not None:
            self.rows.hush()

    def stored(self) -> dict[str, Any]:
        """The checked answers as JSON holds them."""
        rows = self.rows.filled() if self.rows is not None else []
        kept = [{k: v for k, v in row.stored().items() if k != "DELETE"} for row in rows]
        return {"values": self.section.stored(), "rows": kept}


def fill(slug: str, draft: ReportDraft, posted: Mapping[str, Any] | None = None) -> Filled:
    """A section with what was posted, or with what the draft has kept of it."""
    kind = SECTIONS[slug]
    kept = draft.answers.get(slug, {})
    found = posted
    if found is None:
        found = as_posted(kept.get("values", {}), kept.get("rows", []))
    # A section never kept starts with its own defaults instead of as an empty form.
    bound = found if posted is not None or kept else None
    section = kind(bound, vendor=draft.vendor)
    rows = rows_class(kind, 0)(found) if kind.rows is not None else None
    return Filled(section, rows)


def wrong_sections(draft: ReportDraft) -> list[str]:
    """The sections that do not check as they are kept, or were never kept though they must be."""
    must = ("report", "opinion", "verdict")
    return [
        slug
        for slug in SECTIONS
        if (slug in draft.answers or slug in must)
        and not fill(slug, draft, as_posted_of(draft, slug)).is_valid()
    ]


def as_posted_of(draft: ReportDraft, slug: str) -> dict[str, Any]:
    """The kept answers of a section as a browser posts them."""
    kept = draft.answers.get(slug, {})
    return as_posted(kept.get("values", {}), kept.get("rows", []))


def _checked(draft: ReportDraft) -> dict[str, Filled]:
    found = {slug: fill(slug, draft, as_posted_of(draft, slug)) for slug in SECTIONS}
    for filled in found.values():
        filled.is_valid()
    return found


def report_of(draft: ReportDraft) -> tuple[AssuranceReport, Parts, Verdict]:
    """The report, its lines and our verdict, unsaved; after `wrong_sections` found none."""
    checked = _checked(draft)
    said = checked["report"].section.cleaned_data
    opinion = checked["opinion"].section.cleaned_data
    categories = checked["categories"].section.cleaned_data
    values = {**said, **opinion, **categories}
    report = AssuranceReport(
        vendor=draft.vendor,
        kind=said["kind"],
        period_start=said["period_start"],
        period_end=said["period_end"],
        as_of=said["as_of"],
        issued_on=said["issued_on"],
        auditor=said["auditor"],
        opinion=opinion["opinion"],
        categories=categories.get("categories", []),
        pages={name: page for name in PAGED if (page := values.get(f"{name}_page"))},
    )
    return report, _parts(draft, checked), _verdict(checked["verdict"])


def _rows(filled: Filled, *without: str) -> list[dict[str, Any]]:
    """The values of the rows that count, with the page as text."""
    assert filled.rows is not None
    found = []
    for form in filled.rows.filled():
        row = {k: v for k, v in form.cleaned_data.items() if k not in {"DELETE", *without}}
        if "page" in row:
            row["page"] = page_text(row["page"])
        found.append(row)
    return found


def _parts(draft: ReportDraft, checked: Mapping[str, Filled]) -> Parts:
    scope = checked["scope"].section
    assert isinstance(scope, ScopeSection)
    return Parts(
        scopes=scope.scopes(),
        exceptions=[ReportException(**row) for row in _rows(checked["exceptions"])],
        subservices=[Subservice(**row) for row in _rows(checked["subservices"])],
        cuecs=_cuecs(draft, _rows(checked["cuecs"])),
        bridges=_bridges(draft, _rows(checked["bridges"], "document")),
    )


def _cuecs(draft: ReportDraft, rows: list[dict[str, Any]]) -> list[Cuec]:
    """CUECs, with the document that showed the same one last year."""
    ids = [row["carried_from"] for row in rows if row["carried_from"]]
    known = {c.pk: c for c in Cuec.objects.filter(pk__in=ids, report__vendor=draft.vendor)}
    made = []
    for row in rows:
        earlier = known.get(row.pop("carried_from"))
        document = earlier.evidence_document if earlier else None
        made.append(Cuec(**row, carried_from=earlier, evidence_document=document))
    return made


def _bridges(draft: ReportDraft, rows: list[dict[str, Any]]) -> list[BridgeLetter]:
    """Letters with the papers that were attached here; no other document can be named."""
    attached = Document.objects.in_bulk(draft.answers.get("attached", []))
    made = []
    for row in rows:
        document = attached.get(row.pop("document_id") or 0)
        disclosed = bool(row["changes"] or row["incidents"])
        made.append(BridgeLetter(**row, document=document, discloses_changes=disclosed))
    return made


def _verdict(filled: Filled) -> Verdict:
    said = filled.section.cleaned_data
    conditional = said["review"] == AssuranceReport.Review.CONDITIONS
    return Verdict(
        said["review"],
        said["review_note"],
        said["type2_due_on"],
        [ReportCondition(**row) for row in _rows(filled)] if conditional else [],
    )
