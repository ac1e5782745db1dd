"""What the workbench shows around a section: its steps, the paper, what is proposed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from vendors.differences import Difference, Summary, differences
from vendors.forms.sections import SECTIONS
from vendors.models import AssuranceReport, DocumentReading, ReportDraft, Service
from vendors.pages.proposals import PROPOSABLE, Offer, offers
from vendors.reading import search
from vendors.services.report_answers import previous_report, summary_of
from vendors.services.report_reviews import revision_of

ORDER = list(SECTIONS)


@dataclass(frozen=True, slots=True)
class Viewer:
    """The paper beside the form, at one of its pages; without a paper `pages` is 0."""

    page: int
    pages: int
    document_id: int | None
    image_url: str
    whole_url: str

    @property
    def before(self) -> int | None:
        return self.page - 1 if self.page > 1 else None

    @property
    def after(self) -> int | None:
        return self.page + 1 if self.page < self.pages else None


def viewer(draft: ReportDraft, page: int) -> Viewer:
    """The paper at `page`, or at the nearest page it has."""
    document = draft.document
    count = (document.page_count or 0) if document else 0
    if document is None or not count:
        return Viewer(0, 0, None, "", "")
    shown = min(max(page, 1), count)
    return Viewer(
        shown,
        count,
        document.pk,
        reverse("vendors:document-page", args=[document.pk, shown]),
        reverse("vendors:document-view", args=[document.pk]),
    )


def steps(draft: ReportDraft, current: str) -> list[dict[str, str]]:
    """The sections; each can be opened at any time."""
    return [
        {
            "label": kind.title,
            "state": "current"
            if slug == current
            else "done"
            if slug in draft.sections_done
            else "ahead",
            "url": reverse("vendors:reportdraft-section", args=[draft.pk, slug]),
        }
        for slug, kind in SECTIONS.items()
    ]


def next_section(slug: str) -> str:
    """The section after this one; the last one again after the last."""
    return ORDER[min(ORDER.index(slug) + 1, len(ORDER) - 1)]


def reading_of(draft: ReportDraft) -> DocumentReading | None:
    """What was read in the draft's paper, if that was asked for."""
    if draft.document_id is None:
        return None
    return DocumentReading.objects.filter(document_id=draft.document_id).first()


def last_year(draft: ReportDraft) -> AssuranceReport | None:
    """The report before the one that the draft describes, as far as its days are known."""
    values = draft.answers.get("report", {}).get("values", {})
    last = _day(values.get("period_end")) or _day(values.get("as_of"))
    kind = values.get("kind") or AssuranceReport.Kind.SOC2_TYPE2
    return previous_report(draft.vendor, kind, before=last, without=(draft.replaces_id,))


def _day(iso: object) -> dt.date | None:
    return dt.date.fromisoformat(iso) if isinstance(iso, str) and iso else None


def draft_summary(draft: ReportDraft) -> Summary:
    """The draft's kept answers as a report is compared."""
    values = {slug: draft.answers.get(slug, {}).get("values", {}) for slug in SECTIONS}
    rows = {slug: draft.answers.get(slug, {}).get("rows", []) for slug in SECTIONS}
    report = values["report"]
    names = dict(Service.objects.filter(vendor=draft.vendor).values_list("pk", "name"))
    scopes = {
        name: values["scope"][f"scope_{pk}"]
        for pk, name in names.items()
        if values["scope"].get(f"scope_{pk}")
    }
    return Summary(
        first_day=_day(report.get("period_start")) or _day(report.get("as_of")),
        last_day=_day(report.get("period_end")) or _day(report.get("as_of")),
        auditor=report.get("auditor", ""),
        opinion=values["opinion"].get("opinion", ""),
        categories=frozenset(values["categories"].get("categories", [])),
        scopes=scopes,
        exceptions={row["control"]: row["failed"] for row in rows["exceptions"]},
        subservices={row["name"]: row["method"] for row in rows["subservices"]},
        cuecs=tuple((row["reference"], row["text"]) for row in rows["cuecs"]),
    )


def draft_differences(draft: ReportDraft, before: AssuranceReport | None) -> list[Difference]:
    """What differs from the report before; nothing where there is none."""
    return differences(summary_of(before), draft_summary(draft)) if before else []


def section_page(
    draft: ReportDraft, slug: str, posted: Mapping[str, Any], *, page: int, words: str = ""
) -> dict[str, Any]:
    """Everything around the form of a section."""
    reading = reading_of(draft)
    before = last_year(draft)
    found: list[Offer] = offers(draft, slug, reading, before, posted)
    texts = reading.page_texts if reading else []
    return {
        "draft": draft,
        "vendor": draft.vendor,
        "slug": slug,
        "section_title": SECTIONS[slug].title,
        "section_lede": SECTIONS[slug].lede,
        "row_word": SECTIONS[slug].row_word,
        "steps": steps(draft, slug),
        "is_last": slug == ORDER[-1],
        "viewer": viewer(draft, page),
        "reading": reading,
        "offers": found,
        "proposable": slug in PROPOSABLE,
        "open_offers": sum(not offer.used and not offer.aside for offer in found),
        "words": words,
        "hits": search(texts, words) if words.strip() and texts else [],
        "before": before,
        "differences": draft_differences(draft, before) if slug == ORDER[-1] else [],
        "revision": revision_of(draft, slug),
    }
