"""What the pages of vendor reviews show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from vendors.checklist import BY_CODE, SECTIONS, Section, asked
from vendors.models import ReviewItem, Service, Vendor, VendorReview
from vendors.services.snapshots import Difference, differences, snapshot

OUTCOME_KINDS = {"valid": "ok", "changed": "soon", "retire": "bad"}
ANSWER_KINDS = {
    "yes": "ok",
    "partly": "soon",
    "no": "bad",
    "not_applicable": "neutral",
    "unknown": "bad",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A section in the row of steps, and how much of it is answered."""

    label: str
    state: str
    url: str
    answered: int
    total: int


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with its colour, and its question where it comes first."""

    item: ReviewItem
    kind: str
    first: bool


@dataclass(frozen=True, slots=True)
class SectionAnswers:
    section: Section
    rows: list[Answered]


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A review in a list."""

    review: VendorReview
    kind: str
    counts: list[tuple[str, str, int]]


def offered(vendor: Vendor, on: dt.date) -> list[Service]:
    """The services that a review asks about."""
    return list(vendor.services.offered(on).prefetch_related("regions").order_by("name"))


def steps(review: VendorReview, services: Sequence[Service], current: str) -> list[Step]:
    """The sections, then signing off, with what is answered of each."""
    answered = set(review.items.values_list("code", "service_id"))
    found = []
    for section in SECTIONS:
        of = asked([service.pk for service in services], section.code)
        done = sum(each in answered for each in of)
        state = "current" if section.code == current else "done" if done == len(of) else "ahead"
        url = reverse("vendors:review-section", args=[review.pk, section.code])
        found.append(Step(section.title, state, url, done, len(of)))
    url = reverse("vendors:review-finish", args=[review.pk])
    state = "current" if current == "finish" else "ahead"
    return [*found, Step("Sign off", state, url, 0, 0)]


def after(section: str) -> str:
    """The code of the next section; empty after the last."""
    codes = [each.code for each in SECTIONS]
    place = codes.index(section) + 1
    return codes[place] if place < len(codes) else ""


def last_finished(vendor: Vendor) -> VendorReview | None:
    """The newest review of the vendor that is signed off."""
    return vendor.reviews.finished().select_related("reviewed_by").first()


def changed_since(review: VendorReview | None, on: dt.date) -> list[Difference] | None:
    """What the register says otherwise today than at a review; None without one to compare."""
    if review is None:
        return None
    return differences(review.snapshot, snapshot(review.vendor, on))


def by_section(review: VendorReview) -> list[SectionAnswers]:
    """The answers of a review under their sections, as they were asked."""
    rows = review.items.select_related("service", "agreement", "report", "fact", "document")
    found: dict[str, list[Answered]] = {section.code: [] for section in SECTIONS}
    seen: set[str] = set()
    for item in sorted(rows, key=_place):
        kind = ANSWER_KINDS[item.answer]
        found.setdefault(item.section, []).append(Answered(item, kind, item.code not in seen))
        seen.add(item.code)
    return [SectionAnswers(BY_CODE[code], rows) for code, rows in found.items() if rows]


def _place(item: ReviewItem) -> tuple[int, str]:
    codes = [code for section in SECTIONS for code in (each.code for each in section.items)]
    place = codes.index(item.code) if item.code in codes else len(codes)
    return place, item.service.name if item.service else ""


def review_lines(vendor: Vendor) -> list[ReviewLine]:
    """Every review of the vendor, the newest first, with how many answers of each kind."""
    reviews = vendor.reviews.select_related("reviewed_by", "started_by").prefetch_related("items")
    return [_review_line(review) for review in reviews.order_by("-started_on", "-pk")]


def _review_line(review: VendorReview) -> ReviewLine:
    counts = []
    for answer in ReviewItem.Answer:
        number = sum(item.answer == answer for item in review.items.all())
        if number:
            counts.append((ANSWER_KINDS[answer], str(answer.label), number))
    return ReviewLine(review, OUTCOME_KINDS.get(review.outcome, "info"), counts)


def review_page(review: VendorReview, on: dt.date) -> dict[str, Any]:
    """What the page of one review needs."""
    line = _review_line(review)
    finished = review.state == VendorReview.State.FINISHED
    return {
        "line": line,
        "sections": by_section(review),
        "finished": finished,
        "changed": changed_since(review, on) if finished else None,
        "conditions": review.conditions.select_related("owner"),
    }
