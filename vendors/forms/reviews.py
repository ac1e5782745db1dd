"""Forms of vendor reviews: a section of the checklist, and signing off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from vendors.checklist import Item, Section
from vendors.models import ReviewItem, Service, VendorReview
from vendors.services.pointers import Known, Pointer


@dataclass(frozen=True, slots=True)
class Row:
    """One item asked of the vendor or of a service, with its three fields.

    `last` is what the review before answered.
    """

    item: Item
    service: Service | None
    pointers: list[Pointer]
    last: ReviewItem | None
    answer: forms.BoundField
    note: forms.BoundField
    evidence: forms.BoundField


class ReviewSectionForm(forms.Form):
    """A section of the checklist for one vendor; what is left empty stays unanswered."""

    def __init__(
        self,
        *args: Any,
        section: Section,
        known: Known,
        kept: Sequence[ReviewItem],
        last: Sequence[ReviewItem],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.known = known
        self.kept = {(item.code, item.service_id): item for item in kept}
        self.last = {(item.code, item.service_id): item for item in last}
        self.asked: list[tuple[Item, Service | None]] = []
        for item in section.items:
            of: list[Service | None] = [*known.services] if item.each_service else [None]
            self.asked += [(item, service) for service in of]
        self.pointers = [known.pointers(item, service) for item, service in self.asked]
        papers = known.papers()
        for number, (item, service) in enumerate(self.asked):
            self._add(item, service, self.pointers[number], papers)

    def _add(
        self,
        item: Item,
        service: Service | None,
        pointers: list[Pointer],
        papers: list[tuple[str, str]],
    ) -> None:
        name, of = _name(item, service), f" ({service.name})" if service else ""
        kept = self.kept.get((item.code, service.pk if service else None))
        near = {each.evidence: each.text[:90] for each in pointers if each.evidence}
        chosen = _evidence_of(kept)
        near |= {} if chosen in ("", *near, *dict(papers)) else {chosen: "As chosen before"}
        choices = [*near.items(), *((key, text) for key, text in papers if key not in near)]
        self.fields[f"{name}_answer"] = forms.ChoiceField(
            choices=ReviewItem.Answer,
            required=False,
            label=f"{item.question}{of}",
            widget=forms.RadioSelect(attrs={"class": "in-row"}),
            initial=kept.answer if kept else None,
        )
        self.fields[f"{name}_evidence"] = forms.ChoiceField(
            choices=[("", "Nothing named"), *choices],
            required=False,
            label="Rests on",
            initial=chosen,
        )
        self.fields[f"{name}_note"] = forms.CharField(
            required=False, max_length=500, label="Note", initial=kept.note if kept else ""
        )

    def rows(self) -> list[Row]:
        """Everything that is asked, in order, for the template."""
        rows = []
        for (item, service), pointers in zip(self.asked, self.pointers, strict=True):
            name = _name(item, service)
            last = self.last.get((item.code, service.pk if service else None))
            fields = (self[f"{name}_{part}"] for part in ("answer", "note", "evidence"))
            rows.append(Row(item, service, pointers, last, *fields))
        return rows

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        for item, service in self.asked:
            name = _name(item, service)
            said = cleaned.get(f"{name}_note") or cleaned.get(f"{name}_evidence")
            if said and not cleaned.get(f"{name}_answer") and f"{name}_answer" not in self.errors:
                self.add_error(f"{name}_answer", "Choose an answer, or take the rest away.")
        return cleaned

    def answers(self) -> list[ReviewItem]:
        """What was answered, unsaved."""
        found = []
        for item, service in self.asked:
            name = _name(item, service)
            if not self.cleaned_data[f"{name}_answer"]:
                continue
            kind, _, number = self.cleaned_data[f"{name}_evidence"].partition(":")
            found.append(
                ReviewItem(
                    code=item.code,
                    service=service,
                    answer=self.cleaned_data[f"{name}_answer"],
                    note=self.cleaned_data[f"{name}_note"],
                    **({f"{kind}_id": int(number)} if kind else {}),
                )
            )
        return found


def _name(item: Item, service: Service | None) -> str:
    return f"{item.code}_{service.pk if service else 0}"


def _evidence_of(item: ReviewItem | None) -> str:
    """The kept evidence as the choice that names it."""
    for kind in ReviewItem.EVIDENCE:
        number = getattr(item, f"{kind}_id", None)
        if number:
            return f"{kind}:{number}"
    return ""


class FinishForm(forms.Form):
    """Signing a review off; `seen` is the digest of what the page showed."""

    outcome = forms.ChoiceField(choices=VendorReview.Outcome, widget=forms.RadioSelect)
    next_review_on = forms.DateField(
        label="Next review", required=False, help_text="Empty: as the vendor's cadence says."
    )
    note = forms.CharField(
        required=False,
        max_length=2000,
        help_text="What a reader should know. Never patient data.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    seen = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_next_review_on(self) -> dt.date | None:
        day: dt.date | None = self.cleaned_data["next_review_on"]
        if day is not None and day <= self.today:
            raise ValidationError("The next review comes after this one.")
        return day
