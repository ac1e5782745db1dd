"""The workbench's sections: the form of each one, and of its rows where it is a grid.

A section takes `vendor`, and gives its values as JSON holds them. The same form reads what a
person posted and what the draft has kept: its names are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict

from vendors.forms.papers import PdfField
from vendors.forms.section_rows import (
    WIDE,
    BridgeRow,
    ConditionRow,
    CuecRow,
    ExceptionRow,
    PageField,
    Quiet,
    SubserviceRow,
)
from vendors.models import (
    AssuranceReport,
    ReportScope,
    Vendor,
)
from vendors.numbers import whole

Kind = AssuranceReport.Kind
# The kinds whose reports are read line by line; the others are recorded by the short form.
READ_IN_FULL = (Kind.SOC2_TYPE2, Kind.SOC2_TYPE1, Kind.SOC1)
MOST_ROWS = 120


class RowsBase(forms.BaseFormSet):
    """The rows of a grid; those left empty or marked for removal do not count."""

    def filled(self) -> list[Quiet]:
        """The rows that count, in order; after they were checked."""
        return [
            form
            for form in self.forms
            if form.has_changed() and not form.cleaned_data.get("DELETE") and form.cleaned_data
        ]

    def hush(self) -> None:
        for form in self.forms:
            form.hush()
        self._errors: list[ErrorDict] = [ErrorDict() for _ in self.forms]
        self._non_form_errors = self.error_class()


class Section(Quiet):
    """One section. `lines` are the fields as they stand beside one another."""

    slug: ClassVar[str]
    title: ClassVar[str]
    lede: ClassVar[str] = ""
    rows: ClassVar[type[Quiet] | None] = None
    row_word: ClassVar[str] = ""
    # Fields of a row by which a proposal is known again.
    row_key: ClassVar[str] = ""

    def __init__(self, *args: Any, vendor: Vendor, **kwargs: Any) -> None:
        self.vendor = vendor
        super().__init__(*args, **kwargs)

    def lines(self) -> Iterator[list[forms.BoundField]]:
        """The fields, each with the page it was read on where it has one."""
        for name in self.fields:
            if not name.endswith("_page"):
                page = f"{name}_page"
                yield [self[name], self[page]] if page in self.fields else [self[name]]


class ReportSection(Section):
    slug, title = "report", "Report"
    lede = "What the cover and the auditor's letter say."

    document = PdfField(label="The vendor's PDF")
    kind = forms.ChoiceField(choices=[("", "Choose"), *((k.value, k.label) for k in READ_IN_FULL)])
    kind_page = PageField()
    period_start = forms.DateField(required=False, label="Period from", help_text="First day.")
    period_page = PageField()
    period_end = forms.DateField(
        required=False, label="Period to", help_text="Last day; it counts."
    )
    as_of = forms.DateField(required=False, label="As of", help_text="For a type I: its one day.")
    as_of_page = PageField()
    issued_on = forms.DateField(required=False, label="Auditor's letter of")
    issued_on_page = PageField()
    auditor = forms.CharField(max_length=160)
    auditor_page = PageField()

    def lines(self) -> Iterator[list[forms.BoundField]]:
        yield [self["document"]]
        yield [self["kind"], self["kind_page"]]
        yield [self["period_start"], self["period_end"], self["period_page"]]
        for name in ("as_of", "issued_on", "auditor"):
            yield [self[name], self[f"{name}_page"]]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        start, end = cleaned.get("period_start"), cleaned.get("period_end")
        type1 = cleaned.get("kind") == Kind.SOC2_TYPE1
        if type1 and not cleaned.get("as_of"):
            self.add_error("as_of", "A type I describes one day: give it.")
        if cleaned.get("kind") == Kind.SOC2_TYPE2 and not (start and end):
            self.add_error("period_start", "A type II covers a period: give both its days.")
        if start and end and end < start:
            self.add_error("period_end", "The period ends before it begins.")
        if type1:
            cleaned["period_start"] = cleaned["period_end"] = None
        return cleaned


class OpinionSection(Section):
    slug, title = "opinion", "Opinion"
    lede = "Read the paragraph of the opinion itself; a qualified one says so before it."

    opinion = forms.ChoiceField(choices=AssuranceReport.Opinion, widget=forms.RadioSelect)
    opinion_page = PageField()


class ScopeSection(Section):
    slug, title = "scope", "Scope"
    lede = "Whether the system description speaks of what we use: not the title, the description."

    def __init__(self, *args: Any, vendor: Vendor, **kwargs: Any) -> None:
        super().__init__(*args, vendor=vendor, **kwargs)
        self.services = list(vendor.services.all())
        for service in self.services:
            self.fields[f"scope_{service.pk}"] = forms.ChoiceField(
                label=f"{service.name} in scope",
                choices=[("", "Not said"), *ReportScope.InScope.choices],
                required=False,
            )
            self.fields[f"page_{service.pk}"] = PageField()

    def lines(self) -> Iterator[list[forms.BoundField]]:
        for service in self.services:
            yield [self[f"scope_{service.pk}"], self[f"page_{service.pk}"]]

    def scopes(self) -> list[ReportScope]:
        """What the report says of each service, unsaved."""
        said = self.cleaned_data
        return [
            ReportScope(
                service=service,
                in_scope=said[f"scope_{service.pk}"],
                page=page_text(said.get(f"page_{service.pk}")),
            )
            for service in self.services
            if said.get(f"scope_{service.pk}")
        ]


class CategoriesSection(Section):
    slug, title = "categories", "Categories"
    lede = "The trust services categories that the auditor examined."

    categories = forms.MultipleChoiceField(
        choices=AssuranceReport.Category,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Trust services categories",
    )
    categories_page = PageField()


class ExceptionsSection(Section):
    slug, title = "exceptions", "Exceptions"
    lede = "Tests that did not pass, what the vendor says of them and what we make of each."
    rows, row_word, row_key = ExceptionRow, "exception", "failed"


class SubservicesSection(Section):
    slug, title = "subservices", "Subservices"
    lede = "Who the vendor builds on. What is carved out is not covered by this report."
    rows, row_word, row_key = SubserviceRow, "subservice", "name"


class CuecsSection(Section):
    slug, title = "cuecs", "CUECs"
    lede = "What the report takes for granted on our side. Each becomes a line of the register."
    rows, row_word, row_key = CuecRow, "CUEC", "text"


class BridgesSection(Section):
    slug, title = "bridges", "Bridge letters"
    lede = "What the vendor's management says of the days after the period."
    rows, row_word, row_key = BridgeRow, "letter", "covers_from"


class VerdictSection(Section):
    slug, title = "verdict", "Verdict"
    lede = "Whether we rely on the report. It stands once you record it."
    rows, row_word, row_key = ConditionRow, "condition", "text"

    review = forms.ChoiceField(
        label="Verdict",
        widget=forms.RadioSelect,
        choices=[c for c in AssuranceReport.Review.choices if c[0] != "pending"],
    )
    review_note = forms.CharField(
        required=False, max_length=2000, label="Note", widget=forms.Textarea(attrs=WIDE)
    )
    type2_due_on = forms.DateField(
        required=False,
        label="Type II due",
        help_text="For a type I: the day by which a type II must have arrived.",
    )


SECTIONS: dict[str, type[Section]] = {
    each.slug: each
    for each in (
        ReportSection,
        OpinionSection,
        ScopeSection,
        CategoriesSection,
        ExceptionsSection,
        SubservicesSection,
        CuecsSection,
        BridgesSection,
        VerdictSection,
    )
}


def page_text(page: int | None) -> str:
    """A page as a stored row names it."""
    return str(page) if page else ""


def rows_class(section: type[Section], extra: int) -> type[RowsBase]:
    """The formset of a section's rows, with `extra` empty ones."""
    assert section.rows is not None
    made: Any = forms.formset_factory(
        section.rows,
        formset=RowsBase,
        extra=extra,
        can_delete=True,
        max_num=MOST_ROWS,
        absolute_max=MOST_ROWS + 1,  # else a count that somebody made up builds 1,120 forms
        validate_max=True,
    )
    rows: type[RowsBase] = made
    return rows


def row_count(posted: Mapping[str, Any]) -> int:
    """How many rows were posted, at most MOST_ROWS; 0 where that is no number."""
    return min(whole(posted.get("form-TOTAL_FORMS"), digits=5), MOST_ROWS)


def as_posted(values: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Kept answers under the names and in the shapes in which a browser posts them."""
    posted = {name: value for name, value in values.items() if value is not None}
    posted |= {"form-TOTAL_FORMS": str(len(rows)), "form-INITIAL_FORMS": "0"}
    for number, row in enumerate(rows):
        for name, value in row.items():
            if value is not None and value is not False:
                posted[f"form-{number}-{name}"] = value if value is not True else "on"
    return posted


def conditions_named(section: VerdictSection, rows: RowsBase) -> None:
    """Refuse an acceptance with conditions that names none. Raises: ValidationError."""
    conditional = section.cleaned_data.get("review") == AssuranceReport.Review.CONDITIONS
    if conditional and not rows.filled():
        raise ValidationError("Name at least one condition with the day it is due.")
